/** A quote with how it stands; it leads to its page. */
import { quoteMark } from "./marks.js";
import type { Reading } from "./paper.js";
import type { Quote } from "./protocol.js";

const WORDS = { verified: "✓ Verified", "near miss": "≈ Near miss", "not found": "✗ Not found" };
const MEANINGS = {
  verified: "The paper says this, word for word",
  "near miss": "The paper says something like this, in other words",
  "not found": "The paper does not say this",
};

/** `reading`: null where there are no pages to go to. */
export function QuoteView({ quote, reading }: { quote: Quote; reading: Reading | null }) {
  const mark = quoteMark(quote);
  const badge = (
    <span class="wb-badge-of-quote" data-of={quote.status} title={MEANINGS[quote.status]}>
      {WORDS[quote.status]}
      {quote.page !== null && `, p. ${quote.page}`}
    </span>
  );
  const words = <q>{quote.quote}</q>;
  return (
    <div class="wb-quote" data-of={quote.status}>
      {mark && reading ? (
        <button type="button" class="wb-entry" aria-current={reading.spot.key === mark.key} onClick={() => reading.look(mark)}>
          <span>
            {badge} {words}
          </span>
        </button>
      ) : (
        <p>
          {badge} {words}
        </p>
      )}
      {quote.status === "near miss" && (
        <p class="wb-soft">
          The paper says: <q>{quote.found}</q>
        </p>
      )}
    </div>
  );
}

/** Finding words in the paper. Where they do not stand, what comes near them is shown: so a quote can be checked, too. */
import { useEffect, useState } from "preact/hooks";
import { typed } from "../box.js";
import { count } from "../words.js";
import { foundMark, quoteMarks } from "./marks.js";
import type { Reading } from "./paper.js";
import type { Found, Occurrence } from "./protocol.js";
import { QuoteView } from "./quote.js";

/** So many that the kernel stops looking. */
const MOST = 200;

export function FindTab({ reading, shown }: { reading: Reading; shown: boolean }) {
  const { kernel, paper, mark, look } = reading;
  const [found, setFound] = useState<Found | null>(null);
  const [trouble, setTrouble] = useState("");
  const [text, setText] = useState("");
  const marks = found ? [...found.places.map(foundMark), ...quoteMarks(found.quote ? [found.quote] : [])] : [];
  useEffect(() => {
    if (shown && found) mark(marks);
  }, [shown, found]);
  const search = async () => {
    if (!text.trim()) return;
    setTrouble("");
    try {
      const { facts } = await kernel.ask<Found>({ type: "find", paper: paper.id, text });
      setFound(facts);
      const [first] = facts.places.map(foundMark);
      if (first) look(first);
    } catch (error) {
      setTrouble((error as Error).message);
    }
  };
  return (
    <div class="wb-pad">
      <form
        class="wb-row"
        onSubmit={(event) => {
          event.preventDefault();
          void search();
        }}
      >
        <input
          type="search"
          class="wb-input wb-grow"
          aria-label="Find in the paper"
          placeholder="Words, or a quote to check"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={typed(() => void search())}
        />
        <button type="submit" class="wb-button">
          Find
        </button>
      </form>
      {trouble && (
        <p class="wb-trouble" role="alert">
          {trouble}
        </p>
      )}
      {found && (
        <p class="wb-soft" role="status">
          {found.places.length
            ? count(found.places.length, "place") + (found.places.length >= MOST ? ", and perhaps more" : "")
            : found.quote?.status === "verified"
              ? "The paper says this, with other marks or hyphens."
              : "The paper does not say this in these words."}
        </p>
      )}
      {found?.quote && <QuoteView quote={found.quote} reading={reading} />}
      <ul class="wb-places">
        {found?.places.map((place) => (
          <Hit key={place.boxes.join()} place={place} reading={reading} />
        ))}
      </ul>
    </div>
  );
}

function Hit({ place, reading }: { place: Occurrence; reading: Reading }) {
  const mark = foundMark(place);
  return (
    <li>
      <button type="button" class="wb-entry" aria-current={reading.spot.key === mark.key} onClick={() => reading.look(mark)}>
        <span>
          …{place.before}
          <mark>{place.found}</mark>
          {place.after}…
        </span>
        <span class="wb-page-number">{place.page}</span>
      </button>
    </li>
  );
}

/** What a paper consists of: concerns first, then abstract, sections, figures and tables; each leads to its page. */
import type { Mark } from "./marks.js";
import type { Reading } from "./paper.js";
import type { Captioned, Heading } from "./protocol.js";

/** Points above the first line of a section, where its heading stands. */
const ABOVE = 36;

export function OutlineTab({ reading, concerns }: { reading: Reading; concerns: Mark[] }) {
  const { paper } = reading;
  return (
    <div class="wb-outline">
      {concerns.length > 0 && <Concerns reading={reading} concerns={concerns} />}
      <Abstract text={paper.abstract} />
      <nav aria-label="Sections">
        <ul>
          {paper.outline.map((heading, place) => (
            <Entry key={place} heading={heading} reading={reading} />
          ))}
        </ul>
      </nav>
      {!paper.outline.length && <p class="wb-soft">No headings were recognised.</p>}
      <Captions title="Figures" all={paper.figures} reading={reading} />
      <Captions title="Tables" all={paper.tables} reading={reading} />
    </div>
  );
}

export function Abstract({ text }: { text: string }) {
  return (
    <details class="wb-abstract">
      <summary>Abstract</summary>
      <p>{text || "None was recognised."}</p>
    </details>
  );
}

function Entry({ heading, reading }: { heading: Heading; reading: Reading }) {
  const { number, title, level, page, top } = heading;
  return (
    <li class="wb-heading" style={{ "--wb-depth": Math.min(level, 6) - 1 }}>
      <button type="button" class="wb-entry" onClick={() => reading.go(page, top === null ? null : top - ABOVE)}>
        <span>{[number, title || "Before the first heading"].filter(Boolean).join(" ")}</span>
        <span class="wb-page-number">{page}</span>
      </button>
    </li>
  );
}

function Captions({ title, all, reading }: { title: string; all: Captioned[]; reading: Reading }) {
  if (!all.length) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul>
        {all.map(({ label, caption, page, top }) => (
          <li key={`${label} ${page} ${top}`}>
            <button
              type="button"
              class="wb-entry"
              title={caption}
              onClick={() => reading.go(page, top === null ? null : top - 12)}
            >
              <span class="wb-one-line">
                {label} {caption}
              </span>
              <span class="wb-page-number">{page}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Concerns({ reading, concerns }: { reading: Reading; concerns: Mark[] }) {
  return (
    <section class="wb-concerns" aria-label="Concerns">
      <h3>Beware</h3>
      <p class="wb-soft">Text that no reader sees, or that addresses a model. It may be harmless; look at it.</p>
      <ul>
        {concerns.map((mark) => (
          <li key={mark.key}>
            <button
              type="button"
              class="wb-entry"
              aria-current={reading.spot.key === mark.key}
              onClick={() => reading.look(mark)}
            >
              <span>{mark.label.slice("Beware, ".length)}</span>
              <span class="wb-page-number">{mark.page}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

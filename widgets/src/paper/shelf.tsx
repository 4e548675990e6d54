/** The shelf: papers to find, to open, and to choose two of. */
import { useEffect, useState } from "preact/hooks";
import { count } from "../words.js";
import { type Desk, Nothing } from "./app.js";
import { useAsked } from "./asked.js";
import type { Row, Shelf } from "./protocol.js";
import { Standing } from "./standing.js";
import { byline, day, ids } from "./words.js";

/** Milliseconds of quiet after which what was typed is looked for. */
const QUIET = 250;

interface Props {
  desk: Desk;
  query: string;
  look: (query: string) => void;
}

export function ShelfView({ desk, query, look }: Props) {
  const [wanted, want] = useState(query);
  const [chosen, choose] = useState<readonly string[]>([]);
  const asked = useAsked<Shelf>(desk.kernel, { type: "shelf", text: wanted });
  useEffect(() => {
    const timer = setTimeout(() => want(query), QUIET);
    return () => clearTimeout(timer);
  }, [query]);
  const papers = asked.reply?.facts.papers;
  // The third takes the place of the first: two is what can be compared.
  const toggle = (id: string) => choose(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen.slice(-1), id]);
  return (
    <>
      <div class="wb-top">
        <div class="wb-tools">
          <span class="wb-topic">Papers</span>
          <input
            type="search"
            class="wb-input wb-grow"
            aria-label="Find papers"
            placeholder="Title, author, year or id"
            value={query}
            onInput={(event) => look(event.currentTarget.value)}
          />
          <span class="wb-found" role="status">
            {papers ? count(papers.length, "paper") : ""}
          </span>
          <button
            type="button"
            class="wb-button"
            aria-disabled={chosen.length !== 2}
            title="Choose two papers to see them beside each other"
            onClick={() => chosen.length === 2 && desk.open(...chosen)}
          >
            Compare
          </button>
          <button type="button" class="wb-button" onClick={asked.again}>
            Refresh
          </button>
        </div>
      </div>
      <div class="wb-middle">
        <div class="wb-scroll">
          {!papers || asked.trouble ? <Nothing {...asked} /> : <Rows {...{ papers, chosen, toggle, desk, wanted }} />}
        </div>
      </div>
    </>
  );
}

interface RowsProps {
  papers: Row[];
  chosen: readonly string[];
  toggle: (id: string) => void;
  desk: Desk;
  wanted: string;
}

function Rows({ papers, chosen, toggle, desk, wanted }: RowsProps) {
  if (!papers.length) {
    const text = wanted.trim() ? "No paper on the shelf fits." : "No papers yet. %paper add FILE puts one on the shelf.";
    return <p class="wb-empty">{text}</p>;
  }
  return (
    <ul class="wb-shelf">
      {papers.map((row) => (
        <li key={row.id} class="wb-row-of-shelf">
          <input
            type="checkbox"
            aria-label={`Choose ${row.title}`}
            title="Choose for comparing"
            checked={chosen.includes(row.id)}
            onChange={() => toggle(row.id)}
          />
          <div class="wb-about">
            <button type="button" class="wb-name" onClick={() => desk.open(row.id)}>
              {row.title}
            </button>
            <p class="wb-soft">{byline(row.authors, 4)}</p>
            <p class="wb-soft">
              {ids(row)} · added {day(row.added_at)}
            </p>
          </div>
          <Standing row={row} />
        </li>
      ))}
    </ul>
  );
}

/** Two papers beside each other. */
import type { ComponentChildren } from "preact";
import { Back, type Desk, Nothing } from "./app.js";
import { useAsked } from "./asked.js";
import { Card } from "./assessment.js";
import type { Paper } from "./protocol.js";
import { Standing } from "./standing.js";
import { SummariesTab } from "./summaries.js";
import { byline, ids } from "./words.js";

export function Compare({ desk, ids: two }: { desk: Desk; ids: [string, string] }) {
  return (
    <>
      <div class="wb-top">
        <div class="wb-tools">
          <Back desk={desk} />
          <span class="wb-topic">Two papers</span>
        </div>
      </div>
      <div class="wb-two">
        {two.map((id) => (
          <Column key={id} desk={desk} id={id} />
        ))}
      </div>
    </>
  );
}

function Column({ desk, id }: { desk: Desk; id: string }) {
  const asked = useAsked<Paper>(desk.kernel, { type: "paper", paper: id });
  const paper = asked.reply?.facts;
  if (!paper || asked.trouble) {
    return (
      <section class="wb-scroll" aria-label={id}>
        <Nothing {...asked} />
      </section>
    );
  }
  const [newest] = paper.assessments;
  return (
    <section
      class="wb-scroll"
      aria-label={paper.title}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
    >
      <div class="wb-pad">
        <button type="button" class="wb-name" onClick={() => desk.open(id)}>
          {paper.title}
        </button>
        <p class="wb-soft">{byline(paper.authors, 4)}</p>
        <p class="wb-soft">{ids(paper)}</p>
        <Standing row={paper} />
      </div>
      <Part title="Abstract">
        <p class="wb-text wb-pad">{paper.abstract || "None was recognised."}</p>
      </Part>
      <Part title="Assessment">
        {newest ? (
          <div class="wb-pad">
            <Card assessment={newest} core={desk.core} reading={null} />
          </div>
        ) : (
          <p class="wb-pad wb-soft">Not assessed yet.</p>
        )}
      </Part>
      <Part title="Summaries">
        <SummariesTab core={desk.core} say={desk.say} paper={paper} />
      </Part>
      <Part title="Outline">
        <ul class="wb-headings wb-pad">
          {paper.outline.map(({ number, title, level, page }, place) => (
            <li key={place} class="wb-heading" style={{ "--wb-depth": Math.min(level, 6) - 1 }}>
              <span>{[number, title || "Before the first heading"].filter(Boolean).join(" ")}</span>
              <span class="wb-page-number">{page}</span>
            </li>
          ))}
        </ul>
      </Part>
    </section>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="wb-chapter">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

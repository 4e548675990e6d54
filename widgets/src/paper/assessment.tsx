/** What a debate came to about the paper. */
import { useEffect, useState } from "preact/hooks";
import { CopyButton } from "../copy-button.js";
import type { Core } from "../parts.js";
import { count, money } from "../words.js";
import { Markdown } from "./markdown.js";
import { quoteMarks } from "./marks.js";
import type { Reading } from "./paper.js";
import type { Assessment, Claim, Estimate, Weeks } from "./protocol.js";
import { QuoteView } from "./quote.js";
import { day, percent, verdictWord, weeks } from "./words.js";

export function AssessmentTab({ reading }: { reading: Reading }) {
  const { assessments, id } = reading.paper;
  const [chosen, choose] = useState(assessments[0]?.id ?? "");
  const shown = assessments.find((each) => each.id === chosen) ?? assessments[0];
  useEffect(() => {
    if (shown) reading.mark(quoteMarks(shown.claims.map(({ quote }) => quote)));
  }, [shown]);
  if (!shown) return <NoAssessment id={id} say={reading.say} />;
  return (
    <div class="wb-pad">
      {assessments.length > 1 && (
        <label class="wb-row wb-soft">
          Assessment
          <select class="wb-input wb-grow" value={shown.id} onChange={(event) => choose(event.currentTarget.value)}>
            {assessments.map((each) => (
              <option key={each.id} value={each.id}>
                {day(each.created_at)}: {each.question}
              </option>
            ))}
          </select>
        </label>
      )}
      <Card assessment={shown} core={reading.core} reading={reading} />
    </div>
  );
}

function NoAssessment({ id, say }: { id: string; say: (text: string) => void }) {
  const command = `%paper assess ${id} --question "Should we build this?"`;
  return (
    <div class="wb-pad wb-make">
      <p class="wb-soft">The paper was not assessed yet. A debate does that:</p>
      <p class="wb-row">
        <code>{command}</code>
        <CopyButton text={() => command} label="Copy" name="Copy the command" say={say} />
      </p>
    </div>
  );
}

interface CardProps {
  assessment: Assessment;
  core: Core;
  /** null where there are no pages beside it. */
  reading: Reading | null;
}

export function Card({ assessment, core, reading }: CardProps) {
  const { question, reasoning, claims, dissent, context, estimates, dialogue, cost, model, created_at } = assessment;
  return (
    <article class="wb-assessment">
      <p class="wb-question">{question}</p>
      <Figures assessment={assessment} />
      {reasoning && <Markdown core={core} text={reasoning} />}
      <Claims claims={claims} reading={reading} />
      <Points title="Benefits" points={assessment.benefits} />
      <Points title="Risks" points={assessment.risks} />
      <Points title="Prerequisites" points={assessment.prerequisites} />
      {dissent && (
        <section>
          <h3>Dissent</h3>
          <p class="wb-text">{dissent}</p>
        </section>
      )}
      <Estimates all={estimates} />
      {context && (
        <details>
          <summary>What the team said of itself</summary>
          <p class="wb-text">{context}</p>
        </details>
      )}
      <p class="wb-soft">
        {day(created_at)} · judged by {model} · {money(cost)}
        {reading && (
          <>
            {" · "}
            <button type="button" class="wb-link" onClick={() => reading.debate(dialogue)}>
              debate {dialogue}
            </button>
          </>
        )}
      </p>
    </article>
  );
}

function Figures({ assessment }: { assessment: Assessment }) {
  const { implementable, difficulty, confidence } = assessment;
  return (
    <>
      <p class="wb-verdict" data-of={implementable ? "good" : "bad"}>
        {implementable ? "✓" : "✗"} {verdictWord(assessment)}
      </p>
      <dl class="wb-figures">
        <div>
          <dt>Will it work?</dt>
          <dd>{percent(confidence)} likely</dd>
          <meter aria-label="Confidence" min={0} max={1} value={confidence} />
        </div>
        <div>
          <dt>Difficulty</dt>
          <dd>{difficulty} of 10</dd>
          <meter aria-label="Difficulty" min={0} max={10} value={difficulty} />
        </div>
        <div>
          <dt title="The bounds hold with a probability of 80 %">Work</dt>
          <dd>{weeks(assessment.weeks)}</dd>
          <Span weeks={assessment.weeks} longest={Math.max(assessment.weeks.high, 1)} />
        </div>
      </dl>
    </>
  );
}

/** An interval on a line from 0 to `longest` weeks, the likely value marked. */
function Span({ weeks: { low, likely, high }, longest }: { weeks: Weeks; longest: number }) {
  const at = (value: number) => `${Math.max(0, Math.min(100, (value / longest) * 100))}%`;
  return (
    <span class="wb-span" aria-hidden="true">
      <span class="wb-span-inner" style={{ insetInlineStart: at(low), insetInlineEnd: `calc(100% - ${at(high)})` }} />
      <span class="wb-span-likely" style={{ insetInlineStart: at(likely) }} />
    </span>
  );
}

function Claims({ claims, reading }: { claims: Claim[]; reading: Reading | null }) {
  if (!claims.length) return null;
  const verified = claims.filter(({ quote }) => quote.status === "verified").length;
  return (
    <section>
      <h3>
        {count(claims.length, "claim")}, {verified} with a verified quote
      </h3>
      <ul class="wb-claims">
        {claims.map((claim, place) => (
          <li key={place}>
            <p>
              {claim.text}{" "}
              <span class="wb-soft" title={claim.model}>
                ({claim.by})
              </span>
            </p>
            <QuoteView quote={claim.quote} reading={reading} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Points({ title, points }: { title: string; points: string[] }) {
  if (!points.length) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul class="wb-points">
        {points.map((point) => (
          <li key={point}>{point}</li>
        ))}
      </ul>
    </section>
  );
}

function Estimates({ all }: { all: Estimate[] }) {
  if (!all.length) return null;
  const longest = Math.max(1, ...all.map(({ weeks: { high } }) => high));
  return (
    <details>
      <summary>What each model held</summary>
      <table class="wb-estimates">
        <thead>
          <tr>
            <th>Who</th>
            <th>Can it?</th>
            <th>Works</th>
            <th>Weeks</th>
          </tr>
        </thead>
        <tbody>
          {all.map((each) => (
            <tr key={each.turn + each.by}>
              <td title={`${each.model}, ${each.turn}`}>
                {each.by}
                <span class="wb-soft"> {each.model}</span>
              </td>
              <td>{each.implementable ? "yes" : "no"}</td>
              <td>{percent(each.confidence)}</td>
              <td title={weeks(each.weeks)}>
                {each.weeks.likely} <Span weeks={each.weeks} longest={longest} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

/** How far a paper has come, as a few labels. */
import { count } from "../words.js";
import type { Row } from "./protocol.js";
import { decisionWord, percent, verdictWord, weeks } from "./words.js";

type Stands = Pick<Row, "verdict" | "branch" | "decision" | "concerns" | "retracted"> & { summaries: readonly unknown[] };

export function Standing({ row }: { row: Stands }) {
  const { summaries, verdict, branch, decision, concerns, retracted } = row;
  return (
    <ul class="wb-tags" aria-label="Standing">
      {retracted && <Label of="bad" text="Retracted" />}
      {concerns > 0 && (
        <Label of="warn" text={count(concerns, "concern")} title="Hidden text, or text that addresses a model" />
      )}
      {decision && <Label of="done" text={decisionWord(decision)} title="Decided" />}
      {branch && <Label of="done" text="Branch" title={branch} />}
      {verdict && (
        <Label
          of={verdict.implementable ? "good" : "bad"}
          text={verdictWord(verdict)}
          title={`${percent(verdict.confidence)} confident, difficulty ${verdict.difficulty} of 10, ${weeks(verdict.weeks)}`}
        />
      )}
      {summaries.length > 0 && <Label of="plain" text={count(summaries.length, "summary", "summaries")} />}
      {!summaries.length && !verdict && !branch && !decision && <Label of="plain" text="New" />}
    </ul>
  );
}

function Label({ of, text, title = "" }: { of: string; text: string; title?: string }) {
  return (
    <li class="wb-tag" data-of={of} title={title}>
      {text}
    </li>
  );
}

/** Summaries at four levels: those that there are, and how to make the others. */
import { useState } from "preact/hooks";
import { CopyButton } from "../copy-button.js";
import type { Core } from "../parts.js";
import { count, money } from "../words.js";
import { Markdown } from "./markdown.js";
import type { Level, Paper } from "./protocol.js";
import { LEVELS } from "./words.js";

interface Props {
  core: Core;
  say: (text: string) => void;
  paper: Pick<Paper, "id" | "summaries">;
}

export function SummariesTab({ core, say, paper }: Props) {
  const first = LEVELS.find(({ level }) => paper.summaries.some((summary) => summary.level === level));
  const [shown, show] = useState<Level>(first?.level ?? "sentence");
  const all = paper.summaries.filter(({ level }) => level === shown);
  const command = `%paper summarize ${paper.id} --level ${shown}`;
  return (
    <div class="wb-pad">
      <fieldset class="wb-choice" aria-label="Level">
        {LEVELS.map(({ level, title }) => (
          <button
            key={level}
            type="button"
            class="wb-button"
            aria-pressed={level === shown}
            data-empty={!paper.summaries.some((summary) => summary.level === level)}
            onClick={() => show(level)}
          >
            {title}
          </button>
        ))}
      </fieldset>
      {all.map(({ text, words, cut, model, cost, created_at }) => (
        <article key={`${model} ${created_at}`} class="wb-answered">
          <Markdown core={core} text={text} />
          <p class="wb-soft">
            {count(words, "word")}
            {cut && ", its end cut off"} · {model} · {money(cost)}
          </p>
        </article>
      ))}
      {!all.length && (
        <div class="wb-make">
          <p class="wb-soft">There is none of this length yet. This makes one:</p>
          <p class="wb-row">
            <code>{command}</code>
            <CopyButton text={() => command} label="Copy" name="Copy the command" say={say} />
          </p>
        </div>
      )}
    </div>
  );
}

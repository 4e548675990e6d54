/** What was said, as Markdown for the clipboard. */
import { visible } from "./markdown/index.js";
import type { TurnFacts } from "./protocol.js";
import type { State } from "./store.js";
import { capital, lower, standing } from "./words.js";

export function spokenBy({ model, served }: TurnFacts): string {
  return served && served !== model ? `${served} for ${model}` : model;
}

function section(turn: TurnFacts): string {
  const parts = [`## ${turn.title} (${spokenBy(turn)})`];
  if (turn.status !== "completed")
    parts.push(`*${capital(turn.status.replace("_", " "))}${turn.error ? `: ${turn.error}` : ""}*`);
  if (turn.text.trim()) parts.push(visible(turn.text).trim());
  return parts.join("\n\n");
}

export function asMarkdown({ dialogue, turns }: State): string {
  const state = lower(standing(dialogue));
  const ending = dialogue.reason ? `${state}: ${dialogue.reason}` : state;
  return `${[`# ${dialogue.topic}`, `${dialogue.mode}, ${ending}`, ...turns.map(section)].join("\n\n")}\n`;
}

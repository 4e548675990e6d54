/** What was said, as Markdown for the clipboard. */
import { visible } from "./markdown/index.js";
import type { ChildFacts, TurnFacts } from "./protocol.js";
import type { Told } from "./store.js";
import { capital, lower, standing } from "./words.js";

export function spokenBy({ model, served, person }: TurnFacts): string {
  if (person) return "a person";
  return served && served !== model ? `${served} for ${model}` : model;
}

const below = (child: ChildFacts): string =>
  `- Sub-dialogue ${child.id} (${child.mode}, ${lower(standing(child))}): ${child.topic}`;

function section(turn: TurnFacts, children: readonly ChildFacts[]): string {
  const parts = [`## ${turn.title} (${spokenBy(turn)}${turn.edited ? ", edited by a person" : ""})`];
  if (turn.status !== "completed")
    parts.push(`*${capital(turn.status.replace("_", " "))}${turn.error ? `: ${turn.error}` : ""}*`);
  if (turn.text.trim()) parts.push(visible(turn.text).trim());
  if (children.length) parts.push(children.map(below).join("\n"));
  return parts.join("\n\n");
}

export function asMarkdown({ dialogue, turns }: Told): string {
  const state = lower(standing(dialogue));
  const ending = dialogue.reason ? `${state}: ${dialogue.reason}` : state;
  const said = turns.map((turn) => section(turn, dialogue.children?.filter((child) => child.turn === turn.id) ?? []));
  return `${[`# ${dialogue.topic}`, `${dialogue.mode}, ${ending}`, ...said].join("\n\n")}\n`;
}

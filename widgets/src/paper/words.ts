/** The few words of the paper panel. */
import { count } from "../words.js";
import type { Level, Row, Verdict, Weeks } from "./protocol.js";

export const LEVELS: readonly { level: Level; title: string }[] = [
  { level: "sentence", title: "Sentence" },
  { level: "paragraph", title: "Paragraph" },
  { level: "detailed", title: "Detailed" },
  { level: "technical", title: "Technical" },
];

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

const figure = (value: number): string => String(Math.round(value * 10) / 10);

export function weeks({ low, likely, high }: Weeks): string {
  return `${figure(likely)} ${likely === 1 ? "week" : "weeks"} (${figure(low)} to ${figure(high)})`;
}

export const verdictWord = ({ implementable }: Pick<Verdict, "implementable">): string =>
  implementable ? "Implementable" : "Not implementable";

/** Surnames of up to three authors. */
export function byline(authors: string[], most = 3): string {
  if (!authors.length) return "No author recognised";
  return authors.length > most ? `${authors.slice(0, most).join(", ")} and ${authors.length - most} more` : authors.join(", ");
}

export const ids = ({ year, arxiv_id, doi, pages }: Pick<Row, "year" | "arxiv_id" | "doi" | "pages">): string =>
  [year, arxiv_id && `arXiv:${arxiv_id}`, doi && `doi:${doi}`, count(pages, "page")].filter(Boolean).join(" · ");

export function decisionWord(kind: string): string {
  return { merge: "Merge", reject: "Rejected", archive: "Archived", needs_more_research: "More research" }[kind] ?? kind;
}

/** 2026-11-21, in the reader's time zone. */
export function day(at: number): string {
  const date = new Date(at * 1000);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

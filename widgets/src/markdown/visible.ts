/**
 * Text without what one does not see: the rule of `visible` in workbench/dialogue/export/facts.py, ANSI escapes first.
 */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g;
/** Half of a surrogate pair: with the `u` flag a whole pair is one character and does not match. */
const LONE = /[\ud800-\udfff]/gu;

/** Return the text without ANSI escapes, control characters, and marks that reorder or hide what one reads. */
export function visible(text: string): string {
  return text.replace(UNSEEN, "").replace(LONE, "\ufffd");
}

/** What `visible` makes of a text, with line ends as Markdown wants them, and the way back to places in the text itself. */
export interface Cleaned {
  text: string;
  /** The place in the original text of a place in `text`. */
  origin(at: number): number;
}

const CHANGED = new RegExp(`${UNSEEN.source}|\\r\\n?`, "g");

export function clean(raw: string): Cleaned {
  const cuts: { at: number; gone: number }[] = [];
  let gone = 0;
  const text = raw
    .replace(CHANGED, (match: string, ...rest: unknown[]) => {
      const kept = match.startsWith("\r") ? "\n" : "";
      if (match.length > kept.length) {
        const at = rest.find((part) => typeof part === "number") as number;
        cuts.push({ at: at - gone, gone: match.length - kept.length });
        gone += match.length - kept.length;
      }
      return kept;
    })
    .replace(LONE, "\ufffd");
  return { text, origin: (at) => cuts.reduce((place, cut) => (cut.at < at ? place + cut.gone : place), at) };
}

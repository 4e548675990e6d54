/**
 * Formulas in Markdown, found by the same rules as in workbench/dialogue/export/maths.py: `$x$`, `$$x$$`, `\(x\)`, `\[x\]`.
 *
 * A single dollar opens a formula only by pandoc's rule (no space inside the delimiters, no digit after the closing one), so
 * that "$5 and $10" stays money. Laid out by the rich chunk; without it, or when it cannot, the source is shown.
 */
import type { MarkedExtension, Tokens } from "marked";
import { escapeHtml } from "./escape.js";
import { rich } from "./host.js";

/** Delimiters in one text; a search begins at each, so there is an end to them. */
const MOST = 5_000;
const INLINE =
  /\$\$([^`]{1,4000}?)\$\$|\$(?![\s$])((?:\\[\s\S]|[^$`\\]){1,4000})(?<!\s)\$(?!\d)|\\\(([^`]{1,4000}?)\\\)|\\\[([^`]{1,4000}?)\\\]/y;
const BLOCK =
  / {0,3}(?:\$\$((?:(?!\$\$|\n[ \t]*\n)[\s\S]){1,4000})\$\$|\\\[((?:(?!\\\]|\n[ \t]*\n)[\s\S]){1,4000})\\\])[ \t]*(?:\n|$)/y;
const ALL_INLINE = new RegExp(INLINE.source, "g");
const OPENER = /\$|\\[([]/g;
const BEFORE_MONEY = /[\p{L}\p{N}$]$/u;

interface Maths extends Tokens.Generic {
  type: "maths" | "mathsBlock";
  source: string;
  tex: string;
  display: boolean;
}

/** Whether a text has so many delimiters that it is no text with formulas. */
export function hasTooMany(text: string): boolean {
  return (text.match(OPENER)?.length ?? 0) > MOST;
}

/** Whether it is worth looking for formulas in a text. */
export function mayHaveMaths(text: string): boolean {
  return text.search(OPENER) >= 0 && !hasTooMany(text);
}

/** Whether a text has a formula, code aside. */
export function hasMaths(text: string): boolean {
  return mayHaveMaths(text) && text.search(ALL_INLINE) >= 0;
}

function token(type: Maths["type"], match: RegExpMatchArray, display: boolean): Maths | undefined {
  const tex = match.slice(1).find((group) => group !== undefined);
  if (!tex?.trim()) return undefined;
  return { type, raw: match[0], source: match[0].trim(), tex: tex.trim(), display };
}

function matchAt(pattern: RegExp, text: string): RegExpMatchArray | null {
  pattern.lastIndex = 0;
  return pattern.exec(text);
}

function render(formula: Maths): string {
  const html = rich()?.maths(formula.tex, formula.display) ?? `<code class="wb-math">${escapeHtml(formula.source)}</code>`;
  return formula.type === "mathsBlock" ? `<p>${html}</p>\n` : html;
}

export const mathsExtension: MarkedExtension = {
  extensions: [
    {
      name: "mathsBlock",
      level: "block",
      start(src) {
        const paragraph = src.slice(0, 4_000);
        const end = paragraph.search(/\n[ \t]*\n/);
        const at = (end < 0 ? paragraph : paragraph.slice(0, end)).search(/\n {0,3}(?:\$\$|\\\[)/);
        return at < 0 ? undefined : at + 1;
      },
      tokenizer(src) {
        const match = matchAt(BLOCK, src);
        return match ? token("mathsBlock", match, true) : undefined;
      },
      renderer: (formula) => render(formula as Maths),
    },
    {
      name: "maths",
      level: "inline",
      start: (src) => (src.includes("$") ? src.indexOf("$") : undefined),
      tokenizer(src, before) {
        if (src[0] !== "$" && src[0] !== "\\") return undefined;
        const match = matchAt(INLINE, src);
        if (!match || (src[0] === "$" && BEFORE_MONEY.test(before.at(-1)?.raw ?? ""))) return undefined;
        return token("maths", match, match[1] !== undefined || match[4] !== undefined);
      },
      renderer: (formula) => render(formula as Maths),
    },
  ],
  // Stars and underscores of a formula are no emphasis.
  hooks: { emStrongMask: (src) => src.replace(ALL_INLINE, (formula) => "a".repeat(formula.length)) },
};

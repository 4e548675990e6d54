/**
 * Markdown to blocks of HTML, by marked. Raw HTML is text, images are links, links lead to pages and mailboxes only.
 *
 * What comes out is sanitised in `draw.ts` as if none of this had been done.
 */
import { Lexer, Marked, Parser, type Token, type Tokens, type TokensList } from "marked";
import { escapeHtml } from "./escape.js";
import { rich } from "./host.js";
import { mathsExtension, mayHaveMaths } from "./maths.js";

/** Characters that are still laid out. */
export const LONGEST = 200_000;
/** Stars, underscores, tildes and brackets in one paragraph: the parser's time grows with the square of those never closed. */
const MARKS = 2_000;
/** Columns of a table times lines of the text: a short row counts as a whole one. */
const CELLS = 50_000;
/** Blocks and spans inside one another. */
const DEEPEST = 64;
/** Characters of code that are still coloured, and of code that is still being written. */
const CODE = 20_000;
const GROWING_CODE = 2_000;
/** Characters of an image's address that are shown. */
const ADDRESS = 200;
const WEB = /^(?:https?|mailto):/i;

class Bounded extends Lexer {
  private depth = 0;

  override blockTokens(src: string, tokens?: Token[], clipped?: boolean): Token[];
  override blockTokens(src: string, tokens?: TokensList, clipped?: boolean): TokensList;
  override blockTokens(src: string, tokens: Token[] = [], clipped = false): Token[] {
    return this.deeper(() => super.blockTokens(src, tokens, clipped));
  }

  override inlineTokens(src: string, tokens: Token[] = []): Token[] {
    if (count(src, /[*_~[]/g) > MARKS) {
      tokens.push({ type: "text", raw: src, text: src, escaped: false });
      return tokens;
    }
    return this.deeper(() => super.inlineTokens(src, tokens));
  }

  private deeper(read: () => Token[]): Token[] {
    if (this.depth >= DEEPEST) throw new RangeError("nested too deep");
    this.depth += 1;
    try {
      return read();
    } finally {
      this.depth -= 1;
    }
  }
}

/** Whether an image is being written inside a link, and whether a block may still grow. */
let inLink = false;
let growing = false;

function makeMarked(): Marked {
  return new Marked({
    gfm: true,
    tokenizer: {
      html: () => undefined,
      tag: () => undefined,
      // Where a definition leads is seen by nobody, so that of a link which is not made stays on the page.
      def(src) {
        const address = this.rules.block.def.exec(src)?.[2];
        return address === undefined || WEB.test(address.replace(/^</, "")) ? false : undefined;
      },
    },
    renderer: {
      html: ({ text }) => escapeHtml(text),
      checkbox: ({ checked }) => (checked ? "[x] " : "[ ] "),
      code: ({ text, lang }) => `<pre><code>${coloured(text, lang ?? "")}\n</code></pre>\n`,
      image({ href, text }) {
        const shown = href.length > ADDRESS ? `${href.slice(0, ADDRESS)}…` : href;
        const label = escapeHtml(text ? `${text} (${shown})` : shown);
        return inLink || !WEB.test(href) ? label : `<a href="${escapeHtml(href)}">${label}</a>`;
      },
      link({ href, title, tokens, raw }) {
        if (!WEB.test(href)) return escapeHtml(raw);
        const outer = inLink;
        inLink = true;
        const label = this.parser.parseInline(tokens);
        inLink = outer;
        return `<a href="${escapeHtml(href)}"${title ? ` title="${escapeHtml(title)}"` : ""}>${label}</a>`;
      },
      tablecell({ tokens, header, align }) {
        const tag = header ? "th" : "td";
        const side = align === "right" || align === "center" ? ` class="wb-${align}"` : "";
        return `<${tag}${side}>${this.parser.parseInline(tokens)}</${tag}>\n`;
      },
    },
  });
}

const ordinary = makeMarked();
const mathematical = makeMarked().use(mathsExtension);

function coloured(code: string, info: string): string {
  const language = info.match(/^\S*/)?.[0] ?? "";
  if (!language || code.length > (growing ? GROWING_CODE : CODE)) return escapeHtml(code);
  return rich()?.highlight(code, language) ?? escapeHtml(code);
}

/** Return a text's blocks, in order; null for a text that is better shown plain: too long, too deep, or made to take long. */
export function blocks(text: string, links: TokensList["links"]): TokensList | null {
  if (text.length > LONGEST || mayHaveHugeTable(text)) return null;
  const lexer = new Bounded({ ...(mayHaveMaths(text) ? mathematical : ordinary).defaults });
  Object.assign(lexer.tokens.links, links);
  try {
    return lexer.lex(text);
  } catch {
    return null;
  }
}

/** Return a block as HTML, not sanitised yet. `open`: it may still grow. */
export function html(block: Token, open: boolean): string {
  inLink = false;
  growing = open;
  return Parser.parse([block], mathematical.defaults);
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/** Whether the text has a line that could stand below the head of a table, and so many lines that it would fill the page. */
function mayHaveHugeTable(text: string): boolean {
  const rules = (text.match(/^[ \t>|:-]+$/gm) ?? []).filter((line) => line.includes("-"));
  const columns = rules.reduce((most, line) => Math.max(most, count(line, /\|/g)), 0);
  return columns > 1 && columns * count(text, /\n/g) > CELLS;
}

/** Whether the block only moves others apart, or says where links lead. */
export function isSilent(block: Token): boolean {
  return block.type === "space" || block.type === "def";
}

export type { Token, Tokens };
export type Links = TokensList["links"];

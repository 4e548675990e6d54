/**
 * A growing text as DOM: blocks that can no longer change stay as they are, and only the tail is read and drawn again.
 *
 * The last two blocks may still change (a fence that is not closed, a list that goes on, a line that becomes a table's head), so
 * they are the tail. `finish` reads the whole once more and draws again what came out otherwise, so that in the end the page is
 * the same as if the text had come at once.
 */
import { hasRich } from "./host.js";
import { hasTooMany } from "./maths.js";
import { blocks, html, isSilent, type Links, LONGEST, type Token } from "./parse.js";
import { sanitise } from "./sanitise.js";
import { type Cleaned, clean, visible } from "./visible.js";

/** Blocks at the end that may still change. */
const TAIL = 2;
/** A tail longer than this is read again only now and then; until then what comes is added to it as it stands. */
const LONG_TAIL = 4_000;
const LONGER_TAIL = 16_000;
/** Words, and marks that mean nothing to Markdown. */
const QUIET = /^(?:[\p{L}\p{N} ,;'"?%–—]|[.:](?= ))*$/u;
/** A line in which there are words already, so that it cannot become something else. */
const IN_LINE = /\p{L}{2,}.*[\p{L}\p{N} ,;]$/u;
/** Elements whose text can simply go on. */
const FLOWS = new Set(["p", "li", "h1", "h2", "h3", "h4", "h5", "h6"]);

interface Block {
  raw: string;
  /** Whether it was drawn as one that still grows, and with the rich chunk. */
  open: boolean;
  rich: boolean;
  nodes: ChildNode[];
}

/** Draw a whole text. */
export function renderInto(el: HTMLElement, text: string): void {
  new StreamRenderer(el).finish(text);
}

export class StreamRenderer {
  readonly #el: HTMLElement;
  #raw: string | null = null;
  #blocks: Block[] = [];
  /** How many blocks are settled, and where in `#raw` the tail begins. */
  #settled = 0;
  #tailAt = 0;
  /** How much of `#raw` has been read; what came later waits in `#pending`. */
  #readTo = 0;
  #pending: Text | null = null;
  #links: Links = {};
  #plain: HTMLElement | null = null;

  constructor(el: HTMLElement) {
    this.#el = el;
  }

  /** Show a text that is the one before with more at its end (if it is not, all is drawn anew). */
  update(text: string): void {
    if (text === this.#raw) return;
    if (this.#raw === null || !text.startsWith(this.#raw)) this.#clear();
    this.#raw = text;
    if (!this.#read(text)) this.#showPlain(text);
  }

  /** Show the whole text, which will not grow any more. */
  finish(text: string): void {
    if (this.#raw === null) this.#clear();
    this.#raw = text;
    if (!this.#readAll(text)) this.#showPlain(text);
  }

  /** Read what is new; false if the text is better shown plain. */
  #read(text: string): boolean {
    if (this.#plain || text.length > LONGEST) return false;
    if (this.#postponed(text)) return true;
    const tail = clean(text.slice(this.#tailAt));
    const tokens = blocks(tail.text, this.#links);
    if (!tokens) return false;
    this.#readTo = text.length;
    this.#show(tokens, this.#settled, true);
    this.#settle(tokens, tail);
    return true;
  }

  #readAll(text: string): boolean {
    const whole = clean(text).text;
    const tokens = blocks(whole, {});
    if (!tokens) return false;
    // A link's address may have come after the link, and the count of dollars may have passed what is still read as formulas.
    if (this.#plain || Object.keys(tokens.links).length > 0 || hasTooMany(whole)) this.#clear();
    this.#show(tokens, 0, false);
    this.#settled = this.#tailAt = 0;
    this.#readTo = text.length;
    return true;
  }

  #clear(): void {
    this.#el.replaceChildren();
    this.#blocks = [];
    this.#settled = this.#tailAt = this.#readTo = 0;
    this.#pending = this.#plain = null;
    this.#links = {};
  }

  #showPlain(text: string): void {
    if (!this.#plain) {
      this.#clear();
      this.#plain = this.#el.ownerDocument.createElement("pre");
      this.#el.append(this.#plain);
    }
    this.#plain.textContent = visible(text);
  }

  /** Bring the blocks from one on up to date, from the first that differs. */
  #show(tokens: Token[], from: number, growing: boolean): void {
    this.#pending?.remove();
    this.#pending = null;
    const seen = tokens.filter((token) => !isSilent(token));
    const rich = hasRich();
    const open = (at: number) => growing && at === seen.length - 1 && seen[at]?.type === "code";
    const same = (block: Block | undefined, at: number) =>
      block !== undefined && block.raw === seen[at]?.raw && block.open === open(at) && block.rich === rich;
    let first = 0;
    while (first < seen.length && same(this.#blocks[from + first], first)) first += 1;
    for (const block of this.#blocks.splice(from + first)) for (const node of block.nodes) node.remove();
    const fresh = seen.slice(first).map((token, at) => ({ raw: token.raw, open: open(first + at), rich, token }));
    const nodes = drawn(fresh.map(({ token, open }) => html(token, open)));
    this.#el.append(...nodes.flat());
    this.#blocks.push(...fresh.map(({ raw, open, rich }, at) => ({ raw, open, rich, nodes: nodes[at] ?? [] })));
  }

  /** Take the blocks before the last few as they are from now on. */
  #settle(tokens: Token[] & { links: Links }, tail: Cleaned): void {
    const seen = tokens.filter((token) => !isSilent(token));
    const next = seen.at(-TAIL);
    if (seen.length <= TAIL || !next || tokens.reduce((sum, { raw }) => sum + raw.length, 0) !== tail.text.length) return;
    const before = tokens.slice(0, tokens.indexOf(next));
    this.#settled += seen.length - TAIL;
    this.#tailAt += tail.origin(before.reduce((sum, { raw }) => sum + raw.length, 0));
    this.#links = tokens.links;
  }

  /** Add what came as it stands, without reading the tail again; whether that will do for now. */
  #postponed(text: string): boolean {
    const last = this.#blocks.at(-1)?.nodes.at(-1);
    if (!last) return false;
    const added = clean(text.slice(this.#readTo)).text;
    const end = endOf(this.#pending?.parentNode ? this.#pending : last);
    if (!this.#isQuiet(text, added, end) && !this.#isLong(text, added)) return false;
    if (!this.#pending?.parentNode) {
      this.#pending = this.#el.ownerDocument.createTextNode("");
      if (end instanceof Text) end.after(this.#pending);
      else end.append(this.#pending);
    }
    this.#pending.data = added;
    return true;
  }

  /** Whether words go on in the middle of a line, so that Markdown could say nothing else about them. */
  #isQuiet(text: string, added: string, end: Text | Element): boolean {
    if (!(end instanceof Text) || !FLOWS.has(end.parentElement?.localName ?? "") || !QUIET.test(added)) return false;
    return IN_LINE.test(text.slice(text.lastIndexOf("\n", this.#readTo - 1) + 1, this.#readTo));
  }

  /** Whether the tail is so long that what came is not worth reading it all again; where a fence may end, it is. */
  #isLong(text: string, added: string): boolean {
    const tail = text.length - this.#tailAt;
    if (tail < LONG_TAIL || added.length * (tail < LONGER_TAIL ? 16 : 8) > tail) return false;
    return !(this.#blocks.at(-1)?.open && /```|~~~/.test(added));
  }
}

/** Return the nodes of each block, sanitised together, for most of what that costs is to begin. */
function drawn(blocks: string[]): ChildNode[][] {
  const together = elements(blocks.join(""));
  if (together.length === blocks.length) return together.map((node) => [node]);
  return blocks.map(elements);
}

function elements(html: string): ChildNode[] {
  return [...sanitise(html).childNodes].filter((node) => node.nodeName !== "#text" || node.nodeValue?.trim());
}

/** Where a text goes on that ends with this node: the last text in it, or the last element that has none. */
function endOf(node: ChildNode): Text | Element {
  let at: ChildNode | null = node.lastChild;
  while (at instanceof Text && !at.data.trim()) at = at.previousSibling;
  if (node instanceof Text) return node;
  return at ? endOf(at) : (node as Element);
}

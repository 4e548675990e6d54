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
    for (const [at, token] of seen.entries()) {
      if (at < first) continue;
      const nodes = [...sanitise(html(token, open(at))).childNodes].filter(
        (node) => node.nodeName !== "#text" || node.nodeValue?.trim(),
      );
      this.#el.append(...nodes);
      this.#blocks.push({ raw: token.raw, open: open(at), rich, nodes });
    }
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

  /** Add to a long tail what came, without reading all of it again; whether that will do for now. */
  #postponed(text: string): boolean {
    const tail = text.length - this.#tailAt;
    const fresh = text.length - this.#readTo;
    const last = this.#blocks.at(-1);
    if (tail < LONG_TAIL || fresh * 16 > tail || !last) return false;
    const { text: added } = clean(text.slice(this.#readTo));
    if (last.open ? /```|~~~/.test(added) : fresh * 64 > tail && added.includes("\n\n")) return false;
    if (!this.#pending?.isConnected) {
      this.#pending = this.#el.ownerDocument.createTextNode("");
      deepest(last.nodes.at(-1) ?? this.#el).append(this.#pending);
    }
    this.#pending.data = added;
    return true;
  }
}

/** The last element inside the last element, and so on: where a text goes on. */
function deepest(node: ChildNode | HTMLElement): Element {
  let element = node instanceof Element ? node : (node.parentElement as Element);
  while (element.lastElementChild && element.lastElementChild === element.lastChild) element = element.lastElementChild;
  return element;
}

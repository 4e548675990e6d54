/** Finds words in what is drawn, and marks them without touching the document. */

/** So many marks that nobody goes through them one by one. */
export const MOST = 1_000;

/** A query as a pattern: letters in any case, any white space for white space. */
export function pattern(query: string): RegExp | null {
  const words = query.trim().split(/\s+/u).filter(Boolean);
  if (!words.length) return null;
  return new RegExp(words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("\\s+"), "giu");
}

/** Where the pattern occurs in the text of an element, also across its inner elements. */
export function find(el: HTMLElement, query: RegExp, most: number): StaticRange[] {
  const walker = document.createTreeWalker(el, NodeFilter.SHOW_TEXT);
  const nodes: { node: Text; start: number }[] = [];
  let text = "";
  while (walker.nextNode()) {
    const node = walker.currentNode as Text;
    nodes.push({ node, start: text.length });
    text += node.data;
  }
  const ranges: StaticRange[] = [];
  let place = 0;
  const at = (offset: number) => {
    while (nodes[place + 1] && (nodes[place + 1]?.start ?? 0) <= offset) place += 1;
    const { node, start } = nodes[place] as { node: Text; start: number };
    return { node, offset: offset - start };
  };
  for (const match of text.matchAll(query)) {
    if (ranges.length >= most) break;
    const start = at(match.index);
    const end = at(match.index + match[0].length);
    ranges.push(
      new StaticRange({ startContainer: start.node, startOffset: start.offset, endContainer: end.node, endOffset: end.offset }),
    );
  }
  return ranges;
}

/** The document's one set of marks of this name; every panel adds its own to it. */
function shared(name: string): Highlight | null {
  if (typeof CSS === "undefined" || !("highlights" in CSS)) return null;
  const known = CSS.highlights.get(name);
  if (known) return known;
  const made = new Highlight();
  CSS.highlights.set(name, made);
  return made;
}

/** The search of one view. `changed` is called when what the toolbar shows is another. */
export class Search {
  query = "";
  hits: StaticRange[] = [];
  /** The hit that the reader looks at, from 0; -1: none yet. */
  current = -1;
  readonly #bodies: () => Iterable<HTMLElement>;
  readonly #changed: () => void;
  #marked: StaticRange[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(bodies: () => Iterable<HTMLElement>, changed: () => void) {
    this.#bodies = bodies;
    this.#changed = changed;
  }

  look(query: string): void {
    this.query = query;
    this.current = -1;
    this.#run();
  }

  /** The next hit, or the one before; after the last comes the first. */
  step(by: 1 | -1): StaticRange | null {
    const { length } = this.hits;
    if (!length) return null;
    this.current = this.current < 0 && by < 0 ? length - 1 : (this.current + by + length) % length;
    this.#mark();
    this.#changed();
    return this.hits[this.current] ?? null;
  }

  /** Something was drawn: look again, but not at every frame. */
  stale(): void {
    if (!this.query) return;
    this.#timer ??= setTimeout(() => this.#run(), 300);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.hits = [];
    this.#mark();
  }

  #run(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const wanted = pattern(this.query);
    this.hits = [];
    if (wanted) for (const body of this.#bodies()) this.hits.push(...find(body, wanted, MOST - this.hits.length));
    this.current = Math.min(this.current, this.hits.length - 1);
    this.#mark();
    this.#changed();
  }

  #mark(): void {
    const all = shared("wb-match");
    const one = shared("wb-current");
    for (const range of this.#marked) {
      all?.delete(range);
      one?.delete(range);
    }
    this.#marked = this.hits;
    for (const range of this.hits) all?.add(range);
    const current = this.hits[this.current];
    if (current) one?.add(current);
  }
}

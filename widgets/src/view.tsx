/**
 * One place on the page where a dialogue is shown.
 *
 * Facts arrive whenever they like; drawing happens once a frame: first the components whose facts changed, then Markdown
 * within its budget, then the scroll box. A hidden page has no frames, so nothing piles up there.
 */
import { type ComponentChildren, render } from "preact";
import { tellArrival } from "./arrival.js";
import { Follow } from "./follow.js";
import { FIRST_LOOK, keyOf, type Look, toggled } from "./look.js";
import { Painter } from "./painter.js";
import { Panel } from "./panel.js";
import { Search } from "./search.js";
import type { Source } from "./session.js";
import { type Told, toldOf } from "./store.js";
import { announcement } from "./words.js";

/** The time line of a replay, drawn below the turns. */
export type Footer = () => ComponentChildren;

/** Milliseconds for which a turn stays marked: one that the reader went to in the panel, and one that the panel was opened at. */
const GLANCE = 1_200;
const ARRIVAL = 8_000;

export class View {
  readonly el: HTMLElement;
  readonly source: Source;
  readonly footer: Footer | null;
  readonly painter: Painter;
  readonly follow: Follow;
  readonly search: Search;
  look: Look;
  #drawn: Told | null = null;
  /** The turn that the panel was opened at, until it is in view. */
  #at: string;
  #marking: ReturnType<typeof setTimeout> | undefined;
  /** What is told beside the panel's own dialogue because this view shows it, and how to need it no longer. */
  readonly #needed = new Map<string, () => void>();
  #stale = true;
  #frame = 0;
  readonly #end: (() => void)[];

  constructor(el: HTMLElement, source: Source, footer: Footer | null = null, at = "") {
    this.el = el;
    this.source = source;
    this.#at = at;
    this.footer = footer;
    this.look = { ...FIRST_LOOK, width: el.clientWidth };
    this.painter = new Painter(
      () => this.#request(),
      () => source.askRich(),
    );
    this.follow = new Follow(!at && (source.facts.state?.dialogue.live ?? true), () => this.wake());
    this.search = new Search(
      () => el.querySelectorAll<HTMLElement>(".wb-answer"),
      () => this.wake(),
    );
    this.#end = [source.subscribe(() => this.wake()), this.#measure()];
    this.#draw();
    if (at) this.wake();
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#marking);
    for (const end of [...this.#end, ...this.#needed.values()]) end();
    this.search.close();
    this.follow.attach(null);
    render(null, this.el);
  }

  /** Something is to be drawn: at the next frame. */
  wake(): void {
    this.#stale = true;
    this.#request();
  }

  change(change: Partial<Look>): void {
    this.look = { ...this.look, ...change };
    this.wake();
  }

  say(text: string): void {
    if (text) this.change({ said: text });
  }

  fold(of: string, turn: string): void {
    this.change({ collapsed: toggled(this.look.collapsed, keyOf(of, turn)) });
  }

  /** Open a sub-dialogue's card, or close it. */
  unfold(child: string): void {
    this.change({ open: toggled(this.look.open, child) });
    this.#need();
  }

  /** Show another dialogue; null: the panel's own again. */
  show(id: string | null): void {
    const own = this.source.facts.state?.dialogue.id;
    this.change({ shown: id === own ? null : id, tree: false, forking: null });
    this.#need();
    this.#drawn = null;
    this.follow.set(this.#told?.dialogue.live ?? true);
  }

  /** Begin to fork from a turn, or leave it. */
  fork(of: string, turn: string): void {
    const key = keyOf(of, turn);
    this.change({ forking: this.look.forking === key ? null : key });
  }

  get #told(): Told | undefined {
    const { state } = this.source.facts;
    return state ? toldOf(state, this.look.shown ?? state.dialogue.id) : undefined;
  }

  #need(): void {
    const { open, shown } = this.look;
    const wanted = new Set(shown ? [...open, shown] : open);
    for (const id of wanted) if (!this.#needed.has(id)) this.#needed.set(id, this.source.need(id));
    for (const [id, end] of this.#needed) {
      if (wanted.has(id)) continue;
      this.#needed.delete(id);
      end();
    }
  }

  /** Bring a turn of the shown dialogue into view; `enter` moves the keyboard there, too. */
  jump(turn: string, enter = false): void {
    if (this.look.tree) {
      this.change({ tree: false });
      this.#draw();
    }
    const el = this.#turn(turn);
    if (!el) return;
    this.follow.show(() => el.getBoundingClientRect());
    this.#mark(el, GLANCE);
    if (enter) el.focus({ preventScroll: true });
  }

  /** The turn that the panel was opened at, once: as soon as it is there and has a place on the page. */
  #destination(): HTMLElement | undefined {
    if (!this.#at || !this.#told || !this.#placed) return undefined;
    const el = this.#turn(this.#at);
    if (el || this.source.facts.heard) this.#at = "";
    return el;
  }

  #arrive(el: HTMLElement): void {
    this.follow.hold(
      () => el.getBoundingClientRect(),
      () => this.painter.busy,
    );
    this.#mark(el, ARRIVAL);
    tellArrival(el);
  }

  get #placed(): boolean {
    return this.look.width > 0 || typeof ResizeObserver === "undefined";
  }

  #mark({ dataset: { of = "", turn = "" } }: HTMLElement, milliseconds: number): void {
    clearTimeout(this.#marking);
    this.change({ found: keyOf(of, turn) });
    this.#marking = setTimeout(() => this.change({ found: null }), milliseconds);
  }

  /** The next hit of the search, or the one before. */
  step(by: 1 | -1): void {
    const hit = this.search.step(by);
    if (!hit) return;
    const { collapsed } = this.look;
    for (let at = hit.startContainer.parentElement; at; at = at.parentElement) {
      const { of = "", turn = "" } = at.dataset;
      if (collapsed.has(keyOf(of, turn))) this.fold(of, turn);
    }
    this.#draw();
    const range = document.createRange();
    range.setStart(hit.startContainer, hit.startOffset);
    range.setEnd(hit.endContainer, hit.endOffset);
    this.follow.show(() => range.getBoundingClientRect());
  }

  #turn(id: string): HTMLElement | undefined {
    const of = this.#told?.dialogue.id;
    return [...this.el.querySelectorAll<HTMLElement>(".wb-turn")].find(
      ({ dataset }) => dataset.turn === id && dataset.of === of,
    );
  }

  #measure(): () => void {
    if (typeof ResizeObserver === "undefined") return () => {};
    const observer = new ResizeObserver(([entry]) => {
      const width = Math.round(entry?.contentRect.width ?? 0);
      if (!width) return;
      if (width !== this.look.width) this.change({ width });
      this.follow.restore();
    });
    observer.observe(this.el);
    return () => observer.disconnect();
  }

  #request(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#tick();
      this.#frame = 0;
      if (this.#stale || this.painter.busy) this.#request();
    });
  }

  #tick(): void {
    const drew = this.#stale;
    if (drew) this.#draw();
    const destination = this.#destination();
    if (destination) this.painter.hurry(destination);
    const painted = this.painter.run();
    if (destination) this.#arrive(destination);
    if (painted.length) this.search.stale();
    if (drew || painted.length) this.follow.settle();
  }

  #draw(): void {
    this.#stale = false;
    const { facts } = this.source;
    const before = this.#drawn;
    const now = this.#told ?? null;
    this.#drawn = now;
    const said = before && now && before !== now ? announcement(before, now) : "";
    if (said) this.look = { ...this.look, said };
    // Who starts it again wants to see what comes.
    if (before && !before.dialogue.live && now?.dialogue.live) this.follow.set(true);
    render(<Panel view={this} facts={facts} look={this.look} />, this.el);
  }
}

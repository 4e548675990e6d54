/**
 * Draws Markdown, a little at a time.
 *
 * Texts grow faster than they can be drawn, so each element remembers only the newest text it should show, and every frame
 * gives the waiting ones a turn until its budget is spent. What a slow frame leaves over, the next one draws.
 */
import { hasRich, needsRich, StreamRenderer } from "./markdown/index.js";

interface Job {
  text: string;
  streaming: boolean;
  renderer: StreamRenderer | null;
}

/** Milliseconds of a frame that Markdown may take; the rest is for layout and for the reader's input. */
const BUDGET = 8;

export class Painter {
  readonly #jobs = new Map<HTMLElement, Job>();
  /** In the order in which they wait. */
  readonly #waiting = new Set<HTMLElement>();
  readonly #wake: () => void;
  readonly #needRich: () => void;
  #rich = hasRich();

  constructor(wake: () => void, needRich: () => void) {
    this.#wake = wake;
    this.#needRich = needRich;
  }

  get busy(): boolean {
    return this.#waiting.size > 0;
  }

  /** Show this text in the element, soon. */
  want(el: HTMLElement, text: string, streaming: boolean): void {
    const job = this.#jobs.get(el);
    if (job) Object.assign(job, { text, streaming });
    else this.#jobs.set(el, { text, streaming, renderer: null });
    this.#waiting.add(el);
    this.#wake();
  }

  /** Draw first what is in this element, and then what is near it. */
  hurry(root: HTMLElement): void {
    const waiting = [...this.#waiting];
    const here = waiting.findIndex((el) => root.contains(el));
    const far = new Map(waiting.map((el, place) => [el, Math.abs(place - here)]));
    this.#waiting.clear();
    for (const el of waiting.sort((a, b) => (far.get(a) ?? 0) - (far.get(b) ?? 0))) this.#waiting.add(el);
  }

  forget(el: HTMLElement): void {
    this.#jobs.delete(el);
    this.#waiting.delete(el);
  }

  /** The rich renderer came, by this panel or by another: draw anew what it would show otherwise. */
  #enrich(): void {
    this.#rich = true;
    for (const [el, job] of this.#jobs) {
      if (!needsRich(job.text)) continue;
      job.renderer = null;
      this.#waiting.add(el);
    }
  }

  /** Draw until the budget is spent; returns the elements that changed. */
  run(budget = BUDGET, now: () => number = () => performance.now()): HTMLElement[] {
    if (!this.#rich && hasRich()) this.#enrich();
    const end = now() + budget;
    const drawn: HTMLElement[] = [];
    for (const el of [...this.#waiting]) {
      this.#waiting.delete(el);
      const job = this.#jobs.get(el);
      if (job) {
        this.#draw(el, job);
        drawn.push(el);
      }
      if (now() >= end) break;
    }
    return drawn;
  }

  #draw(el: HTMLElement, job: Job): void {
    const { text, streaming } = job;
    if (!this.#rich && needsRich(text)) this.#needRich();
    job.renderer ??= new StreamRenderer(el);
    if (streaming) job.renderer.update(text);
    else job.renderer.finish(text);
  }
}

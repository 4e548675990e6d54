/**
 * Keeps the newest text in view until the reader scrolls away, and moves nothing but this box.
 *
 * The newest text need not stand at the end: in columns, who speaks now may stand beside a longer text.
 */

/** Pixels from the end that still count as the end. */
const NEAR = 32;

/** What was never drawn has an estimated height; so many frames after it came into view, the browser knows the real one. */
const SETTLED = 8;

/** Frames after which a place is held no longer, whatever is still drawn around it. */
const LONGEST = 180;

/** Pixels that stay free above what is brought into view, however long it is. */
const GAP = 8;

/** With these a reader begins to scroll. */
const INPUT = ["wheel", "touchstart", "pointerdown", "keydown"] as const;

export class Follow {
  #box: HTMLElement | null = null;
  #top = 0;
  #following: boolean;
  /** What is brought into view at present. */
  #shown: object | null = null;
  /** The reader was brought to a place and has not moved since: that it may be at the end is no wish to follow. */
  #still = false;
  readonly #changed: () => void;

  constructor(following: boolean, changed: () => void) {
    this.#following = following;
    this.#changed = changed;
  }

  get following(): boolean {
    return this.#following;
  }

  attach(box: HTMLElement | null): void {
    this.#box?.removeEventListener("scroll", this.#scrolled);
    for (const name of INPUT) this.#box?.removeEventListener(name, this.#release);
    this.#box = box;
    box?.addEventListener("scroll", this.#scrolled, { passive: true });
    for (const name of INPUT) box?.addEventListener(name, this.#release, { passive: true });
  }

  set(following: boolean): void {
    this.#release();
    if (following !== this.#following) {
      this.#following = following;
      this.#changed();
    }
    this.settle();
  }

  /** After a frame that drew: go to the newest text. The only place of a frame that makes the browser lay out. */
  settle(): void {
    const box = this.#box;
    if (!this.#following || !box) return;
    const end = box.scrollHeight - box.clientHeight;
    this.#top = Math.min(newest(box) ?? end, end);
    box.scrollTop = this.#top;
  }

  /** A box that was taken out of the page and put back has forgotten where it was. */
  restore(): void {
    if (this.#box && this.#box.scrollTop === 0 && this.#top > 0) this.#box.scrollTop = this.#top;
    this.settle();
  }

  /** As `show`, and keep it there while what is around it is drawn, and while the dialogue goes on. */
  hold(rectangle: () => DOMRect, drawing: () => boolean): void {
    this.show(rectangle, drawing);
    this.#still = true;
  }

  /** Bring what the rectangle surrounds to the upper third of the box. */
  show(rectangle: () => DOMRect, drawing: () => boolean = () => false): void {
    const box = this.#box;
    if (!box) return;
    this.set(false);
    const shown = {};
    this.#shown = shown;
    let frames = SETTLED;
    let left = LONGEST;
    const go = () => {
      if (this.#shown !== shown) return;
      const rect = rectangle();
      const frame = box.getBoundingClientRect();
      const top = frame.top + covered(box);
      const off = rect.top - top - Math.min(48, Math.max(GAP, (frame.bottom - top - rect.height) / 2));
      if (Math.abs(off) > 1) box.scrollTop += off;
      left -= 1;
      frames = drawing() && left > 0 ? SETTLED : frames - 1;
      if (frames > 0) requestAnimationFrame(go);
    };
    go();
  }

  readonly #release = (): void => {
    this.#shown = null;
    this.#still = false;
  };

  readonly #scrolled = (): void => {
    const box = this.#box;
    if (!box?.clientHeight) return;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    const up = box.scrollTop < this.#top - 2;
    this.#top = box.scrollTop;
    if (this.#still) return;
    if (atEnd ? this.#following : !(up && this.#following)) return;
    this.#following = atEnd;
    this.#changed();
  };
}

/** How much of the box the heads of its columns cover, below which everything scrolls. */
function covered(box: HTMLElement): number {
  return Math.max(
    0,
    ...[...box.querySelectorAll<HTMLElement>(":scope > .wb-turns > .wb-lane")].map((head) => head.offsetHeight),
  );
}

/** How far to scroll for the end of what is being said; null where that is the end of the box. */
function newest(box: HTMLElement): number | null {
  const speaking = [...box.querySelectorAll('.wb-turn:is([data-state="running"], [data-state="waiting"])')];
  if (!speaking.length) return null;
  const end = Math.max(...speaking.map((turn) => turn.getBoundingClientRect().bottom));
  return Math.max(0, box.scrollTop + end - box.getBoundingClientRect().top - box.clientHeight + NEAR / 2);
}

/**
 * Keeps the newest text in view until the reader scrolls away, and moves nothing but this box.
 *
 * The newest text need not stand at the end: in columns, who speaks now may stand beside a longer text.
 */

/** Pixels from the end that still count as the end. */
const NEAR = 32;

/** What was never drawn has an estimated height; so many frames after it came into view, the browser knows the real one. */
const SETTLED = 8;

export class Follow {
  #box: HTMLElement | null = null;
  #top = 0;
  #following: boolean;
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
    this.#box = box;
    box?.addEventListener("scroll", this.#scrolled, { passive: true });
  }

  set(following: boolean): void {
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

  /** Bring what the rectangle surrounds to the upper third of the box. */
  show(rectangle: () => DOMRect): void {
    const box = this.#box;
    if (!box) return;
    this.set(false);
    let frames = SETTLED;
    const go = () => {
      const rect = rectangle();
      const frame = box.getBoundingClientRect();
      const off = rect.top - frame.top - Math.min(48, Math.max(0, frame.height - rect.height) / 2);
      if (Math.abs(off) > 1) box.scrollTop += off;
      frames -= 1;
      if (frames > 0) requestAnimationFrame(go);
    };
    go();
  }

  readonly #scrolled = (): void => {
    const box = this.#box;
    if (!box?.clientHeight) return;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    const up = box.scrollTop < this.#top - 2;
    this.#top = box.scrollTop;
    if (atEnd ? this.#following : !(up && this.#following)) return;
    this.#following = atEnd;
    this.#changed();
  };
}

/** How far to scroll for the end of what is being said; null where that is the end of the box. */
function newest(box: HTMLElement): number | null {
  const speaking = [...box.querySelectorAll('.wb-turn:is([data-state="running"], [data-state="waiting"])')];
  if (!speaking.length) return null;
  const end = Math.max(...speaking.map((turn) => turn.getBoundingClientRect().bottom));
  return Math.max(0, box.scrollTop + end - box.getBoundingClientRect().top - box.clientHeight + NEAR / 2);
}

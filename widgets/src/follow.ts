/**
 * Keeps the newest text in view for as long as the reader stays at the end of the scroll box, and moves nothing but this box.
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

  /** After a frame that drew: go to the end. The only place of a frame that makes the browser lay out. */
  settle(): void {
    if (this.#following && this.#box) this.#box.scrollTop = Number.MAX_SAFE_INTEGER;
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

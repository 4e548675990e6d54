import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Follow } from "../src/follow.js";

/** A box that scrolls as a browser's would, which jsdom's do not. */
class Box {
  readonly el = document.createElement("div");
  height = 1_000;
  #top = 0;

  constructor() {
    const get = (name: string, value: () => number) => Object.defineProperty(this.el, name, { get: value, configurable: true });
    get("scrollHeight", () => this.height);
    get("clientHeight", () => 300);
    Object.defineProperty(this.el, "scrollTop", { get: () => this.#top, set: (to: number) => this.#scroll(to) });
  }

  #scroll(to: number): void {
    const before = this.#top;
    this.#top = Math.max(0, Math.min(to, this.height - 300));
    if (this.#top !== before) this.el.dispatchEvent(new Event("scroll"));
  }
}

let box: Box;
let follow: Follow;
const changed = vi.fn();

beforeEach(() => {
  changed.mockClear();
  box = new Box();
  follow = new Follow(true, changed);
  follow.attach(box.el);
  follow.settle();
});

describe("following", () => {
  test("stays at the end as the text grows", () => {
    box.height = 1_500;
    follow.settle();
    expect(box.el.scrollTop).toBe(1_200);
    expect(changed).not.toHaveBeenCalled();
  });

  test("goes to who speaks now, even where that is further up, and does not take this for a reader", () => {
    const turn = document.createElement("section");
    turn.className = "wb-turn";
    turn.dataset.state = "running";
    turn.getBoundingClientRect = () => new DOMRect(0, 500 - box.el.scrollTop, 100, 60);
    box.el.append(turn);
    follow.settle();
    expect(box.el.scrollTop).toBe(560 - 300 + 16);
    expect(follow.following).toBe(true);
    box.el.scrollTop = 100;
    expect(follow.following).toBe(false);
  });

  test("a text that grows between two frames is no reader who scrolls", () => {
    box.height = 1_500;
    box.el.dispatchEvent(new Event("scroll"));
    expect(follow.following).toBe(true);
  });

  test("ends when the reader scrolls up, and then nothing moves", () => {
    box.el.scrollTop = 400;
    expect(follow.following).toBe(false);
    box.height = 1_500;
    follow.settle();
    expect(box.el.scrollTop).toBe(400);
    expect(changed).toHaveBeenCalledTimes(1);
  });

  test("begins again when the reader comes back to the end, or asks for it", () => {
    box.el.scrollTop = 400;
    box.el.scrollTop = 690;
    expect(follow.following).toBe(true);
    box.el.scrollTop = 100;
    follow.set(true);
    expect([follow.following, box.el.scrollTop]).toEqual([true, 700]);
  });

  test("a box that was taken out of the page and put back is where it was", () => {
    box.el.scrollTop = 400;
    Object.defineProperty(box.el, "clientHeight", { get: () => 0, configurable: true });
    const place = box.el.scrollTop;
    box.el.scrollTop = 0;
    Object.defineProperty(box.el, "clientHeight", { get: () => 300, configurable: true });
    follow.restore();
    expect(box.el.scrollTop).toBe(place);
  });
});

describe("a place that the reader was brought to", () => {
  let place: number;
  let drawing: boolean;
  const frame = () => vi.advanceTimersByTime(16);

  beforeEach(() => {
    vi.useFakeTimers();
    [place, drawing] = [200, true];
    box.el.getBoundingClientRect = () => new DOMRect(0, 0, 100, 300);
    follow.hold(
      () => new DOMRect(0, place - box.el.scrollTop, 100, 60),
      () => drawing,
    );
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("stays in view while what is above it is drawn, and then moves no more", () => {
    expect(box.el.scrollTop).toBe(200 - 48);
    for (let n = 0; n < 20; n += 1) frame();
    place = 600;
    frame();
    expect(box.el.scrollTop).toBe(600 - 48);
    drawing = false;
    for (let n = 0; n < 20; n += 1) frame();
    place = 300;
    frame();
    expect(box.el.scrollTop).toBe(600 - 48);
  });

  test("is let go when the reader begins to scroll", () => {
    box.el.dispatchEvent(new Event("wheel"));
    box.el.scrollTop = 20;
    for (let n = 0; n < 20; n += 1) frame();
    expect(box.el.scrollTop).toBe(20);
  });

  test("is let go in the end, though a text grows for ever", () => {
    for (let n = 0; n < 300; n += 1) frame();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("may be at the end, and is not left when more is said", () => {
    place = 990;
    frame();
    expect(box.el.scrollTop).toBe(700);
    drawing = false;
    for (let n = 0; n < 20; n += 1) frame();
    box.height = 1_500;
    follow.settle();
    expect([follow.following, box.el.scrollTop]).toEqual([false, 700]);
    box.el.dispatchEvent(new Event("wheel"));
    box.el.scrollTop = 1_190;
    expect(follow.following).toBe(true);
  });

  test("stands below the heads of the columns, with its beginning, however long it is", () => {
    box.el.innerHTML = '<div class="wb-turns"><div class="wb-lane"></div><div class="wb-lane"></div></div>';
    for (const [n, head] of box.el.querySelectorAll(".wb-lane").entries())
      Object.defineProperty(head, "offsetHeight", { value: 30 + n });
    follow.show(() => new DOMRect(0, 400 - box.el.scrollTop, 100, 5_000));
    expect(box.el.scrollTop).toBe(400 - 31 - 8);
  });
});

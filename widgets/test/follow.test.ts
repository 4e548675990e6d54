import { beforeEach, describe, expect, test, vi } from "vitest";
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

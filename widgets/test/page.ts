/** A panel on a page: mounted as anywidget would, with the clock in the test's hand. */
import { afterEach, beforeEach, vi } from "vitest";
import panels from "../src/index.js";
import type { Snapshot } from "../src/protocol.js";
import { FakeModel, START } from "./play.js";

// jsdom lays nothing out, so that it has no rectangles of ranges.
Range.prototype.getBoundingClientRect ??= () => new DOMRect();

const open: (() => void)[] = [];

/** Every test of the file runs on a fake clock, and leaves an empty page. */
export function onAFakeClock(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: START * 1000 });
  });
  afterEach(() => {
    for (const close of open.splice(0)) close();
    document.body.replaceChildren();
    vi.useRealTimers();
  });
}

export interface Page {
  el: HTMLElement;
  model: FakeModel;
  /** Another view of the same model. */
  again: () => HTMLElement;
  /** Take the newest view off the page. */
  leave: () => void;
}

/** Put a panel on the page. `answers`: there is a kernel, and it says what it knows. */
export function mount(first: Snapshot | null, { answers = true, kind = "dialogue", width = 0, turn = "" } = {}): Page {
  const model = new FakeModel(first, kind, turn);
  const widget = panels();
  const end = widget.initialize({ model });
  const views: (() => void)[] = [];
  const show = () => {
    const el = document.createElement("div");
    Object.defineProperty(el, "clientWidth", { value: width });
    document.body.append(el);
    views.push(widget.render({ model, el }));
    return el;
  };
  const el = show();
  open.push(() => {
    for (const close of views.splice(0)) close();
    end();
  });
  if (answers && first) model.say({ type: "snapshot", ...first });
  settle();
  return { el, model, again: show, leave: () => views.pop()?.() };
}

/** Let some frames pass. */
export function settle(milliseconds = 100): void {
  vi.advanceTimersByTime(milliseconds);
}

/** Let components draw what they changed themselves, too: that happens after the event that changed them. */
export async function redrawn(milliseconds = 100): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
}

export function button(el: HTMLElement, name: string): HTMLButtonElement | undefined {
  return [...el.querySelectorAll("button")].find((each) => (each.getAttribute("aria-label") ?? each.textContent) === name);
}

export function click(el: HTMLElement, name: string): void {
  const found = button(el, name);
  if (!found) throw new Error(`no button ${name}`);
  found.click();
  settle();
}

/** Write into the box that has this label. */
export function write(el: HTMLElement, label: string, words: string): HTMLTextAreaElement | HTMLInputElement {
  const box = [...el.querySelectorAll<HTMLTextAreaElement | HTMLInputElement>("textarea, input")].find(
    (each) => each.getAttribute("aria-label") === label,
  );
  if (!box) throw new Error(`no box ${label}`);
  box.value = words;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  return box;
}

export function press(el: HTMLElement, key: string, more: KeyboardEventInit = {}): void {
  el.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
}

export const text = (el: HTMLElement, selector: string): string =>
  [...el.querySelectorAll(selector)].map((each) => each.textContent).join("|");

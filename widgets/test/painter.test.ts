import { expect, test } from "vitest";
import { Painter } from "../src/painter.js";

function painter() {
  const made = new Painter(
    () => {},
    () => {},
  );
  const els = Array.from({ length: 5 }, () => document.createElement("div"));
  /** Every look at this clock costs a millisecond, so that a budget of n draws n elements. */
  let time = 0;
  const run = (budget: number) => made.run(budget, () => time++).map((el) => els.indexOf(el as HTMLDivElement));
  return { made, els, run };
}

test("a frame draws what its budget allows, the next ones draw the rest, and nobody waits twice as long", () => {
  const { made, els, run } = painter();
  for (const el of els) made.want(el, "text", false);
  expect(run(2)).toEqual([0, 1]);
  made.want(els[0] as HTMLElement, "more text", false);
  expect(run(2)).toEqual([2, 3]);
  expect(made.busy).toBe(true);
  expect(run(2)).toEqual([4, 0]);
  expect(made.busy).toBe(false);
});

test("only the newest text is drawn, however many came between two frames", () => {
  const { made, els, run } = painter();
  const el = els[0] as HTMLElement;
  let text = "";
  for (let n = 0; n < 1_000; n += 1) {
    text += `${n} `;
    made.want(el, text, true);
  }
  expect(run(100)).toEqual([0]);
  expect(el.textContent?.trim()).toBe(text.trim());
});

test("what is hurried is drawn first, and then what is near it", () => {
  const { made, els, run } = painter();
  for (const el of els) made.want(el, "text", false);
  made.hurry(els[3] as HTMLElement);
  expect(run(5)).toEqual([3, 2, 4, 1, 0]);
});

test("what has been drawn is not hurried, and nobody loses a place by it", () => {
  const { made, els, run } = painter();
  for (const el of els.slice(1)) made.want(el, "text", false);
  made.hurry(els[0] as HTMLElement);
  expect(run(5)).toEqual([1, 2, 3, 4]);
});

test("a text that is not the old one grown is drawn from its beginning", () => {
  const { made, els, run } = painter();
  const el = els[0] as HTMLElement;
  made.want(el, "One.\n\nTwo.\n\nThree.", true);
  run(10);
  made.want(el, "Other", true);
  run(10);
  expect(el.textContent?.trim()).toBe("Other");
  made.want(el, "", true);
  run(10);
  expect(el.textContent?.trim()).toBe("");
});

test("an element that is gone is not drawn", () => {
  const { made, els, run } = painter();
  made.want(els[0] as HTMLElement, "text", false);
  made.forget(els[0] as HTMLElement);
  expect(run(10)).toEqual([]);
});

import { afterEach, expect, test } from "vitest";
import { mount, onAFakeClock, settle, text } from "./page.js";
import { begun, snapshot, turnFacts } from "./play.js";

onAFakeClock();
const KEY = Symbol.for("workbench.rich.v1");
afterEach(() => {
  Reflect.deleteProperty(globalThis, KEY);
});

test("when another panel brought the rich renderer, this one draws again with it, also what still grows", () => {
  const { el, model } = mount(
    snapshot({}, [turnFacts({ text: "$x$" }), begun({ id: "t2", index: 2, text: "$y$\n\na\n\nb\n\nc\n\n" })]),
  );
  expect(text(el, ".wb-math")).toBe("$x$|$y$");
  // What rich.js does when it is evaluated.
  const maths = (tex: string) => `<math><mi>${tex}</mi></math>`;
  Object.defineProperty(globalThis, KEY, { value: { maths, highlight: () => null }, configurable: true });
  model.say({ type: "rich", source: "" });
  settle();
  model.say({ type: "update", n: 1, turns: [{ id: "t2", append: "d" }] });
  settle();
  expect(text(el, ".wb-math")).toBe("");
  expect(text(el, "mi")).toBe("x|y");
});

import { expect, test } from "vitest";
import { replay } from "../src/replay.js";
import { button, click, onAFakeClock, settle, text } from "./page.js";
import { callFacts, childFacts, dialogueFacts, START, snapshot, turnFacts } from "./play.js";

onAFakeClock();

const CAN = { stop: true, pause: true, unpause: false, resume: true };
const call = callFacts({ started_at: START, queue: 0, first_token: 0, total: 10 });
const saved = snapshot({ status: "completed", live: false, turns: 1, can: CAN }, [
  turnFacts({ text: "one two three four", started_at: START, latency: 10, calls: [call] }),
]);

function player(facts = saved) {
  const el = document.createElement("div");
  el.innerHTML = "<p>static transcript</p>";
  document.body.append(el);
  replay(el, facts);
  settle();
  return el;
}

const range = (el: HTMLElement) => el.querySelector<HTMLInputElement>(".wb-scrubber") as HTMLInputElement;

test("opens at the end, with everything readable and nothing to act on", () => {
  const el = player();
  expect(el.textContent).not.toContain("static transcript");
  expect(text(el, ".wb-answer").trim()).toBe("one two three four");
  expect(text(el, ".wb-standing")).toBe("Completed");
  expect(text(el, ".wb-player .wb-clock")).toBe("0:10 / 0:10");
  for (const word of ["Stop", "Pause", "Resume"]) expect(button(el, word)).toBeUndefined();
});

test("plays from the start, pauses, and stops at the end", () => {
  const el = player();
  click(el, "Play");
  expect(text(el, ".wb-standing")).toBe("Running");
  settle(5_000);
  expect(text(el, ".wb-answer").trim()).toMatch(/^one two\b/);
  expect(text(el, ".wb-answer")).not.toContain("four");
  click(el, "Pause");
  const half = text(el, ".wb-answer");
  settle(5_000);
  expect(text(el, ".wb-answer")).toBe(half);
  click(el, "Play");
  settle(6_000);
  expect(text(el, ".wb-standing")).toBe("Completed");
  expect(button(el, "Play")).toBeDefined();
});

test("the speed counts", () => {
  const el = player();
  const speed = el.querySelector("select") as HTMLSelectElement;
  expect([...speed.options].map((option) => option.textContent)).toEqual(["1×", "2×", "4×", "8×", "16×"]);
  speed.value = "16";
  speed.dispatchEvent(new Event("change", { bubbles: true }));
  click(el, "Play");
  settle(700);
  expect(text(el, ".wb-standing")).toBe("Completed");
});

test("the scrubber goes anywhere, also back", () => {
  const el = player();
  const seek = (t: number) => {
    range(el).value = String(t);
    range(el).dispatchEvent(new Event("input", { bubbles: true }));
    settle();
    return text(el, ".wb-answer").trim();
  };
  expect(seek(5)).toBe("one two t");
  expect(seek(0)).toBe("");
  expect(el.textContent).toContain("Waiting for claude");
  expect(seek(10)).toBe("one two three four");
});

test("a dialogue in which nothing happened has nothing to play", () => {
  const el = player(snapshot({ status: "cancelled", live: false }));
  expect(button(el, "Play")?.getAttribute("aria-disabled")).toBe("true");
  click(el, "Play");
  expect(text(el, ".wb-standing")).toBe("Cancelled");
});

test("sub-dialogues open in a saved page, which has nobody to ask", () => {
  const child = {
    dialogue: dialogueFacts({ id: "c1", live: false, status: "completed" }),
    turns: [turnFacts({ text: "below" })],
  };
  const children = [childFacts({ turn: "t1", live: false, status: "completed" })];
  const el = player({ ...saved, dialogue: { ...saved.dialogue, children }, others: [child] });
  el.querySelector<HTMLElement>(".wb-card-head")?.click();
  settle();
  expect(text(el, ".wb-inside .wb-answer").trim()).toBe("below");
  click(el, "Show it alone");
  expect(text(el, ".wb-answer").trim()).toBe("below");
  click(el, "Back");
  expect([button(el, "Tree"), el.querySelector(".wb-part"), el.querySelector(".wb-person")]).toEqual([undefined, null, null]);
});

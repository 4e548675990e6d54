import { afterEach, describe, expect, test, vi } from "vitest";
import { fromSnapshot } from "../src/store.js";
import { asMarkdown } from "../src/transcript.js";
import { click, mount, onAFakeClock, settle, text } from "./page.js";
import { START, snapshot, turnFacts } from "./play.js";

onAFakeClock();
afterEach(() => {
  Reflect.deleteProperty(navigator, "clipboard");
});

/** The page's clipboard: a browser's own part, which jsdom lacks. */
function clipboard(writeText: (text: string) => Promise<void>) {
  Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
}

describe("copying", () => {
  test("a turn gives its Markdown, and the button says so for a moment", async () => {
    const written: string[] = [];
    clipboard(async (text) => {
      written.push(text);
    });
    const { el } = mount(snapshot({}, [turnFacts({ text: "**So** it is." })]));
    click(el, "Copy Pro, round 1");
    await vi.advanceTimersByTimeAsync(100);
    expect(written).toEqual(["**So** it is."]);
    expect(text(el, ".wb-head .wb-copy")).toBe("Copied");
    expect(text(el, ".wb-hear")).toBe("Copied");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(text(el, ".wb-head .wb-copy")).toBe("Copy");
  });

  test("where the page may not, it says that", async () => {
    clipboard(async () => {
      throw new Error("not allowed");
    });
    const { el } = mount(snapshot({}, [turnFacts()]));
    click(el, "Copy the transcript as Markdown");
    await vi.advanceTimersByTimeAsync(100);
    settle();
    expect(text(el, ".wb-tools .wb-copy")).toBe("Not copied");
  });
});

test("the transcript as Markdown", () => {
  const turns = [
    turnFacts({ text: "One.\n", served: "qwen" }),
    turnFacts({ id: "t2", index: 2, title: "Con, round 1", status: "failed", error: "no key", text: "" }),
  ];
  const state = fromSnapshot(snapshot({ status: "failed", live: false, reason: "Con failed", topic: "Why?" }, turns), START);
  expect(asMarkdown(state)).toBe(
    "# Why?\n\ndebate, failed: Con failed\n\n## Pro, round 1 (qwen for claude)\n\nOne.\n\n## Con, round 1 (claude)\n\n*Failed: no key*\n",
  );
});

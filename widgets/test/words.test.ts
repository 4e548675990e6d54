import { describe, expect, test } from "vitest";
import type { DialogueFacts, TurnFacts } from "../src/protocol.js";
import { fromSnapshot } from "../src/store.js";
import { announcement, clock, minuteSecond, money, seconds, standing } from "../src/words.js";
import { begun, dialogueFacts, START, snapshot, turnFacts } from "./play.js";

const state = (turns: TurnFacts[], dialogue: Partial<DialogueFacts> = {}) => fromSnapshot(snapshot(dialogue, turns), START);

describe("what a screen reader hears", () => {
  test("who speaks and who finished", () => {
    const before = state([begun({ title: "Con, round 1" })]);
    expect(announcement(state([]), before)).toBe("Con, round 1, is speaking");
    expect(announcement(before, state([turnFacts({ title: "Con, round 1" })]))).toBe("Con, round 1, finished");
  });

  test("a title without a round needs no comma", () => {
    expect(announcement(state([]), state([begun({ title: "Judge" })]))).toBe("Judge is speaking");
  });

  test("never the tokens", () => {
    expect(announcement(state([begun()]), state([begun({ text: "many words" })]))).toBe("");
  });

  test("failures with their reason, and how the dialogue ends", () => {
    const failed = turnFacts({ status: "failed", error: "no key" });
    const text = announcement(state([begun()]), state([failed], { status: "failed", live: false }));
    expect(text).toBe("Pro, round 1, failed: no key. Dialogue failed");
    expect(announcement(state([]), state([], { status: "completed", live: false }))).toBe("Dialogue completed");
    expect(announcement(state([]), state([], { paused: true }))).toBe("Dialogue paused");
  });

  test("of a crowd only the last", () => {
    const many = Array.from({ length: 9 }, (_, place) => turnFacts({ id: `t${place}`, title: `T${place}` }));
    expect(announcement(state([]), state(many))).toBe("T6 finished. T7 finished. T8 finished");
  });
});

test("running without a process is interrupted, and without a kernel unknown", () => {
  expect(standing(dialogueFacts())).toBe("running");
  expect(standing(dialogueFacts({ live: false }))).toBe("interrupted");
  expect(standing(dialogueFacts(), true)).toBe("lost");
  expect(standing(dialogueFacts({ status: "completed", live: false }), true)).toBe("completed");
});

test.each([
  [null, "cost unknown"],
  [0, "free"],
  [0.0031, "$0.0031"],
  [0.5, "$0.50"],
  [0.1234, "$0.123"],
  [1.005, "$1.00"],
  [12.5, "$12.50"],
  [0.0000001, "below $0.000001"],
])("%s USD reads %s", (cost, words) => {
  expect(money(cost)).toBe(words);
});

test("durations", () => {
  expect([seconds(6.44), seconds(75), clock(59.9), clock(61), clock(3_661)]).toEqual([
    "6.4 s",
    "1 min 15 s",
    "59 s",
    "1 min 01 s",
    "1 h 01 min",
  ]);
  expect([minuteSecond(0), minuteSecond(65)]).toEqual(["0:00", "1:05"]);
});

import { describe, expect, test } from "vitest";
import { at, moment, timeline } from "../src/timeline.js";
import { callFacts, childFacts, dialogueFacts, START, snapshot, turnFacts } from "./play.js";

const call = callFacts({ started_at: START, queue: 1, first_token: 1, total: 5, tokens: 100, cost: 0.5 });
const one = turnFacts({ text: "0123456789", started_at: START, latency: 6, calls: [call] });
const two = turnFacts({
  id: "t2",
  index: 2,
  role: "con",
  text: "abc",
  started_at: START + 100,
  latency: 4,
  calls: [callFacts({ started_at: START + 100, first_token: null, total: 4, tokens: 50, cost: null })],
});
const whole = snapshot({ status: "completed", live: false, turns: 2, tokens: 150, cost: 0.5, ran: 10, now: START + 104 }, [
  one,
  two,
]);

describe("the time line", () => {
  test("shortens the gap in which nobody spoke", () => {
    const line = timeline(whole);
    expect(line.total).toBe(6 + 2 + 4);
    expect([0, 6, 7, 8, 12].map((t) => moment(line, t) - START)).toEqual([0, 6, 6, 100, 104]);
  });

  test("keeps a gap that is short, and turns that overlap", () => {
    const overlapping = { ...two, started_at: START + 3, calls: [] };
    expect(timeline({ ...whole, turns: [one, overlapping] }).total).toBe(7);
    expect(timeline({ ...whole, turns: [one, { ...two, started_at: START + 7.5, calls: [] }] }).total).toBe(11.5);
  });

  test("of a dialogue in which nothing happened is empty", () => {
    expect(timeline(snapshot()).total).toBe(0);
  });
});

describe("a moment of it", () => {
  const said = (t: number) => at(whole, t).turns.map((turn) => turn.text);

  test("text appears between the first token and the end of its call, in proportion", () => {
    expect(said(0)).toEqual([""]);
    expect(said(2)).toEqual([""]);
    expect(said(4)).toEqual(["01234"]);
    expect(said(6)).toEqual(["0123456789"]);
    expect(said(8)).toEqual(["0123456789", ""]);
    expect(said(10)).toEqual(["0123456789", "ab"]);
  });

  test("a turn that is being spoken has no figures, one that ended is the very same", () => {
    const { turns, dialogue } = at(whole, 10);
    expect(turns[0]).toBe(one);
    expect(turns[1]).toMatchObject({ status: "running", latency: null, tokens: null, cost: null, calls: [] });
    expect(dialogue).toMatchObject({ status: "running", live: true, turns: 1, calls: 1, tokens: 100, cost: 0.5, ran: 10 });
  });

  test("the end is what was saved, without buttons", () => {
    const end = at(whole, 12);
    expect(end.turns).toBe(whole.turns);
    expect(end.dialogue).toMatchObject({ status: "completed", live: false, can: { stop: false, resume: false } });
  });

  test("reasoning comes before the text", () => {
    const thinker = { ...whole, turns: [{ ...one, reasoning: "abcdefghij" }] };
    expect(at(thinker, 4).turns[0]).toMatchObject({ reasoning: "abcdefghij", text: "" });
    expect(at(thinker, 5).turns[0]).toMatchObject({ reasoning: "abcdefghij", text: "01234" });
  });

  test("a turn that failed says so only at its end", () => {
    const failed = { ...one, status: "failed" as const, error: "no key", calls: [{ ...call, outcome: "authentication" }] };
    expect(at({ ...whole, turns: [failed, two] }, 3).turns[0]).toMatchObject({ status: "running", error: null });
    expect(at({ ...whole, turns: [failed, two] }, 7).turns[0]).toMatchObject({ status: "failed", error: "no key" });
  });

  test("no half characters", () => {
    const smile = { ...whole, turns: [{ ...one, text: "😀😀😀😀😀" }] };
    for (let t = 2; t < 6; t += 0.1) expect(at(smile, t).turns[0]?.text).toMatch(/^(?:😀)*$/u);
  });

  test("text only grows", () => {
    let length = 0;
    for (let t = 0; t <= 12; t += 0.25) {
      const now = said(t).join("").length;
      expect(now).toBeGreaterThanOrEqual(length);
      length = now;
    }
  });
});

describe("a moment of its sub-dialogues", () => {
  const talk = (id: string, start: number) => ({
    dialogue: dialogueFacts({ id, status: "completed", live: false }),
    turns: [{ ...one, id: "a", title: "First", started_at: start, calls: [{ ...call, started_at: start }] }],
  });
  const cards = [
    childFacts({ id: "c1", status: "completed", live: false, turns: 1, cost: 0.5 }),
    childFacts({ id: "c2", status: "completed", live: false }),
    childFacts({ id: "c3", topic: "not in this page", status: "completed", live: false }),
  ];
  const family = {
    ...whole,
    turns: [{ ...one, latency: 20, calls: [] }],
    dialogue: { ...whole.dialogue, children: cards },
    others: [talk("c1", START), talk("c2", START + 10)],
  };
  const seen = (t: number) =>
    at(family, t).dialogue.children?.map(({ id, status, turns, speaker }) => [id, status, turns, speaker]);

  test("a card appears when its dialogue begins, and says who speaks", () => {
    expect(seen(4)).toEqual([
      ["c1", "running", 0, "First"],
      ["c3", "completed", 1, "Con, round 1"],
    ]);
    expect(seen(12)?.map(([id, status]) => [id, status])).toEqual([
      ["c1", "completed"],
      ["c2", "running"],
      ["c3", "completed"],
    ]);
  });

  test("their turns are as they were, by the same clock", () => {
    const text = (t: number) => at(family, t).others?.map((other) => other.turns[0]?.text);
    expect(text(4)).toEqual(["01234", undefined]);
    expect(text(14)).toEqual(["0123456789", "01234"]);
    expect(at(family, 4).others?.[0]?.dialogue).toMatchObject({ live: true, status: "running" });
    expect(at(family, 20).others).toBe(family.others);
  });
});

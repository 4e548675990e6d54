import { describe, expect, test } from "vitest";
import type { TurnPatch } from "../src/protocol.js";
import { fold, fromSnapshot, type State } from "../src/store.js";
import { begun, dialogueFacts, START, snapshot, turnFacts } from "./play.js";

const first = (turns = [begun()]): State => fromSnapshot(snapshot({}, turns), START);

/** A small generator with a seed, so that a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

describe("the fold of updates", () => {
  test("appends to a text and replaces other fields", () => {
    let state = fold(first(), { n: 1, turns: [{ id: "t1", append: "Be" }] }, START) as State;
    state = fold(
      state,
      { n: 2, turns: [{ id: "t1", append: "cause.", append_reasoning: "hm", served: "qwen" }] },
      START,
    ) as State;
    expect(state.turns[0]).toMatchObject({ text: "Because.", reasoning: "hm", served: "qwen", model: "claude" });
  });

  test("a text in a patch replaces what was there, as after a call that broke off", () => {
    const state = fold(first([begun({ text: "half a sen" })]), { n: 1, turns: [{ id: "t1", text: "", append: "new" }] }, START);
    expect(state?.turns[0]?.text).toBe("new");
  });

  test("any split of a text into deltas gives the text", () => {
    const text = "Ein *Absatz*, 日本語, 👩‍👩‍👧 and\n\n```py\nx = 1\n```\n".repeat(5);
    for (let seed = 1; seed <= 50; seed += 1) {
      const next = random(seed);
      let state = first();
      let from = 0;
      for (let n = 1; from < text.length; n += 1) {
        const patches: TurnPatch[] = [];
        do {
          // Also between the halves of a surrogate pair: that is how strings are cut.
          const to = Math.min(text.length, from + Math.floor(next() * 9));
          patches.push({ id: "t1", append: text.slice(from, to) });
          from = to;
        } while (next() < 0.3);
        state = fold(state, { n, turns: patches }, START) as State;
      }
      expect(state.turns[0]?.text, `seed ${seed}`).toBe(text);
    }
  });

  test("an old update changes nothing, a missing one is noticed", () => {
    const state = fold(first(), { n: 1, turns: [{ id: "t1", append: "a" }] }, START) as State;
    expect(fold(state, { n: 1, turns: [{ id: "t1", append: "a" }] }, START)).toBe(state);
    expect(fold(state, { n: 3, turns: [{ id: "t1", append: "c" }] }, START)).toBeNull();
  });

  test("a new turn takes its place in the order", () => {
    const state = fold(first([turnFacts({ id: "t3", index: 3 })]), { n: 1, turns: [begun({ id: "t2", index: 2 })] }, START);
    expect(state?.turns.map((turn) => turn.id)).toEqual(["t2", "t3"]);
  });

  test("a patch for a turn that nobody introduced asks for everything", () => {
    expect(fold(first(), { n: 1, turns: [{ id: "t9", append: "x" }] }, START)).toBeNull();
  });

  test("turns that did not change keep their identity, also through a snapshot", () => {
    const state = first([turnFacts(), begun({ id: "t2", index: 2 })]);
    const next = fold(state, { n: 1, turns: [{ id: "t2", append: "a" }] }, START) as State;
    expect(next.turns[0]).toBe(state.turns[0]);
    expect(next.turns[1]).not.toBe(state.turns[1]);
    const again = fromSnapshot(structuredClone({ n: 1, dialogue: next.dialogue, turns: [...next.turns] }), START, next);
    expect(again.turns[0]).toBe(next.turns[0]);
    expect(again.turns[1]).toBe(next.turns[1]);
  });

  test("the kernel's clock is known from its own time, however wrong ours is", () => {
    const state = fromSnapshot(snapshot({ now: START + 500, ran: 3 }), START);
    expect(state.skew).toBe(500);
    const next = fold(state, { n: 1, dialogue: { now: START + 510, ran: 13 } }, START + 9) as State;
    expect([next.skew, next.ranAt]).toEqual([501, START + 510]);
  });

  test("strings that hide or reorder what one reads are cleaned on their way in", () => {
    const dialogue = dialogueFacts({ topic: "a\u202eb", reason: "\u001b[31mred" });
    const state = fromSnapshot({ n: 0, dialogue, turns: [turnFacts({ title: "Pro\u200b", error: "\u0007x" })] }, START);
    expect([state.dialogue.topic, state.dialogue.reason, state.turns[0]?.title, state.turns[0]?.error]).toEqual([
      "ab",
      "red",
      "Pro",
      "x",
    ]);
  });
});

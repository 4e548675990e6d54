import { describe, expect, test } from "vitest";
import { Session } from "../src/session.js";
import { onAFakeClock, settle } from "./page.js";
import { begun, FakeModel, snapshot } from "./play.js";

onAFakeClock();

function session(first = snapshot({}, [begun()])) {
  const model = new FakeModel(first);
  return { model, session: new Session(model), first };
}

describe("a session", () => {
  test("asks for everything when it begins", () => {
    const { model } = session();
    expect(model.sent).toEqual([{ type: "sync" }]);
  });

  test("a gap asks for everything once, and what follows is ignored until it comes", () => {
    const { model, session: live, first } = session();
    model.say({ type: "snapshot", ...first });
    model.say({ type: "update", n: 1, turns: [{ id: "t1", append: "a" }] });
    model.say({ type: "update", n: 3, turns: [{ id: "t1", append: "c" }] });
    model.say({ type: "update", n: 4, turns: [{ id: "t1", append: "d" }] });
    expect(model.asked("sync")).toBe(2);
    expect(live.facts.state?.turns[0]?.text).toBe("a");
    model.say({ type: "snapshot", ...snapshot({}, [begun({ text: "abcd" })], 4) });
    model.say({ type: "update", n: 5, turns: [{ id: "t1", append: "e" }] });
    expect(live.facts.state?.turns[0]?.text).toBe("abcde");
    expect(model.asked("sync")).toBe(2);
  });

  test("a kernel that does not answer for three seconds counts as gone, until it speaks", () => {
    const { model, session: live, first } = session();
    settle(2_900);
    expect(live.facts.lost).toBe(false);
    settle(200);
    expect(live.facts.lost).toBe(true);
    model.say({ type: "snapshot", ...first });
    expect(live.facts.lost).toBe(false);
  });

  test("a kernel that is busy but sends updates is not gone", () => {
    const { model, session: live } = session();
    for (let n = 1; n <= 10; n += 1) {
      settle(500);
      model.say({ type: "update", n, turns: [{ id: "t1", append: "." }] });
    }
    expect(live.facts.lost).toBe(false);
    expect(live.facts.state?.turns[0]?.text).toBe("..........");
  });

  test("a running dialogue that fell silent is asked after, a finished one is left alone", () => {
    const running = session();
    running.model.say({ type: "snapshot", ...running.first });
    settle(70_000);
    expect(running.session.facts.lost).toBe(true);
    const done = session(snapshot({ status: "completed", live: false }));
    done.model.say({ type: "snapshot", ...done.first });
    settle(200_000);
    expect(done.model.asked("sync")).toBe(1);
    expect(done.session.facts.lost).toBe(false);
  });

  test("a wish is pending until the facts show it", () => {
    const { model, session: live, first } = session();
    model.say({ type: "snapshot", ...first });
    live.act("pause", "d1");
    expect(live.facts.pending).toEqual({ action: "pause", of: "d1" });
    model.say({ type: "update", n: 1, turns: [{ id: "t1", append: "a" }] });
    expect(live.facts.pending).toEqual({ action: "pause", of: "d1" });
    model.say({ type: "update", n: 2, dialogue: { paused: true } });
    expect(live.facts.pending).toBeNull();
  });

  test("a second click does not ask twice", () => {
    const { model, session: live, first } = session();
    model.say({ type: "snapshot", ...first });
    live.act("stop", "d1");
    live.act("stop", "d1");
    expect(model.asked("stop")).toBe(1);
  });

  test("a refusal ends the waiting and can be dismissed", () => {
    const { model, session: live, first } = session();
    model.say({ type: "snapshot", ...first });
    live.act("resume", "d1");
    model.say({ type: "refused", text: "It runs in another process." });
    expect(live.facts).toMatchObject({ pending: null, refused: "It runs in another process." });
    live.dismiss();
    expect(live.facts.refused).toBeNull();
  });

  test("clocks stand still until the kernel was heard", () => {
    const { model, session: live, first } = session();
    const before = live.now();
    settle(1_000);
    expect(live.now()).toBe(before);
    model.say({ type: "snapshot", ...first });
    const heard = live.now();
    settle(1_000);
    expect(live.now() - heard).toBeCloseTo(1);
  });

  test("a comm that is closed breaks nothing", () => {
    const model = new FakeModel(snapshot());
    model.send = () => {
      throw new Error("comm is closed");
    };
    const live = new Session(model);
    settle(4_000);
    expect(live.facts.lost).toBe(true);
  });
});

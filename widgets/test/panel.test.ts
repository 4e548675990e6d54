import { describe, expect, test, vi } from "vitest";
import type { DialogueFacts, TurnFacts } from "../src/protocol.js";
import { button, click, mount, onAFakeClock, redrawn, settle, text } from "./page.js";
import { begun, callFacts, plan, START, snapshot, speakers, turnFacts } from "./play.js";

onAFakeClock();

const CAN = { stop: false, pause: false, unpause: false, resume: false };
const ended = (status: DialogueFacts["status"], more: Partial<DialogueFacts> = {}): Partial<DialogueFacts> => ({
  status,
  live: false,
  can: { ...CAN, resume: true },
  ...more,
});

describe("the states of a panel", () => {
  const cases: [string, Partial<DialogueFacts>, TurnFacts[], string, string][] = [
    ["before the first turn", {}, [], "Running", "The first turn is about to start."],
    ["paused while somebody speaks", { paused: true }, [begun()], "Paused", "Who speaks now finishes"],
    ["paused", { paused: true }, [turnFacts()], "Paused", "No turn starts until you continue."],
    ["failed", ended("failed", { reason: "Pro failed: no key" }), [], "Failed", "Pro failed: no key. Resume goes on"],
    ["cancelled", ended("cancelled"), [turnFacts()], "Cancelled", "It was stopped before its end. Resume goes on"],
    [
      "at a limit",
      ended("cost_limited", { reason: "max_cost of $0.05 reached" }),
      [],
      "Cost limited",
      "max_cost of $0.05 reached.",
    ],
    ["interrupted", ended("interrupted"), [], "Interrupted", "No process runs this dialogue any more. Resume goes on"],
    ["completed without a word", ended("completed", { can: CAN }), [], "Completed", "Nothing was said."],
  ];
  test.each(cases)("%s", (_, dialogue, turns, word, line) => {
    const { el } = mount(snapshot(dialogue, turns));
    expect(text(el, ".wb-standing")).toBe(word);
    expect(el.textContent).toContain(line);
  });

  test("nothing known yet, and then nobody there", () => {
    const { el } = mount(null);
    expect(el.textContent).toContain("Waiting for the kernel.");
    settle(3_000);
    expect(el.textContent).toContain("The kernel does not answer, and nothing was saved here.");
  });

  test("a kernel that is gone leaves what was saved, without buttons", () => {
    const { el } = mount(snapshot({}, [turnFacts()]), { answers: false });
    settle(3_100);
    expect(el.textContent).toContain("The kernel does not answer. What is shown is what was saved.");
    expect(text(el, ".wb-standing")).toBe("Not connected");
    expect(el.textContent).toContain("Because it is so.");
    expect(button(el, "Stop")).toBeUndefined();
  });

  test("a kind of a newer version is named", () => {
    expect(mount(snapshot(), { kind: "graph" }).el.textContent).toContain("kind “graph”");
  });
});

describe("the states of a turn", () => {
  const cases: [string, TurnFacts, string][] = [
    ["waits for its model", begun({ model: "qwen" }), "Waiting for qwen"],
    ["thinks", begun({ reasoning: "hm" }), "Reasoning, not finished"],
    ["failed", turnFacts({ status: "failed", text: "", error: "no key", hint: "Set one." }), "Failed. no keySet one."],
    ["cancelled", turnFacts({ status: "cancelled" }), "Cancelled. What was said until then is kept."],
    ["cancelled before a word", turnFacts({ status: "cancelled", text: "" }), "Cancelled. Nothing was said until then."],
    ["interrupted", turnFacts({ status: "interrupted" }), "Interrupted. What was said"],
    ["empty", turnFacts({ text: " " }), "An empty answer."],
  ];
  test.each(cases)("%s", (_, turn, words) => {
    expect(text(mount(snapshot({}, [turn])).el, ".wb-said")).toContain(words);
  });

  test("what it took, and a clock while it is spoken", async () => {
    const { el } = mount(snapshot({}, [turnFacts(), begun({ id: "t2", index: 2 })]));
    expect(text(el, ".wb-took")).toBe("100 tokens, $0.001, 5.0 s|0 s");
    await redrawn(3_000);
    expect(text(el, ".wb-took")).toBe("100 tokens, $0.001, 5.0 s|3 s");
  });

  test("which model a policy chose, and why", () => {
    const routed = { policy: "learned", reason: "expected quality 0.91\u202e" };
    const { el } = mount(snapshot({}, [turnFacts({ routed })]));
    const badge = button(el, "claude");
    const why = document.getElementById(badge?.getAttribute("aria-describedby") ?? "")?.textContent;
    expect(why).toBe("Chosen by learned: expected quality 0.91.");
  });

  test("where it was copied from, instead of what it took", () => {
    const copied = turnFacts({ copied_from: "3f9a\u202e", calls: [], tokens: 0, cost: null, latency: 0 });
    const { el } = mount(snapshot({}, [copied]));
    expect(text(el, ".wb-turn .wb-took")).toBe("copied from 3f9a");
  });

  test("who stood in and why, and what was tried again", () => {
    const calls = [
      callFacts({ outcome: "rate_limit", error: "429" }),
      callFacts({ attempt: 2, outcome: "timeout" }),
      callFacts({ model: "qwen", fallback_reason: "claude gave up" }),
    ];
    const { el } = mount(snapshot({}, [turnFacts({ served: "qwen", calls })]));
    expect(button(el, "fallback: qwen for claude")).toBeDefined();
    const described = (name: string) =>
      document.getElementById(button(el, name)?.getAttribute("aria-describedby") ?? "")?.textContent;
    expect(described("fallback: qwen for claude")).toBe("claude gave up");
    expect(described("1 retry")).toBe("claude, attempt 1: rate limit. 429claude, attempt 2: timeout");
  });

  test("folds, and a snapshot does not unfold it", () => {
    const { el, model } = mount(snapshot({}, [turnFacts()]));
    click(el, "Pro, round 1");
    const said = el.querySelector<HTMLElement>(".wb-said");
    expect([said?.hidden, button(el, "Pro, round 1")?.getAttribute("aria-expanded")]).toEqual([true, "false"]);
    model.say({ type: "snapshot", ...snapshot({}, [turnFacts({ text: "Other." })], 5) });
    settle();
    expect(said?.hidden).toBe(true);
    click(el, "Expand all");
    expect(said?.hidden).toBe(false);
  });

  test("reasoning is drawn only when it is opened", async () => {
    const { el } = mount(snapshot({}, [turnFacts({ reasoning: "Deep *thought*." })]));
    expect(el.querySelector(".wb-thought")).toBeNull();
    const details = el.querySelector("details") as HTMLDetailsElement;
    details.open = true;
    details.dispatchEvent(new Event("toggle"));
    await redrawn();
    expect(text(el, ".wb-thought em")).toBe("thought");
  });
});

describe("text", () => {
  test("streams into the page as Markdown", () => {
    const { el, model } = mount(snapshot({}, [begun()]));
    model.say({ type: "update", n: 1, turns: [{ id: "t1", append: "It is *so" }] });
    settle();
    model.say({ type: "update", n: 2, turns: [{ id: "t1", append: "*, and\n\n- one\n" }] });
    settle();
    expect(text(el, ".wb-answer em")).toBe("so");
    model.say({ type: "update", n: 3, turns: [{ id: "t1", append: "- two", status: "completed", latency: 1 }] });
    settle();
    expect(text(el, ".wb-answer li")).toBe("one|two");
  });

  test("a call that broke off takes its text back", () => {
    const { el, model } = mount(snapshot({}, [begun({ text: "half a" })]));
    expect(text(el, ".wb-answer")).toContain("half a");
    model.say({ type: "update", n: 1, turns: [{ id: "t1", text: "" }] });
    settle();
    expect(text(el, ".wb-answer").trim()).toBe("");
    expect(el.textContent).toContain("Waiting for claude");
  });

  test("asks once for the rich renderer, and only when a text needs it", () => {
    const { model } = mount(snapshot({}, [turnFacts()]));
    expect(model.asked("rich")).toBe(0);
    model.say({ type: "update", n: 1, turns: [{ id: "t1", text: "$x^2$" }] });
    settle();
    model.say({ type: "update", n: 2, turns: [{ id: "t1", text: "$x^3$" }] });
    settle();
    expect(model.asked("rich")).toBe(1);
  });
});

describe("the buttons", () => {
  test.each([
    ["stop", "Stop", "Stopping"],
    ["pause", "Pause", "Pausing"],
    ["unpause", "Continue", "Continuing"],
    ["resume", "Resume", "Resuming"],
  ] as const)("%s is sent, and shown as pending", (action, word, pending) => {
    const live = action !== "resume";
    const { el, model } = mount(
      snapshot({ live, status: live ? "running" : "failed", paused: action === "unpause", can: { ...CAN, [action]: true } }),
    );
    click(el, word);
    expect(model.asked(action)).toBe(1);
    expect(button(el, pending)?.getAttribute("aria-disabled")).toBe("true");
    button(el, pending)?.click();
    expect(model.asked(action)).toBe(1);
  });

  test("what cannot be done is not offered", () => {
    const { el } = mount(snapshot(ended("completed", { can: CAN })));
    for (const word of ["Stop", "Pause", "Continue", "Resume"]) expect(button(el, word)).toBeUndefined();
  });

  test("a refusal is said, and the button works again", () => {
    const { el, model } = mount(snapshot(ended("failed")));
    click(el, "Resume");
    model.say({ type: "refused", text: "It runs elsewhere." });
    settle();
    expect(text(el, '[role="alert"] span')).toBe("It runs elsewhere.");
    expect(button(el, "Resume")?.getAttribute("aria-disabled")).toBe("false");
    click(el, "Dismiss");
    expect(el.querySelector('[role="alert"]')).toBeNull();
  });

  test("a button with the focus stays when there is nothing left to do, so that the focus is not lost", async () => {
    const { el, model } = mount(snapshot());
    button(el, "Stop")?.focus();
    click(el, "Stop");
    model.say({ type: "update", n: 1, dialogue: ended("cancelled") });
    settle();
    expect(document.activeElement).toBe(button(el, "Stop"));
    expect(button(el, "Stop")?.getAttribute("aria-disabled")).toBe("true");
    (document.activeElement as HTMLElement).blur();
    await redrawn();
    expect(button(el, "Stop")).toBeUndefined();
  });
});

describe("the layout", () => {
  const two = snapshot({}, [turnFacts(), turnFacts({ id: "t2", index: 2, role: "con", title: "Con, round 1" })]);

  test("columns where there is room, a list where not", () => {
    expect(mount(two, { width: 1_000 }).el.querySelector(".wb-columns")).not.toBeNull();
    const narrow = mount(two, { width: 400 }).el;
    expect(narrow.querySelector(".wb-list")).not.toBeNull();
    expect(button(narrow, "Columns")?.getAttribute("aria-disabled")).toBe("true");
  });

  test("the reader's choice", () => {
    const { el } = mount(two, { width: 1_000 });
    click(el, "List");
    expect(el.querySelector(".wb-columns")).toBeNull();
    click(el, "Columns");
    const spots = [...el.querySelectorAll<HTMLElement>(".wb-turn")].map(({ style }) => [
      style.getPropertyValue("--wb-row"),
      style.getPropertyValue("--wb-column"),
    ]);
    expect(spots).toEqual([
      ["2", "1"],
      ["2", "2"],
    ]);
  });

  test("the head says how far it is and what it took", () => {
    const dialogue = { turns: 1, calls: 2, tokens: 1_234, cost: 0.02, unpriced_calls: 1, ran: 65 };
    const { el } = mount(snapshot(dialogue, [turnFacts(), begun({ id: "t2", index: 2 })]));
    expect(text(el, ".wb-summary > span:not(.wb-standing)")).toBe(
      "debate|turn 2 of 3|1,234 tokens|$0.02 and 1 unpriced call|1 min 05 s",
    );
  });

  test("the dialogue's clock stands still while it is paused", async () => {
    const { el } = mount(snapshot({ paused: true, ran: 5 }, [turnFacts()]));
    await redrawn(5_000);
    expect(text(el, ".wb-summary .wb-clock")).toBe("5 s");
    const running = mount(snapshot({ ran: 5 }, [turnFacts()])).el;
    await redrawn(5_000);
    expect(text(running, ".wb-summary .wb-clock")).toBe("10 s");
  });
});

describe("the rail", () => {
  const facts = snapshot({ planned: plan(200, 3), speakers: speakers(3) }, [
    turnFacts(),
    turnFacts({ id: "t2", index: 2, role: "con", title: "Con, round 1", status: "failed" }),
    begun({ id: "t3", index: 3, role: "judge", title: "Judge, round 1" }),
  ]);
  const rail = (el: HTMLElement) => [...el.querySelectorAll<HTMLButtonElement>(".wb-segment")];
  const press = (key: string) => {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    document.activeElement?.dispatchEvent(event);
    settle();
  };

  test("has a segment per planned turn that says what it is", () => {
    const names = rail(mount(facts).el).map((each) => each.getAttribute("aria-label"));
    expect(names.length).toBe(200);
    expect(names.slice(0, 4)).toEqual([
      "Turn 1, Pro, round 1, completed",
      "Turn 2, Con, round 1, failed",
      "Turn 3, Judge, round 1, running",
      "Turn 4, Pro, round 2, to come",
    ]);
  });

  test("one segment can be reached by Tab, the arrows, Home and End go on from there", async () => {
    const { el } = mount(facts);
    const all = rail(el);
    expect(all.filter((each) => each.tabIndex === 0)).toEqual([all[2]]);
    all[2]?.focus();
    const visited = ["ArrowLeft", "ArrowRight", "ArrowRight", "End", "ArrowRight", "Home", "ArrowLeft"].map((key) => {
      press(key);
      return all.indexOf(document.activeElement as HTMLButtonElement);
    });
    expect(visited).toEqual([1, 2, 3, 199, 199, 0, 0]);
    await redrawn();
    expect(all.filter((each) => each.tabIndex === 0)).toEqual([all[0]]);
  });

  test("its keys do not reach the notebook", () => {
    const { el } = mount(facts);
    const heard = vi.fn();
    document.body.addEventListener("keydown", heard);
    rail(el)[0]?.focus();
    press("ArrowRight");
    el.querySelector<HTMLInputElement>(".wb-input")?.focus();
    press("b");
    document.body.removeEventListener("keydown", heard);
    expect(heard).not.toHaveBeenCalled();
    expect(el.querySelector(".wb-panel")?.getAttribute("data-lm-suppress-shortcuts")).toBe("true");
  });

  test("Enter goes to the turn", () => {
    const { el } = mount(facts);
    rail(el)[1]?.focus();
    // What a browser makes of Enter on a button.
    rail(el)[1]?.dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 0 }));
    settle();
    expect((document.activeElement as HTMLElement).dataset.turn).toBe("t2");
  });
});

describe("for screen readers", () => {
  test("the live region says who speaks, and not what", () => {
    const { el, model } = mount(snapshot({}, []));
    const heard = () => text(el, '.wb-hear[aria-live="polite"]');
    expect(heard()).toBe("");
    model.say({ type: "update", n: 1, turns: [begun()] });
    settle();
    expect(heard()).toBe("Pro, round 1, is speaking");
    model.say({ type: "update", n: 2, turns: [{ id: "t1", append: "secret words" }] });
    settle();
    expect(heard()).toBe("Pro, round 1, is speaking");
    model.say({ type: "update", n: 3, dialogue: ended("completed"), turns: [{ id: "t1", status: "completed" }] });
    settle();
    expect(heard()).toBe("Pro, round 1, finished. Dialogue completed");
  });
});

test("two views of one model show the same, and each folds for itself", () => {
  const { el, model, again } = mount(snapshot({}, [begun()]));
  const other = again();
  model.say({ type: "update", n: 1, turns: [{ id: "t1", append: "Hello" }] });
  click(el, "Pro, round 1");
  for (const view of [el, other]) expect(text(view, ".wb-answer")).toContain("Hello");
  expect([el, other].map((view) => view.querySelector<HTMLElement>(".wb-said")?.hidden)).toEqual([true, false]);
  expect(model.asked("sync")).toBe(1);
  click(other, "Stop");
  expect(button(el, "Stopping")).toBeDefined();
});

test("hostile strings from the kernel stay text", () => {
  const bad = "<img src=x onerror=alert(1)>";
  const { el } = mount(
    snapshot({ topic: bad, mode: bad, status: "failed", live: false, reason: bad }, [
      turnFacts({ title: bad, model: bad, served: bad, status: "failed", error: bad, hint: bad, text: bad, started_at: START }),
    ]),
  );
  expect(el.querySelector("img")).toBeNull();
  expect(text(el, ".wb-topic")).toBe(bad);
});

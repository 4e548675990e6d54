import { describe, expect, test } from "vitest";
import type { Field, TurnFacts } from "../src/protocol.js";
import { button, click, mount, onAFakeClock, press, redrawn, settle, text, write } from "./page.js";
import { begun, snapshot, turnFacts } from "./play.js";

onAFakeClock();

const CAN = { stop: true, pause: true, unpause: false, resume: false };
const ANSWER = "Your answer, in Markdown";

const waiting = (more: Partial<TurnFacts> = {}): TurnFacts =>
  begun({ waits: "answer", person: true, model: "person", asked: { prompt: "Speak *for* it.", fields: null }, ...more });
const page = (turn = waiting(), more = {}) => mount(snapshot({ waits: true, ...more }, [turn]));

function field(name: string, more: Partial<Field> = {}): Field {
  return { name, kind: "text", about: "", required: true, choices: [], ...more };
}
const form = (...fields: Field[]) => page(waiting({ asked: { prompt: "", fields } }));

describe("a turn that waits for an answer", () => {
  test("says so everywhere: in the head, in the rail, in a notice, and to a screen reader", () => {
    const { el, model } = mount(snapshot({}, []));
    model.say({ type: "update", n: 1, dialogue: { waits: true }, turns: [waiting()] });
    settle();
    expect(text(el, ".wb-standing")).toBe("Waiting for you");
    expect(text(el, ".wb-hear")).toBe("Pro, round 1, waits for your answer");
    expect(text(el, ".wb-notice")).toContain("Pro, round 1, waits for your answer.");
    expect(el.querySelector(".wb-segment")?.getAttribute("aria-label")).toBe("Turn 1, Pro, round 1, waiting for you");
    expect(text(el, ".wb-model")).toBe("a person");
  });

  test("shows what is asked as Markdown, and sends what was written", async () => {
    const { el, model } = page();
    expect(text(el, ".wb-asked em")).toBe("for");
    write(el, ANSWER, "Because *I* say so.");
    click(el, "Answer");
    expect(model.last("answer")).toMatchObject({ of: "d1", turn: "t1", text: "Because *I* say so." });
    await redrawn();
    expect(button(el, "Sending")?.getAttribute("aria-disabled")).toBe("true");
    model.say({ type: "done", ask: model.last("answer").ask });
    const patch = { id: "t1", waits: null, status: "completed" as const, text: "Because *I* say so." };
    model.say({ type: "update", n: 1, dialogue: { waits: false }, turns: [patch] });
    await redrawn();
    expect([el.querySelector(".wb-turn .wb-person"), text(el, ".wb-answer em")]).toEqual([null, "I"]);
  });

  test("Ctrl+Enter sends, and no key reaches the notebook", () => {
    const { el, model } = page();
    let heard = 0;
    const hear = () => {
      heard += 1;
    };
    document.body.addEventListener("keydown", hear);
    const box = write(el, ANSWER, "Yes.");
    press(box, "Enter");
    press(box, "Enter", { shiftKey: true });
    expect(model.asked("answer")).toBe(0);
    press(box, "Enter", { ctrlKey: true });
    document.body.removeEventListener("keydown", hear);
    expect([model.asked("answer"), heard]).toEqual([1, 0]);
  });

  test("an empty answer is not sent", async () => {
    const { el, model } = page();
    click(el, "Answer");
    await redrawn();
    expect([model.asked("answer"), text(el, ".wb-trouble")]).toEqual([0, "Write something first."]);
  });

  test("what was refused stays in its box, with the reason", async () => {
    const { el, model } = page();
    const box = write(el, ANSWER, "A long answer");
    click(el, "Answer");
    model.say({ type: "refused", ask: model.last("answer").ask, text: "this cannot be used\u202e" });
    await redrawn();
    expect(text(el, '[role="alert"]')).toBe("this cannot be used");
    expect(box.value).toBe("A long answer");
    expect(el.querySelector(".wb-top [role=alert]")).toBeNull();
  });

  test("a draft survives a snapshot, and another view has it, too", () => {
    const { el, model, again } = page();
    const box = write(el, ANSWER, "half a sen");
    model.say({ type: "snapshot", ...snapshot({ waits: true }, [waiting()], 5) });
    settle();
    expect(box.value).toBe("half a sen");
    expect(again().querySelector("textarea")?.value).toBe("half a sen");
  });

  test("a kernel that does not answer is named, and nothing is lost", async () => {
    const { el, model } = page();
    write(el, ANSWER, "Hello");
    click(el, "Answer");
    await redrawn(7_000);
    expect(el.textContent).toContain("The kernel does not answer.");
    expect(el.querySelector(".wb-person")).toBeNull();
    model.say({ type: "snapshot", ...snapshot({ waits: true }, [waiting()], 1) });
    await redrawn();
    expect(el.querySelector("textarea")?.value).toBe("Hello");
  });

  test("nothing can be given to a dialogue that another process runs", () => {
    expect(page(waiting(), { can: { ...CAN, interject: false } }).el.querySelector(".wb-person")).toBeNull();
  });

  test("nothing can be given where the dialogue does not run", () => {
    const { el } = page(waiting({ status: "interrupted" }), { live: false, status: "interrupted" });
    expect(el.querySelector(".wb-person")).toBeNull();
    expect(text(el, ".wb-standing")).toBe("Interrupted");
  });
});

describe("an answer that is data", () => {
  const choice = field("next", { kind: "choice", about: "Who goes on", choices: ["critic", "done", 3, true] });

  test("has a button for each choice", async () => {
    const { el, model } = form(choice, field("why"));
    expect(text(el, ".wb-label")).toBe("next Who goes on|why ");
    expect(text(el, '[aria-label="next"] button')).toBe("critic|done|3|Yes");
    click(el, "done");
    await redrawn();
    expect(button(el, "done")?.getAttribute("aria-pressed")).toBe("true");
    write(el, "why", "It is enough.");
    click(el, "Answer");
    expect(JSON.parse(model.last("answer").text)).toEqual({ next: "done", why: "It is enough." });
  });

  test("values keep their types", () => {
    const { el, model } = form(choice, field("score", { kind: "number" }), field("list", { kind: "json" }));
    click(el, "3");
    write(el, "score", "7.5");
    write(el, "list, as JSON", '["a", 1]');
    click(el, "Answer");
    expect(JSON.parse(model.last("answer").text)).toEqual({ next: 3, score: 7.5, list: ["a", 1] });
  });

  test.each([
    [field("next", { kind: "choice", choices: ["a"] }), "", "next is missing."],
    [field("score", { kind: "number" }), "many", "score is no number."],
    [field("list", { kind: "json" }), "[1", "list is no JSON."],
  ])("what is wrong is said before it is sent: %#", async (one, words, problem) => {
    const { el, model } = form(one);
    if (words) write(el, one.kind === "json" ? "list, as JSON" : one.name, words);
    click(el, "Answer");
    await redrawn();
    expect([text(el, ".wb-trouble"), model.asked("answer")]).toEqual([problem, 0]);
  });

  test("what may be left out is left out, and a value of its own is no object", () => {
    const { el, model } = form(field("a", { required: false }), field("__proto__"));
    write(el, "  proto  ", "x");
    click(el, "Answer");
    expect(model.last("answer").text).toBe('{\n  "__proto__": "x"\n}');
    const alone = form(field("", { kind: "choice", choices: ["tabs", "spaces"] }));
    click(alone.el, "spaces");
    click(alone.el, "Answer");
    expect(alone.model.last("answer").text).toBe('"spaces"');
  });

  test("a choice is sent as it is, though it is cleaned where it is shown", () => {
    const { el, model } = form(field("a", { kind: "choice", choices: ["x\u202ey", "<b>z</b>"] }));
    expect(text(el, '[aria-label="a"] button')).toBe("xy|<b>z</b>");
    click(el, "xy");
    click(el, "Answer");
    expect(JSON.parse(model.last("answer").text)).toEqual({ a: "x\u202ey" });
  });
});

describe("a turn that waits for approval", () => {
  const said = waiting({ waits: "approval", person: false, model: "claude", text: "It *is* so.", asked: null });

  test("shows what was said, and can be approved as it is", () => {
    const { el, model } = page(said);
    expect(text(el, ".wb-answer em")).toBe("is");
    expect(text(el, ".wb-notice")).toContain("waits for your approval");
    click(el, "Approve");
    const { ask: _, ...sent } = model.last("approve");
    expect(sent).toEqual({ type: "approve", of: "d1", turn: "t1" });
  });

  test("or edited", async () => {
    const { el, model } = page(said);
    click(el, "Edit");
    await redrawn();
    expect(el.querySelector("textarea")?.value).toBe("It *is* so.");
    write(el, "The text as it should be", "It is not.");
    click(el, "Approve the edit");
    expect(model.last("approve")).toMatchObject({ turn: "t1", text: "It is not." });
  });

  test("or left as it was after all", async () => {
    const { el, model } = page(said);
    click(el, "Edit");
    await redrawn();
    write(el, "The text as it should be", "Nonsense");
    click(el, "Leave it as it was");
    await redrawn();
    click(el, "Approve");
    expect(model.last("approve").text).toBeUndefined();
  });

  test("an edited turn is marked", () => {
    const { el } = mount(snapshot({}, [turnFacts({ edited: true })]));
    expect(text(el, ".wb-edited")).toBe("edited by a person");
  });
});

describe("taking part", () => {
  const talk = (more = {}) =>
    mount(snapshot({ can: { ...CAN, interject: true, call_on: true, skip: true, ...more } }, [turnFacts()]));

  test("is offered as far as the dialogue can", () => {
    expect(mount(snapshot({}, [turnFacts()])).el.querySelector(".wb-part")).toBeNull();
    expect(text(talk().el, ".wb-part summary")).toBe("Take part");
    expect(button(talk({ interject: false }).el, "Interject")).toBeUndefined();
    expect(button(talk({ call_on: false }).el, "Let speak")).toBeUndefined();
  });

  test("a word to all, whose box is empty once it is said", async () => {
    const { el, model } = talk();
    const box = write(el, "Say something to all, in Markdown", "What about *cost*?");
    press(box, "Enter", { metaKey: true });
    expect(model.last("interject")).toMatchObject({ of: "d1", text: "What about *cost*?" });
    model.say({ type: "done", ask: model.last("interject").ask });
    await redrawn();
    expect(box.value).toBe("");
  });

  test("who speaks next", async () => {
    const { el, model } = talk();
    const roles = el.querySelector(".wb-next select") as HTMLSelectElement;
    expect([...roles.options].map((option) => option.textContent)).toEqual(["Pro", "Con"]);
    roles.value = "con";
    roles.dispatchEvent(new Event("change", { bubbles: true }));
    await redrawn();
    write(el, "What to ask, if you like", "Are you sure?");
    click(el, "Let speak");
    expect(model.last("call_on")).toMatchObject({ of: "d1", role: "con", prompt: "Are you sure?" });
  });

  test("the turn to come can be skipped", async () => {
    const { el, model } = talk();
    click(el, "Skip Con, round 1");
    expect(model.last("skip")).toMatchObject({ of: "d1", turn: "t2" });
    model.say({ type: "refused", ask: model.last("skip").ask, text: "t2 has begun already" });
    await redrawn();
    expect(text(el, ".wb-part .wb-trouble")).toContain("has begun already");
  });

  test("what a person said stands across all columns, under their name", () => {
    const turns = [turnFacts(), turnFacts({ id: "you_1", index: 1, role: "You", title: "You", person: true })];
    const { el } = mount(snapshot({}, turns), { width: 1_000 });
    const added = el.querySelector('[data-turn="you_1"]');
    expect([added?.getAttribute("data-wide"), text(el, ".wb-model")]).toEqual(["true", "a person"]);
  });

  test("a person takes time, but no tokens", () => {
    const { el } = mount(snapshot({}, [turnFacts({ person: true, calls: [], tokens: 0, cost: null })]));
    expect(text(el, ".wb-turn .wb-took")).toBe("5.0 s");
  });
});

test("hostile prompts and fields do nothing", () => {
  const bad = "<img src=x onerror=alert(1)>";
  const one = field(bad, { kind: "choice", about: bad, choices: [bad, { a: bad }] });
  const { el } = page(
    waiting({ asked: { prompt: `${bad} [x](javascript:alert(1)) ![y](https://evil.example/y.png)`, fields: [one] } }),
  );
  settle();
  expect([el.querySelector("img"), el.querySelector("a[href^=javascript]")]).toEqual([null, null]);
  expect(text(el, ".wb-label b")).toBe(bad);
});

import { describe, expect, test } from "vitest";
import type { Snapshot } from "../src/protocol.js";
import { fromSnapshot } from "../src/store.js";
import { asMarkdown } from "../src/transcript.js";
import { button, click, mount, onAFakeClock, press, redrawn, settle, text, write } from "./page.js";
import { begun, childFacts, dialogueFacts, START, snapshot, turnFacts } from "./play.js";

onAFakeClock();

const CAN = { stop: true, pause: true, unpause: false, resume: false };
const spawn = begun({ id: "t1", role: "research", title: "Research", model: "sub-dialogues" });
const parent = (children = [childFacts(), childFacts({ id: "c2", topic: "What does it save?" })]): Snapshot =>
  snapshot({ children }, [spawn]);
const child = (more = {}) => dialogueFacts({ id: "c1", mode: "chat", topic: "What does it cost?", ...more });
const heads = (el: HTMLElement) => [...el.querySelectorAll<HTMLButtonElement>(".wb-card-head")];

function opened() {
  const page = mount(parent());
  heads(page.el)[0]?.click();
  settle();
  const others = [
    { of: "c1", dialogue: child(), turns: [turnFacts({ text: "Ten *dollars*." }), begun({ id: "t2", index: 2 })] },
  ];
  page.model.say({ type: "update", n: 1, others });
  settle();
  return page;
}

describe("the sub-dialogues of a turn", () => {
  test("are cards that say what they are about, how they stand, and what they took", () => {
    const { el } = mount(parent());
    expect(heads(el).map((head) => head.textContent)).toEqual([
      "What does it cost?Runningchat1 of 3 turns$0.002Con, round 1 speaks",
      "What does it save?Runningchat1 of 3 turns$0.002Con, round 1 speaks",
    ]);
    expect(heads(el).map((head) => head.getAttribute("aria-expanded"))).toEqual(["false", "false"]);
    expect(text(el, ".wb-answer").trim()).toBe("");
  });

  test("are told as a whole only while they are open", () => {
    const { el, model } = mount(parent());
    expect(model.asked("open")).toBe(0);
    heads(el)[0]?.click();
    settle();
    expect(model.last("open")).toEqual({ type: "open", of: "c1" });
    expect(text(el, ".wb-card")).toContain("Opening");
    heads(el)[0]?.click();
    settle();
    expect(model.last("close")).toEqual({ type: "close", of: "c1" });
  });

  test("stream where they stand, and the parent's turns are not theirs", () => {
    const { el, model } = opened();
    expect(text(el, ".wb-card .wb-answer em")).toBe("dollars");
    model.say({ type: "update", n: 2, others: [{ of: "c1", turns: [{ id: "t2", append: "Or **twenty**." }] }] });
    settle();
    expect(text(el, ".wb-card .wb-answer strong")).toBe("twenty");
    model.say({ type: "update", n: 3, turns: [{ id: "t1", append: "Together" }] });
    settle();
    expect(text(el, '.wb-turn[data-of="d1"] > .wb-said .wb-answer')).toContain("Together");
  });

  test("fold by themselves, though ids of turns are the same", () => {
    const { el } = opened();
    const inner = el.querySelector<HTMLButtonElement>(".wb-card .wb-fold");
    inner?.click();
    settle();
    expect(el.querySelector<HTMLElement>(".wb-card .wb-said")?.hidden).toBe(true);
    expect(el.querySelector<HTMLElement>('.wb-turn[data-of="d1"] > .wb-said')?.hidden).toBe(false);
  });

  test("nest", () => {
    const { el, model } = opened();
    const children = [childFacts({ id: "c9", turn: "t2", topic: "Per month?" })];
    model.say({ type: "update", n: 2, others: [{ of: "c1", dialogue: { children } }] });
    settle();
    expect(heads(el).map((head) => head.querySelector(".wb-card-topic")?.textContent)).toEqual([
      "What does it cost?",
      "Per month?",
      "What does it save?",
    ]);
    heads(el)[1]?.click();
    settle();
    expect(model.last("open")).toEqual({ type: "open", of: "c9" });
  });

  test("have buttons of their own", () => {
    const { el, model } = opened();
    click(el.querySelector<HTMLElement>(".wb-card") as HTMLElement, "Stop");
    expect(model.last("stop")).toEqual({ type: "stop", of: "c1" });
    expect(text(el, ".wb-summary .wb-button")).toBe("Pause|Stop");
    model.say({
      type: "update",
      n: 2,
      others: [{ of: "c1", dialogue: { live: false, status: "cancelled", can: { ...CAN, stop: false } } }],
    });
    settle();
    expect(button(el.querySelector<HTMLElement>(".wb-card") as HTMLElement, "Stopping")).toBeUndefined();
  });

  test("that go round, as in an imported file, open no further", () => {
    const { el } = mount(parent([childFacts({ id: "d1" })]));
    heads(el)[0]?.click();
    settle();
    expect(heads(el).map((head) => head.getAttribute("aria-expanded"))).toEqual(["false"]);
    const { el: two, model } = opened();
    model.say({ type: "update", n: 2, others: [{ of: "c1", dialogue: { children: [childFacts({ id: "c1", turn: "t2" })] } }] });
    settle();
    expect(heads(two).map((head) => head.getAttribute("aria-expanded"))).toEqual(["true", "false", "false"]);
  });

  test("that another page closed are asked for again by the one that has them open", () => {
    const { model } = opened();
    expect(model.asked("open")).toBe(1);
    model.say({ type: "update", n: 2, others: [{ of: "c1", gone: true }] });
    settle();
    expect(model.asked("open")).toBe(2);
  });

  test("two views need a dialogue until both have closed it", () => {
    const { el, model, again } = opened();
    const other = again();
    heads(other)[0]?.click();
    settle();
    heads(el)[0]?.click();
    settle();
    expect([model.asked("open"), model.asked("close")]).toEqual([1, 0]);
    heads(other)[0]?.click();
    settle();
    expect(model.asked("close")).toBe(1);
  });

  test("are no longer needed by a view that is gone", () => {
    const { el, model, leave } = mount(parent());
    heads(el)[0]?.click();
    settle();
    leave();
    expect(model.last("close")).toEqual({ type: "close", of: "c1" });
  });

  test("stand across all columns", () => {
    const { el } = mount(parent(), { width: 1_000 });
    expect(el.querySelector<HTMLElement>('[data-turn="t1"]')?.dataset.wide).toBe("true");
  });

  test("go with the transcript that is copied", () => {
    const state = fromSnapshot(parent([childFacts({ status: "completed", live: false })]), START);
    expect(asMarkdown(state)).toContain("- Sub-dialogue c1 (chat, completed): What does it cost?");
  });

  test("are announced when they begin to wait and when they end", () => {
    const { el, model } = mount(parent([childFacts()]));
    model.say({ type: "update", n: 1, dialogue: { children: [childFacts({ waits: true })] } });
    settle();
    expect(text(el, ".wb-hear")).toBe("Sub-dialogue What does it cost?: waiting for you");
    model.say({ type: "update", n: 2, dialogue: { children: [childFacts({ live: false, status: "completed" })] } });
    settle();
    expect(text(el, ".wb-hear")).toBe("Sub-dialogue What does it cost?: completed");
  });

  test("that wait can be gone to, and come back from", () => {
    const { el, model } = mount(parent([childFacts({ waits: true })]));
    expect(text(el, ".wb-notice")).toContain("A sub-dialogue waits for you: What does it cost?");
    click(el, "Go there");
    expect(text(el, ".wb-empty")).toBe("Opening the dialogue.");
    model.say({ type: "update", n: 1, others: [{ of: "c1", dialogue: child(), turns: [turnFacts({ text: "Ten." })] }] });
    settle();
    expect([text(el, ".wb-topic"), text(el, ".wb-answer").trim()]).toEqual(["What does it cost?", "Ten."]);
    click(el, "Pause");
    expect(model.last("pause")).toEqual({ type: "pause", of: "c1" });
    click(el, "Back");
    expect(text(el, ".wb-topic")).toContain("Open weights");
    expect(model.last("close")).toEqual({ type: "close", of: "c1" });
  });
});

describe("the tree", () => {
  const nodes = [
    { id: "d1", depth: 0, status: "running" as const, facts: "debate: Tabs?; running, 1 turn" },
    { id: "f1", depth: 1, status: "completed" as const, facts: "from con; judge=gpt" },
  ];

  test("is asked for, shows the family, and marks the one that is shown", () => {
    const { el, model } = mount(snapshot({}, [turnFacts()]));
    click(el, "Tree");
    expect(text(el, ".wb-empty")).toContain("Looking");
    model.say({ type: "tree", nodes });
    settle();
    const items = [...el.querySelectorAll('[role="treeitem"]')];
    expect(
      items.map((item) => [item.textContent, item.getAttribute("aria-level"), item.getAttribute("aria-selected")]),
    ).toEqual([
      ["debate: Tabs?; running, 1 turn d1 shown now", "1", "true"],
      ["from con; judge=gpt f1", "2", "false"],
    ]);
  });

  test("a click shows a dialogue, Back returns to the panel's own", () => {
    const { el, model } = mount(snapshot({}, [turnFacts()]));
    click(el, "Tree");
    model.say({ type: "tree", nodes });
    settle();
    el.querySelectorAll<HTMLButtonElement>(".wb-node")[1]?.click();
    settle();
    expect(model.last("open")).toEqual({ type: "open", of: "f1" });
    model.say({
      type: "update",
      n: 1,
      others: [{ of: "f1", dialogue: dialogueFacts({ id: "f1", topic: "The fork" }), turns: [] }],
    });
    settle();
    expect([text(el, ".wb-topic"), el.querySelector(".wb-tree")]).toEqual(["The fork", null]);
    click(el, "Back");
    expect(text(el, ".wb-topic")).toContain("Open weights");
  });

  test("is asked for again when a dialogue of it ends", async () => {
    const { el, model } = mount(snapshot({}, [turnFacts()]));
    click(el, "Tree");
    await redrawn();
    expect(model.asked("tree")).toBe(1);
    model.say({ type: "update", n: 1, dialogue: { live: false, status: "completed" } });
    await redrawn();
    expect(model.asked("tree")).toBe(2);
  });

  test("the arrow keys go through it", () => {
    const { el, model } = mount(snapshot({}, [turnFacts()]));
    click(el, "Tree");
    model.say({ type: "tree", nodes });
    settle();
    const items = [...el.querySelectorAll<HTMLElement>(".wb-node")];
    expect(items.map((item) => item.tabIndex)).toEqual([0, -1]);
    items[0]?.focus();
    press(items[0] as HTMLElement, "ArrowDown");
    expect(document.activeElement).toBe(items[1]);
    press(items[1] as HTMLElement, "Home");
    expect(document.activeElement).toBe(items[0]);
  });
});

describe("a fork", () => {
  const forkable = () => mount(snapshot({ can: { ...CAN, fork: true } }, [turnFacts(), begun({ id: "t2", index: 2 })]));
  const label = "Fork from Pro, round 1…";

  test("is offered at turns that are complete, where it is possible", () => {
    expect(button(forkable().el, label)).toBeDefined();
    expect(forkable().el.querySelectorAll('.wb-turn [aria-label^="Fork"]').length).toBe(1);
    expect(button(mount(snapshot({}, [turnFacts()])).el, label)).toBeUndefined();
  });

  test("takes other models, and opens where it was asked for", async () => {
    const { el, model, again } = forkable();
    const other = again();
    click(el, label);
    write(el, "qwen", " gpt-mini ");
    click(el, "Fork");
    const asked = model.last("fork");
    expect(asked).toMatchObject({ of: "d1", turn: "t1", models: { con: "gpt-mini" } });
    model.say({ type: "done", ask: asked.ask, id: "f1" });
    await redrawn();
    expect(model.last("open")).toEqual({ type: "open", of: "f1" });
    expect([text(el, ".wb-empty"), text(other, ".wb-empty")]).toEqual(["Opening the dialogue.", ""]);
  });

  test("that is refused keeps what was written, and says why", async () => {
    const { el, model } = forkable();
    click(el, label);
    const box = write(el, "qwen", "no such model");
    click(el, "Fork");
    model.say({ type: "refused", ask: model.last("fork").ask, text: "There is no model." });
    await redrawn();
    expect(text(el, ".wb-trouble")).toBe("There is no model.");
    expect([box.isConnected, box.value]).toEqual([true, "no such model"]);
    expect(button(el, "Fork")?.getAttribute("aria-disabled")).toBe("false");
  });
});

test("hostile strings of a family stay text", () => {
  const bad = "<img src=x onerror=alert(1)>\u202e";
  const cards = [childFacts({ topic: bad, mode: bad, speaker: bad, waits: true })];
  const { el, model } = mount(snapshot({ children: cards }, [spawn]));
  heads(el)[0]?.click();
  const dialogue = child({ topic: bad, reason: bad, speakers: [{ role: "pro", title: bad, model: bad }] });
  model.say({ type: "update", n: 1, others: [{ of: "c1", dialogue, turns: [turnFacts({ title: bad, text: bad })] }] });
  click(el, "Tree");
  model.say({ type: "tree", nodes: [{ id: bad, depth: 0, status: "running", facts: bad }] });
  settle();
  expect(text(el, ".wb-node")).toContain("<img src=x onerror=alert(1)>");
  click(el, "Tree");
  expect(el.querySelector("img")).toBeNull();
  expect(text(el, ".wb-card-topic")).toBe("<img src=x onerror=alert(1)>");
});

/** A panel that is opened at a turn: it comes into view, is marked for a while, and nothing takes the reader away from it. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { keyOf } from "../src/look.js";
import { button, mount, onAFakeClock, settle } from "./page.js";
import { begun, childFacts, plan, snapshot, turnFacts } from "./play.js";

onAFakeClock();

const ended = { status: "completed", live: false, planned: plan(3) } as const;
const turns = ["t1", "t2", "t3"].map((id, place) => turnFacts({ id, index: place + 1 }));

let arrivals: string[];
const arrived = ({ target }: Event) => arrivals.push((target as HTMLElement).dataset.turn ?? "");
beforeEach(() => {
  arrivals = [];
  document.addEventListener("wb-arrived", arrived);
});
afterEach(() => document.removeEventListener("wb-arrived", arrived));

const current = (el: HTMLElement) =>
  [...el.querySelectorAll<HTMLElement>("[aria-current=true]")].map(({ dataset }) =>
    keyOf(dataset.of ?? "", dataset.turn ?? ""),
  );
const following = (el: HTMLElement) => el.querySelector<HTMLElement>(".wb-scroll")?.dataset.following;

test("the turn is marked for a while, and what stands around is told once", () => {
  const { el } = mount(snapshot(ended, turns), { turn: "t2" });
  expect(current(el)).toEqual(["d1 t2"]);
  settle(7_000);
  expect(current(el)).toEqual(["d1 t2"]);
  settle(1_500);
  expect(current(el)).toEqual([]);
  expect(arrivals).toEqual(["t2"]);
});

test("without a turn, none is marked", () => {
  expect(current(mount(snapshot(ended, turns)).el)).toEqual([]);
  expect(arrivals).toEqual([]);
});

test("a panel that knows nothing yet goes there when it does", () => {
  const { el, model } = mount(null, { turn: "t3" });
  expect(arrivals).toEqual([]);
  model.say({ type: "snapshot", ...snapshot(ended, turns) });
  settle();
  expect(current(el)).toEqual(["d1 t3"]);
});

test("what was saved is enough to go there, and every other view of the panel goes there too", () => {
  const { el, again } = mount(snapshot(ended, turns), { turn: "t1", answers: false });
  const other = again();
  settle();
  expect([current(el), current(other)]).toEqual([["d1 t1"], ["d1 t1"]]);
  expect(arrivals).toEqual(["t1", "t1"]);
});

test("a turn that the kernel does not know is forgotten, and comes as any other should it be spoken later", () => {
  const { el, model } = mount(snapshot({}, turns.slice(0, 1)), { turn: "t3" });
  model.say({ type: "update", n: 1, turns: [begun({ id: "t3", index: 3 })] });
  settle();
  expect(arrivals).toEqual([]);
  expect(current(el)).toEqual([]);
});

test("a dialogue that runs is not followed from there, until the reader wants to", () => {
  const { el, model } = mount(snapshot({}, turns), { turn: "t1" });
  model.say({ type: "update", n: 1, turns: [begun({ id: "t4", index: 4, text: "new" })] });
  settle();
  expect(following(el)).toBe("false");
  button(el, "Latest")?.click();
  settle();
  expect(following(el)).toBe("true");
});

test("a turn of the same name in a sub-dialogue's card is another one", () => {
  const child = childFacts({ turn: "t1", live: false, status: "completed" });
  const inner = snapshot({ ...ended, id: "c1" }, [turnFacts({ id: "t2" })]);
  const { el, model } = mount({ ...snapshot({ ...ended, children: [child] }, turns), others: [inner] }, { turn: "t2" });
  el.querySelector<HTMLButtonElement>(".wb-card-head")?.click();
  settle();
  expect(el.querySelectorAll("[data-turn=t2]").length).toBe(2);
  expect(current(el)).toEqual(["d1 t2"]);
  expect(model.asked("open")).toBe(0);
});

test("a reader who goes to another turn takes the mark along", () => {
  const { el } = mount(snapshot(ended, turns), { turn: "t2" });
  el.querySelectorAll<HTMLButtonElement>(".wb-segment")[2]?.click();
  settle();
  expect(current(el)).toEqual(["d1 t3"]);
  settle(1_200);
  expect(current(el)).toEqual([]);
});

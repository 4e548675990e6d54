import { afterEach, expect, test } from "vitest";
import part from "../../src/experiment/index.js";
import type { ExperimentFacts, Look } from "../../src/experiment/protocol.js";
import { number, signed, span, usd } from "../../src/experiment/words.js";
import type { Core, PartModel } from "../../src/parts.js";

afterEach(() => document.body.replaceChildren());

const looks = (count: number, mean: number): Look[] =>
  Array.from({ length: count }, (_, at) => [
    at + 2,
    mean,
    at < 3 ? null : mean - 3 / (at + 2),
    at < 3 ? null : mean + 3 / (at + 2),
  ]);

function facts(more: Partial<ExperimentFacts> = {}): ExperimentFacts {
  const arm = { total: 40, fallbacks: 0, latency: 1.25, cost: 0.004 };
  return {
    name: "sums",
    run: "r1",
    status: "running",
    reason: null,
    now: 0,
    hypothesis: "Care <b>helps</b>\u202e.",
    primary: "right",
    better: "higher",
    margin: 0.1,
    control: "plain",
    total: 80,
    began: 0,
    ended: null,
    arms: [
      { arm: "plain", ok: 20, failed: 0, mean: 0.5, ...arm },
      { arm: "careful", ok: 18, failed: 2, mean: 0.75, ...arm },
    ],
    differences: [{ arm: "careful", cases: 18, planned: 40, confidence: 0.95, shown: null, trail: looks(17, 0.25) }],
    later: false,
    errors: [{ arm: "careful", text: "<img src=x> timed out", count: 2 }],
    can: { stop: true },
    eta: 130,
    cost: 0.01,
    ...more,
  };
}

class Model implements PartModel {
  snapshot: ExperimentFacts;
  sent: object[] = [];
  heard = new Map<string, (message: { type: string; text?: string }) => void>();
  constructor(snapshot: ExperimentFacts) {
    this.snapshot = snapshot;
  }
  get(name: string): unknown {
    return name === "snapshot" ? this.snapshot : undefined;
  }
  on(name: string, callback: (message: never, buffers: never) => void): void {
    this.heard.set(name, callback as never);
  }
  off(name: string): void {
    this.heard.delete(name);
  }
  send(message: object): void {
    this.sent.push(message);
  }
  change(snapshot: ExperimentFacts): void {
    this.snapshot = snapshot;
    this.heard.get("change:snapshot")?.({ type: "" });
  }
}

function mount(snapshot = facts()) {
  const model = new Model(snapshot);
  const el = document.createElement("div");
  document.body.append(el);
  return { model, el, end: part.render({ model, el, core: {} as Core }) };
}

test("it tells how far a run is, what each arm yields, and how sure one can be", () => {
  const { el } = mount();
  const text = el.textContent ?? "";
  expect(text).toContain("40 of 80 observations · 2 failed · $0.01 · 2.2 min left");
  expect(text).toContain("plain control");
  expect(text).toContain("+0.25 [+0.0833, +0.417] after 18 cases; nothing shown yet");
  expect(el.querySelector(".wb-exp-line")?.getAttribute("points")?.split(" ")).toHaveLength(14);
  expect(el.querySelector(".wb-exp-band")?.getAttribute("points")).not.toContain("NaN");
});

test("what came from outside is text, and hides nothing", () => {
  const { el } = mount();
  expect(el.querySelector("img, b > b")).toBeNull();
  expect(el.querySelector(".wb-exp-hypothesis")?.textContent).toBe("Care <b>helps</b>.");
});

test("a change is drawn, and a stop is asked for once there is something to stop", () => {
  const { el, model } = mount();
  el.querySelector("button")?.click();
  expect(model.sent).toEqual([{ type: "stop" }]);
  model.change(facts({ status: "cost_limited", can: { stop: false }, reason: "2 USD were spent" }));
  expect(el.querySelector("button")).toBeNull();
  expect(el.textContent).toContain("Cost limited");
  expect(el.textContent).toContain("2 USD were spent");
  model.heard.get("msg:custom")?.({ type: "refused", text: "no" });
  expect(el.querySelector("[role=alert]")?.textContent).toBe("no");
});

test("what is shown is worse where lower is better and the difference is above 0", () => {
  const shown = [{ arm: "careful", cases: 18, planned: 40, confidence: 0.95, shown: 9, trail: looks(17, 0.25) }];
  expect(mount(facts({ differences: shown })).el.textContent).toContain("shown better, since case 9");
  expect(mount(facts({ differences: shown, better: "lower" })).el.textContent).toContain("shown worse, since case 9");
});

test("before a run, with too few cases, and with a judge that comes later", () => {
  expect(mount(facts({ run: null, status: "not run", differences: [] })).el.textContent).toContain("Not run yet");
  const few = [{ arm: "careful", cases: 1, planned: 40, confidence: 0.95, shown: null, trail: [] }];
  expect(mount(facts({ differences: few })).el.textContent).toContain("1 of 40 cases: too few to say anything");
  expect(mount(facts({ later: true })).el.textContent).toContain("is judged after the observations");
});

test("leaving takes it off and hears nothing more", () => {
  const { el, model, end } = mount();
  end();
  expect(el.textContent).toBe("");
  expect(model.heard.size).toBe(0);
});

test("figures in words", () => {
  expect([number(0.00001234), number(1234.5), number(0)]).toEqual(["1.23e-5", "1230", "0"]);
  expect([signed(0.5), signed(-0.25), signed(0)]).toEqual(["+0.5", "−0.25", "0"]);
  expect([usd(0), usd(0.01234), usd(12.345)]).toEqual(["free", "$0.0123", "$12.35"]);
  expect([span(0.2), span(41), span(150), span(9000)]).toEqual(["1 s", "41 s", "2.5 min", "2.5 h"]);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import panels from "../src/index.js";
import type { Model } from "../src/protocol.js";

/** jsdom lays nothing out, and so scrolls nothing into view. */
const scrolled: Element[] = [];
beforeEach(() => {
  scrolled.length = 0;
  Element.prototype.scrollIntoView = function () {
    scrolled.push(this);
  };
});
afterEach(() => document.body.replaceChildren());

class Links {
  readonly sent: object[] = [];
  gone = false;
  readonly #traits: Record<string, unknown> = { kind: "links", opened: -1, text: "" };
  readonly #heard = new Map<string, Set<() => void>>();

  get(name: string): unknown {
    return this.#traits[name];
  }
  on(name: string, callback: () => void): void {
    this.#heard.set(name, (this.#heard.get(name) ?? new Set()).add(callback));
  }
  off(name: string, callback: () => void): void {
    this.#heard.get(name)?.delete(callback);
  }
  send(message: object): void {
    if (this.gone) throw new Error("the comm is closed");
    this.sent.push(message);
  }
  set(name: string, value: unknown): void {
    this.#traits[name] = value;
    for (const callback of this.#heard.get(`change:${name}`) ?? []) callback();
  }
  get callbacks(): number {
    return [...this.#heard.values()].reduce((sum, each) => sum + each.size, 0);
  }
}

const TABLE = `<table><tr><td><span data-wb-place="0">a</span></td><td><div data-wb-also="0">words</div></td><td>more</td></tr>
  <tr><td><span data-wb-place="1"><code>b</code></span></td></tr></table>`;

/** The outputs of a cell: a table, the links, and below them an output that may hold a table of its own. */
function mount(table = TABLE) {
  const model = new Links();
  const area = document.createElement("div");
  area.className = "jp-OutputArea";
  area.innerHTML = `<div class="table">${table}</div><div class="links"></div><div class="jp-OutputArea below"></div>`;
  document.body.append(area);
  const el = area.querySelector<HTMLElement>(".links") as HTMLElement;
  const leave = panels().render({ model: model as unknown as Model, el });
  const cell = (place: number, inside = ".table") => area.querySelector(`${inside} [data-wb-place="${place}"]`) as HTMLElement;
  return { model, area, el, leave, cell };
}

test("a click or Enter on a cell asks for its row, and nothing else does", () => {
  const { model, area, cell } = mount();
  expect(cell(0).getAttribute("role")).toBe("button");
  expect(cell(1).tabIndex).toBe(0);
  cell(0).click();
  (cell(1).querySelector("code") as HTMLElement).click();
  cell(0).dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  cell(0).dispatchEvent(new KeyboardEvent("keydown", { key: "x", bubbles: true }));
  (area.querySelector("td:last-child") as HTMLElement).click();
  expect(model.sent).toEqual([0, 1, 0].map((place) => ({ type: "open", place })));
});

test("Enter does not reach the notebook, which would edit the cell", () => {
  const { cell } = mount();
  const heard = vi.fn();
  document.body.addEventListener("keydown", heard);
  cell(0).dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  expect(heard).not.toHaveBeenCalled();
  document.body.removeEventListener("keydown", heard);
});

test("the row that is open is told, and so is what is being done", () => {
  const { model, el, cell } = mount();
  expect(el.querySelector<HTMLElement>(".wb-links")?.hidden).toBe(true);
  model.set("opened", 1);
  model.set("text", "Opening …\u202e");
  expect(cell(1).getAttribute("aria-expanded")).toBe("true");
  expect(cell(0).getAttribute("aria-expanded")).toBe("false");
  expect(el.textContent).toContain("Opening …");
  expect(el.textContent).not.toContain("\u202e");
});

test("a table in what was opened has links of its own", () => {
  const { model, area, cell } = mount();
  (area.querySelector(".below") as HTMLElement).innerHTML = TABLE;
  cell(0, ".below").click();
  expect(model.sent).toEqual([]);
});

test("a table that is drawn after the links, as on a page loaded again, is found", async () => {
  const { model, area, cell } = mount("");
  (area.querySelector(".table") as HTMLElement).innerHTML = TABLE;
  await vi.waitFor(() => expect(cell(0).getAttribute("role")).toBe("button"));
  cell(1).click();
  expect(model.sent).toEqual([{ type: "open", place: 1 }]);
});

test("without a kernel it says so", () => {
  const { model, el, cell } = mount();
  model.gone = true;
  cell(0).click();
  expect(el.textContent).toBe("The kernel is gone. Run the cell again.");
});

test("a view that leaves hears nothing more", () => {
  const { model, leave, cell } = mount();
  leave();
  cell(0).click();
  expect(model.sent).toEqual([]);
  expect(model.callbacks).toBe(0);
});

/** What the panel of a row would be: a turn in its box, to which the panel has come. */
function arrive(area: HTMLElement): HTMLElement {
  const below = area.querySelector(".below") as HTMLElement;
  below.innerHTML = `<div class="wb-scroll"><section class="wb-turn" tabindex="-1"><header class="wb-head"><button>Copy</button>
    </header><textarea></textarea></section></div>`;
  const turn = below.querySelector(".wb-turn") as HTMLElement;
  turn.dispatchEvent(new CustomEvent("wb-arrived", { bubbles: true }));
  return turn;
}

const press = (el: Element | null, key: string) =>
  el?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

test("the turn of a row that was clicked is brought into the page, and the keyboard stays where it is", () => {
  const { model, area, cell } = mount();
  cell(1).click();
  model.set("opened", 1);
  cell(1).focus();
  const turn = arrive(area);
  expect(scrolled).toEqual([turn, turn.firstElementChild]);
  expect(document.activeElement).toBe(cell(1));
});

test("of a turn that is longer than its box, the box is brought into the page", () => {
  const { model, area, cell } = mount();
  cell(0).click();
  model.set("opened", 0);
  const height = vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(900);
  const turn = arrive(area);
  height.mockRestore();
  expect(scrolled).toEqual([turn.parentElement, turn.firstElementChild]);
});

test("Enter takes the keyboard to the turn, Escape back to the row, and Escape there closes it", () => {
  const { model, area, cell } = mount();
  press(cell(1), "Enter");
  model.set("opened", 1);
  const turn = arrive(area);
  expect(document.activeElement).toBe(turn);
  press(turn.querySelector("textarea"), "Escape");
  expect(document.activeElement).toBe(turn);
  press(turn.querySelector("button"), "Escape");
  expect(document.activeElement).toBe(cell(1));
  press(cell(0), "Escape");
  expect(model.sent.length).toBe(1);
  press(cell(1), "Escape");
  expect(model.sent.slice(1)).toEqual([{ type: "open", place: 1 }]);
});

test("a panel that nobody asked for on this page moves neither page nor keyboard", () => {
  const { model, area, cell } = mount();
  model.set("opened", 1);
  arrive(area);
  press(cell(1), "Enter"); // this closes it
  model.set("opened", -1);
  model.set("opened", 0); // on another page
  arrive(area);
  expect(scrolled).toEqual([]);
  expect(document.activeElement).toBe(document.body);
});

test("a page that draws while the kernel thinks has not forgotten what was asked", async () => {
  const { model, area, cell } = mount();
  press(cell(0), "Enter");
  (area.querySelector(".below") as HTMLElement).innerHTML = "<p>Opening …</p>";
  await Promise.resolve();
  model.set("opened", 0);
  const turn = arrive(area);
  expect(document.activeElement).toBe(turn);
});

test("a click on what was found asks for its row, unless it selects the text", () => {
  const { model, area } = mount();
  const also = area.querySelector("[data-wb-also]") as HTMLElement;
  also.click();
  expect(model.sent).toEqual([{ type: "open", place: 0 }]);
  expect([also.tabIndex, also.getAttribute("role")]).toEqual([-1, null]);
  getSelection()?.selectAllChildren(also);
  also.click();
  press(also, "Enter");
  expect(model.sent.length).toBe(1);
});

import { afterEach, expect, test, vi } from "vitest";
import panels from "../src/index.js";
import type { Model } from "../src/protocol.js";

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

const TABLE = `<table><tr><td><span data-wb-place="0">a</span></td><td>words</td></tr>
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

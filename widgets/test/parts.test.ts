import { afterEach, expect, test, vi } from "vitest";
import panels from "../src/index.js";
import { FakeModel } from "./play.js";

afterEach(() => document.body.replaceChildren());

class PartModel extends FakeModel {
  constructor() {
    super(null, "papers");
  }

  override get(name: string): unknown {
    return name === "text" ? "On Gauges: new" : super.get(name);
  }
}

function mount(model: FakeModel) {
  const widget = panels();
  const end = widget.initialize({ model });
  const show = () => {
    const el = document.createElement("div");
    document.body.append(el);
    return { el, leave: widget.render({ model, el }) };
  };
  return { ...show(), show, end };
}

const source = (words: string) => `export default { render({ el, core }) {
  el.textContent = ${JSON.stringify(words)} + typeof core.replay;
  return () => { el.textContent = "gone"; };
} };`;

test("a part is asked for once, and until it comes the saved text stands there", async () => {
  URL.createObjectURL = vi.fn((blob) => (blob as Blob & { address: string }).address);
  URL.revokeObjectURL = vi.fn();
  vi.stubGlobal(
    "Blob",
    class {
      address: string;
      constructor([text]: [string]) {
        this.address = `data:text/javascript,${encodeURIComponent(text)}`;
      }
    },
  );
  const model = new PartModel();
  const { el, leave, show } = mount(model);
  const other = show();
  expect(el.textContent).toBe("On Gauges: new");
  expect(model.sent.filter(({ type }) => (type as string) === "part")).toHaveLength(1);
  model.say({ type: "part", source: source("drawn, ") } as never);
  await vi.waitFor(() => expect(el.textContent).toBe("drawn, function"));
  expect(other.el.textContent).toBe("drawn, function");
  model.say({ type: "part", source: source("again, ") } as never); // another page asked for it
  leave();
  expect(el.textContent).toBe("gone");
  const later = show();
  await vi.waitFor(() => expect(later.el.textContent).toBe("drawn, function"));
  expect(URL.createObjectURL).toHaveBeenCalledTimes(1);
  vi.unstubAllGlobals();
});

test("where nobody answers, the saved text stays; a view that left is not drawn", () => {
  const { el, leave } = mount(new PartModel());
  expect(el.textContent).toBe("On Gauges: new");
  leave();
  expect(el.textContent).toBe("");
});

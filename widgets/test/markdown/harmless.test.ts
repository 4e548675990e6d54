/** Whatever a model says, only harmless elements reach the page, at once or in pieces, with the rich chunk or without it. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { renderInto, StreamRenderer } from "../../src/markdown/index.js";
import { ATTACKS, faults } from "./corpus.js";

const KEY = Symbol.for("workbench.rich.v1");
const page = globalThis as Record<symbol | string, unknown>;

afterEach(() => {
  delete page[KEY];
  vi.resetModules();
});

function drawn(text: string): HTMLElement {
  const el = document.createElement("div");
  document.body.append(el);
  renderInto(el, text);
  el.remove();
  return el;
}

test("the corpus is large enough to mean something", () => {
  expect(ATTACKS.length).toBeGreaterThan(150);
});

describe.each([false, true])("with the rich chunk: %s", (rich) => {
  test.each(ATTACKS)("$name", async ({ text }) => {
    if (rich) await import("../../src/markdown/rich.js");
    const el = drawn(text);
    expect(faults(el)).toEqual([]);
    expect(page.__pwned).toBeUndefined();
  });
});

test.each(ATTACKS)("in pieces: $name", ({ kind, text }) => {
  const el = document.createElement("div");
  const stream = new StreamRenderer(el);
  const pieces = kind === "time" || kind === "depth" ? 3 : 30; // jsdom is slow where a page is large
  const step = Math.max(7, Math.ceil(text.length / pieces));
  for (let end = step; end < text.length; end += step) {
    stream.update(text.slice(0, end));
    expect(faults(el)).toEqual([]);
  }
  stream.finish(text);
  expect(el.innerHTML).toBe(drawn(text).innerHTML);
});

test("what is not Markdown is there to be read", () => {
  const text = "<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=y> <!-- z --> <div style='a'>b";
  expect(drawn(text).textContent?.trim()).toBe(text);
});

test("the check finds what it is there to find", () => {
  const el = document.createElement("div");
  el.innerHTML = '<p style="x"><b id="y" onclick="z">a</b></p><a href="javascript:x">b</a><i class="jp-x"></i>\u202e';
  const found = [
    "<p style>",
    "<b>",
    "<b id>",
    "<b onclick>",
    "href javascript:x",
    "rel",
    "<i>",
    "class jp-x",
    "character 202e",
  ];
  expect(faults(el)).toEqual(found);
});

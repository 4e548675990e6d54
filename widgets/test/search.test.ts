import { describe, expect, test } from "vitest";
import { find, MOST, pattern } from "../src/search.js";
import { click, mount, onAFakeClock, settle, text } from "./page.js";
import { snapshot, turnFacts } from "./play.js";

onAFakeClock();

function hits(html: string, query: string): string[] {
  const el = document.createElement("div");
  el.innerHTML = html;
  const wanted = pattern(query);
  if (!wanted) return [];
  return find(el, wanted, MOST).map((hit) => {
    const range = document.createRange();
    range.setStart(hit.startContainer, hit.startOffset);
    range.setEnd(hit.endContainer, hit.endOffset);
    return range.toString();
  });
}

describe("finding", () => {
  test("in any case, also across elements", () => {
    expect(hits("<p>The <b>Open</b> weights, open <i>we</i>ights</p>", "open weights")).toEqual([
      "Open weights",
      "open weights",
    ]);
  });

  test("at the borders of elements", () => {
    expect(hits("<b>aa</b><b>aa</b>", "aa")).toEqual(["aa", "aa"]);
    expect(hits("<b></b><b>a</b><b></b>", "a")).toEqual(["a"]);
  });

  test("signs that mean something in patterns are just signs", () => {
    expect(hits("<p>a.b (c) [d] $x^2$ a|b \\n</p>", "$x^2$")).toEqual(["$x^2$"]);
    for (const sign of "^$.*+?()[]{}|\\/-") expect(hits(`<p>${sign}</p>`, sign), sign).toEqual([sign]);
  });

  test("letters that grow when their case changes do not shift the marks", () => {
    expect(hits("<p>İİ word</p>", "word")).toEqual(["word"]);
  });

  test("nothing for nothing", () => {
    expect(hits("<p>text</p>", "  ")).toEqual([]);
  });
});

describe("the search box", () => {
  function search(query: string) {
    const { el, model } = mount(
      snapshot({}, [turnFacts({ text: "one two one" }), turnFacts({ id: "t2", index: 2, text: "one" })]),
    );
    const input = el.querySelector(".wb-input") as HTMLInputElement;
    input.value = query;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    settle();
    const press = (key: string, shiftKey = false) => {
      input.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey, bubbles: true }));
      settle();
    };
    return { el, model, input, press, found: () => text(el, ".wb-found") };
  }

  test("counts, and goes through the matches in a circle", () => {
    const { press, found } = search("one");
    expect(found()).toBe("3");
    press("Enter");
    expect(found()).toBe("1 of 3");
    press("Enter", true);
    expect(found()).toBe("3 of 3");
    press("Enter");
    expect(found()).toBe("1 of 3");
  });

  test("says that there is none, and Escape ends it", () => {
    const { press, found, input } = search("three");
    expect(found()).toBe("none");
    press("Enter");
    press("Escape");
    expect(found()).toBe("");
    expect(input.value).toBe("");
  });

  test("unfolds the turn of the match", () => {
    const { el, press } = search("two");
    click(el, "Collapse all");
    press("Enter");
    expect([...el.querySelectorAll<HTMLElement>(".wb-said")].map((each) => each.hidden)).toEqual([false, true]);
  });

  test("finds what was said since", () => {
    const { model, found } = search("one");
    model.say({ type: "update", n: 1, turns: [{ id: "t2", text: "one and one" }] });
    settle(500);
    expect(found()).toBe("4");
  });
});

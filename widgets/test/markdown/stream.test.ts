/** A text that comes in pieces ends as it would have, had it come at once, and blocks that are settled are never drawn again. */
import { describe, expect, test } from "vitest";
import { renderInto, StreamRenderer } from "../../src/markdown/index.js";

const PIECES = [
  "# Head\n\n", "Some *words* and **more** of them.\n", "\n", "- one\n- two\n", "  - nested\n", "1. first\n2. second\n", "> quoted\n",
  "```python\nx = 1\n", "```\n", "~~~\ny\n~~~\n", "| a | b |\n|---|---|\n", "| 1 | $0.02 |\n", "text\n===\n", "---\n", "$$\nx^2\n$$\n", "\\[ y \\]\n",
  "Price $5 and $10, formula $a_1$.\n", "`code`", "~~gone~~ ", "[ref] and [link](https://example.org)\n", "[ref]: https://example.org/ref\n",
  "    indented\n", "<div>\n", "&amp; &#x202e; <b>", "\r\n", "\x1b[31mred\x1b[0m", "\u200b", "😀", "- [x] done\n", "\n\n", "word ", "*", "_", "\\(", "$",
]; // biome-ignore format: a list of pieces reads better in few lines

/** Numbers that look random and are the same every time. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

function atOnce(text: string): string {
  const el = document.createElement("div");
  renderInto(el, text);
  return el.innerHTML;
}

test.each(Array.from({ length: 300 }, (_, seed) => seed))("random text and splits %i", (seed) => {
  const roll = dice(seed);
  const text = Array.from({ length: 3 + roll(25) }, () => PIECES[roll(PIECES.length)]).join("");
  const el = document.createElement("div");
  const stream = new StreamRenderer(el);
  for (let end = roll(5); end < text.length; end += 1 + roll(12)) stream.update(text.slice(0, end));
  stream.finish(text);
  expect(el.innerHTML).toBe(atOnce(text));
});

test("while it streams, the page reads as the text so far does", () => {
  const text = "# Head\n\nOne *two* three.\n\n- a\n- b\n\nLast `words` of it.\n\n| a | b |\n|-|-|\n| 1 | 2 |\n\nEnd.";
  const el = document.createElement("div");
  const whole = document.createElement("div");
  const stream = new StreamRenderer(el);
  for (let end = 1; end <= text.length; end += 1) {
    stream.update(text.slice(0, end));
    renderInto(whole, text.slice(0, end));
    expect(el.textContent).toBe(whole.textContent);
  }
});

test("settled blocks stay the same nodes until the end and after it", () => {
  const el = document.createElement("div");
  const stream = new StreamRenderer(el);
  let text = "First paragraph.\n\n## Second\n\n";
  stream.update(text);
  const [first, second] = el.children;
  for (let n = 0; n < 50; n += 1) {
    text += `Paragraph ${n} with *words*.\n\n`;
    stream.update(text);
  }
  stream.finish(text);
  expect(el.children.length).toBe(52);
  expect([el.children[0], el.children[1]]).toEqual([first, second]);
  expect(el.children[0]).toBe(first);
});

describe("a fence that is not closed", () => {
  test("shows as code, and what follows its end does not", () => {
    const el = document.createElement("div");
    const stream = new StreamRenderer(el);
    stream.update("Look:\n\n```js\nconst a = `<b>`;\n");
    expect(el.querySelector("pre code")?.textContent).toBe("const a = `<b>`;\n");
    stream.update("Look:\n\n```js\nconst a = `<b>`;\n```\n\nAfter.");
    expect(el.lastElementChild?.outerHTML).toBe("<p>After.</p>");
  });

  test("grows in place when it is long, and ends where it ends", () => {
    const el = document.createElement("div");
    const stream = new StreamRenderer(el);
    let text = "```\n";
    for (let n = 0; n < 400; n += 1) {
      text += `line ${n} of a long listing\n`;
      stream.update(text);
      expect(el.querySelector("pre code")?.textContent?.trimEnd().endsWith(`line ${n} of a long listing`)).toBe(true);
    }
    text += "```\n\nAfter.";
    stream.update(text);
    expect(el.lastElementChild?.outerHTML).toBe("<p>After.</p>");
    stream.finish(text);
    expect(el.innerHTML).toBe(atOnce(text));
  });
});

test("a text that is replaced is drawn anew", () => {
  const el = document.createElement("div");
  const stream = new StreamRenderer(el);
  stream.update("First attempt.\n\nMore.\n\nMore.");
  stream.update("Second");
  expect(el.innerHTML).toBe("<p>Second</p>");
  stream.update("");
  expect(el.innerHTML).toBe("");
  stream.finish("Third");
  expect(el.innerHTML).toBe("<p>Third</p>");
});

test("finishing without anything said leaves nothing", () => {
  const el = document.createElement("div");
  el.textContent = "old";
  new StreamRenderer(el).finish("");
  expect(el.innerHTML).toBe("");
});

test("a long list grows too", () => {
  const el = document.createElement("div");
  const stream = new StreamRenderer(el);
  let text = "";
  for (let n = 0; n < 600; n += 1) {
    text += `- item ${n} is here\n`;
    stream.update(text);
    expect(el.textContent).toContain(`item ${n} is`);
  }
  stream.finish(text);
  expect(el.innerHTML).toBe(atOnce(text));
});

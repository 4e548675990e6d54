/** Formulas, money, code, links, images and tables, as a reader sees them. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { hasRich, needsRich, onRich, provideRich, renderInto, visible } from "../../src/markdown/index.js";

const KEY = Symbol.for("workbench.rich.v1");
const page = globalThis as Record<symbol, unknown>;

afterEach(() => {
  delete page[KEY];
  vi.resetModules();
});

function html(text: string): string {
  const el = document.createElement("div");
  renderInto(el, text);
  return el.innerHTML;
}

async function withRich(): Promise<void> {
  await import("../../src/markdown/rich.js");
}

describe("formulas", () => {
  test.each([
    ["$x$", "$x$"],
    ["so $a_1 + b_2$ is", "$a_1 + b_2$"],
    ["\\(a < b\\)", "\\(a < b\\)"],
    ["$$x$$ inline", "$$x$$"],
    ["text:\n$$\n- a\n= b\n$$\nmore", "$$\n- a\n= b\n$$"],
    ["\\[\nx\n\\]", "\\[\nx\n\\]"],
    ["$\\$5$", "$\\$5$"],
    ["> $$\n> x\n> $$", "$$\nx\n$$"],
    ["| $x$ |\n|-|", "$x$"],
  ])("%j has one", (text, source) => {
    const el = document.createElement("div");
    renderInto(el, text);
    expect([...el.querySelectorAll("code.wb-math")].map((code) => code.textContent)).toEqual([source]);
    expect(needsRich(text)).toBe(true);
  });

  test.each([
    "$5 and $10",
    "from $0.01 to $0.02.",
    "US$7 or A$8 a year",
    "100$ and 200$",
    "$ x $",
    "\\$x\\$",
    "a $x",
    "$x `$` y$",
    "$$",
    "$$ $$",
    "\\\\(x\\\\)",
    "| $1 | $2 |\n|-|-|\n| $0.03 | $4 |",
  ])("%j has none", (text) => {
    expect(html(text)).not.toContain("wb-math");
  });

  test("in code is code", () => {
    expect(html("`$x$`\n\n```\n$$y$$\n```\n\n    $z$")).not.toContain("wb-math");
  });

  test("stars and underscores of one are no emphasis", () => {
    expect(html("*see $a*b_c$ d*")).toBe('<p><em>see <code class="wb-math">$a*b_c$</code> d</em></p>');
  });

  test("are laid out once the rich chunk is there", async () => {
    await withRich();
    expect(html("$x^2$")).toBe("<p><math><msup><mi>x</mi><mn>2</mn></msup></math></p>");
    expect(html("$$x$$")).toContain('<math display="block">');
    expect(html("$\\nonsense{x}$")).toBe('<p><code class="wb-math">$\\nonsense{x}$</code></p>');
    expect(html("$\\begin{aligned}a&=b\\end{aligned}$")).toContain('<mtd class="wb-right">');
  });

  test("a definition in one does not reach the next", async () => {
    await withRich();
    html("$\\gdef\\mine{x}\\mine$");
    expect(html("$\\mine$")).toContain("wb-math");
  });
});

describe("code", () => {
  test("has colours with the rich chunk, for names it knows", async () => {
    expect(html("```python\nx = 1\n```")).toBe("<pre><code>x = 1\n</code></pre>");
    await withRich();
    expect(html("```python\nx = 1\n```")).toBe('<pre><code>x = <span class="hljs-number">1</span>\n</code></pre>');
    for (const name of [
      "js",
      "ts",
      "sh",
      "shell",
      "json",
      "yml",
      "sql",
      "r",
      "c",
      "c++",
      "java",
      "rs",
      "go",
      "html",
      "css",
      "md",
      "diff",
      "py",
    ])
      expect(html(`\`\`\`${name}\n+x { "a": 1 } // -- # y\n@@ -1 +1 @@\n\`\`\``)).toMatch(
        /^<pre><code>[\s\S]*\n<\/code><\/pre>$/,
      );
    expect(html("```klingon\n1\n```")).toBe("<pre><code>1\n</code></pre>");
  });
});

describe("links and images", () => {
  test("lead elsewhere, in another tab, and tell nobody from where", () => {
    const el = document.createElement("div");
    renderInto(el, "[a](https://example.org) [b](mailto:a@example.org) https://example.org/c");
    const links = [...el.querySelectorAll("a")];
    expect(links.map((link) => link.getAttribute("href"))).toEqual([
      "https://example.org",
      "mailto:a@example.org",
      "https://example.org/c",
    ]);
    for (const link of links) expect([link.rel, link.target]).toEqual(["noopener noreferrer nofollow", "_blank"]);
  });

  test("an image is a link that says what and where", () => {
    expect(html("![a cat](https://example.org/cat.png)")).toContain(">a cat (https://example.org/cat.png)</a>");
    expect(html("![a cat](data:image/png;base64,AA)")).toBe("<p>a cat (data:image/png;base64,AA)</p>");
    expect(html(`![](https://example.org/${"x".repeat(500)})`)).toContain("x…</a>");
  });

  test("where a link may not lead stays readable", () => {
    expect(html("[x](javascript:alert(1)) [y](notes.md)")).toBe("<p>[x](javascript:alert(1)) [y](notes.md)</p>");
    expect(html("[z]: javascript:alert(1)\n\n[z]")).toBe("<p>[z]: javascript:alert(1)</p><p>[z]</p>");
  });
});

test("tables align, boxes of task lists are text, raw HTML is text", () => {
  expect(html("| a | b |\n|--:|:-:|\n| 1 | 2 |")).toContain('<td class="wb-right">1</td>\n<td class="wb-center">2</td>');
  expect(html("- [x] done\n- [ ] not")).toBe("<ul>\n<li>[x] done</li>\n<li>[ ] not</li>\n</ul>");
  expect(html("<div>\n**b**\n</div>")).toBe("<p>&lt;div&gt;\n<strong>b</strong>\n&lt;/div&gt;</p>");
});

test("what is not seen does not come back by an entity", () => {
  expect(html("a&#x202e;b&#1;c&ZeroWidthSpace;d")).toBe("<p>abcd</p>");
});

test.each([
  ["a\x1b[31mb\u202ec", "abc"],
  ["\x1b]8;;https://evil.example\x07click\x1b]8;;\x07", "click"],
  ["\x1b]8;;x\x1b\\here\x1b]8;;\x1b\\", "here"],
  ["pass\u200bword\u2060\ufeff", "password"],
  ["\ud83d alone \ude00 😀", "\ufffd alone \ufffd 😀"],
  ["tab\tline\nend\r\n", "tab\tline\nend\r\n"],
  ["\x9b31mx\x00\x7f\x85", "31mx"],
])("%j is seen as %j", (text, seen) => {
  expect(visible(text)).toBe(seen);
});

describe("a text that cannot be laid out", () => {
  test.each([
    ["too deep", ">".repeat(100)],
    ["too long", "word ".repeat(50_000)],
    ["a table too large", `${"|a".repeat(300)}\n${"|-".repeat(300)}\n${"|b\n".repeat(300)}`],
  ])("%s stays plain and whole", (_, text) => {
    const el = document.createElement("div");
    renderInto(el, text);
    expect(el.firstElementChild?.outerHTML.startsWith("<pre>")).toBe(true);
    expect(el.textContent).toBe(text);
  });

  test("sixty quotes inside one another still are quotes", () => {
    expect(html(`${">".repeat(60)} deep`)).toContain("<p>deep</p>");
  });
});

describe("the rich chunk", () => {
  test.each(["no formula, no code", "It costs $5.", "```\nplain\n```", "`x`"])("is not needed for %j", (text) => {
    expect(needsRich(text)).toBe(false);
  });

  test("is needed for code of a named language", () => {
    expect(needsRich("x\n\n```python\ny\n```")).toBe(true);
    expect(needsRich("> ~~~ js\n> y\n> ~~~")).toBe(true);
  });

  test("is announced once it is there", async () => {
    const told = vi.fn();
    const stop = onRich(told);
    const create = vi
      .spyOn(URL, "createObjectURL")
      .mockReturnValue(`data:text/javascript,globalThis[Symbol.for("workbench.rich.v1")]={highlight:()=>null,maths:()=>null}`);
    const revoke = vi.spyOn(URL, "revokeObjectURL").mockReturnValue();
    expect(hasRich()).toBe(false);
    await provideRich("source");
    expect(hasRich()).toBe(true);
    expect(told).toHaveBeenCalledTimes(1);
    expect(revoke).toHaveBeenCalledTimes(1);
    stop();
    create.mockRestore();
    revoke.mockRestore();
  });
});

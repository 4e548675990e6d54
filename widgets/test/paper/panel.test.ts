import { describe, expect, test, vi } from "vitest";
import { assessment, Desk, onADesk, paper, quote, row } from "./desk.js";

onADesk();

const HOSTILE = '<img src=x onerror="alert(1)">\u202e';

describe("the shelf", () => {
  test("says where papers stand, and looks for what is typed", async () => {
    const verdict = { ...assessment(), claims: undefined };
    const desk = new Desk({ shelf: () => ({ papers: [row({ verdict, concerns: 2, decision: "merge", branch: "b" })] }) });
    await desk.says("2 concerns");
    for (const word of ["Merge", "Branch", "Implementable"]) expect(desk.el.textContent).toContain(word);
    await desk.write("Find papers", "gates");
    await vi.waitFor(() => expect(desk.last("shelf").text).toBe("gates"));
  });

  test("opens a paper and comes back", async () => {
    const desk = new Desk({});
    await desk.click("button", "On Gauges");
    await desk.find("tab", "Outline");
    expect(desk.last("paper").paper).toBe("aaa");
    await desk.click("button", "← Shelf");
    await desk.find("button", "On Snow");
  });

  test("puts two papers beside each other", async () => {
    const desk = new Desk({ paper: ({ paper: id }) => paper({ id, assessments: id === "bbb" ? [assessment()] : [] }) });
    for (const name of ["On Snow", "On Gauges", "On Gates"]) await desk.click("checkbox", `Choose ${name}`);
    await desk.click("button", "Compare");
    await desk.says("Not assessed yet.");
    expect(desk.asked.filter(({ type }) => type === "paper").map((wish) => "paper" in wish && wish.paper)).toEqual([
      "aaa",
      "bbb",
    ]);
    expect(desk.el.textContent).toContain("72 % likely");
  });

  test("says why it does not come, and tries again", async () => {
    const desk = new Desk({
      shelf: () => {
        throw new Error("The record is locked.");
      },
    });
    await desk.says("The record is locked.");
    desk.replies.shelf = () => ({ papers: [] });
    await desk.click("button", "Try again");
    await desk.says("No papers yet.");
  });
});

describe("the pages of a paper", () => {
  test("come one at a time, at the size in which they are shown", async () => {
    const desk = new Desk({}, "aaa");
    await vi.waitFor(() => expect(desk.page).toBe("Page 1"));
    expect(desk.last("page")).toMatchObject({ paper: "aaa", page: 1, dpi: 72 });
    expect(desk.el.textContent).toContain("Text of page 1");
    await desk.click("button", "Next page");
    await vi.waitFor(() => expect(desk.page).toBe("Page 2"));
    expect(URL.revokeObjectURL).toHaveBeenCalledWith("blob:1");
    await desk.click("button", "Larger");
    await vi.waitFor(() => expect(desk.last("page").dpi).toBe(96));
    const region = await desk.find("region", /^Page 2 of 3/);
    region.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    await vi.waitFor(() => expect(desk.page).toBe("Page 3"));
    region.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    await desk.find("region", /^Page 3 of 3/);
  });

  test("are reached by the outline, at the height of the heading", async () => {
    const desk = new Desk({}, "aaa");
    await desk.click("button", "2.1 Frozen2");
    await vi.waitFor(() => expect(desk.page).toBe("Page 2"));
    await vi.waitFor(() => expect(Element.prototype.scrollTo).toHaveBeenCalledWith({ top: expect.closeTo(53.3, 1), left: 0 }));
  });

  test("say why they cannot be drawn", async () => {
    const desk = new Desk(
      {
        page: () => {
          throw new Error("The file is gone.");
        },
      },
      "aaa",
    );
    await desk.says("The file is gone.");
    desk.replies.page = ({ page }) => ({ page, text: "Here again." });
    await desk.click("button", "Try again");
    await desk.says("Here again.");
  });

  test("show hidden text from the start", async () => {
    const concern = {
      kind: "white",
      text: HOSTILE,
      page: 1,
      boxes: [[1, 0, 0, 60, 80]] as [[number, number, number, number, number]],
    };
    const desk = new Desk({ paper: () => paper({ flagged: [concern], concerns: 1 }) }, "aaa");
    await vi.waitFor(() => expect(desk.marks()).toEqual(["concern false"]));
    await desk.click("button", /^white/);
    await vi.waitFor(() => expect(desk.marks()).toEqual(["concern true"]));
    const mark = desk.el.querySelector<HTMLElement>(".wb-marked");
    expect([mark?.style.width, mark?.style.height]).toEqual(["10%", "10%"]);
    expect(desk.el.querySelector("img[src=x]")).toBeNull();
    expect(mark?.title).not.toContain("\u202e");
  });
});

describe("an assessment", () => {
  test("has its verdict, figures and claims, and a quote leads to its page", async () => {
    const desk = new Desk({ paper: () => paper({ assessments: [assessment()] }) }, "aaa");
    await desk.click("tab", "Assessment");
    await desk.says("2 claims, 1 with a verified quote");
    for (const words of [
      "Implementable",
      "72 % likely",
      "4 of 10",
      "3.5 weeks (2 to 6)",
      "The sceptic doubts it.",
      "✗ Not found",
    ]) {
      expect(desk.el.textContent).toContain(words);
    }
    expect(desk.el.querySelector(".wb-answer strong")?.textContent).toBe("easy");
    expect(desk.el.textContent).toContain("<img src=x");
    await desk.click("button", /Gauges freeze/);
    await vi.waitFor(() => expect(desk.page).toBe("Page 2"));
    await vi.waitFor(() => expect(desk.marks()).toEqual(["verified true"]));
  });

  test("leads to its debate", async () => {
    const desk = new Desk({ paper: () => paper({ assessments: [assessment()] }) }, "aaa");
    await desk.click("tab", "Assessment");
    await desk.click("button", "debate d1");
    await desk.says("I doubt it.");
    expect(desk.last("debate").dialogue).toBe("d1");
  });

  test("is made by a command where there is none", async () => {
    const desk = new Desk({}, "aaa");
    await desk.click("tab", "Assessment");
    await desk.says("%paper assess aaa");
    await desk.click("tab", "Debate");
    await desk.says("Nobody has debated this paper yet.");
  });
});

describe("finding", () => {
  const boxes: [[number, number, number, number, number]] = [[3, 1, 2, 3, 4]];

  test("marks every place and goes to the first", async () => {
    const desk = new Desk(
      { find: () => ({ places: [{ page: 3, boxes, before: "a ", found: "gauge", after: "s" }], quote: null }) },
      "aaa",
    );
    await desk.click("tab", "Find");
    await desk.write("Find in the paper", "gauge");
    await desk.click("button", "Find");
    await vi.waitFor(() => expect(desk.page).toBe("Page 3"));
    expect(desk.el.querySelector("mark")?.textContent).toBe("gauge");
    await vi.waitFor(() => expect(desk.marks()).toEqual(["found true"]));
    await desk.click("tab", "Outline");
    await desk.click("tab", "Find");
    await desk.says("1 place");
  });

  test("shows what comes near, and never as verified", async () => {
    const near = quote({ status: "near miss", found: "Gates freeze." });
    const desk = new Desk({ find: () => ({ places: [], quote: near }) }, "aaa");
    await desk.click("tab", "Find");
    await desk.write("Find in the paper", "Gauges freeze.");
    await desk.click("button", "Find");
    await desk.says("The paper does not say this in these words.");
    await desk.says("The paper says: Gates freeze.");
    expect(desk.el.textContent).not.toContain("Verified");
  });
});

describe("asking", () => {
  test("shows the answer, how its quotes stand, and what it cost", async () => {
    const desk = new Desk({}, "aaa");
    await desk.click("tab", "Ask");
    await desk.write("Question", "Why?");
    await desk.write("Model", "gpt-mini");
    await desk.write("Spend at most, USD", "0.05");
    await desk.click("button", "Ask");
    await desk.says("1 of 1 quote verified · $0.002");
    expect(desk.last("question")).toMatchObject({ paper: "aaa", text: "Why?", model: "gpt-mini", budget: 0.05 });
    expect(((await desk.find("textbox", "Question")) as HTMLTextAreaElement).value).toBe("");
  });

  test("says what is wrong, and keeps the question", async () => {
    const desk = new Desk(
      {
        question: () => {
          throw new Error("The budget of the day is spent.");
        },
      },
      "aaa",
    );
    await desk.click("tab", "Ask");
    await desk.click("button", "Ask");
    await desk.says("Write a question first.");
    const box = await desk.write("Question", "Why?");
    await desk.write("Spend at most, USD", "much");
    await desk.click("button", "Ask");
    await desk.says("The ceiling is an amount in USD");
    await desk.write("Spend at most, USD", "");
    await desk.click("button", "Ask");
    await desk.says("The budget of the day is spent.");
    expect(box.value).toBe("Why?");
  });
});

test("summaries are shown by length, and a command makes the others", async () => {
  const summary = { text: "*Late*.", words: 1, cut: true, model: "m", cost: null, created_at: 1, level: "paragraph" as const };
  const desk = new Desk({ paper: () => paper({ summaries: [summary] }) }, "aaa");
  await desk.click("tab", "Summaries");
  await desk.says("1 word, its end cut off · m · cost unknown");
  expect(desk.el.querySelector(".wb-answer em")?.textContent).toBe("Late");
  await desk.click("button", "Technical");
  await desk.says("%paper summarize aaa --level technical");
});

test("history tells what happened, and leads to dialogues", async () => {
  const history = [
    { at: 1, what: "added" as const, text: "from a.pdf", who: "", cost: null, link: "papers/a.pdf" },
    { at: 2, what: "asked" as const, text: "Why?", who: "m", cost: 0.01, link: "d5" },
  ];
  const desk = new Desk({ paper: () => paper({ history }) }, "aaa");
  await desk.click("tab", "History");
  await desk.says("added from a.pdf");
  await desk.click("button", "dialogue d5");
  await vi.waitFor(() => expect(desk.last("debate").dialogue).toBe("d5"));
});

test("arrow keys go through the tabs", async () => {
  const desk = new Desk({}, "aaa");
  const tab = await desk.find("tab", "Outline");
  tab.focus();
  tab.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
  await vi.waitFor(() => expect(document.activeElement?.textContent).toBe("History"));
});

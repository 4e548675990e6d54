/** A page with the paper panel, and a kernel in the test's hand. */
import { afterEach, beforeEach, vi } from "vitest";
import part from "../../src/paper/index.js";
import type { Answer, Found, Paper, Quote, Row, Wish } from "../../src/paper/protocol.js";
import { CORE, type PartModel } from "../../src/parts.js";
import { dialogueFacts, snapshot, turnFacts } from "../play.js";

export const WIDE = 540;

/** jsdom lays nothing out, scrolls nothing, and has no addresses for pictures. */
export function onADesk(): void {
  beforeEach(() => {
    vi.spyOn(HTMLElement.prototype, "offsetWidth", "get").mockReturnValue(WIDE);
    Element.prototype.scrollTo = vi.fn() as typeof Element.prototype.scrollTo;
    Element.prototype.scrollBy = vi.fn() as typeof Element.prototype.scrollBy;
    let pictures = 0;
    URL.createObjectURL = vi.fn(() => `blob:${++pictures}`);
    URL.revokeObjectURL = vi.fn();
  });
  afterEach(() => {
    for (const end of open.splice(0)) end();
    document.body.replaceChildren();
    vi.restoreAllMocks();
  });
}

export const quote = (more: Partial<Quote> = {}): Quote => ({
  quote: "Gauges freeze.",
  status: "verified",
  page: 2,
  boxes: [[2, 100, 200, 300, 212]],
  found: "Gauges freeze.",
  ...more,
});

export const row = (more: Partial<Row> = {}): Row => ({
  id: "aaa",
  title: "On Gauges",
  authors: ["Ada Marlowe"],
  year: 2024,
  arxiv_id: null,
  doi: null,
  pages: 3,
  added_at: 1_700_000_000,
  summaries: [],
  verdict: null,
  branch: null,
  decision: null,
  concerns: 0,
  retracted: false,
  ...more,
});

const VERDICT = {
  id: "a1",
  created_at: 1_700_000_000,
  implementable: true,
  difficulty: 4,
  weeks: { low: 2, likely: 3.5, high: 6 },
  confidence: 0.72,
};

export const assessment = (more: object = {}): Paper["assessments"][number] => ({
  ...VERDICT,
  question: "Shall we?",
  context: "",
  prerequisites: ["readings"],
  risks: ["snow"],
  benefits: ["early gates"],
  reasoning: "It is **easy**.",
  dissent: "The sceptic doubts it.",
  claims: [
    { text: "They freeze.", by: "judge", model: "m", turn: "consensus", quote: quote() },
    {
      text: "<img src=x onerror=alert(1)>",
      by: "sceptic",
      model: "m",
      turn: "sceptic",
      quote: quote({ quote: "No.", status: "not found", page: null, boxes: [], found: "" }),
    },
  ],
  estimates: [],
  model: "m",
  dialogue: "d1",
  cost: 0.01,
  ...more,
});

export const paper = (more: Partial<Paper> = {}): Paper => ({
  ...row(),
  abstract: "Gauges are read.",
  sizes: [
    [600, 800],
    [600, 800],
    [600, 800],
  ],
  outline: [
    { number: "1", title: "Introduction", level: 1, page: 1, top: null, appendix: false },
    { number: "2.1", title: "Frozen", level: 2, page: 2, top: 100, appendix: false },
  ],
  figures: [],
  tables: [],
  references: 0,
  flagged: [],
  summaries: [],
  assessments: [],
  history: [],
  asks: true,
  ...more,
});

type Replies = { [Type in Wish["type"]]?: (wish: Extract<Wish, { type: Type }>) => object };

const open: (() => void)[] = [];

export class Desk implements PartModel {
  readonly asked: Wish[] = [];
  readonly el = document.createElement("div");
  replies: Replies;
  readonly #start: string;
  readonly #listeners = new Set<Parameters<PartModel["on"]>[1]>();

  constructor(replies: Replies, start = "") {
    this.#start = start;
    this.replies = {
      shelf: () => ({ papers: [row(), row({ id: "bbb", title: "On Gates" }), row({ id: "ccc", title: "On Snow" })] }),
      paper: () => paper(),
      page: ({ page }) => ({ page, text: `Text of page ${page}` }),
      find: () => ({ places: [], quote: null }) satisfies Found,
      debate: () => snapshot(dialogueFacts({ live: false, status: "completed" }), [turnFacts({ text: "I doubt it." })]),
      question: ({ text }): Answer => ({ question: text, answer: "Yes.", quotes: [quote()], dialogue: "d9", cost: 0.002 }),
      ...replies,
    };
    document.body.append(this.el);
    open.push(part.render({ model: this, el: this.el, core: CORE }));
  }

  get(name: string): unknown {
    return name === "start" ? this.#start : undefined;
  }

  on(_: "msg:custom", callback: Parameters<PartModel["on"]>[1]): void {
    this.#listeners.add(callback);
  }

  off(_: "msg:custom", callback: Parameters<PartModel["on"]>[1]): void {
    this.#listeners.delete(callback);
  }

  /** A reply that throws is a refusal. */
  send(message: object): void {
    const wish = message as Wish & { ask: string };
    this.asked.push(wish);
    let reply: object;
    try {
      reply = { type: "answer", facts: (this.replies[wish.type] as (wish: Wish) => object)(wish) };
    } catch (error) {
      reply = { type: "refused", text: (error as Error).message };
    }
    queueMicrotask(() => {
      for (const listener of [...this.#listeners]) {
        listener({ ...reply, ask: wish.ask } as never, wish.type === "page" ? [new DataView(new ArrayBuffer(8))] : []);
      }
    });
  }

  last<Type extends Wish["type"]>(type: Type): Extract<Wish, { type: Type }> {
    return this.asked.findLast((wish) => wish.type === type) as Extract<Wish, { type: Type }>;
  }

  /** What has this role and this name, once it is there. */
  find(role: string, name: string | RegExp): Promise<HTMLElement> {
    return vi.waitFor(() => {
      const all = [...this.el.querySelectorAll<HTMLElement>(ROLES[role] ?? `[role=${role}]`)];
      const found = all.find((each) => {
        const known = each.getAttribute("aria-label") ?? each.textContent ?? "";
        return typeof name === "string" ? known === name : name.test(known);
      });
      if (!found) throw new Error(`no ${role} ${name} in ${this.el.textContent}`);
      return found;
    });
  }

  async click(role: string, name: string | RegExp): Promise<void> {
    (await this.find(role, name)).click();
  }

  async write(label: string, words: string): Promise<HTMLInputElement> {
    const box = (await this.find("textbox", label)) as HTMLInputElement;
    box.value = words;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    return box;
  }

  /** Wait until the page says this. */
  says(words: string): Promise<void> {
    return vi.waitFor(() => {
      if (!this.el.textContent?.includes(words)) throw new Error(`it does not say ${words}: ${this.el.textContent}`);
    });
  }

  marks(): (string | undefined)[] {
    return [...this.el.querySelectorAll<HTMLElement>(".wb-marked")].map(({ dataset }) => `${dataset.of} ${dataset.current}`);
  }

  get page(): string | undefined {
    return this.el.querySelector("img")?.alt;
  }
}

const ROLES: Record<string, string> = {
  button: "button:not([role])",
  textbox: "input:not([type=checkbox]), textarea",
  checkbox: "input[type=checkbox]",
};

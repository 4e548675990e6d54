/** What the kernel and a page of the paper panel say to each other. The Python side is `workbench/panels/paper_answers.py`. */

/** Page, left, top, right, bottom; points from the upper left corner. */
export type Box = [page: number, x0: number, y0: number, x1: number, y1: number];

export type Level = "sentence" | "paragraph" | "detailed" | "technical";

export interface Weeks {
  low: number;
  likely: number;
  high: number;
}

export interface Verdict {
  id: string;
  created_at: number;
  implementable: boolean;
  difficulty: number;
  weeks: Weeks;
  confidence: number;
}

export interface Row {
  id: string;
  title: string;
  authors: string[];
  year: number | null;
  arxiv_id: string | null;
  doi: string | null;
  pages: number;
  added_at: number;
  /** The levels that there are. */
  summaries: Level[];
  verdict: Verdict | null;
  branch: string | null;
  decision: string | null;
  concerns: number;
  retracted: boolean;
}

export interface Shelf {
  papers: Row[];
}

/** Where a heading or a caption stands; `top` in points, null where that is not known. */
export interface Place {
  page: number;
  top: number | null;
}

export interface Heading extends Place {
  number: string | null;
  title: string;
  level: number;
  appendix: boolean;
}

export interface Captioned extends Place {
  label: string;
  caption: string;
}

export interface Concern {
  kind: string;
  text: string;
  page: number;
  boxes: Box[];
}

export type Status = "verified" | "near miss" | "not found";

export interface Quote {
  quote: string;
  status: Status;
  page: number | null;
  boxes: Box[];
  /** What the paper says there. */
  found: string;
}

export interface Claim {
  text: string;
  by: string;
  model: string;
  turn: string;
  quote: Quote;
}

export interface Estimate {
  by: string;
  model: string;
  turn: string;
  implementable: boolean;
  weeks: Weeks;
  confidence: number;
}

export interface Assessment extends Verdict {
  question: string;
  context: string;
  prerequisites: string[];
  risks: string[];
  benefits: string[];
  reasoning: string;
  dissent: string;
  claims: Claim[];
  estimates: Estimate[];
  model: string;
  dialogue: string;
  cost: number | null;
}

export interface Summary {
  level: Level;
  text: string;
  words: number;
  /** Its end was cut off, because the model would not be brief. */
  cut: boolean;
  model: string;
  cost: number | null;
  created_at: number;
}

export interface Happening {
  at: number;
  what: "added" | "asked" | "summarised" | "assessed" | "branched" | "run" | "outcome" | "decided";
  text: string;
  who: string;
  cost: number | null;
  /** What to look at: of what was asked or summarised, a dialogue. */
  link: string;
}

export interface Paper extends Omit<Row, "summaries"> {
  abstract: string;
  /** Width and height of each page, points. */
  sizes: [number, number][];
  outline: Heading[];
  figures: Captioned[];
  tables: Captioned[];
  references: number;
  /** The concerns themselves. */
  flagged: Concern[];
  summaries: Summary[];
  assessments: Assessment[];
  history: Happening[];
  /** Whether there is somebody to ask models. */
  asks: boolean;
}

export interface Occurrence {
  page: number;
  boxes: Box[];
  before: string;
  found: string;
  after: string;
}

/** `quote`: what comes near where nothing was found. */
export interface Found {
  places: Occurrence[];
  quote: Quote | null;
}

export interface Answer {
  question: string;
  answer: string;
  quotes: Quote[];
  dialogue: string;
  cost: number | null;
}

/** What is printed on a page; the picture comes as bytes beside it. */
export interface PageFacts {
  page: number;
  text: string;
}

export type Wish =
  | { type: "shelf"; text: string }
  | { type: "paper"; paper: string }
  | { type: "page"; paper: string; page: number; dpi: number }
  | { type: "find"; paper: string; text: string }
  | { type: "debate"; dialogue: string }
  | { type: "question"; paper: string; text: string; model: string; budget: number | null };

export type FromKernel = { type: "answer"; ask: string; facts: object } | { type: "refused"; ask: string; text: string };

/** What the kernel and the page say to each other. The Python side is `workbench/panels/dialogue_panel.py`. */

export type Status = "running" | "completed" | "converged" | "failed" | "cancelled" | "cost_limited" | "interrupted";

export interface CallFacts {
  model: string;
  attempt: number;
  outcome: string;
  error: string | null;
  fallback_reason: string | null;
  started_at: number;
  queue: number;
  first_token: number | null;
  total: number;
  tokens: number | null;
  cost: number | null;
}

export interface TurnFacts {
  id: string;
  index: number;
  role: string;
  title: string;
  round: number | null;
  /** The model asked for. */
  model: string;
  /** The model that answered. */
  served: string | null;
  status: Status;
  /** Which policy chose the model, and why; null where none did. */
  routed?: Routed | null;
  /** The dialogue that a fork took the turn from. */
  copied_from?: string | null;
  /** What a person is to do before it is complete. */
  waits?: Waits | null;
  /** A person changed the text. */
  edited?: boolean;
  /** A person speaks here, not a model. */
  person?: boolean;
  /** What a person is asked; only of a turn that waits. */
  asked?: Asked | null;
  text: string;
  reasoning: string;
  error: string | null;
  hint: string | null;
  started_at: number;
  /** Seconds; null while it is spoken. */
  latency: number | null;
  tokens: number | null;
  cost: number | null;
  calls: CallFacts[];
}

export interface Routed {
  policy: string;
  reason: string;
}

export type Waits = "answer" | "approval";

export interface Asked {
  /** Markdown, as untrusted as any answer: it quotes the other speakers. */
  prompt: string;
  /** Of an answer that is data; null: it is text. */
  fields: readonly Field[] | null;
}

/** A value of a structured answer. Choices are sent back as they are, so they are cleaned where they are drawn. */
export interface Field {
  /** Empty: the answer is this value, not an object that has it. */
  name: string;
  kind: "choice" | "text" | "number" | "json";
  about: string;
  required: boolean;
  choices: readonly unknown[];
}

/** A sub-dialogue as its card shows it. */
export interface ChildFacts {
  id: string;
  /** The turn that opened it. */
  turn: string;
  mode: string;
  topic: string;
  status: Status;
  live: boolean;
  paused: boolean;
  /** It, or one below it, waits for a person. */
  waits: boolean;
  turns: number;
  planned: number;
  cost: number | null;
  /** Who speaks now. */
  speaker: string | null;
}

export interface PlannedTurn {
  id: string;
  index: number;
  role: string;
  title: string;
  round: number | null;
}

export interface Speaker {
  role: string;
  title: string;
  model: string;
  /** A model or a person plays it; otherwise it counts. */
  speaks?: boolean;
}

export interface DialogueFacts {
  id: string;
  mode: string;
  topic: string;
  status: Status;
  reason: string | null;
  /** It runs now: clocks tick, buttons act. */
  live: boolean;
  /** No further turn starts until it is told to continue. */
  paused: boolean;
  planned: PlannedTurn[];
  speakers: Speaker[];
  turns: number;
  calls: number;
  tokens: number;
  prompt_tokens: number;
  completion_tokens: number;
  cached_tokens: number;
  reasoning_tokens: number;
  /** USD; null is unknown, which is not zero. */
  cost: number | null;
  unpriced_calls: number;
  lost_calls: number;
  /** Seconds that it ran so far, at `now`. */
  ran: number;
  /** The kernel's clock when these facts were made, Unix seconds. */
  now: number;
  can: Record<Action, boolean> & Partial<Record<"interject" | "call_on" | "skip" | "fork", boolean>>;
  /** A turn of it waits for a person. */
  waits?: boolean;
  children?: readonly ChildFacts[];
}

/** A dialogue that is told as a whole beside the panel's own: a sub-dialogue whose card is open, or one that the reader went to. */
export interface Other {
  dialogue: DialogueFacts;
  turns: TurnFacts[];
}

export interface Snapshot {
  /** Number of the last update that it includes. */
  n: number;
  dialogue: DialogueFacts;
  turns: TurnFacts[];
  others?: Other[];
}

export type TurnPatch = { id: string; append?: string; append_reasoning?: string } & Partial<TurnFacts>;

export interface Patch {
  dialogue?: Partial<DialogueFacts>;
  turns?: TurnPatch[];
}

/** `gone`: it is no longer told. */
export type OtherPatch = { of: string; gone?: boolean } & Patch;

export interface Update extends Patch {
  n: number;
  others?: OtherPatch[];
}

/** A dialogue in the tree of forks and sub-dialogues, parents before children. */
export interface TreeNode {
  id: string;
  depth: number;
  status: Status;
  facts: string;
}

export type FromKernel =
  | ({ type: "update" } & Update)
  | ({ type: "snapshot" } & Snapshot)
  | { type: "rich"; source: string }
  | { type: "tree"; nodes: TreeNode[] }
  /** A wish was granted; `id` is the dialogue that came of it. */
  | { type: "done"; ask: string; id?: string }
  | { type: "refused"; text: string; ask?: string };

export type Action = "stop" | "pause" | "unpause" | "resume";

/** What a person wants of a dialogue beyond its buttons. */
export type Wish =
  | { type: "answer"; turn: string; text: string }
  | { type: "approve"; turn: string; text?: string }
  | { type: "interject"; text: string }
  | { type: "call_on"; role: string; prompt?: string }
  | { type: "skip"; turn: string }
  | { type: "fork"; turn: string; models: Record<string, string> };

export type ToKernel =
  | { type: "sync" | "rich" | "tree" }
  | { type: Action | "open" | "close"; of: string }
  | (Wish & { of: string; ask: string });

/** The part of anywidget's model that a panel uses. */
export interface Model {
  get(name: string): unknown;
  on(name: "msg:custom", callback: (message: FromKernel) => void): void;
  off(name: "msg:custom", callback: (message: FromKernel) => void): void;
  send(message: ToKernel): void;
}

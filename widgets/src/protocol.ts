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
  /** The dialogue that a fork took the turn from. */
  copied_from?: string | null;
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
  can: { stop: boolean; pause: boolean; unpause: boolean; resume: boolean };
}

export interface Snapshot {
  /** Number of the last update that it includes. */
  n: number;
  dialogue: DialogueFacts;
  turns: TurnFacts[];
}

export type TurnPatch = { id: string; append?: string; append_reasoning?: string } & Partial<TurnFacts>;

export interface Update {
  n: number;
  dialogue?: Partial<DialogueFacts>;
  turns?: TurnPatch[];
}

export type FromKernel =
  | ({ type: "update" } & Update)
  | ({ type: "snapshot" } & Snapshot)
  | { type: "rich"; source: string }
  | { type: "refused"; text: string };

export type Action = "stop" | "pause" | "unpause" | "resume";
export type ToKernel = { type: Action | "sync" | "rich" };

/** The part of anywidget's model that a panel uses. */
export interface Model {
  get(name: string): unknown;
  on(name: "msg:custom", callback: (message: FromKernel) => void): void;
  off(name: "msg:custom", callback: (message: FromKernel) => void): void;
  send(message: ToKernel): void;
}

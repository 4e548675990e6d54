/** Dialogues to draw and to test with: facts as the kernel would send them, and a model that a page could hold. */
import type {
  CallFacts,
  ChildFacts,
  DialogueFacts,
  FromKernel,
  Model,
  PlannedTurn,
  Snapshot,
  ToKernel,
  TurnFacts,
} from "../src/protocol.js";

export const START = 1_700_000_000;

export function callFacts(facts: Partial<CallFacts> = {}): CallFacts {
  return {
    model: "claude",
    attempt: 1,
    outcome: "ok",
    error: null,
    fallback_reason: null,
    started_at: START,
    queue: 0,
    first_token: 1,
    total: 5,
    tokens: 100,
    cost: 0.001,
    ...facts,
  };
}

export function turnFacts(facts: Partial<TurnFacts> = {}): TurnFacts {
  return {
    id: "t1",
    index: 1,
    role: "pro",
    title: "Pro, round 1",
    round: 1,
    model: "claude",
    served: "claude",
    status: "completed",
    text: "Because it is so.",
    reasoning: "",
    error: null,
    hint: null,
    started_at: START,
    latency: 5,
    tokens: 100,
    cost: 0.001,
    calls: [callFacts({ started_at: facts.started_at ?? START })],
    ...facts,
  };
}

/** A turn that has just begun. */
export function begun(facts: Partial<TurnFacts> = {}): TurnFacts {
  return turnFacts({ status: "running", text: "", served: null, latency: null, tokens: null, cost: null, calls: [], ...facts });
}

export function dialogueFacts(facts: Partial<DialogueFacts> = {}): DialogueFacts {
  return {
    id: "d1",
    mode: "debate",
    topic: "Open weights make language models safer.",
    status: "running",
    reason: null,
    live: true,
    paused: false,
    planned: plan(3),
    speakers: speakers(2),
    turns: 0,
    calls: 0,
    tokens: 0,
    prompt_tokens: 0,
    completion_tokens: 0,
    cached_tokens: 0,
    reasoning_tokens: 0,
    cost: null,
    unpriced_calls: 0,
    lost_calls: 0,
    ran: 0,
    now: START,
    can: { stop: true, pause: true, unpause: false, resume: false },
    ...facts,
  };
}

/** A sub-dialogue that runs, as its card shows it. */
export function childFacts(facts: Partial<ChildFacts> = {}): ChildFacts {
  return {
    id: "c1",
    turn: "t1",
    mode: "chat",
    topic: "What does it cost?",
    status: "running",
    live: true,
    paused: false,
    waits: false,
    turns: 1,
    planned: 3,
    cost: 0.002,
    speaker: "Con, round 1",
    ...facts,
  };
}

export const ROLES = ["pro", "con", "judge", "critic", "historian", "engineer", "lawyer", "economist", "poet", "clerk"];
const MODELS = ["claude", "qwen", "gpt-mini", "gemini", "llama", "mistral", "deepseek", "phi", "command-r", "local"];

export const titleOf = (role: string, round: number | null): string =>
  `${role.charAt(0).toUpperCase()}${role.slice(1)}${round === null ? "" : `, round ${round}`}`;

export function speakers(number: number): DialogueFacts["speakers"] {
  return ROLES.slice(0, number).map((role, place) => ({ role, title: titleOf(role, null), model: MODELS[place] ?? "local" }));
}

/** Turns in rounds, each role once a round. */
export function plan(turns: number, roles = 2): PlannedTurn[] {
  return Array.from({ length: turns }, (_, place) => {
    const role = ROLES[place % roles] ?? "pro";
    const round = Math.floor(place / roles) + 1;
    return { id: `t${place + 1}`, index: place + 1, role, title: titleOf(role, round), round };
  });
}

export function snapshot(dialogue: Partial<DialogueFacts> = {}, turns: TurnFacts[] = [], n = 0): Snapshot {
  return { n, dialogue: dialogueFacts(dialogue), turns };
}

/** What anywidget hands to a panel, without a kernel behind it. */
export class FakeModel implements Model {
  readonly sent: ToKernel[] = [];
  readonly #traits: Record<string, unknown>;
  readonly #callbacks = new Set<(message: FromKernel) => void>();

  constructor(first: Snapshot | null, kind = "dialogue", turn = "") {
    this.#traits = { kind, snapshot: first, turn };
  }

  get(name: string): unknown {
    return this.#traits[name];
  }

  on(_: "msg:custom", callback: (message: FromKernel) => void): void {
    this.#callbacks.add(callback);
  }

  off(_: "msg:custom", callback: (message: FromKernel) => void): void {
    this.#callbacks.delete(callback);
  }

  send(message: ToKernel): void {
    this.sent.push(message);
  }

  /** The kernel speaks. */
  say(message: FromKernel): void {
    for (const callback of [...this.#callbacks]) callback(message);
  }

  asked(type: ToKernel["type"]): number {
    return this.sent.filter((message) => message.type === type).length;
  }

  /** The last message of this type. */
  last<T extends ToKernel["type"]>(type: T): ToKernel & { type: T } {
    const found = this.sent.findLast((message) => message.type === type);
    if (!found) throw new Error(`nobody asked for ${type}`);
    return found as ToKernel & { type: T };
  }
}

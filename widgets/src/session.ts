/**
 * One model's connection to its dialogue: it folds what the kernel says, sends what the reader wants, and notices silence.
 *
 * All views of the model share it, so that they agree.
 */
import { cleanNode } from "./clean.js";
import { provideRich, visible } from "./markdown/index.js";
import type { Action, DialogueFacts, FromKernel, Model, Snapshot, ToKernel, TreeNode, Update, Wish } from "./protocol.js";
import { fold, fromSnapshot, type State, toldOf } from "./store.js";

/** What a view draws. A new object whenever something changed. */
export interface Facts {
  /** null while nothing is known. */
  state: State | null;
  /** Since the last question, the kernel said nothing. */
  lost: boolean;
  /** The kernel spoke on this page, so its clock may tick. */
  heard: boolean;
  /** What was asked for, of which dialogue, and has not happened yet. */
  pending: Pending | null;
  /** Why the last wish was not granted. */
  refused: string | null;
  /** All forks and sub-dialogues of the family; null while nobody asked. */
  tree: readonly TreeNode[] | null;
}

export const NOTHING: Facts = { state: null, lost: false, heard: false, pending: null, refused: null, tree: null };

interface Pending {
  action: Action;
  of: string;
}

/** What became of a wish: the dialogue that came of it, or why it was not granted. */
export type Reply = { ok: true; id: string | null } | { ok: false; text: string };

/** Where a view has its facts from: a kernel, or a saved page that is played back. */
export interface Source {
  readonly facts: Facts;
  /** What a person wrote and has not sent, by the box they wrote it into. */
  readonly drafts: Map<string, string>;
  subscribe(listener: () => void): () => void;
  act(action: Action, of: string): void;
  ask(of: string, wish: Wish): Promise<Reply>;
  /** Be told all of another dialogue; returns how to need it no longer. */
  need(id: string): () => void;
  /** null: there is nobody to ask for the tree. */
  readonly askTree: (() => void) | null;
  dismiss(): void;
  askRich(): void;
  /** The kernel's clock, Unix seconds. */
  now(): number;
}

/** Milliseconds without an answer after which the kernel counts as gone. */
const PATIENCE = 3_000;
/** Milliseconds after which an unanswered question is asked again; each time a little later. */
const AGAIN = 15_000;
/** Milliseconds of silence of a running dialogue after which we ask whether somebody is there. */
const SILENCE = 60_000;
/** Milliseconds after which a wish counts as forgotten when the facts still do not show it. */
const FORGOTTEN = 30_000;

const clock = (): number => Date.now() / 1000;

/** Replies go to all pages; this tells whose they are. */
const PAGE = `${Math.random().toString(36).slice(2)}-`;
let asks = 0;

export class Session implements Source {
  facts: Facts = { ...NOTHING };
  readonly drafts = new Map<string, string>();
  readonly askTree = (): void => this.#send({ type: "tree" });
  readonly #model: Model;
  readonly #listeners = new Set<() => void>();
  readonly #receive = (message: FromKernel): void => this.#take(message);
  /** An update is missing: those that follow make no sense until a snapshot came. */
  #behind = false;
  #answered = true;
  #messages = 0;
  #unanswered = 0;
  #actedAt = 0;
  #askedRich = false;
  /** How many views need a dialogue beside the panel's own. */
  readonly #needed = new Map<string, number>();
  /** Those that were asked for and have not come yet. */
  readonly #opening = new Set<string>();
  readonly #asked = new Map<string, (reply: Reply) => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(model: Model) {
    this.#model = model;
    const saved = model.get("snapshot") as Snapshot | null | undefined;
    if (saved?.dialogue) this.facts.state = fromSnapshot(saved, clock());
    model.on("msg:custom", this.#receive);
    this.#sync();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#model.off("msg:custom", this.#receive);
    this.#listeners.clear();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  now(): number {
    const { state, heard, lost } = this.facts;
    if (!state) return clock();
    return heard && !lost ? clock() + state.skew : state.dialogue.now;
  }

  act(action: Action, of: string): void {
    if (this.facts.pending) return;
    this.#actedAt = Date.now();
    this.#change({ pending: { action, of }, refused: null });
    this.#send({ type: action, of });
    this.#watch(PATIENCE, () => this.#sync());
  }

  ask(of: string, wish: Wish): Promise<Reply> {
    const ask = `${PAGE}${++asks}`;
    return new Promise((reply) => {
      this.#asked.set(ask, reply);
      this.#send({ ...wish, of, ask });
      this.#watch(PATIENCE, () => this.#sync());
    });
  }

  need(id: string): () => void {
    this.#needed.set(id, (this.#needed.get(id) ?? 0) + 1);
    this.#openNeeded();
    return () => {
      const left = (this.#needed.get(id) ?? 1) - 1;
      if (left) this.#needed.set(id, left);
      else if (this.#needed.delete(id)) this.#send({ type: "close", of: id });
    };
  }

  /** Also what another page has closed, which had it open, too. */
  #openNeeded(): void {
    const { state } = this.facts;
    if (!state) return;
    for (const id of this.#needed.keys()) {
      if (toldOf(state, id)) this.#opening.delete(id);
      else if (!this.#opening.has(id)) {
        this.#opening.add(id);
        this.#send({ type: "open", of: id });
      }
    }
  }

  #reply(ask: string, reply: Reply): void {
    this.#asked.get(ask)?.(reply);
    this.#asked.delete(ask);
  }

  dismiss(): void {
    this.#change({ refused: null });
  }

  askRich(): void {
    if (this.#askedRich) return;
    this.#askedRich = true;
    this.#send({ type: "rich" });
  }

  #take(message: FromKernel): void {
    this.#messages += 1;
    this.#unanswered = 0;
    const heard = { heard: true, lost: false };
    if (message.type === "rich") void provideRich(message.source).then(() => this.#change({}));
    if (message.type === "refused") this.#refuse(visible(message.text), message.ask);
    if (message.type === "done") this.#reply(message.ask, { ok: true, id: message.id ?? null });
    if (message.type === "tree") this.#change({ ...heard, tree: message.nodes.map(cleanNode) });
    if (message.type === "update") this.#change({ ...heard, ...this.#folded(message) });
    if (message.type === "snapshot") {
      this.#behind = false;
      this.#opening.clear();
      this.#change({ ...heard, state: fromSnapshot(message, clock(), this.facts.state) });
      if (Date.now() - this.#actedAt > FORGOTTEN) this.#change({ pending: null });
    }
    this.#answered ||= !this.#behind;
    if (this.#answered) this.#listen();
  }

  /** Who asked hears why not; what no box of this page asked for is said at the top. */
  #refuse(text: string, ask: string | undefined): void {
    if (ask !== undefined) this.#reply(ask, { ok: false, text });
    else this.#change({ heard: true, lost: false, pending: null, refused: text });
  }

  #folded(update: Update): { state?: State } {
    const { state } = this.facts;
    if (this.#behind) return {};
    const next = state && fold(state, update, clock());
    if (next) return { state: next };
    this.#behind = true;
    this.#sync();
    return {};
  }

  /** Ask for a snapshot. Where nothing at all comes back, the kernel is gone or busy. */
  #sync(): void {
    this.#answered = false;
    const before = this.#messages;
    this.#send({ type: "sync" });
    this.#watch(PATIENCE, () => {
      if (this.#messages === before) {
        this.#change({ lost: true, pending: null });
        for (const ask of [...this.#asked.keys()]) this.#reply(ask, { ok: false, text: "The kernel does not answer." });
      }
      this.#unanswered += 1;
      this.#watch(AGAIN * this.#unanswered, () => this.#sync());
    });
  }

  /** Become suspicious when what should go on does not. */
  #listen(): void {
    clearTimeout(this.#timer);
    const { state, pending } = this.facts;
    if (pending || state?.dialogue.live) this.#watch(pending ? AGAIN : SILENCE, () => this.#sync());
  }

  #watch(after: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, after);
  }

  #send(message: ToKernel): void {
    try {
      this.#model.send(message);
    } catch {
      // The comm is closed. That nobody answers is noticed by the silence.
    }
  }

  #change(change: Partial<Facts>): void {
    const facts = { ...this.facts, ...change };
    const { pending, state } = facts;
    const told = pending && state && toldOf(state, pending.of);
    if (pending && state && (!told || happened(pending.action, told.dialogue))) facts.pending = null;
    this.facts = facts;
    this.#openNeeded();
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Whether the facts show what was asked for. */
function happened(action: Action, { live, paused }: DialogueFacts): boolean {
  return { stop: !live, pause: paused || !live, unpause: !paused || !live, resume: live }[action];
}

/**
 * One model's connection to its dialogue: it folds what the kernel says, sends what the reader wants, and notices silence.
 *
 * All views of the model share it, so that they agree.
 */
import { provideRich } from "./markdown/index.js";
import type { Action, FromKernel, Model, Snapshot, ToKernel, Update } from "./protocol.js";
import { fold, fromSnapshot, type State } from "./store.js";

/** What a view draws. A new object whenever something changed. */
export interface Facts {
  /** null while nothing is known. */
  state: State | null;
  /** Since the last question, the kernel said nothing. */
  lost: boolean;
  /** The kernel spoke on this page, so its clock may tick. */
  heard: boolean;
  /** What was asked for and has not happened yet. */
  pending: Action | null;
  /** Why the last wish was not granted. */
  refused: string | null;
}

/** Where a view has its facts from: a kernel, or a saved page that is played back. */
export interface Source {
  readonly facts: Facts;
  subscribe(listener: () => void): () => void;
  act(action: Action): void;
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

export class Session implements Source {
  facts: Facts = { state: null, lost: false, heard: false, pending: null, refused: null };
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

  act(action: Action): void {
    if (this.facts.pending) return;
    this.#actedAt = Date.now();
    this.#change({ pending: action, refused: null });
    this.#send({ type: action });
    this.#watch(PATIENCE, () => this.#sync());
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
    if (message.type === "refused") this.#change({ ...heard, pending: null, refused: message.text });
    if (message.type === "update") this.#change({ ...heard, ...this.#folded(message) });
    if (message.type === "snapshot") {
      this.#behind = false;
      this.#change({ ...heard, state: fromSnapshot(message, clock(), this.facts.state) });
      if (Date.now() - this.#actedAt > FORGOTTEN) this.#change({ pending: null });
    }
    this.#answered ||= !this.#behind;
    if (this.#answered) this.#listen();
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
      if (this.#messages === before) this.#change({ lost: true, pending: null });
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
    if (pending && state && happened(pending, state)) facts.pending = null;
    this.facts = facts;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Whether the facts show what was asked for. */
function happened(action: Action, { dialogue }: State): boolean {
  const { live, paused } = dialogue;
  return { stop: !live, pause: paused || !live, unpause: !paused || !live, resume: live }[action];
}

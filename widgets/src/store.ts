/**
 * The fold: what the kernel says becomes what the panel shows. Pure, so that order, gaps and clocks can be tested.
 *
 * Turns that did not change keep their identity, which is how the panel knows what need not be drawn again.
 */
import { cleanDialogue, cleanSnapshot, cleanTurn } from "./clean.js";
import type { DialogueFacts, Other, OtherPatch, Patch, Snapshot, TurnFacts, TurnPatch, Update } from "./protocol.js";

/** One dialogue, as far as it is told. */
export interface Told {
  dialogue: DialogueFacts;
  turns: readonly TurnFacts[];
  /** When `dialogue.ran` was true, by the kernel's clock. */
  ranAt: number;
}

/** The panel's own dialogue, and those told beside it. */
export interface State extends Told {
  /** Number of the last update taken in. */
  n: number;
  /** The kernel's clock minus ours, seconds. */
  skew: number;
  others: ReadonlyMap<string, Told>;
}

/** A dialogue by its id. */
export const toldOf = (state: State, id: string): Told | undefined => (id === state.dialogue.id ? state : state.others.get(id));

/** Begin with a snapshot, or replace everything by one. `at` is our clock, Unix seconds. */
export function fromSnapshot(raw: Snapshot, at: number, before: State | null = null): State {
  const { n, others = [], ...own } = cleanSnapshot(raw);
  return {
    n,
    ...whole(own, before),
    skew: own.dialogue.now - at,
    others: new Map(others.map((other) => [other.dialogue.id, whole(other, before?.others.get(other.dialogue.id))])),
  };
}

function whole({ dialogue, turns }: Other, before?: Told | null): Told {
  const known = new Map(before?.turns.map((turn) => [turn.id, turn]));
  return {
    dialogue,
    turns: turns.map((turn) => keep(known.get(turn.id), turn)).sort((a, b) => a.index - b.index),
    ranAt: dialogue.now,
  };
}

/** Take the next update in. null: one is missing, so ask for a snapshot. An old one changes nothing. */
export function fold(state: State, update: Update, at: number): State | null {
  if (update.n <= state.n) return state;
  if (update.n !== state.n + 1) return null;
  const skew = update.dialogue?.now === undefined ? state.skew : update.dialogue.now - at;
  const own = patchTold(state, update, at + skew);
  const others = patchOthers(state.others, update.others ?? [], at + skew);
  return own && others && { ...own, n: update.n, skew, others };
}

/** null: a dialogue or a turn that nobody introduced, which cannot be drawn. */
function patchOthers(before: State["others"], patches: OtherPatch[], now: number): State["others"] | null {
  if (!patches.length) return before;
  const others = new Map(before);
  for (const patch of patches) {
    const old = others.get(patch.of);
    if (patch.gone) {
      others.delete(patch.of);
      continue;
    }
    if (!old && patch.dialogue?.id === undefined) return null;
    const next = patchTold(old ?? { dialogue: {} as DialogueFacts, turns: [], ranAt: now }, patch, now);
    if (!next) return null;
    others.set(patch.of, next);
  }
  return others;
}

function patchTold(told: Told, { dialogue, turns }: Patch, now: number): Told | null {
  const next = turns?.length ? patchTurns(told.turns, turns) : told.turns;
  if (!next) return null;
  return {
    dialogue: dialogue ? { ...told.dialogue, ...cleanDialogue(dialogue) } : told.dialogue,
    turns: next,
    ranAt: dialogue?.ran === undefined ? told.ranAt : now,
  };
}

/** null: a turn that nobody introduced, which cannot be drawn. */
function patchTurns(turns: readonly TurnFacts[], patches: TurnPatch[]): TurnFacts[] | null {
  const next = [...turns];
  for (const patch of patches) {
    const place = next.findLastIndex((turn) => turn.id === patch.id);
    const old = next[place];
    if (old) next[place] = patched(old, patch);
    else if (patch.role === undefined) return null;
    else next.push(patched({ text: "", reasoning: "" } as TurnFacts, patch));
  }
  return next.length === turns.length ? next : next.sort((a, b) => a.index - b.index);
}

function patched(turn: TurnFacts, patch: TurnPatch): TurnFacts {
  const { append = "", append_reasoning: appendReasoning = "", ...fields } = cleanTurn(patch);
  const next: TurnFacts = { ...turn, ...fields };
  next.text += append;
  next.reasoning += appendReasoning;
  return next;
}

/** The old object where the new one says the same. */
function keep(old: TurnFacts | undefined, turn: TurnFacts): TurnFacts {
  if (!old) return turn;
  const names = Object.keys(turn) as (keyof TurnFacts)[];
  const same = names.every((name) =>
    name === "calls" || name === "asked" ? JSON.stringify(old[name]) === JSON.stringify(turn[name]) : old[name] === turn[name],
  );
  return same ? old : turn;
}

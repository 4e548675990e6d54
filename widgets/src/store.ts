/**
 * The fold: what the kernel says becomes what the panel shows. Pure, so that order, gaps and clocks can be tested.
 *
 * Turns that did not change keep their identity, which is how the panel knows what need not be drawn again.
 */
import { cleanDialogue, cleanSnapshot, cleanTurn } from "./clean.js";
import type { DialogueFacts, Snapshot, TurnFacts, TurnPatch, Update } from "./protocol.js";

export interface State {
  /** Number of the last update taken in. */
  n: number;
  dialogue: DialogueFacts;
  turns: readonly TurnFacts[];
  /** The kernel's clock minus ours, seconds. */
  skew: number;
  /** When `dialogue.ran` was true, by the kernel's clock. */
  ranAt: number;
}

/** Begin with a snapshot, or replace everything by one. `at` is our clock, Unix seconds. */
export function fromSnapshot(raw: Snapshot, at: number, before: State | null = null): State {
  const { n, dialogue, turns } = cleanSnapshot(raw);
  const known = new Map(before?.turns.map((turn) => [turn.id, turn]));
  return {
    n,
    dialogue,
    turns: turns.map((turn) => keep(known.get(turn.id), turn)).sort((a, b) => a.index - b.index),
    skew: dialogue.now - at,
    ranAt: dialogue.now,
  };
}

/** Take the next update in. null: one is missing, so ask for a snapshot. An old one changes nothing. */
export function fold(state: State, update: Update, at: number): State | null {
  if (update.n <= state.n) return state;
  if (update.n !== state.n + 1) return null;
  const turns = update.turns?.length ? patchTurns(state.turns, update.turns) : state.turns;
  if (!turns) return null;
  const next = { ...state, n: update.n, turns };
  if (!update.dialogue) return next;
  next.dialogue = { ...state.dialogue, ...cleanDialogue(update.dialogue) };
  if (update.dialogue.now !== undefined) next.skew = update.dialogue.now - at;
  if (update.dialogue.ran !== undefined) next.ranAt = at + next.skew;
  return next;
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
    name === "calls" ? JSON.stringify(old.calls) === JSON.stringify(turn.calls) : old[name] === turn[name],
  );
  return same ? old : turn;
}

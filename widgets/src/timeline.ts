/**
 * A finished dialogue as it was at any moment. Pure: the same snapshot and second give the same picture.
 *
 * The time line counts the seconds in which somebody spoke; a gap in which nobody did is shortened.
 */
import type { CallFacts, ChildFacts, DialogueFacts, Other, Snapshot, TurnFacts } from "./protocol.js";

/** Seconds that a gap between turns keeps. */
const GAP = 2;

/** A stretch in which somebody spoke: `start` and `end` by the kernel's clock, `at` on the time line. */
interface Stretch {
  start: number;
  end: number;
  at: number;
}

export interface Timeline {
  stretches: readonly Stretch[];
  /** Length in seconds. */
  total: number;
}

export function timeline(snapshot: Snapshot): Timeline {
  const spans = snapshot.turns.map((turn) => ({ start: turn.started_at, end: ended(turn) })).sort((a, b) => a.start - b.start);
  const stretches: Stretch[] = [];
  for (const { start, end } of spans) {
    const last = stretches.at(-1);
    // A gap that need not be shortened is no gap.
    if (last && start <= last.end + GAP) last.end = Math.max(last.end, end);
    else stretches.push({ start, end, at: last ? last.at + last.end - last.start + GAP : 0 });
  }
  const last = stretches.at(-1);
  return { stretches, total: last ? last.at + last.end - last.start : 0 };
}

/** The kernel's clock at a second of the time line. */
export function moment({ stretches }: Timeline, t: number): number {
  const here = stretches.findLast((stretch) => stretch.at <= t) ?? stretches[0];
  return here ? Math.min(here.start + t - here.at, here.end) : 0;
}

const CANNOT = { stop: false, pause: false, unpause: false, resume: false };

/** The dialogue as it was `t` seconds into its time line; from the end on, as it is. */
export function at(snapshot: Snapshot, t: number, line: Timeline = timeline(snapshot)): Snapshot {
  if (t >= line.total) return { ...snapshot, dialogue: { ...snapshot.dialogue, live: false, can: CANNOT } };
  const now = moment(line, Math.max(t, 0));
  const others = snapshot.others?.map((other) => otherAt(other, now, snapshot)) ?? [];
  return { n: snapshot.n, ...running(snapshot, now, Math.max(t, 0), snapshot), others };
}

/** One that had ended by then is as it is. */
function otherAt(other: Other, now: number, all: Snapshot): Other {
  if (now >= endOf(other)) return { ...other, dialogue: { ...other.dialogue, can: CANNOT } };
  return running(other, now, Math.max(0, now - startOf(other)), all);
}

function running({ dialogue, turns }: Other, now: number, ran: number, all: Snapshot): Other {
  const begun = turns.filter((turn) => turn.started_at <= now).map((turn) => turnAt(turn, now));
  const children = dialogue.children?.flatMap((child) => childAt(child, now, all)) ?? [];
  return {
    dialogue: {
      ...dialogue,
      ...spent(begun),
      status: "running",
      reason: null,
      live: true,
      paused: false,
      waits: false,
      ran,
      now,
      can: CANNOT,
      children,
    },
    turns: begun,
  };
}

/** A card as it was; none of what had not begun. */
function childAt(child: ChildFacts, now: number, { others }: Snapshot): ChildFacts[] {
  const other = others?.find(({ dialogue }) => dialogue.id === child.id);
  if (!other || now >= endOf(other)) return [child];
  if (now < startOf(other)) return [];
  const begun = other.turns.filter((turn) => turn.started_at <= now).map((turn) => turnAt(turn, now));
  const { turns = 0, cost = null } = spent(begun);
  const speaker = begun.findLast(({ status }) => status === "running")?.title ?? null;
  return [{ ...child, status: "running", live: true, paused: false, waits: false, turns, cost, speaker }];
}

const startOf = ({ turns }: Other): number => Math.min(...turns.map((turn) => turn.started_at));
const endOf = ({ turns }: Other): number => Math.max(...turns.map(ended));

function ended(turn: TurnFacts): number {
  const calls = turn.calls.map((call) => call.started_at + call.queue + call.total);
  return Math.max(turn.started_at + (turn.latency ?? 0), ...calls);
}

function turnAt(turn: TurnFacts, now: number): TurnFacts {
  if (now >= ended(turn)) return turn;
  const calls = turn.calls.filter((call) => call.started_at + call.queue + call.total <= now);
  const share = spoken(turn, now);
  const shown = Math.round((turn.reasoning.length + turn.text.length) * share);
  return {
    ...turn,
    status: "running",
    waits: null,
    reasoning: cut(turn.reasoning, shown),
    text: cut(turn.text, shown - turn.reasoning.length),
    served: share > 0 ? turn.served : null,
    error: null,
    hint: null,
    latency: null,
    tokens: null,
    cost: null,
    calls,
  };
}

/** How much of a turn was there, from 0 to 1: its last call brought what is kept. */
function spoken(turn: TurnFacts, now: number): number {
  const call = turn.calls.findLast(({ outcome }) => outcome === "ok") ?? turn.calls.at(-1);
  const [from, to] = call ? window(call) : [turn.started_at, ended(turn)];
  if (to <= from) return now >= to ? 1 : 0;
  return Math.max(0, Math.min(1, (now - from) / (to - from)));
}

function window({ started_at: start, queue, first_token: first, total }: CallFacts): [number, number] {
  return [start + queue + (first ?? 0), start + queue + total];
}

/** The beginning of a text, never half a character. */
function cut(text: string, length: number): string {
  if (length >= text.length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, Math.max(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length));
}

/** What was spent until then, as far as the calls that had ended tell. */
function spent(turns: readonly TurnFacts[]): Partial<DialogueFacts> {
  const calls = turns.flatMap((turn) => turn.calls);
  const costs = calls.flatMap(({ cost }) => cost ?? []);
  return {
    turns: turns.filter(({ status }) => status === "completed").length,
    calls: calls.length,
    tokens: calls.reduce((sum, { tokens }) => sum + (tokens ?? 0), 0),
    cost: costs.length ? costs.reduce((sum, cost) => sum + cost, 0) : null,
    unpriced_calls: calls.filter(({ outcome, cost }) => outcome === "ok" && cost === null).length,
    lost_calls: calls.filter(({ outcome }) => outcome !== "ok").length,
    prompt_tokens: 0,
    completion_tokens: 0,
    cached_tokens: 0,
    reasoning_tokens: 0,
  };
}

/** The few words of the panel: states, amounts, and what a screen reader hears. */
import type { ChildFacts, DialogueFacts, Status, TurnFacts, Waits } from "./protocol.js";
import type { Told } from "./store.js";

/** What the reader calls the state of a dialogue or turn; more than `Status`, because the clock and pauses count. */
export type Standing = Status | "paused" | "lost" | "waiting";

type Stands = Pick<DialogueFacts, "status" | "live" | "paused" | "waits">;

/** `lost`: it was running when the kernel was last heard, and the kernel does not answer. */
export function standing({ status, live, paused, waits }: Stands, lost = false): Standing {
  if (status !== "running") return status;
  if (!live) return "interrupted";
  if (lost) return "lost";
  return paused ? "paused" : waits ? "waiting" : "running";
}

export const STANDING: Record<Standing, string> = {
  running: "Running",
  paused: "Paused",
  waiting: "Waiting for you",
  completed: "Completed",
  converged: "Converged",
  failed: "Failed",
  cancelled: "Cancelled",
  cost_limited: "Cost limited",
  interrupted: "Interrupted",
  lost: "Not connected",
};

export const lower = (state: Standing): string => STANDING[state].toLowerCase();

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** USD with the digits that matter. */
export function money(cost: number | null): string {
  if (cost === null) return "cost unknown";
  if (cost === 0) return "free";
  if (cost >= 1) return `$${cost.toFixed(2)}`;
  if (cost < 1e-6) return "below $0.000001";
  const [whole, part = ""] = cost.toPrecision(3).replace(/0+$/, "").split(".");
  return `$${whole}.${part.padEnd(2, "0")}`;
}

/** What a turn took. */
export function seconds(value: number): string {
  return value < 60 ? `${value.toFixed(1)} s` : minutes(value);
}

/** A running clock: whole seconds, so that it is calm. */
export function clock(value: number): string {
  const whole = Math.max(0, Math.floor(value));
  return whole < 60 ? `${whole} s` : minutes(whole);
}

function minutes(value: number): string {
  const whole = Math.floor(value);
  const rest = `${String(Math.floor(whole / 60) % 60).padStart(whole < 3600 ? 1 : 2, "0")} min`;
  return whole < 3600 ? `${rest} ${String(whole % 60).padStart(2, "0")} s` : `${Math.floor(whole / 3600)} h ${rest}`;
}

/** 1:05, for the time line. */
export function minuteSecond(value: number): string {
  const whole = Math.max(0, Math.round(value));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** "Con, round 1, is speaking": a title that has a comma closes it again. */
export const subject = (title: string): string => (title.includes(",") ? `${title},` : title);

export const WAITS: Record<Waits, string> = {
  answer: "waits for your answer",
  approval: "waits for your approval",
};

function said(turn: TurnFacts): string {
  const who = subject(turn.title);
  if (turn.waits) return `${who} ${WAITS[turn.waits]}`;
  if (turn.status === "running") return `${who} is speaking`;
  if (turn.status === "completed") return `${who} finished`;
  if (turn.status === "failed") return `${who} failed${turn.error ? `: ${turn.error}` : ""}`;
  return `${who} was ${turn.status === "cancelled" ? "cancelled" : "stopped"}`;
}

const below = (child: ChildFacts): string => `Sub-dialogue ${child.topic}: ${lower(standing(child))}`;

/** What a screen reader hears of a change: who speaks and how it ends, never the tokens. */
export function announcement(before: Told, now: Told): string {
  const known = new Map(before.turns.map((turn) => [turn.id, turn]));
  const turns = now.turns.filter(({ id, status, waits }) => {
    const was = known.get(id);
    return was?.status !== status || (was.waits ?? null) !== (waits ?? null);
  });
  const stood = new Map(before.dialogue.children?.map((child) => [child.id, standing(child)]));
  const children = now.dialogue.children?.filter((child) => stood.get(child.id) !== standing(child)) ?? [];
  const state = standing(now.dialogue);
  const changed = state !== standing(before.dialogue) && state !== "waiting" && standing(before.dialogue) !== "waiting";
  const ended = changed || !now.dialogue.live === before.dialogue.live ? [`Dialogue ${lower(state)}`] : [];
  return [...turns.map(said), ...children.map(below)].slice(-3).concat(ended).join(". ");
}

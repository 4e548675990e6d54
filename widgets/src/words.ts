/** The few words of the panel: states, amounts, and what a screen reader hears. */
import type { DialogueFacts, Status, TurnFacts } from "./protocol.js";
import type { State } from "./store.js";

/** What the reader calls the state of a dialogue or turn; more than `Status`, because the clock and pauses count. */
export type Standing = Status | "paused" | "lost";

/** `lost`: it was running when the kernel was last heard, and the kernel does not answer. */
export function standing(dialogue: DialogueFacts, lost = false): Standing {
  if (dialogue.status !== "running") return dialogue.status;
  if (!dialogue.live) return "interrupted";
  if (lost) return "lost";
  return dialogue.paused ? "paused" : "running";
}

export const STANDING: Record<Standing, string> = {
  running: "Running",
  paused: "Paused",
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
const subject = (title: string): string => (title.includes(",") ? `${title},` : title);

function said(turn: TurnFacts): string {
  if (turn.status === "running") return `${subject(turn.title)} is speaking`;
  if (turn.status === "completed") return `${subject(turn.title)} finished`;
  if (turn.status === "failed") return `${subject(turn.title)} failed${turn.error ? `: ${turn.error}` : ""}`;
  return `${subject(turn.title)} was ${turn.status === "cancelled" ? "cancelled" : "stopped"}`;
}

/** What a screen reader hears of a change: who speaks and how it ends, never the tokens. */
export function announcement(before: State, now: State): string {
  const known = new Map(before.turns.map((turn) => [turn.id, turn]));
  const turns = now.turns.filter((turn) => known.get(turn.id)?.status !== turn.status).map(said);
  const state = standing(now.dialogue);
  const ended = state === standing(before.dialogue) ? [] : [`Dialogue ${lower(state)}`];
  return [...turns.slice(-3), ...ended].join(". ");
}

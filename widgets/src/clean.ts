/**
 * Kernel strings become harmless here, once, on their way into the store: titles, names, errors, reasons.
 *
 * Texts and reasoning stay as they are, because the Markdown renderer cleans what it draws.
 */
import { visible } from "./markdown/index.js";
import type { CallFacts, ChildFacts, DialogueFacts, Snapshot, TreeNode, TurnPatch } from "./protocol.js";

function cleanFields<T extends object>(value: T, names: readonly (keyof T)[]): T {
  const result = { ...value };
  for (const name of names) {
    const text = result[name];
    if (typeof text === "string") result[name] = visible(text) as T[typeof name];
  }
  return result;
}

const cleanCall = (call: CallFacts): CallFacts => cleanFields(call, ["model", "outcome", "error", "fallback_reason"]);

export function cleanTurn<T extends TurnPatch>(turn: T): T {
  const result = cleanFields(turn, ["title", "model", "served", "error", "hint"]);
  if (result.calls) result.calls = result.calls.map(cleanCall);
  if (result.routed) result.routed = cleanFields(result.routed, ["policy", "reason"]);
  return result;
}

export function cleanDialogue<T extends Partial<DialogueFacts>>(dialogue: T): T {
  const result = cleanFields(dialogue, ["mode", "topic", "reason"]);
  if (result.planned) result.planned = result.planned.map((turn) => cleanFields(turn, ["title"]));
  if (result.speakers) result.speakers = result.speakers.map((speaker) => cleanFields(speaker, ["title", "model"]));
  if (result.children) result.children = result.children.map(cleanChild);
  return result;
}

const cleanChild = (child: ChildFacts): ChildFacts => cleanFields(child, ["mode", "topic", "speaker"]);

export const cleanNode = (node: TreeNode): TreeNode => cleanFields(node, ["facts"]);

export function cleanSnapshot(snapshot: Snapshot): Snapshot {
  const others = snapshot.others?.map((other) => ({ ...other, ...cleanAll(other) })) ?? [];
  return { ...snapshot, ...cleanAll(snapshot), others };
}

const cleanAll = ({ dialogue, turns }: Pick<Snapshot, "dialogue" | "turns">) => ({
  dialogue: cleanDialogue(dialogue),
  turns: turns.map(cleanTurn),
});

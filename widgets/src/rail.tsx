/** Progress and way in one: a segment per planned turn. */
import { useState } from "preact/hooks";
import { memo } from "./memo.js";
import type { Speaker, TurnFacts } from "./protocol.js";
import type { Told } from "./store.js";
import type { View } from "./view.js";
import { lower, type Standing } from "./words.js";

export interface Segment {
  id: string;
  name: string;
  accent: number;
  state: Standing | "planned";
  /** A new round begins here. */
  opens: boolean;
}

const ACCENTS = 8;

/** A colour for each speaker; the ninth begins again. */
export const accentsOf = (speakers: readonly Speaker[]): ReadonlyMap<string, number> =>
  new Map(speakers.map(({ role }, place) => [role, place % ACCENTS]));

/** How a turn stands: one that runs or waits does so only while its dialogue does. */
export function turnState({ status, waits }: Pick<TurnFacts, "status" | "waits">, dialogue: Standing): Standing {
  if (status !== "running") return status;
  if (dialogue === "lost") return dialogue;
  if (dialogue !== "running" && dialogue !== "paused" && dialogue !== "waiting") return "interrupted";
  return waits ? "waiting" : status;
}

export function segments({ dialogue, turns }: Told, state: Standing): Segment[] {
  const accents = accentsOf(dialogue.speakers);
  const begun = new Map(turns.map((turn) => [turn.id, turn]));
  const planned = new Set(dialogue.planned.map((turn) => turn.id));
  const added = turns.filter((turn) => !planned.has(turn.id));
  const all = [...dialogue.planned, ...added].sort((a, b) => a.index - b.index);
  return all.map((turn, place) => {
    const facts = begun.get(turn.id);
    const stands = facts ? turnState(facts, state) : "planned";
    const said = stands === "planned" ? "to come" : lower(stands);
    return {
      id: turn.id,
      name: `Turn ${place + 1}, ${turn.title}, ${said}`,
      accent: accents.get(turn.role) ?? ACCENTS - 1,
      state: stands,
      opens: place > 0 && turn.round !== all[place - 1]?.round,
    };
  });
}

export const Rail = memo(function Rail({ all, view }: { all: readonly Segment[]; view: View }) {
  const [chosen, choose] = useState<string | null>(null);
  const begun = all.findLastIndex((segment) => segment.state !== "planned");
  const known = all.findIndex((segment) => segment.id === chosen);
  const active = known < 0 ? Math.max(begun, 0) : known;
  const keys = (event: KeyboardEvent) => {
    // JupyterLab's command mode would take the arrows for its own.
    event.stopPropagation();
    const rail = event.currentTarget as HTMLElement;
    const last = all.length - 1;
    const here = [...rail.children].indexOf(event.target as Element);
    const to = {
      ArrowRight: here + 1,
      ArrowLeft: here - 1,
      ArrowDown: here + 1,
      ArrowUp: here - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const place = Math.max(0, Math.min(to, last));
    choose(all[place]?.id ?? null);
    (rail.children[place] as HTMLElement | undefined)?.focus({ preventScroll: true });
  };
  return (
    <div class="wb-rail" role="toolbar" aria-label="Turns" data-dense={all.length > 60} onKeyDown={keys}>
      {all.map((segment, place) => (
        <button
          type="button"
          key={segment.id}
          class={`wb-segment wb-accent-${segment.accent}`}
          data-state={segment.state}
          data-opens={segment.opens}
          tabIndex={place === active ? 0 : -1}
          aria-label={segment.name}
          aria-disabled={segment.state === "planned"}
          title={segment.name}
          onFocus={() => choose(segment.id)}
          // A click that no pointer made is the Enter key: take the keyboard along.
          onClick={(event) => view.jump(segment.id, event.detail === 0)}
        />
      ))}
    </div>
  );
});

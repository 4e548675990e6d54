/** The buttons that act on a running or stopped dialogue. */
import { useRef, useState } from "preact/hooks";
import type { Action } from "./protocol.js";
import type { Facts, Source } from "./session.js";
import type { Told } from "./store.js";

const WORDS: Record<Action, { word: string; pending: string }> = {
  stop: { word: "Stop", pending: "Stopping" },
  pause: { word: "Pause", pending: "Pausing" },
  unpause: { word: "Continue", pending: "Continuing" },
  resume: { word: "Resume", pending: "Resuming" },
};

export function Actions({ facts, told, source }: { facts: Facts; told: Told; source: Source }) {
  const { id, can: able } = told.dialogue;
  const can = facts.lost ? undefined : able;
  const flow: Action | null = can?.unpause ? "unpause" : can?.pause ? "pause" : can?.resume ? "resume" : null;
  const pending = facts.pending?.of === id ? facts.pending.action : null;
  return (
    <div class="wb-actions">
      <Slot
        action={pending && pending !== "stop" ? pending : flow}
        able={flow !== null}
        pending={pending}
        of={id}
        source={source}
      />
      <Slot
        action={pending === "stop" || can?.stop ? "stop" : null}
        able={can?.stop ?? false}
        pending={pending}
        of={id}
        source={source}
      />
    </div>
  );
}

interface SlotProps {
  action: Action | null;
  able: boolean;
  pending: Action | null;
  /** The dialogue's id. */
  of: string;
  source: Source;
}

/** A button that stays where it is while it has the focus, even when there is nothing left to do. */
function Slot({ action, able, pending, of, source }: SlotProps) {
  const last = useRef<Action | null>(null);
  const [focused, setFocused] = useState(false);
  last.current = action ?? (focused ? last.current : null);
  if (!last.current) return null;
  const { word, pending: doing } = WORDS[last.current];
  const off = !able || pending !== null || action === null;
  const click = () => {
    if (!off && action) source.act(action, of);
  };
  return (
    <button
      type="button"
      class="wb-button"
      aria-disabled={off}
      onClick={click}
      onFocus={() => setFocused(true)}
      onBlur={() => setFocused(false)}
    >
      {pending === last.current ? doing : word}
    </button>
  );
}

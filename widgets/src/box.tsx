/** What a person writes into: it keeps what was not sent yet, and says why something was not taken. */
import { useState } from "preact/hooks";
import type { Wish } from "./protocol.js";
import type { View } from "./view.js";

/** Keys typed here are nobody else's: a notebook would run the cell. Ctrl+Enter sends. */
export function typed(send: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    event.stopPropagation();
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    send();
  };
}

/** A wish on its way: whether one is, what became of the last, and how to send one. */
export function useWish(of: string, view: View) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const send = async (wish: Wish, done: (id: string | null) => void = () => {}) => {
    if (busy) return;
    setBusy(true);
    setProblem("");
    const reply = await view.source.ask(of, wish);
    setBusy(false);
    if (reply.ok) done(reply.id);
    else setProblem(reply.text);
  };
  return { busy, problem, setProblem, send };
}

export function Problem({ text }: { text: string }) {
  return (
    <p class="wb-trouble" role="alert" hidden={!text}>
      {text}
    </p>
  );
}

interface BoxProps {
  /** Of the draft. */
  name: string;
  label: string;
  rows?: number;
  /** What stands there before anybody wrote. */
  first?: string;
  code?: boolean;
  send: () => void;
  view: View;
}

export function Box({ name, label, rows = 3, first = "", code = false, send, view }: BoxProps) {
  const { drafts } = view.source;
  return (
    <textarea
      class="wb-box"
      data-code={code}
      aria-label={label}
      placeholder={label}
      rows={rows}
      value={drafts.get(name) ?? first}
      onInput={(event) => drafts.set(name, event.currentTarget.value)}
      onKeyDown={typed(send)}
    />
  );
}

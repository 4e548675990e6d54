/** One turn: who speaks, what it took, what was said, what it opened, and what a person is to do about it. */
import { useState } from "preact/hooks";
import { Calls, Chosen, standIn } from "./calls.js";
import { type Below, Cards } from "./cards.js";
import { Clock } from "./clock.js";
import { CopyButton } from "./copy-button.js";
import { ForkForm } from "./fork.js";
import { visible } from "./markdown/index.js";
import { Branch, Chevron, Mark } from "./marks.js";
import { memo } from "./memo.js";
import { Person } from "./person.js";
import type { Speaker, TurnFacts } from "./protocol.js";
import { Markdown } from "./text.js";
import type { View } from "./view.js";
import { count, money, STANDING, type Standing, seconds } from "./words.js";

interface Props {
  /** The dialogue's id. */
  of: string;
  turn: TurnFacts;
  state: Standing;
  accent: number;
  row: number;
  /** 0: across all columns. */
  column: number;
  collapsed: boolean;
  /** The reader was brought here a moment ago. */
  found: boolean;
  /** The column's head already names this model. */
  usual: boolean;
  /** A person can act on it now: it runs, and in this kernel. */
  acts: boolean;
  /** A fork can begin with it. */
  forks: boolean;
  /** Who plays in the dialogue, while the reader says how the fork differs. */
  forking: readonly Speaker[] | null;
  below: Below | null;
  view: View;
}

export const Turn = memo(function Turn(props: Props) {
  const { of, turn, state, accent, row, column, collapsed, found, usual, acts, forks, forking, below, view } = props;
  return (
    <section
      class={`wb-turn wb-accent-${accent}`}
      data-of={of}
      data-turn={turn.id}
      data-state={state}
      data-wide={!column}
      aria-label={turn.title}
      aria-current={found || undefined}
      tabIndex={-1}
      style={{ "--wb-row": row, "--wb-column": column }}
    >
      <header class="wb-head" data-forks={forks}>
        <h3 class="wb-title">
          <button type="button" class="wb-fold" aria-expanded={!collapsed} onClick={() => view.fold(of, turn.id)}>
            <Chevron />
            {turn.title}
          </button>
        </h3>
        {turn.routed && <Chosen model={turn.model} routed={turn.routed} />}
        {!usual && !turn.routed && !standIn(turn) && (
          <span class="wb-model">{turn.person ? "a person" : (turn.served ?? turn.model)}</span>
        )}
        {turn.edited && <span class="wb-edited">edited by a person</span>}
        <Calls turn={turn} />
        <Took turn={turn} state={state} view={view} />
        <span class="wb-reach">
          {forks && (
            <button
              type="button"
              class="wb-button"
              aria-label={`Fork from ${turn.title}…`}
              aria-expanded={forking !== null}
              title="Fork from here…"
              onClick={() => view.fork(of, turn.id)}
            >
              <Branch />
            </button>
          )}
          <CopyButton label="Copy" name={`Copy ${turn.title}`} text={() => visible(turn.text)} say={(text) => view.say(text)} />
        </span>
      </header>
      {forking && <ForkForm of={of} turn={turn} speakers={forking} view={view} />}
      <div class="wb-said" hidden={collapsed}>
        <Reasoning turn={turn} state={state} view={view} />
        <Markdown class="wb-answer" text={turn.text} streaming={state === "running"} view={view} />
        <Remark turn={turn} state={state} />
      </div>
      {below && <Cards {...below} hidden={collapsed} view={view} />}
      {turn.waits && acts && <Person key={turn.waits} of={of} turn={turn} view={view} />}
    </section>
  );
});

function Took({ turn, state, view }: Pick<Props, "turn" | "state" | "view">) {
  if (state === "running")
    return (
      <span class="wb-took">
        <Clock read={() => view.source.now() - turn.started_at} runs />
      </span>
    );
  if (state === "waiting") return <span class="wb-took">waits for you</span>;
  if (turn.copied_from) return <span class="wb-took">copied from {visible(turn.copied_from)}</span>;
  // Who is not a model takes nothing but time.
  const spent = turn.calls.length > 0;
  const parts = [
    spent && turn.tokens !== null && count(turn.tokens, "token"),
    spent && (turn.tokens !== null || turn.cost !== null) && money(turn.cost),
    turn.latency === null ? null : seconds(turn.latency),
  ];
  return <span class="wb-took">{parts.filter(Boolean).join(", ")}</span>;
}

function Reasoning({ turn, state, view }: Pick<Props, "turn" | "state" | "view">) {
  const [open, setOpen] = useState(false);
  if (!turn.reasoning) return null;
  const thinking = state === "running" && !turn.text;
  return (
    <details class="wb-reasoning" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{thinking ? "Reasoning, not finished" : "Reasoning"}</summary>
      {open && <Markdown class="wb-thought" text={turn.reasoning} streaming={thinking} view={view} />}
    </details>
  );
}

/** How it stands, where the text alone does not tell. */
function Remark({ turn, state }: Pick<Props, "turn" | "state">) {
  const empty = !turn.text.trim();
  if (state === "waiting") return null;
  if (state === "running")
    return empty && !turn.reasoning ? <p class="wb-wait">Waiting for {turn.served ?? turn.model}</p> : null;
  if (state === "completed" || state === "converged") return empty ? <p class="wb-remark-line">An empty answer.</p> : null;
  const text = {
    failed: turn.error ?? "No reason is known.",
    cancelled: empty ? "Nothing was said until then." : "What was said until then is kept.",
    cost_limited: turn.error ?? "A limit was reached.",
    interrupted: empty ? "Nothing was said until then." : "What was said until then is kept.",
    lost: "Whether it still speaks is not known.",
    paused: "",
  }[state];
  return (
    <div class="wb-ended" data-of={state}>
      <p>
        <Mark of={state} />
        <b>{STANDING[state]}.</b> {text}
      </p>
      {turn.hint && <p class="wb-hint">{turn.hint}</p>}
    </div>
  );
}

/** One turn: who speaks, what it took, what was said. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Calls, standIn } from "./calls.js";
import { Clock } from "./clock.js";
import { CopyButton } from "./copy-button.js";
import { visible } from "./markdown/index.js";
import { Chevron, Mark } from "./marks.js";
import { memo } from "./memo.js";
import type { TurnFacts } from "./protocol.js";
import type { View } from "./view.js";
import { count, money, STANDING, type Standing, seconds } from "./words.js";

interface Props {
  turn: TurnFacts;
  state: Standing;
  accent: number;
  row: number;
  column: number;
  collapsed: boolean;
  /** The column's head already names this model. */
  usual: boolean;
  view: View;
}

export const Turn = memo(function Turn({ turn, state, accent, row, column, collapsed, usual, view }: Props) {
  return (
    <section
      class={`wb-turn wb-accent-${accent}`}
      data-turn={turn.id}
      data-state={state}
      aria-label={turn.title}
      tabIndex={-1}
      style={{ "--wb-row": row, "--wb-column": column }}
    >
      <header class="wb-head">
        <h3 class="wb-title">
          <button type="button" class="wb-fold" aria-expanded={!collapsed} onClick={() => view.fold(turn.id)}>
            <Chevron />
            {turn.title}
          </button>
        </h3>
        {!usual && !standIn(turn) && <span class="wb-model">{turn.served ?? turn.model}</span>}
        <Calls turn={turn} />
        <Took turn={turn} state={state} view={view} />
        <CopyButton label="Copy" name={`Copy ${turn.title}`} text={() => visible(turn.text)} say={(text) => view.say(text)} />
      </header>
      <div class="wb-said" hidden={collapsed}>
        <Reasoning turn={turn} state={state} view={view} />
        <Markdown class="wb-answer" text={turn.text} streaming={state === "running"} view={view} />
        <Remark turn={turn} state={state} />
      </div>
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
  if (turn.copied_from) return <span class="wb-took">copied from {visible(turn.copied_from)}</span>;
  const parts = [
    turn.tokens === null ? null : count(turn.tokens, "token"),
    turn.tokens === null && turn.cost === null ? null : money(turn.cost),
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

function Markdown({ class: name, text, streaming, view }: { class: string; text: string; streaming: boolean; view: View }) {
  const ref = useRef<HTMLDivElement>(null);
  const { painter } = view;
  // Preact owns the element, the painter what is in it.
  useLayoutEffect(() => {
    if (ref.current) painter.want(ref.current, text, streaming);
  }, [painter, text, streaming]);
  useLayoutEffect(() => {
    const el = ref.current;
    return () => {
      if (el) painter.forget(el);
    };
  }, [painter]);
  return <div class={name} ref={ref} />;
}

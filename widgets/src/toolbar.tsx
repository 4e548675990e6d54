/** The panel's head: how the dialogue stands and what it took, and the tools of the reader. */
import { Actions } from "./actions.js";
import { Clock } from "./clock.js";
import { CopyButton } from "./copy-button.js";
import { keyOf } from "./look.js";
import { Mark } from "./marks.js";
import type { DialogueFacts } from "./protocol.js";
import { MOST } from "./search.js";
import type { Facts } from "./session.js";
import type { Told } from "./store.js";
import { asMarkdown } from "./transcript.js";
import type { View } from "./view.js";
import { count, money, STANDING, type Standing } from "./words.js";

interface Props {
  facts: Facts;
  told: Told;
  stands: Standing;
  view: View;
}

export function Summary({ facts, told, stands, view }: Props) {
  const { dialogue } = told;
  return (
    <div class="wb-summary">
      <span class="wb-standing">
        <Mark of={stands} />
        {STANDING[stands]}
      </span>
      <span>{dialogue.mode}</span>
      <span>{progress(told)}</span>
      {dialogue.calls > 0 && <span title={tokenTitle(dialogue)}>{count(dialogue.tokens, "token")}</span>}
      {dialogue.calls > 0 && <span title={costTitle(dialogue)}>{costs(dialogue)}</span>}
      <Clock read={() => ran(told, view.source.now())} runs={ticks(told, facts)} />
      <Actions facts={facts} told={told} source={view.source} />
    </div>
  );
}

function progress({ dialogue, turns }: Told): string {
  const all = Math.max(dialogue.planned.length, turns.length);
  if (dialogue.status === "completed" || dialogue.status === "converged") return count(dialogue.turns, "turn");
  if (!dialogue.live) return `${dialogue.turns} of ${count(all, "turn")}`;
  return `turn ${Math.max(turns.length, 1)} of ${all}`;
}

function tokenTitle(dialogue: DialogueFacts): string | undefined {
  const { prompt_tokens: prompt, completion_tokens: completion, cached_tokens: cached, reasoning_tokens: reasoning } = dialogue;
  // A replay knows only the sum of a moment.
  if (prompt + completion !== dialogue.tokens || !dialogue.tokens) return undefined;
  const parts = [`${count(prompt, "prompt token")}${cached ? `, ${cached.toLocaleString("en")} of them cached` : ""}`];
  parts.push(
    `${count(completion, "completion token")}${reasoning ? `, ${reasoning.toLocaleString("en")} of them reasoning` : ""}`,
  );
  return parts.join("; ");
}

function costs({ cost, unpriced_calls: unpriced }: DialogueFacts): string {
  return cost !== null && unpriced ? `${money(cost)} and ${count(unpriced, "unpriced call")}` : money(cost);
}

function costTitle({ calls, lost_calls: lost }: DialogueFacts): string {
  return `${count(calls, "call")}${lost ? `, ${lost} without an answer` : ""}`;
}

/** The kernel stops the dialogue's clock while it is paused; turns that run to their end count. */
function ticks({ dialogue, turns }: Told, { heard, lost }: Facts): boolean {
  if (!dialogue.live || !heard || lost) return false;
  return !dialogue.paused || turns.some((turn) => turn.status === "running");
}

function ran({ dialogue, turns, ranAt }: Told, now: number): number {
  const still = dialogue.paused && !turns.some((turn) => turn.status === "running");
  return dialogue.live && !still ? dialogue.ran + Math.max(0, now - ranAt) : dialogue.ran;
}

interface ToolProps {
  facts: Facts;
  told: Told;
  view: View;
  /** Whether columns have room; null where there is only one speaker. */
  room: boolean | null;
}

export function Tools({ facts, told, view, room }: ToolProps) {
  const { look } = view;
  const keys = told.turns.map((turn) => keyOf(told.dialogue.id, turn.id));
  const folded = keys.length > 0 && keys.every((key) => look.collapsed.has(key));
  const foldAll = () => view.change({ collapsed: new Set(folded ? [] : keys) });
  return (
    <div class="wb-tools">
      <Find view={view} />
      {room !== null && (
        <div class="wb-choice" role="group" aria-label="Layout">
          <button
            type="button"
            class="wb-button"
            aria-pressed={room && look.columns}
            aria-disabled={!room}
            title={room ? undefined : "The panel is too narrow for columns"}
            onClick={() => room && view.change({ columns: true })}
          >
            Columns
          </button>
          <button
            type="button"
            class="wb-button"
            aria-pressed={!(room && look.columns)}
            onClick={() => room && view.change({ columns: false })}
          >
            List
          </button>
        </div>
      )}
      <button type="button" class="wb-button" onClick={foldAll}>
        {folded ? "Expand all" : "Collapse all"}
      </button>
      {view.source.askTree && !facts.lost && (
        <button
          type="button"
          class="wb-button"
          aria-pressed={look.tree}
          title="Forks and sub-dialogues"
          onClick={() => view.change({ tree: !look.tree })}
        >
          Tree
        </button>
      )}
      <CopyButton
        label="Copy all"
        name="Copy the transcript as Markdown"
        text={() => asMarkdown(told)}
        say={(text) => view.say(text)}
      />
    </div>
  );
}

function Find({ view }: { view: View }) {
  const { search } = view;
  const found = search.hits.length;
  const keys = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === "Enter") view.step(event.shiftKey ? -1 : 1);
    if (event.key === "Escape" && search.query) search.look("");
  };
  const total = found < MOST ? found.toLocaleString("en") : `${MOST.toLocaleString("en")}+`;
  return (
    <div class="wb-find" role="search">
      <input
        type="text"
        class="wb-input"
        placeholder="Find in what was said"
        aria-label="Find in what was said"
        autocomplete="off"
        spellcheck={false}
        value={search.query}
        onInput={(event) => search.look(event.currentTarget.value)}
        onKeyDown={keys}
      />
      {search.query && (
        <>
          <span class="wb-found" role="status">
            {!found ? "none" : search.current < 0 ? total : `${search.current + 1} of ${total}`}
          </span>
          <button
            type="button"
            class="wb-button"
            aria-label="Previous match"
            aria-disabled={!found}
            onClick={() => view.step(-1)}
          >
            <Arrow up />
          </button>
          <button type="button" class="wb-button" aria-label="Next match" aria-disabled={!found} onClick={() => view.step(1)}>
            <Arrow />
          </button>
        </>
      )}
    </div>
  );
}

function Arrow({ up = false }: { up?: boolean }) {
  return (
    <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
      <path d={up ? "M2 6.5l3-3l3 3" : "M2 3.5l3 3l3-3"} fill="none" stroke="currentColor" stroke-width="1.5" />
    </svg>
  );
}

/** The whole panel: head, rail, turns or tree, a person's part, and what a screen reader hears. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { fits } from "./lanes.js";
import type { Look } from "./look.js";
import { Notices } from "./notices.js";
import { TakePart } from "./part.js";
import { Rail, segments } from "./rail.js";
import type { Facts } from "./session.js";
import { type State, type Told, toldOf } from "./store.js";
import { Talk } from "./talk.js";
import { Summary, Tools } from "./toolbar.js";
import { Tree } from "./tree.js";
import type { View } from "./view.js";
import { standing } from "./words.js";

interface Props {
  view: View;
  facts: Facts;
  look: Look;
}

export function Panel({ view, facts, look }: Props) {
  const { state } = facts;
  return (
    <div class="wb-panel" data-lm-suppress-shortcuts="true">
      {state ? <Shown view={view} facts={facts} look={look} state={state} /> : <Nothing lost={facts.lost} />}
      <div class="wb-hear" aria-live="polite">
        {look.said}
      </div>
    </div>
  );
}

function Nothing({ lost }: { lost: boolean }) {
  const text = lost ? "The kernel does not answer, and nothing was saved here." : "Waiting for the kernel.";
  return <p class="wb-empty">{text}</p>;
}

function Shown({ view, facts, look, state }: Props & { state: State }) {
  const told = toldOf(state, look.shown ?? state.dialogue.id);
  return (
    <>
      {look.shown && <Back topic={state.dialogue.topic} view={view} />}
      {told ? (
        <Dialogue key={told.dialogue.id} view={view} facts={facts} look={look} state={state} told={told} />
      ) : (
        <p class="wb-empty">{facts.lost ? "The kernel does not answer." : "Opening the dialogue."}</p>
      )}
    </>
  );
}

function Back({ topic, view }: { topic: string; view: View }) {
  return (
    <p class="wb-back">
      <button type="button" class="wb-button" onClick={() => view.show(null)}>
        Back
      </button>
      <span title={topic}>to {topic}</span>
    </p>
  );
}

interface DialogueProps extends Props {
  state: State;
  told: Told;
}

function Dialogue({ view, facts, look, state, told }: DialogueProps) {
  const { dialogue, turns } = told;
  const stands = standing(dialogue, facts.lost);
  const all = segments(told, stands);
  // The rail is drawn again only when a segment is another one, not with every token.
  const kept = useMemo(() => all, [all.map((segment) => `${segment.id} ${segment.state}`).join("\n")]);
  const speakers = dialogue.speakers.length;
  const room = speakers > 1 ? fits(look.width, speakers) : null;
  return (
    <>
      <div class="wb-top">
        <p class="wb-topic" title={dialogue.topic}>
          {dialogue.topic}
        </p>
        <Summary facts={facts} told={told} stands={stands} view={view} />
        <Rail all={kept} view={view} />
        <Notices facts={facts} told={told} stands={stands} view={view} />
        {(turns.length > 0 || dialogue.live) && <Tools facts={facts} told={told} view={view} room={room} />}
      </div>
      {look.tree ? (
        <div class="wb-middle">
          <div class="wb-scroll">
            <Tree facts={facts} state={state} shown={dialogue.id} view={view} />
          </div>
        </div>
      ) : (
        <Turns view={view} told={told}>
          <Talk told={told} facts={facts} look={look} columns={look.columns && room === true} view={view} />
        </Turns>
      )}
      {!facts.lost && <TakePart told={told} view={view} />}
      {view.footer?.()}
    </>
  );
}

function Turns({ view, told, children }: { view: View; told: Told; children: ComponentChildren }) {
  const { dialogue, turns } = told;
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    view.follow.attach(box.current);
    return () => view.follow.attach(null);
  }, [view]);
  return (
    <div class="wb-middle">
      <div
        class="wb-scroll"
        data-following={view.follow.following}
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        role="region"
        aria-label="What was said"
      >
        {children}
        {turns.length === 0 && (
          <p class="wb-empty">{dialogue.live ? "The first turn is about to start." : "Nothing was said."}</p>
        )}
      </div>
      {dialogue.live && !view.follow.following && (
        <button type="button" class="wb-button wb-latest" onClick={() => view.follow.set(true)}>
          Latest
        </button>
      )}
    </div>
  );
}

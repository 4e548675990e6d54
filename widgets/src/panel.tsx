/** The whole panel: head, rail, turns, and what a screen reader hears. */
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { fits, places } from "./lanes.js";
import type { Look } from "./look.js";
import { Notices } from "./notices.js";
import type { Speaker } from "./protocol.js";
import { Rail, segments, turnState } from "./rail.js";
import type { Facts } from "./session.js";
import type { State } from "./store.js";
import { Summary, Tools } from "./toolbar.js";
import { Turn } from "./turn.js";
import type { View } from "./view.js";
import { type Standing, standing } from "./words.js";

const ACCENTS = 8;

interface Props {
  view: View;
  facts: Facts;
  look: Look;
}

export function Panel({ view, facts, look }: Props) {
  const { state } = facts;
  return (
    <div class="wb-panel" data-lm-suppress-shortcuts="true">
      {state ? <Dialogue view={view} facts={facts} look={look} state={state} /> : <Nothing lost={facts.lost} />}
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

function Dialogue({ view, facts, look, state }: Props & { state: State }) {
  const { dialogue, turns } = state;
  const stands = standing(dialogue, facts.lost);
  const roles = dialogue.speakers.map((speaker) => speaker.role);
  const accents = new Map(roles.map((role, place) => [role, place % ACCENTS]));
  const all = segments(state, accents, stands);
  // The rail is drawn again only when a segment is another one, not with every token.
  const kept = useMemo(() => all, [all.map((segment) => `${segment.id} ${segment.state}`).join("\n")]);
  const room = roles.length > 1 ? fits(look.width, roles.length) : null;
  return (
    <>
      <div class="wb-top">
        <p class="wb-topic" title={dialogue.topic}>
          {dialogue.topic}
        </p>
        <Summary facts={facts} state={state} stands={stands} view={view} />
        <Rail all={kept} view={view} />
        <Notices facts={facts} stands={stands} view={view} />
        {(turns.length > 0 || dialogue.live) && <Tools state={state} view={view} room={room} />}
      </div>
      <Turns view={view} look={look} state={state} stands={stands} accents={accents} columns={look.columns && room === true} />
      {view.footer?.()}
    </>
  );
}

interface TurnsProps {
  view: View;
  look: Look;
  state: State;
  stands: Standing;
  accents: ReadonlyMap<string, number>;
  columns: boolean;
}

function Turns({ view, look, state, stands, accents, columns }: TurnsProps) {
  const { dialogue, turns } = state;
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    view.follow.attach(box.current);
    return () => view.follow.attach(null);
  }, [view]);
  const roles = dialogue.speakers.map((speaker) => speaker.role);
  const spots = places(turns, roles);
  const usual = new Map(dialogue.speakers.map((speaker) => [speaker.role, speaker.model]));
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
        <div class={columns ? "wb-turns wb-columns" : "wb-turns wb-list"} style={{ "--wb-lanes": roles.length }}>
          {columns &&
            dialogue.speakers.map((speaker, place) => <Head key={`lane ${speaker.role}`} speaker={speaker} place={place} />)}
          {turns.map((turn, place) => (
            <Turn
              key={turn.id}
              turn={turn}
              state={turnState(turn.status, stands)}
              accent={accents.get(turn.role) ?? ACCENTS - 1}
              row={(spots[place]?.row ?? 1) + 1}
              column={spots[place]?.column ?? 1}
              collapsed={look.collapsed.has(turn.id)}
              usual={columns && (turn.served ?? turn.model) === usual.get(turn.role)}
              view={view}
            />
          ))}
        </div>
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

function Head({ speaker, place }: { speaker: Speaker; place: number }) {
  return (
    <div class={`wb-lane wb-accent-${place % ACCENTS}`} style={{ "--wb-column": place + 1 }}>
      <b>{speaker.title}</b> <span>{speaker.model}</span>
    </div>
  );
}

/** The turns of one dialogue: the panel's own, or those of a sub-dialogue in its card. */
import { places } from "./lanes.js";
import { keyOf, type Look } from "./look.js";
import type { ChildFacts, Speaker } from "./protocol.js";
import { accentsOf, turnState } from "./rail.js";
import type { Facts } from "./session.js";
import type { Told } from "./store.js";
import { Turn } from "./turn.js";
import type { View } from "./view.js";
import { standing } from "./words.js";

interface Props {
  told: Told;
  /** The dialogues that it stands in, if it stands in a card. */
  path?: readonly string[];
  facts: Facts;
  look: Look;
  columns: boolean;
  view: View;
}

export function Talk({ told, path = [], facts, look, columns, view }: Props) {
  const { dialogue, turns } = told;
  const { id: of, speakers, can } = dialogue;
  const roles = speakers.map((speaker) => speaker.role);
  const accents = accentsOf(speakers);
  const children = new Map<string, ChildFacts[]>();
  for (const child of dialogue.children ?? []) children.set(child.turn, [...(children.get(child.turn) ?? []), child]);
  const spots = places(
    turns.map(({ id, role, waits }) => ({ role, wide: children.has(id) || Boolean(waits) || !accents.has(role) })),
    roles,
  );
  const usual = new Map(speakers.map((speaker) => [speaker.role, speaker.model]));
  const stands = standing(dialogue, facts.lost);
  return (
    <div class={columns ? "wb-turns wb-columns" : "wb-turns wb-list"} style={{ "--wb-lanes": roles.length }}>
      {columns && speakers.map((speaker, place) => <Head key={`lane ${speaker.role}`} speaker={speaker} place={place} />)}
      {turns.map((turn, place) => {
        const key = keyOf(of, turn.id);
        const cards = children.get(turn.id);
        const spot = spots[place] ?? { row: 1, column: 1 };
        return (
          <Turn
            key={turn.id}
            of={of}
            turn={turn}
            state={turnState(turn, stands)}
            accent={accents.get(turn.role) ?? 7}
            row={spot.row + 1}
            column={spot.column}
            collapsed={look.collapsed.has(key)}
            found={look.found === key}
            usual={columns && (turn.served ?? turn.model) === usual.get(turn.role)}
            acts={!facts.lost && dialogue.live && can.interject !== false}
            forks={!facts.lost && Boolean(can.fork) && turn.status === "completed"}
            forking={look.forking === key ? speakers : null}
            below={cards ? { cards, path: [...path, of], facts, look } : null}
            view={view}
          />
        );
      })}
    </div>
  );
}

function Head({ speaker, place }: { speaker: Speaker; place: number }) {
  return (
    <div class={`wb-lane wb-accent-${place % 8}`} style={{ "--wb-column": place + 1 }}>
      <b>{speaker.title}</b> <span>{speaker.model}</span>
    </div>
  );
}

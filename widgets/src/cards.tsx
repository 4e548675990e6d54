/** The sub-dialogues of a turn: a card each, which opens to what is said in it. */
import { Actions } from "./actions.js";
import type { Look } from "./look.js";
import { Chevron, Mark } from "./marks.js";
import type { ChildFacts } from "./protocol.js";
import type { Facts } from "./session.js";
import { toldOf } from "./store.js";
import { Talk } from "./talk.js";
import type { View } from "./view.js";
import { count, money, STANDING, standing } from "./words.js";

export interface Below {
  cards: readonly ChildFacts[];
  /** The dialogues that these stand in: what was imported may go round, and then it opens no further. */
  path: readonly string[];
  facts: Facts;
  look: Look;
}

export function Cards({ cards, path, facts, look, hidden, view }: Below & { hidden: boolean; view: View }) {
  return (
    <ul class="wb-cards" aria-label="Sub-dialogues" hidden={hidden}>
      {cards.map((child) => (
        <Card key={child.id} child={child} path={path} facts={facts} look={look} view={view} />
      ))}
    </ul>
  );
}

interface Props extends Omit<Below, "cards"> {
  child: ChildFacts;
  view: View;
}

function Card({ child, path, facts, look, view }: Props) {
  const open = look.open.has(child.id) && !path.includes(child.id);
  const stands = standing(child, facts.lost);
  return (
    <li class="wb-card" data-child={child.id} data-state={stands}>
      <button type="button" class="wb-card-head" aria-expanded={open} onClick={() => view.unfold(child.id)}>
        <span class="wb-card-topic">
          <Chevron />
          {child.topic}
        </span>
        <span class="wb-card-facts">
          <span class="wb-card-state">
            <Mark of={stands} />
            {STANDING[stands]}
          </span>
          <span>{child.mode}</span>
          <span>{child.live ? `${child.turns} of ${count(child.planned, "turn")}` : count(child.turns, "turn")}</span>
          {child.cost !== null && <span>{money(child.cost)}</span>}
          {child.live && child.speaker && <span>{child.speaker} speaks</span>}
        </span>
      </button>
      {open && <Inside child={child} path={path} facts={facts} look={look} view={view} />}
    </li>
  );
}

function Inside({ child, path, facts, look, view }: Props) {
  const told = facts.state && toldOf(facts.state, child.id);
  if (!told) return <p class="wb-wait">{facts.lost ? "What was said in it was not saved here." : "Opening."}</p>;
  return (
    <div class="wb-inside">
      <div class="wb-card-tools">
        <button type="button" class="wb-button" onClick={() => view.show(child.id)}>
          Show it alone
        </button>
        <Actions facts={facts} told={told} source={view.source} />
      </div>
      {told.dialogue.reason && <p class="wb-wait">{told.dialogue.reason}</p>}
      {told.turns.length === 0 && <p class="wb-wait">Nothing was said yet.</p>}
      <Talk told={told} path={path} facts={facts} look={look} columns={false} view={view} />
    </div>
  );
}

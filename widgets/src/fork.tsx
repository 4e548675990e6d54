/** Says how a fork differs from the dialogue that it leaves, and starts it. */
import { Problem, useWish } from "./box.js";
import { keyOf } from "./look.js";
import { Line, Send } from "./person.js";
import type { Speaker, TurnFacts } from "./protocol.js";
import type { View } from "./view.js";

interface Props {
  /** The dialogue's id. */
  of: string;
  turn: TurnFacts;
  speakers: readonly Speaker[];
  view: View;
}

export function ForkForm({ of, turn, speakers: all, view }: Props) {
  const speakers = all.filter(({ speaks }) => speaks !== false);
  const { busy, problem, send } = useWish(of, view);
  const { drafts } = view.source;
  const name = (role: string) => `${keyOf(of, turn.id)} fork ${role}`;
  const fork = () => {
    const wanted = speakers.map(({ role }) => [role, drafts.get(name(role))?.trim() ?? ""]);
    const models = Object.fromEntries(wanted.filter(([, model]) => model)) as Record<string, string>;
    void send({ type: "fork", turn: turn.id, models }, (id) => {
      for (const { role } of speakers) drafts.delete(name(role));
      view.fork(of, turn.id);
      if (id) view.show(id);
    });
  };
  return (
    <div class="wb-person" role="group" aria-label={`Fork from ${turn.title}`}>
      <p>A new dialogue begins with all turns up to this one, and goes on from there. Other models, if you like:</p>
      {speakers.map(({ role, title, model }) => (
        <div key={role} class="wb-model-of">
          <span>{title}</span>
          <Line label={model} name={name(role)} send={fork} view={view} />
        </div>
      ))}
      <Problem text={problem} />
      <div class="wb-row">
        <Send word="Fork" busy={busy} send={fork} />
        <button type="button" class="wb-button" onClick={() => view.fork(of, turn.id)}>
          Cancel
        </button>
      </div>
    </div>
  );
}

/** What a person can do while others speak: say something, let a role speak next, skip what comes. */
import { useState } from "preact/hooks";
import { Box, Problem, typed, useWish } from "./box.js";
import { Line, Send } from "./person.js";
import type { DialogueFacts } from "./protocol.js";
import type { Told } from "./store.js";
import type { View } from "./view.js";

export function TakePart({ told, view }: { told: Told; view: View }) {
  const { dialogue } = told;
  const { interject, call_on: callOn, skip } = dialogue.can;
  const next = dialogue.planned.find(({ id }) => !told.turns.some((turn) => turn.id === id));
  if (!interject && !callOn && !(skip && next)) return null;
  return (
    <details class="wb-part">
      <summary>Take part</summary>
      <div class="wb-person">
        {interject && <Interject of={dialogue.id} view={view} />}
        <div class="wb-row">
          {callOn && <CallOn dialogue={dialogue} view={view} />}
          {skip && next && <Skip key={next.id} of={dialogue.id} turn={next.id} title={next.title} view={view} />}
        </div>
      </div>
    </details>
  );
}

function Interject({ of, view }: { of: string; view: View }) {
  const { busy, problem, setProblem, send } = useWish(of, view);
  const { drafts } = view.source;
  const name = `${of} interject`;
  const give = () => {
    const text = drafts.get(name) ?? "";
    if (!text.trim()) return setProblem("Write something first.");
    void send({ type: "interject", text }, () => {
      if (drafts.get(name) === text) drafts.delete(name);
      view.say("Said");
    });
  };
  return (
    <>
      <Box name={name} label="Say something to all, in Markdown" rows={2} send={give} view={view} />
      <Problem text={problem} />
      <div class="wb-row">
        <Send word="Interject" busy={busy} send={give} />
        <span class="wb-keys">Ctrl+Enter</span>
      </div>
    </>
  );
}

function CallOn({ dialogue, view }: { dialogue: DialogueFacts; view: View }) {
  const { id: of } = dialogue;
  const speakers = dialogue.speakers.filter(({ speaks }) => speaks !== false);
  const { busy, problem, send } = useWish(of, view);
  const [role, choose] = useState(speakers[0]?.role ?? "");
  const name = `${of} call on`;
  const { drafts } = view.source;
  const give = () => {
    const prompt = drafts.get(name)?.trim();
    void send({ type: "call_on", role, ...(prompt ? { prompt } : {}) }, () => {
      drafts.delete(name);
      view.say(`${speakers.find((speaker) => speaker.role === role)?.title} speaks next`);
    });
  };
  return (
    <>
      <label class="wb-next">
        Who speaks next
        <select class="wb-input" value={role} onChange={(event) => choose(event.currentTarget.value)} onKeyDown={typed(give)}>
          {speakers.map((speaker) => (
            <option key={speaker.role} value={speaker.role}>
              {speaker.title}
            </option>
          ))}
        </select>
      </label>
      <Line label="What to ask, if you like" name={name} send={give} view={view} />
      <Send word="Let speak" busy={busy} send={give} />
      <Problem text={problem} />
    </>
  );
}

function Skip({ of, turn, title, view }: { of: string; turn: string; title: string; view: View }) {
  const { busy, problem, send } = useWish(of, view);
  return (
    <>
      <button
        type="button"
        class="wb-button"
        aria-disabled={busy}
        onClick={() => void send({ type: "skip", turn }, () => view.say(`${title} is skipped`))}
      >
        Skip {title}
      </button>
      <Problem text={problem} />
    </>
  );
}

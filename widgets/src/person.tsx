/** What a person is to do about a turn that waits for them: answer it, or approve what was said. */
import { useState } from "preact/hooks";
import { choiceOf, compose, labelOf } from "./answer.js";
import { Box, Problem, typed, useWish } from "./box.js";
import { keyOf } from "./look.js";
import { visible } from "./markdown/index.js";
import type { Field, TurnFacts } from "./protocol.js";
import { Markdown } from "./text.js";
import type { View } from "./view.js";

interface Props {
  /** The dialogue's id. */
  of: string;
  turn: TurnFacts;
  view: View;
}

export function Person({ of, turn, view }: Props) {
  return (
    <div class="wb-person" role="group" aria-label={`Your part: ${turn.title}`}>
      {turn.waits === "answer" ? <Answer of={of} turn={turn} view={view} /> : <Approval of={of} turn={turn} view={view} />}
    </div>
  );
}

/** A prompt of more characters is folded, so that the box is not pushed out of sight. */
const SHORT = 800;

function Answer({ of, turn, view }: Props) {
  const { busy, problem, setProblem, send } = useWish(of, view);
  const { prompt = "", fields = null } = turn.asked ?? {};
  const name = keyOf(of, turn.id);
  const { drafts } = view.source;
  const draft = (field: Field): string => drafts.get(`${name} ${field.name}`) ?? "";
  const give = () => {
    const answer = fields ? compose(fields, draft) : { text: drafts.get(name) ?? "" };
    if ("problem" in answer) setProblem(answer.problem);
    else if (!answer.text.trim()) setProblem("Write something first.");
    else void send({ type: "answer", turn: turn.id, text: answer.text });
  };
  return (
    <>
      {prompt && (
        <details class="wb-asked" open={prompt.length <= SHORT}>
          <summary>What is asked</summary>
          <Markdown class="wb-thought" text={prompt} view={view} />
        </details>
      )}
      {fields ? (
        fields.map((field) => <Value key={field.name} field={field} name={`${name} ${field.name}`} send={give} view={view} />)
      ) : (
        <Box name={name} label="Your answer, in Markdown" rows={4} send={give} view={view} />
      )}
      <Problem text={problem} />
      <div class="wb-row">
        <Send word="Answer" busy={busy} send={give} />
        <span class="wb-keys">Ctrl+Enter</span>
      </div>
    </>
  );
}

function Approval({ of, turn, view }: Props) {
  const { busy, problem, send } = useWish(of, view);
  const name = `${keyOf(of, turn.id)} edit`;
  const { drafts } = view.source;
  const [editing, edit] = useState(drafts.has(name));
  const approve = () => void send({ type: "approve", turn: turn.id });
  const give = () => void send({ type: "approve", turn: turn.id, text: drafts.get(name) ?? turn.text });
  const leave = () => {
    drafts.delete(name);
    edit(false);
  };
  return (
    <>
      {editing && <Box name={name} label="The text as it should be" rows={8} first={turn.text} send={give} view={view} />}
      <Problem text={problem} />
      <div class="wb-row">
        <Send word={editing ? "Approve the edit" : "Approve"} busy={busy} send={editing ? give : approve} />
        <button type="button" class="wb-button" onClick={editing ? leave : () => edit(true)}>
          {editing ? "Leave it as it was" : "Edit"}
        </button>
        {editing && <span class="wb-keys">Ctrl+Enter</span>}
      </div>
    </>
  );
}

export function Send({ word, busy, send }: { word: string; busy: boolean; send: () => void }) {
  return (
    <button type="button" class="wb-button wb-main" aria-disabled={busy} onClick={send}>
      {busy ? "Sending" : word}
    </button>
  );
}

interface ValueProps {
  field: Field;
  /** Of the draft. */
  name: string;
  send: () => void;
  view: View;
}

function Value({ field, name, send, view }: ValueProps) {
  const label = labelOf(field) + (field.required ? "" : ", if you like");
  return (
    <div class="wb-field">
      <span class="wb-label">
        <b>{label}</b> {visible(field.about)}
      </span>
      {field.kind === "choice" && <Choice field={field} name={name} view={view} />}
      {field.kind === "number" && <Line label={label} name={name} send={send} view={view} />}
      {field.kind === "text" && <Box name={name} label={label} rows={2} send={send} view={view} />}
      {field.kind === "json" && <Box name={name} label={`${label}, as JSON`} rows={2} code send={send} view={view} />}
    </div>
  );
}

function Choice({ field, name, view }: Omit<ValueProps, "send">) {
  const { drafts } = view.source;
  const [chosen, choose] = useState(drafts.get(name) ?? "");
  const click = (place: string) => {
    drafts.set(name, place);
    choose(place);
  };
  return (
    <div class="wb-row" role="group" aria-label={labelOf(field)}>
      {field.choices.map((value, place) => (
        <button
          type="button"
          key={String(place)}
          class="wb-button"
          aria-pressed={chosen === String(place)}
          onClick={() => click(String(place))}
        >
          {choiceOf(value)}
        </button>
      ))}
    </div>
  );
}

/** One line of text. */
export function Line({ label, name, send, view }: { label: string; name: string; send: () => void; view: View }) {
  const { drafts } = view.source;
  return (
    <input
      type="text"
      class="wb-input"
      aria-label={label}
      placeholder={label}
      autocomplete="off"
      value={drafts.get(name) ?? ""}
      onInput={(event) => drafts.set(name, event.currentTarget.value)}
      onKeyDown={typed(send)}
    />
  );
}

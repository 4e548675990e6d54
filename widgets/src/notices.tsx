/** The lines below the head that say what a state means and what leads on. */
import { Mark } from "./marks.js";
import type { Facts } from "./session.js";
import type { Told } from "./store.js";
import type { View } from "./view.js";
import { type Standing, subject, WAITS } from "./words.js";

/** What a state means, and the way on; null where the one word says it all. */
export function explain({ dialogue, turns }: Told, stands: Standing): string | null {
  const { reason } = dialogue;
  const resume = dialogue.can.resume ? "Resume goes on with what is missing." : "";
  const also = (text: string) => [text, resume].filter(Boolean).join(" ");
  const closed = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
  const speaking = turns.some((turn) => turn.status === "running");
  switch (stands) {
    case "paused":
      return speaking ? "Who speaks now finishes; then it waits until you continue." : "No turn starts until you continue.";
    case "failed":
      return also(closed(reason ?? "No reason is known"));
    case "cancelled":
      return also(reason ? closed(reason) : "It was stopped before its end.");
    case "cost_limited":
      return also(closed(reason ?? "A limit was reached"));
    case "interrupted":
      return also("No process runs this dialogue any more.");
    default:
      return null;
  }
}

/** What waits for a person, and the way there: the turn, or the sub-dialogue that has it. */
function waiting({ dialogue, turns }: Told, view: View): { text: string; go: () => void } | null {
  const turn = turns.find(({ waits }) => waits);
  if (turn?.waits) return { text: `${subject(turn.title)} ${WAITS[turn.waits]}.`, go: () => view.jump(turn.id, true) };
  const child = dialogue.children?.find(({ waits }) => waits);
  return child ? { text: `A sub-dialogue waits for you: ${child.topic}`, go: () => view.show(child.id) } : null;
}

interface Props {
  facts: Facts;
  told: Told;
  stands: Standing;
  view: View;
}

export function Notices({ facts, told, stands, view }: Props) {
  const { lost, refused } = facts;
  const text = explain(told, stands);
  const waits = told.dialogue.live && !lost ? waiting(told, view) : null;
  return (
    <>
      {lost && (
        <p class="wb-notice" data-of="lost">
          <Mark of="lost" />
          <span>The kernel does not answer. What is shown is what was saved.</span>
        </p>
      )}
      {text && (
        <p class="wb-notice" data-of={stands}>
          <Mark of={stands} />
          <span>{text}</span>
        </p>
      )}
      {waits && (
        <p class="wb-notice" data-of="waiting">
          <Mark of="waiting" />
          <span>{waits.text}</span>
          <button type="button" class="wb-button" onClick={waits.go}>
            Go there
          </button>
        </p>
      )}
      {refused && (
        <p class="wb-notice" data-of="failed" role="alert">
          <Mark of="failed" />
          <span>{refused}</span>
          <button type="button" class="wb-button" onClick={() => view.source.dismiss()}>
            Dismiss
          </button>
        </p>
      )}
    </>
  );
}

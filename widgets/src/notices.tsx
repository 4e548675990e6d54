/** The lines below the head that say what a state means and what leads on. */
import { Mark } from "./marks.js";
import type { Facts } from "./session.js";
import type { State } from "./store.js";
import type { View } from "./view.js";
import type { Standing } from "./words.js";

/** What a state means, and the way on; null where the one word says it all. */
export function explain({ dialogue, turns }: State, stands: Standing): string | null {
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

export function Notices({ facts, stands, view }: { facts: Facts; stands: Standing; view: View }) {
  const { state, lost, refused } = facts;
  const text = state && explain(state, stands);
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

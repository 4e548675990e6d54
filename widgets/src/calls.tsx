/** What happened before a turn had its answer: who was chosen, who stood in for whom, and what was tried again. */
import { Badge } from "./badge.js";
import type { CallFacts, Routed, TurnFacts } from "./protocol.js";
import { count } from "./words.js";

/** Calls of the same model after its first. While a turn runs, the last failure is being tried again. */
export function retries({ calls, status }: Pick<TurnFacts, "calls" | "status">): number {
  const again = calls.filter((call) => call.attempt > 1).length;
  return status === "running" ? Math.max(again, calls.filter(failed).length) : again;
}

/** Who answers, or tries to, instead of the model asked for; null when nobody has to. */
export function standIn({ calls, model, served }: Pick<TurnFacts, "calls" | "model" | "served">): string | null {
  const now = served ?? calls.at(-1)?.model ?? model;
  return now === model ? null : now;
}

const failed = (call: CallFacts): boolean => call.outcome !== "ok" && call.outcome !== "cancelled";

function reason(call: CallFacts): string {
  const kind = call.outcome.replaceAll("_", " ");
  return `${call.model}, attempt ${call.attempt}: ${kind}${call.error ? `. ${call.error}` : ""}`;
}

/** Which model a policy chose, and why. */
export function Chosen({ model, routed }: { model: string; routed: Routed }) {
  return (
    <Badge kind="routed" label={model}>
      Chosen by {routed.policy}: {routed.reason}.
    </Badge>
  );
}

export function Calls({ turn }: { turn: TurnFacts }) {
  const other = standIn(turn);
  const again = retries(turn);
  const why = turn.calls.find((call) => call.fallback_reason)?.fallback_reason;
  return (
    <>
      {other && (
        <Badge kind="fallback" label={`fallback: ${other} for ${turn.model}`}>
          {why ?? `${turn.model} did not answer.`}
        </Badge>
      )}
      {again > 0 && (
        <Badge kind="retries" label={count(again, "retry", "retries")}>
          <ul>
            {turn.calls.filter(failed).map((call) => (
              <li key={`${call.model} ${call.attempt}`}>{reason(call)}</li>
            ))}
          </ul>
        </Badge>
      )}
    </>
  );
}

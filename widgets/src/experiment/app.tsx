/** An experiment on a page: how far it is, what each arm yields, how sure one can be, and what went wrong. */
import { ArmsView } from "./arms.js";
import { DifferenceView } from "./difference.js";
import type { ErrorFacts, ExperimentFacts } from "./protocol.js";
import { span, statusWord, usd, whole } from "./words.js";

export function App({ facts, trouble, stop }: { facts: ExperimentFacts; trouble: string; stop: () => void }) {
  const done = facts.arms.reduce((sum, arm) => sum + arm.ok + arm.failed, 0);
  return (
    <section class="wb-panel wb-experiment" aria-label={`Experiment ${facts.name}`} data-lm-suppress-shortcuts="true">
      <header class="wb-exp-head">
        <h3 class="wb-exp-name">{facts.name}</h3>
        <span class="wb-exp-status" data-status={facts.status}>
          {statusWord(facts.status)}
        </span>
        {facts.can.stop && (
          <button type="button" class="wb-button" onClick={stop}>
            Stop
          </button>
        )}
        {facts.hypothesis && <p class="wb-exp-hypothesis">{facts.hypothesis}</p>}
      </header>
      <div class="wb-exp-body">
        <Progress facts={facts} done={done} />
        {(trouble || facts.reason) && (
          <p class="wb-trouble" role={trouble ? "alert" : undefined}>
            {trouble || facts.reason}
          </p>
        )}
        <ArmsView facts={facts} />
        {facts.later ? (
          <p class="wb-exp-note">{facts.primary} is judged after the observations; `%experiment compare` tells then.</p>
        ) : (
          facts.differences.map((each) => <DifferenceView key={each.arm} facts={facts} difference={each} />)
        )}
        <Failures errors={facts.errors} />
      </div>
    </section>
  );
}

function Progress({ facts, done }: { facts: ExperimentFacts; done: number }) {
  if (!facts.run) return <p class="wb-exp-note">Not run yet. `%experiment run {facts.name}` begins, and this fills.</p>;
  const failed = facts.arms.reduce((sum, arm) => sum + arm.failed, 0);
  const cost = facts.cost ?? facts.arms.reduce((sum, arm) => sum + arm.cost, 0);
  const parts = [`${whole(done)} of ${whole(facts.total)} observations`];
  if (failed) parts.push(`${whole(failed)} failed`);
  if (cost) parts.push(usd(cost));
  if (facts.eta !== null && done < facts.total) parts.push(`${span(facts.eta)} left`);
  return (
    <div class="wb-exp-progress">
      <progress value={done} max={Math.max(facts.total, 1)} aria-label="Observations" />
      <p>{parts.join(" · ")}</p>
    </div>
  );
}

function Failures({ errors }: { errors: ErrorFacts[] }) {
  if (!errors.length) return null;
  return (
    <details class="wb-exp-failures" open={errors.length < 3}>
      <summary>Failures</summary>
      <ul>
        {errors.map(({ arm, text, count }) => (
          <li key={`${arm} ${text}`}>
            <b>{arm}</b> {whole(count)} × {text}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Arms side by side: how much of each is there, and what it yields by now. */
import type { ArmFacts, ExperimentFacts } from "./protocol.js";
import { number, usd, whole } from "./words.js";

export function ArmsView({ facts }: { facts: ExperimentFacts }) {
  return (
    <div class="wb-exp-scroll">
      <table class="wb-exp-arms">
        <thead>
          <tr>
            <th scope="col">Arm</th>
            <th scope="col">Done</th>
            <th scope="col">Failed</th>
            <th scope="col" title={`${facts.better} is better`}>
              {facts.primary} {facts.better === "higher" ? "↑" : "↓"}
            </th>
            <th scope="col">Seconds</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody>
          {facts.arms.map((arm) => (
            <Row key={arm.arm} arm={arm} control={arm.arm === facts.control} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ arm, control }: { arm: ArmFacts; control: boolean }) {
  const share = (count: number): string => `${(100 * count) / Math.max(arm.total, 1)}%`;
  return (
    <tr>
      <th scope="row">
        {arm.arm}
        {control && <span class="wb-exp-control"> control</span>}
      </th>
      <td>
        <span class="wb-exp-bar" aria-hidden="true">
          <span class="wb-exp-ok" style={{ width: share(arm.ok) }} />
          <span class="wb-exp-bad" style={{ width: share(arm.failed) }} />
        </span>
        {whole(arm.ok + arm.failed)} / {whole(arm.total)}
      </td>
      <td>
        {arm.failed ? whole(arm.failed) : ""}
        {arm.fallbacks ? ` (${whole(arm.fallbacks)} by a fallback)` : ""}
      </td>
      <td>{arm.mean === null ? "" : number(arm.mean)}</td>
      <td>{arm.latency === null ? "" : number(arm.latency)}</td>
      <td>{arm.cost ? usd(arm.cost) : ""}</td>
    </tr>
  );
}

/** The running difference of an arm from the control, with an interval that holds at every look. */
import type { DifferenceFacts, ExperimentFacts, Look } from "./protocol.js";
import { number, signed, whole } from "./words.js";

const WIDTH = 640;
const HEIGHT = 150;
const LEFT = 52;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 24;
/** Cases that the axis has room for at first; it grows with what comes. */
const FIRST = 20;
/** Units between two labels of an axis. */
const APART = 13;

export function DifferenceView({ facts, difference }: { facts: ExperimentFacts; difference: DifferenceFacts }) {
  const last = difference.trail.at(-1);
  return (
    <figure class="wb-exp-difference">
      <figcaption>
        <b>{difference.arm}</b> minus {facts.control}, {facts.primary}: {told(facts, difference, last)}
      </figcaption>
      {last && bounded(difference.trail).length > 1 && <Curve facts={facts} difference={difference} />}
    </figure>
  );
}

/** What is known by now, in words: the difference and its interval, then what that shows. */
export function told(facts: ExperimentFacts, difference: DifferenceFacts, last: Look | undefined): string {
  if (!last) return `${whole(difference.cases)} of ${whole(difference.planned)} cases: too few to say anything`;
  const [cases, mean, low, high] = last;
  const within = low === null || high === null ? "no interval yet" : `[${signed(low)}, ${signed(high)}]`;
  return `${signed(mean)} ${within} after ${whole(cases)} cases; ${shown(facts, difference, last)}`;
}

function shown(facts: ExperimentFacts, { shown }: DifferenceFacts, [, mean]: Look): string {
  if (shown === null) return "nothing shown yet";
  const better = facts.better === "higher" ? mean > 0 : mean < 0;
  return `shown ${better ? "better" : "worse"}, since case ${whole(shown)}`;
}

const bounded = (trail: Look[]) =>
  trail.filter((look): look is [number, number, number, number] => look[2] !== null && look[3] !== null);

/** The values that are labelled: those before win where two would overlap. */
function ticks(values: number[], y: (value: number) => number): number[] {
  const kept: number[] = [];
  for (const value of values) if (kept.every((other) => Math.abs(y(other) - y(value)) >= APART)) kept.push(value);
  return kept;
}

function Curve({ facts, difference }: { facts: ExperimentFacts; difference: DifferenceFacts }) {
  const looks = bounded(difference.trail);
  const margin = facts.margin ?? 0;
  // The first intervals are wide: what the later half needs sets the scale, and the rest is cut off at the edge.
  const later = looks.slice(Math.floor(looks.length / 3));
  const low = Math.min(0, -margin, ...later.map((look) => look[2]));
  const high = Math.max(0, margin, ...later.map((look) => look[3]));
  const room = 0.08 * (high - low || 1);
  const most = Math.max(Math.min(difference.planned, Math.max(2 * difference.cases, FIRST)), difference.cases);
  const x = (cases: number) => LEFT + ((WIDTH - LEFT - RIGHT) * cases) / most;
  const y = (value: number) => {
    const share = (value - low + room) / (high - low + 2 * room);
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - Math.min(1, Math.max(0, share)));
  };
  const points = (values: [number, number][]) =>
    values.map(([cases, value]) => `${x(cases).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const band = points([
    ...looks.map((look): [number, number] => [look[0], look[3]]),
    ...looks.map((look): [number, number] => [look[0], look[2]]).reverse(),
  ]);
  const [lastCases, lastMean] = looks.at(-1) as [number, number, number, number];
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`Running difference of ${difference.arm}`}>
      {margin > 0 && (
        <rect class="wb-exp-margin" x={LEFT} width={WIDTH - LEFT - RIGHT} y={y(margin)} height={y(-margin) - y(margin)}>
          <title>{`Smaller than the margin of ${number(margin)}`}</title>
        </rect>
      )}
      <line class="wb-exp-zero" x1={LEFT} x2={WIDTH - RIGHT} y1={y(0)} y2={y(0)} />
      <polygon class="wb-exp-band" points={band} />
      <polyline class="wb-exp-line" points={points(looks.map((look): [number, number] => [look[0], look[1]]))} />
      <circle class="wb-exp-now" cx={x(lastCases)} cy={y(lastMean)} r="3.5" />
      <g class="wb-exp-axis">
        {ticks([0, margin, -margin, high, low], y).map((value) => (
          <text key={value} x={LEFT - 6} y={y(value) + 4} text-anchor="end">
            {signed(value)}
          </text>
        ))}
        <text x={LEFT} y={HEIGHT - 6}>
          0 cases
        </text>
        <text x={WIDTH - RIGHT} y={HEIGHT - 6} text-anchor="end">
          {most < difference.planned ? `${whole(most)} of ${whole(difference.planned)} planned` : `${whole(most)} planned`}
        </text>
        <text x={(WIDTH + LEFT) / 2} y={HEIGHT - 6} text-anchor="middle">
          {`${number(100 * difference.confidence)}% interval, valid at every look`}
        </text>
      </g>
    </svg>
  );
}

/** Small shapes that go with a word, so that a state is seen at a glance and without colours. */
import type { Standing } from "./words.js";

const SHAPES: Record<Standing, string> = {
  running: "M5 1.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7Z",
  paused: "M2 1.5h2v7h-2ZM6 1.5h2v7h-2Z",
  waiting: "M1 1.5h8v5.5h-4l-2.5 2.2v-2.2h-1.5Z",
  completed: "M.9 5.3l1.3-1.3l2 2l3.9-4.2l1.3 1.2l-5.2 5.6Z",
  converged: "M.9 5.3l1.3-1.3l2 2l3.9-4.2l1.3 1.2l-5.2 5.6Z",
  failed: "M1.2 2.5l1.3-1.3l2.5 2.5l2.5-2.5l1.3 1.3l-2.5 2.5l2.5 2.5l-1.3 1.3l-2.5-2.5l-2.5 2.5l-1.3-1.3l2.5-2.5Z",
  cancelled: "M1.5 1.5h7v7h-7Z",
  cost_limited: "M1 4h8v2h-8Z",
  interrupted: "M5 .8l4.4 8h-8.8Z",
  lost: "M5 .8l4.4 8h-8.8Z",
};

export function Mark({ of }: { of: Standing }) {
  return (
    <svg class="wb-mark" data-of={of} viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
      <path d={SHAPES[of]} />
    </svg>
  );
}

/** A branch that leaves its stem. */
export function Branch() {
  return (
    <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
      <path d="M2.5 .5v9M2.5 7c0-3 5-1 5-5.5M5.5 3l2-2l2 2" fill="none" stroke="currentColor" stroke-width="1.3" />
    </svg>
  );
}

export function Chevron() {
  return (
    <svg class="wb-chevron" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
      <path d="M3 1.5l3.5 3.5l-3.5 3.5" fill="none" stroke="currentColor" stroke-width="1.5" />
    </svg>
  );
}

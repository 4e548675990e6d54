/** Running clocks. One timer serves all of them, and only while one is on the page. */
import { useEffect, useState } from "preact/hooks";
import { clock } from "./words.js";

const ticking = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function tick(listener: () => void): () => void {
  ticking.add(listener);
  timer ??= setInterval(() => {
    for (const each of ticking) each();
  }, 250);
  return () => {
    ticking.delete(listener);
    if (ticking.size) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Seconds as `read` has them now; hidden from screen readers, which would never stop speaking. */
export function Clock({ read, runs }: { read: () => number; runs: boolean }) {
  const [, redraw] = useState(0);
  useEffect(() => (runs ? tick(() => redraw((count) => count + 1)) : undefined), [runs]);
  return (
    <span class="wb-clock" aria-hidden={runs}>
      {clock(read())}
    </span>
  );
}

/** Where the reader is: at the shelf, in a paper, or between two. */
import { useState } from "preact/hooks";
import type { Core } from "../parts.js";
import { Compare } from "./compare.js";
import type { Kernel } from "./kernel.js";
import { PaperView } from "./paper.js";
import { ShelfView } from "./shelf.js";

/** What every part of the panel works with. */
export interface Desk {
  kernel: Kernel;
  core: Core;
  /** Let a screen reader say something. */
  say: (text: string) => void;
  /** Show the shelf (no paper), a paper, or two beside each other. */
  open: (...papers: string[]) => void;
}

export function App({ kernel, core, start }: { kernel: Kernel; core: Core; start: string }) {
  const [papers, open] = useState<string[]>(start ? [start] : []);
  const [said, say] = useState("");
  const [query, look] = useState("");
  const [one, other] = papers;
  const desk: Desk = { kernel, core, say, open: (...next) => open(next) };
  return (
    <div class="wb-panel wb-papers" data-shelf={!one} data-lm-suppress-shortcuts="true">
      {one && other ? (
        <Compare key={papers.join()} desk={desk} ids={[one, other]} />
      ) : one ? (
        <PaperView key={one} desk={desk} id={one} />
      ) : (
        <ShelfView desk={desk} query={query} look={look} />
      )}
      <div class="wb-hear" aria-live="polite">
        {said}
      </div>
    </div>
  );
}

/** What stands there while there is nothing else, and why. */
export function Nothing({ trouble, slow, again }: { trouble: string; slow: boolean; again: () => void }) {
  if (!trouble) {
    const text = slow
      ? "The kernel does not answer. If it is busy, this comes later; if it was restarted, run the cell again."
      : "Waiting for the kernel.";
    return <p class="wb-empty">{text}</p>;
  }
  return (
    <div class="wb-empty">
      <p class="wb-trouble" role="alert">
        {trouble}
      </p>
      <button type="button" class="wb-button" onClick={again}>
        Try again
      </button>
    </div>
  );
}

export function Back({ desk }: { desk: Desk }) {
  return (
    <button type="button" class="wb-button" onClick={() => desk.open()}>
      ← Shelf
    </button>
  );
}

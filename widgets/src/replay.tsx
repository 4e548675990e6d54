/** The player of a saved page: the same panel, whose facts come from a time line instead of a kernel. */
import type { Action, Snapshot } from "./protocol.js";
import { type Facts, NOTHING, type Reply, type Source } from "./session.js";
import { fromSnapshot } from "./store.js";
import { at, type Timeline, timeline } from "./timeline.js";
import { View } from "./view.js";
import { minuteSecond } from "./words.js";

const SPEEDS = [1, 2, 4, 8, 16];

export class Player implements Source {
  facts: Facts;
  readonly drafts = new Map<string, string>();
  readonly askTree = null;
  speed = 1;
  playing = false;
  readonly line: Timeline;
  /** Seconds into the time line. A page opens at the end, where everything can be read. */
  t: number;
  readonly #snapshot: Snapshot;
  readonly #listeners = new Set<() => void>();
  #last = 0;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.line = timeline(snapshot);
    this.t = this.line.total;
    this.facts = { ...NOTHING };
    this.seek(this.t);
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  now(): number {
    return this.facts.state?.dialogue.now ?? 0;
  }

  act(_: Action): void {}
  ask(): Promise<Reply> {
    return Promise.resolve({ ok: false, text: "This page is saved; there is nobody to ask." });
  }
  /** A saved page has all that it needs. */
  need(): () => void {
    return () => {};
  }
  dismiss(): void {}
  askRich(): void {}

  seek(t: number): void {
    this.t = Math.max(0, Math.min(t, this.line.total));
    if (this.t >= this.line.total) this.playing = false;
    const snapshot = at(this.#snapshot, this.t, this.line);
    this.facts = { ...this.facts, state: fromSnapshot(snapshot, snapshot.dialogue.now, this.facts.state) };
    this.changed();
  }

  toggle(): void {
    if (this.playing) this.playing = false;
    else this.#play();
    this.changed();
  }

  #play(): void {
    if (this.t >= this.line.total) this.seek(0);
    this.playing = true;
    this.#last = performance.now();
    requestAnimationFrame(this.#step);
  }

  changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  readonly #step = (time: number): void => {
    if (!this.playing) return;
    // A page that was hidden goes on where it was.
    const passed = Math.min(Math.max(0, time - this.#last), 250) / 1000;
    this.#last = time;
    this.seek(this.t + passed * this.speed);
    if (this.playing) requestAnimationFrame(this.#step);
  };
}

export function replay(el: HTMLElement, snapshot: Snapshot): View {
  const player = new Player(snapshot);
  el.replaceChildren();
  el.classList.add("wb-page");
  let view: View | null = null;
  const toggle = () => {
    if (!player.playing) view?.follow.set(true);
    player.toggle();
  };
  view = new View(el, player, () => <Controls player={player} toggle={toggle} />);
  return view;
}

function Controls({ player, toggle }: { player: Player; toggle: () => void }) {
  const { t, line, playing, speed } = player;
  const faster = (event: Event) => {
    player.speed = Number((event.currentTarget as HTMLSelectElement).value);
    player.changed();
  };
  return (
    <div class="wb-player" role="group" aria-label="Replay">
      <button type="button" class="wb-button" aria-disabled={!line.total} onClick={() => line.total && toggle()}>
        {playing ? "Pause" : "Play"}
      </button>
      <input
        type="range"
        class="wb-scrubber"
        aria-label="Time"
        aria-valuetext={`${minuteSecond(t)} of ${minuteSecond(line.total)}`}
        min={0}
        max={line.total}
        step={Math.max(line.total / 1000, 0.01)}
        value={t}
        onInput={(event) => player.seek(Number(event.currentTarget.value))}
      />
      <span class="wb-clock">
        {minuteSecond(t)} / {minuteSecond(line.total)}
      </span>
      <label class="wb-speed">
        Speed
        <select class="wb-input" value={speed} onChange={faster}>
          {SPEEDS.map((each) => (
            <option key={each} value={each}>
              {each}×
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

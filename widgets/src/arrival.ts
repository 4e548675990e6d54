/**
 * A panel that was opened at a turn tells what stands around it when the turn is in view.
 *
 * The panel itself scrolls nothing but its own box, and takes no focus: it may be drawn because a page was loaded again. Who
 * asked for the turn on this page, a moment ago, goes on from there.
 */
const ARRIVED = "wb-arrived";

export function tellArrival(turn: HTMLElement): void {
  turn.dispatchEvent(new CustomEvent(ARRIVED, { bubbles: true }));
}

/** Calls back with each turn that a panel below the element has arrived at; returns how to end this. */
export function onArrival(root: Element, arrived: (turn: HTMLElement) => void): () => void {
  const listen = (event: Event): void => arrived(event.target as HTMLElement);
  root.addEventListener(ARRIVED, listen);
  return () => root.removeEventListener(ARRIVED, listen);
}

/** Scroll what is around the panel as far as needed to see the turn, of one that is long what its box shows, and its beginning. */
export function bringIntoPage(turn: HTMLElement): void {
  const box = turn.closest<HTMLElement>(".wb-scroll");
  const whole = box && turn.offsetHeight > box.clientHeight ? box : turn;
  for (const el of [whole, turn.querySelector(".wb-head")]) el?.scrollIntoView({ block: "nearest" });
}

/**
 * The links of a table: cells that bear `data-wb-place` are clicked, and the kernel shows below the table what they are of.
 * Cells that bear `data-wb-also` are a larger target for a pointer: to the keyboard and to screen readers, they are text.
 *
 * The table is HTML beside this widget, in the same output, so clicks are heard where both are. Tables that are drawn later,
 * as on a page that is loaded again, are found as they come.
 */
import { bringIntoPage, onArrival } from "./arrival.js";
import { visible } from "./markdown/visible.js";
import type { PartModel } from "./parts.js";

type Traits = {
  on(name: "change:opened" | "change:text", callback: () => void): void;
  off(name: "change:opened" | "change:text", callback: () => void): void;
};

const PLACE = "data-wb-place";
const ALSO = "data-wb-also";
/** What holds the outputs of a cell: in JupyterLab and Notebook, in VS Code, and whatever holds two of them. */
const OUTPUTS = ".jp-OutputArea, .output_container, .outputs";

export function renderLinks(model: PartModel, el: HTMLElement): () => void {
  const traits = model as PartModel & Traits;
  const line = document.createElement("p");
  line.className = "wb-links";
  line.setAttribute("role", "status");
  el.replaceChildren(line);
  let root: Element | null = null;
  let asked: { place: string; keyboard: boolean } | null = null;
  let deaf = (): void => {};

  const tell = (text: string): void => {
    line.textContent = visible(text);
    line.hidden = text === "";
  };
  const ask = (place: string | null, keyboard: boolean): void => {
    asked = { place: String(place), keyboard };
    try {
      model.send({ type: "open", place: Number(place) });
    } catch {
      tell("The kernel is gone. Run the cell again.");
    }
  };
  /** The cell that an event is about, if it is one of this table. */
  const cellOf = (event: Event, selector: string): Element | null => {
    const cell = (event.target as Element).closest?.(selector) ?? null;
    return cell?.closest(OUTPUTS) === root ? cell : null;
  };
  const click = (event: Event): void => {
    const cell = cellOf(event, `[${PLACE}], [${ALSO}]`);
    if (!cell) return;
    const link = cell.getAttribute(PLACE);
    if (link === null && !getSelection()?.isCollapsed) return; // who selects the text wants to copy it
    take(event);
    ask(link ?? cell.getAttribute(ALSO), false);
  };
  const press = (event: Event): void => {
    const { key } = event as KeyboardEvent;
    const opened = root?.querySelector<HTMLElement>(`[${PLACE}][aria-expanded="true"]`);
    const cell = cellOf(event, `[${PLACE}]`);
    if (key === "Enter" && cell) {
      take(event);
      ask(cell.getAttribute(PLACE), true);
    } else if (key === "Escape" && opened && (cell === opened || leaves(event.target as Element))) {
      take(event);
      if (cell) ask(cell.getAttribute(PLACE), true);
      else opened.focus();
    }
  };
  /** Go on where the panel has brought the reader, if it was the reader of this page who asked for it. */
  const arrived = (turn: HTMLElement): void => {
    if (!asked) return;
    bringIntoPage(turn);
    if (asked.keyboard) turn.focus({ preventScroll: true });
    asked = null;
  };
  const mark = (): void => {
    const opened = String(model.get("opened"));
    for (const cell of root?.querySelectorAll(`[${PLACE}]`) ?? []) {
      const wanted: [string, string][] = [
        ["role", "button"],
        ["tabindex", "0"],
        ["aria-expanded", String(cell.getAttribute(PLACE) === opened)],
      ];
      for (const [name, value] of wanted) if (cell.getAttribute(name) !== value) cell.setAttribute(name, value);
    }
    for (const cell of root?.querySelectorAll<HTMLElement>(`[${ALSO}]:not([title])`) ?? []) cell.title = "Show it below";
  };
  const turned = (): void => {
    if (asked?.place !== String(model.get("opened"))) asked = null;
    mark();
  };
  const told = (): void => tell(String(model.get("text") ?? ""));
  const later = new MutationObserver(mark);
  /** A view is drawn before it is put into its page. */
  const settle = (): void => {
    root = el.closest(OUTPUTS);
    if (!root) return;
    mark();
    later.observe(root, { childList: true, subtree: true });
    root.addEventListener("click", click);
    root.addEventListener("keydown", press);
    deaf = onArrival(root, arrived);
  };
  let frame = 0;
  let tries = 0;
  const wait = (): void => {
    settle();
    if (!root && ++tries < TRIES) frame = requestAnimationFrame(wait);
  };
  wait();
  told();
  traits.on("change:opened", turned);
  traits.on("change:text", told);
  return () => {
    cancelAnimationFrame(frame);
    later.disconnect();
    root?.removeEventListener("click", click);
    root?.removeEventListener("keydown", press);
    deaf();
    traits.off("change:opened", turned);
    traits.off("change:text", told);
    el.replaceChildren();
  };
}

/** The notebook would take Enter for a wish to edit the cell, and Escape for one to leave it. */
function take(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
}

/** Whether Escape here means to leave the turn: what is written in, and what a badge shows, has its own use for it. */
const leaves = (el: Element): boolean => Boolean(el.closest(".wb-turn")) && !el.closest("input, textarea, select, .wb-badge");

/** Frames within which a view is in its page. */
const TRIES = 600;

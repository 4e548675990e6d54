/**
 * The links of a table: cells that bear `data-wb-place` are clicked, and the kernel shows below the table what they are of.
 *
 * The table is HTML beside this widget, in the same output, so clicks are heard where both are. Tables that are drawn later,
 * as on a page that is loaded again, are found as they come.
 */
import { visible } from "./markdown/visible.js";
import type { PartModel } from "./parts.js";

type Traits = {
  on(name: "change:opened" | "change:text", callback: () => void): void;
  off(name: "change:opened" | "change:text", callback: () => void): void;
};

const PLACE = "data-wb-place";
/** What holds the outputs of a cell: in JupyterLab and Notebook, in VS Code, and whatever holds two of them. */
const OUTPUTS = ".jp-OutputArea, .output_container, .outputs";

export function renderLinks(model: PartModel, el: HTMLElement): () => void {
  const traits = model as PartModel & Traits;
  const line = document.createElement("p");
  line.className = "wb-links";
  line.setAttribute("role", "status");
  el.replaceChildren(line);
  let root: Element | null = null;

  const tell = (text: string): void => {
    line.textContent = visible(text);
    line.hidden = text === "";
  };
  const open = (event: Event): void => {
    const cell = (event.target as Element).closest?.(`[${PLACE}]`);
    if (!cell || cell.closest(OUTPUTS) !== root) return;
    if (event instanceof KeyboardEvent && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation(); // the notebook would take Enter for a wish to edit the cell
    try {
      model.send({ type: "open", place: Number(cell.getAttribute(PLACE)) });
    } catch {
      tell("The kernel is gone. Run the cell again.");
    }
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
  };
  const told = (): void => tell(String(model.get("text") ?? ""));
  const later = new MutationObserver(mark);
  /** A view is drawn before it is put into its page. */
  const settle = (): void => {
    root = el.closest(OUTPUTS);
    if (!root) return;
    mark();
    later.observe(root, { childList: true, subtree: true });
    root.addEventListener("click", open);
    root.addEventListener("keydown", open);
  };
  let frame = 0;
  let tries = 0;
  const wait = (): void => {
    settle();
    if (!root && ++tries < TRIES) frame = requestAnimationFrame(wait);
  };
  wait();
  told();
  traits.on("change:opened", mark);
  traits.on("change:text", told);
  return () => {
    cancelAnimationFrame(frame);
    later.disconnect();
    root?.removeEventListener("click", open);
    root?.removeEventListener("keydown", open);
    traits.off("change:opened", mark);
    traits.off("change:text", told);
    el.replaceChildren();
  };
}

/** Frames within which a view is in its page. */
const TRIES = 600;

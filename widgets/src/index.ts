/**
 * The way in: anywidget's `initialize` and `render`, and the saved page that takes itself over.
 */
import { renderLinks } from "./links.js";
import { fetchPart, isPart, type Part, partModel, renderPart } from "./parts.js";
import type { Model, Snapshot } from "./protocol.js";
import { replay } from "./replay.js";
import { Session } from "./session.js";
import { View } from "./view.js";

interface Widget {
  initialize(context: { model: Model }): () => void;
  render(context: { model: Model; el: HTMLElement }): () => void;
}

/**
 * One widget per model, whose views share the session that `initialize` opens.
 *
 * anywidget hands every view another proxy of the model, so that this closure, and not the model, tells what belongs together.
 */
function panels(): Widget {
  let session: Session | null = null;
  let part: Promise<Part> | null = null;
  return {
    initialize({ model }) {
      if (isPart(model.get("kind"))) part = fetchPart(partModel(model));
      session?.close();
      session = model.get("kind") === "dialogue" ? new Session(model) : null;
      return () => session?.close();
    },
    render({ model, el }) {
      const kind = model.get("kind");
      if (isPart(kind)) {
        part ??= fetchPart(partModel(model));
        return renderPart(partModel(model), el, part);
      }
      if (kind === "links") return renderLinks(partModel(model), el);
      if (kind !== "dialogue") return unknown(el, String(kind));
      session ??= new Session(model);
      const view = new View(el, session, null, String(model.get("turn") ?? ""));
      return () => view.close();
    },
  };
}

function unknown(el: HTMLElement, kind: string): () => void {
  const text = document.createElement("p");
  text.className = "wb-panel wb-empty";
  text.textContent = `This page cannot draw a panel of the kind “${kind}”. Restart the kernel and reload the page, so that both are of one version.`;
  el.replaceChildren(text);
  return () => text.remove();
}

function takeOver(): void {
  const el = document.getElementById("workbench-replay");
  const data = document.getElementById("workbench-replay-data");
  if (!el || !data) return;
  const { snapshot } = JSON.parse(data.textContent ?? "") as { snapshot: Snapshot };
  replay(el, snapshot);
}

takeOver();

/** A host that does not know anywidget's factories finds a plain widget, too. */
export default Object.assign(panels, panels());

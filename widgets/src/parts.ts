/**
 * Panels of other kinds than dialogues. Each is a bundle of its own that the kernel hands out when a panel of its kind is first
 * drawn, so that no panel carries the others. A part is a module whose default export draws; what this bundle can do for it,
 * it gets as `Core`. One more kind is a name in `KINDS`, an entry in build.mjs, and an answer to `{type: "part"}` in Python.
 */
import { renderInto } from "./markdown/index.js";
import type { Model, Snapshot } from "./protocol.js";
import { replay } from "./replay.js";

const KINDS: ReadonlySet<unknown> = new Set(["papers", "experiment"]);

/** What a part uses of this bundle. */
export interface Core {
  /** Draw Markdown that a model wrote; what it holds of HTML does no harm. */
  markdown(el: HTMLElement, text: string): void;
  /** Draw a dialogue that has ended; returns how to take it off again. */
  replay(el: HTMLElement, snapshot: Snapshot): () => void;
}

export const CORE: Core = {
  markdown: renderInto,
  replay(el, snapshot) {
    const view = replay(el, snapshot);
    return () => view.close();
  },
};

/** The part of anywidget's model that a part uses; what is said is declared by each part itself. */
export interface PartModel {
  get(name: string): unknown;
  on(name: "msg:custom", callback: (message: { type: string }, buffers: DataView[]) => void): void;
  off(name: "msg:custom", callback: (message: { type: string }, buffers: DataView[]) => void): void;
  send(message: object): void;
}

export interface Part {
  render(context: { model: PartModel; el: HTMLElement; core: Core }): () => void;
}

/** The same model: what a dialogue's panel and a part say differs, and so do the types. */
export const partModel = (model: Model): PartModel => model as unknown as PartModel;

export const isPart = (kind: unknown): boolean => KINDS.has(kind);

/** Ask the kernel for the part of a model, and wait however long it takes: a busy kernel answers when it is free. */
export function fetchPart(model: PartModel): Promise<Part> {
  return new Promise((resolve, reject) => {
    const take = (message: { type: string; source?: string }): void => {
      if (message.type !== "part" || message.source === undefined) return;
      model.off("msg:custom", take);
      load(message.source).then(resolve, reject);
    };
    model.on("msg:custom", take);
    try {
      model.send({ type: "part" });
    } catch {
      // The comm is closed, and nobody will answer.
    }
  });
}

async function load(source: string): Promise<Part> {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try {
    return ((await import(/* @vite-ignore */ url)) as { default: Part }).default;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Draw a panel once its part is there. Until then, and where no kernel answers, its text is shown. */
export function renderPart(model: PartModel, el: HTMLElement, part: Promise<Part>): () => void {
  let end: (() => void) | null = () => el.replaceChildren();
  el.replaceChildren(waiting(String(model.get("text") ?? "")));
  part.then(
    ({ render }) => {
      if (!end) return;
      el.replaceChildren();
      end = render({ model, el, core: CORE });
    },
    () => {
      if (end) el.replaceChildren(waiting("This page does not allow the panel to be loaded."));
    },
  );
  return () => {
    end?.();
    end = null;
  };
}

function waiting(words: string): HTMLElement {
  const text = document.createElement("p");
  text.className = "wb-panel wb-empty wb-static";
  text.textContent = words || "Waiting for the kernel.";
  return text;
}

/**
 * The panel of an experiment, a bundle of its own (see `parts.ts`). The kernel keeps all that it shows in one trait; the page
 * draws the trait, and asks for one thing only: to stop.
 */
import { render } from "preact";
import { visible } from "../markdown/visible.js";
import type { Part, PartModel } from "../parts.js";
import { App } from "./app.js";
import type { ExperimentFacts } from "./protocol.js";

/** What a part may hear of a trait beside its messages. */
type Traits = {
  on(name: "change:snapshot", callback: () => void): void;
  off(name: "change:snapshot", callback: () => void): void;
};

const part: Part = {
  render({ model, el }) {
    const traits = model as PartModel & Traits;
    let trouble = "";
    const stop = (): void => {
      trouble = "";
      try {
        model.send({ type: "stop" });
      } catch {
        trouble = "The kernel is gone. Run the cell again.";
      }
      draw();
    };
    const draw = (): void => {
      render(<App facts={cleaned(model.get("snapshot")) as ExperimentFacts} trouble={trouble} stop={stop} />, el);
    };
    const take = (message: { type: string; text?: string }): void => {
      if (message.type !== "refused") return;
      trouble = visible(message.text ?? "");
      draw();
    };
    traits.on("change:snapshot", draw);
    model.on("msg:custom", take);
    draw();
    return () => {
      traits.off("change:snapshot", draw);
      model.off("msg:custom", take);
      render(null, el);
    };
  },
};

/** Facts whose strings hold nothing that one does not see. */
function cleaned(value: unknown): unknown {
  if (typeof value === "string") return visible(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, cleaned(each)]));
}

export default part;

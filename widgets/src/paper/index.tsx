/**
 * The panel of papers, a bundle of its own (see `parts.ts`). A page asks (`kernel.ts`) and draws the answers; it keeps nothing but
 * where its reader is. What a paper says is text and stays text; only what models wrote is Markdown, which the core sanitises.
 */
import { render } from "preact";
import type { Part } from "../parts.js";
import { App } from "./app.js";
import { Kernel } from "./kernel.js";

const part: Part = {
  render({ model, el, core }) {
    const kernel = new Kernel(model);
    render(<App kernel={kernel} core={core} start={String(model.get("start") ?? "")} />, el);
    return () => {
      render(null, el);
      kernel.close();
    };
  },
};

export default part;

/**
 * What models say, made harmless and readable.
 *
 * `visible` is for strings that go into the page as text; `renderInto` and `StreamRenderer` are for Markdown, which is parsed
 * without raw HTML (`parse.ts`) and then sanitised as if it had not been (`sanitise.ts`). Formulas and colours for code come
 * from a second bundle (`rich.ts`), which is asked for when a text first needs it (`host.ts`).
 */
import { hasMaths } from "./maths.js";

export { renderInto, StreamRenderer } from "./draw.js";
export { hasRich, onRich, provideRich } from "./host.js";
export { visible } from "./visible.js";

const FENCE = /^[ \t>]*(?:```|~~~)[ \t]*\w/m;

/** Whether the rich chunk would show the text otherwise: it has a formula, or code of a named language. */
export function needsRich(text: string): boolean {
  return FENCE.test(text) || hasMaths(text);
}

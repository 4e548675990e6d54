/** A person's structured answer, put together from what stands in its fields. Pure. */
import { visible } from "./markdown/index.js";
import type { Field } from "./protocol.js";

/** What a field is called on the page. */
export const labelOf = ({ name }: Field): string => visible(name).replaceAll("_", " ") || "answer";

/** A choice as a word. */
export function choiceOf(value: unknown): string {
  if (typeof value === "boolean") return value ? "Yes" : "No";
  return typeof value === "string" ? visible(value) : JSON.stringify(value);
}

/**
 * The answer as JSON, or what is missing from it. Whether it fits the schema, the engine decides.
 *
 * `read` gives what was written into a field; of a choice, its place.
 */
export function compose(
  fields: readonly Field[],
  read: (field: Field) => string,
): { text: string } | { problem: string; field: Field } {
  const answer: Record<string, unknown> = {};
  let whole: unknown;
  for (const field of fields) {
    const written = read(field).trim();
    if (!written) {
      if (field.required) return { problem: `${labelOf(field)} is missing.`, field };
      continue;
    }
    const value = readAs(field, written);
    if (value === undefined) return { problem: `${labelOf(field)} is no ${field.kind === "json" ? "JSON" : "number"}.`, field };
    if (field.name) Object.defineProperty(answer, field.name, { value, enumerable: true });
    else whole = value;
  }
  return { text: JSON.stringify(whole === undefined ? answer : whole, null, 2) };
}

/** undefined: it is not of the field's kind. */
function readAs(field: Field, written: string): unknown {
  switch (field.kind) {
    case "choice":
      return field.choices[Number(written)];
    case "number":
      return Number.isFinite(Number(written)) ? Number(written) : undefined;
    case "json":
      try {
        return JSON.parse(written);
      } catch {
        return undefined;
      }
    default:
      return written;
  }
}

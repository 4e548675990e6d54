/** What is marked on the pages of a paper, and which of it the reader looks at. */
import type { Box, Concern, Occurrence, Quote } from "./protocol.js";

export interface Mark {
  /** Same marks have the same key, so that a list can say which of its entries is looked at. */
  key: string;
  of: "verified" | "near miss" | "found" | "concern";
  label: string;
  page: number;
  boxes: Box[];
}

export function quoteMark(quote: Quote): Mark | null {
  if (quote.status === "not found" || quote.page === null || !quote.boxes.length) return null;
  const { status, page, boxes } = quote;
  const label = status === "verified" ? `Verified quote: ${quote.quote}` : `Near miss; the paper says: ${quote.found}`;
  return { key: `quote ${boxes.join()}`, of: status, label, page, boxes };
}

export function foundMark({ page, boxes, found }: Occurrence): Mark {
  return { key: `found ${boxes.join()}`, of: "found", label: `Found: ${found}`, page, boxes };
}

export function concernMark({ kind, text, page, boxes }: Concern): Mark {
  return { key: `concern ${kind} ${boxes.join()}`, of: "concern", label: `Beware, ${kind}: ${text}`, page, boxes };
}

export const quoteMarks = (quotes: Quote[]): Mark[] => quotes.map(quoteMark).filter((mark) => mark !== null);

/** What one view remembers of its reader, apart from the facts. */
export interface Look {
  collapsed: ReadonlySet<string>;
  /** What the reader prefers; shown only where there is room. */
  columns: boolean;
  /** Of the panel, pixels. */
  width: number;
  /** For screen readers. */
  said: string;
}

export const FIRST_LOOK: Look = { collapsed: new Set(), columns: true, width: 0, said: "" };

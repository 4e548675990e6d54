/** What one view remembers of its reader, apart from the facts. */
export interface Look {
  /** Turns, by `keyOf`. */
  collapsed: ReadonlySet<string>;
  /** The sub-dialogues whose cards are open. */
  open: ReadonlySet<string>;
  /** The dialogue that is shown; null: the panel's own. */
  shown: string | null;
  /** The tree of forks and sub-dialogues stands where the turns do. */
  tree: boolean;
  /** The turn, by `keyOf`, that the reader was brought to a moment ago. */
  found: string | null;
  /** The turn, by `keyOf`, that the reader is about to fork from. */
  forking: string | null;
  /** What the reader prefers; shown only where there is room. */
  columns: boolean;
  /** Of the panel, pixels. */
  width: number;
  /** For screen readers. */
  said: string;
}

export const FIRST_LOOK: Look = {
  collapsed: new Set(),
  open: new Set(),
  shown: null,
  tree: false,
  found: null,
  forking: null,
  columns: true,
  width: 0,
  said: "",
};

/** Ids of turns are those of their dialogue only. */
export const keyOf = (dialogue: string, turn: string): string => `${dialogue} ${turn}`;

/** The set with the member put in, or taken out. */
export function toggled(set: ReadonlySet<string>, member: string): ReadonlySet<string> {
  const other = new Set(set);
  if (!other.delete(member)) other.add(member);
  return other;
}

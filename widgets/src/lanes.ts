/** Where turns stand: a column per speaker, and rows that keep the order in which they spoke. */

export interface Place {
  row: number;
  column: number;
}

/**
 * A turn starts a new row when its speaker already has one in the current row; rows never go back. Both count from 1.
 *
 * A `wide` turn has a row of its own, and the column 0: all of them.
 */
export function places(turns: readonly { role: string; wide?: boolean }[], roles: readonly string[]): Place[] {
  let row = 1;
  let spoke = new Set<string>();
  return turns.map(({ role, wide }) => {
    if (spoke.size && (wide || spoke.has(role))) {
      row += 1;
      spoke = new Set();
    }
    if (wide) return { row: row++, column: 0 };
    spoke.add(role);
    return { row, column: Math.max(roles.indexOf(role), 0) + 1 };
  });
}

/** Columns narrower than this are no longer read with pleasure. Pixels, as are the two of the style sheet below. */
export const NARROWEST = 260;
const GAP = 18;
const FRAME = 26;

/** Whether a panel of this width has room for a column per speaker. */
export function fits(width: number, speakers: number): boolean {
  return speakers > 1 && width >= speakers * (NARROWEST + GAP) - GAP + FRAME;
}

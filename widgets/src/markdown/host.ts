/**
 * The rich chunk's place in the page: it registers itself under a symbol, and whoever drew without it draws again.
 *
 * It comes from the kernel as source, because a widget's page has no address to fetch it from. In a saved page it is there
 * from the start, before this bundle.
 */

/** What the rich chunk does; null when it cannot, and then the source is shown. What it returns is sanitised like all else. */
export interface Rich {
  highlight(code: string, language: string): string | null;
  maths(tex: string, display: boolean): string | null;
}

const KEY = Symbol.for("workbench.rich.v1");
const waiting = new Set<() => void>();

export function rich(): Rich | undefined {
  return (globalThis as { [KEY]?: Rich })[KEY];
}

export function hasRich(): boolean {
  return rich() !== undefined;
}

/** Be told when the chunk arrives; returns how to be told no longer. */
export function onRich(callback: () => void): () => void {
  waiting.add(callback);
  return () => waiting.delete(callback);
}

/** Take the chunk's source in. Where a page's policy forbids that, everything stays as it was. */
export async function provideRich(source: string): Promise<void> {
  if (hasRich()) return;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try {
    await import(/* @vite-ignore */ url);
  } catch {
    return;
  } finally {
    URL.revokeObjectURL(url);
  }
  for (const callback of [...waiting]) callback();
}

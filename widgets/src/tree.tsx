/** The family of a dialogue: what was forked from what, and what opened what. A click shows one in the panel. */
import { useEffect } from "preact/hooks";
import { Mark } from "./marks.js";
import type { TreeNode } from "./protocol.js";
import type { Facts } from "./session.js";
import type { State } from "./store.js";
import type { View } from "./view.js";
import { standing } from "./words.js";

/** What a change of the tree would show in: asked again when it is another one. */
const trace = ({ dialogue, others }: State): string =>
  [dialogue, ...[...others.values()].map((other) => other.dialogue)]
    .map(({ id, status, live, turns, children }) => [id, status, live, turns, children?.map((child) => child.status)].join())
    .join(" ");

export function Tree({ facts, state, shown, view }: { facts: Facts; state: State; shown: string; view: View }) {
  const { tree, lost } = facts;
  const now = trace(state);
  useEffect(() => view.source.askTree?.(), [view, now]);
  const keys = (event: KeyboardEvent) => {
    const items = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("button")];
    const here = items.indexOf(event.target as HTMLElement);
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: items.length - 1 }[event.key];
    event.stopPropagation();
    if (to === undefined) return;
    event.preventDefault();
    items[Math.max(0, Math.min(to, items.length - 1))]?.focus();
  };
  if (!tree) return <p class="wb-empty">{lost ? "The kernel does not answer." : "Looking for forks and sub-dialogues."}</p>;
  return (
    <div class="wb-tree" role="tree" aria-label="Forks and sub-dialogues" onKeyDown={keys}>
      {tree.map((node) => (
        <Item key={node.id} node={node} here={node.id === shown} facts={facts} view={view} />
      ))}
    </div>
  );
}

function Item({ node, here, facts, view }: { node: TreeNode; here: boolean; facts: Facts; view: View }) {
  const stands = standing({ status: node.status, live: true, paused: false }, facts.lost);
  return (
    <button
      type="button"
      role="treeitem"
      class="wb-node"
      aria-level={node.depth + 1}
      aria-selected={here}
      aria-current={here}
      tabIndex={here ? 0 : -1}
      style={{ "--wb-depth": node.depth }}
      onClick={() => view.show(node.id)}
    >
      <Mark of={stands} />
      <span>
        {node.facts} <code>{node.id}</code>
        {here && <b> shown now</b>}
      </span>
    </button>
  );
}

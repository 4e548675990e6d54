"""Where dialogues come from: the tree of a dialogue's forks, and of what it spawned, as text and as HTML.

It is read from the record's rows, which say the parent of each dialogue. A parent may lie in another record, and what was
imported may name anything as its parent: such a tree begins where the known rows do, and goes round no circle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workbench.dialogue.export.facts import money, visible
from workbench.records import DialogueSummary, Record

_TOPIC: Final = 80


def children(record: Record, dialogue: str) -> list[DialogueSummary]:
    """Return what was forked from a dialogue or spawned by it, the oldest first; takes a full id."""
    return record.children(dialogue)


@dataclass(frozen=True, slots=True)
class Node:
    """A dialogue in its tree. `depth` is 0 for the root; `rail` is what stands before it in text."""

    row: DialogueSummary
    depth: int
    rail: str
    facts: str


class Tree:
    """The tree that a dialogue belongs to; the last expression of a cell shows it.

    Args:
        record: where they are.
        dialogue: takes what `Record.find` takes.

    Attributes:
        dialogue: its full id.
        nodes: all dialogues of the tree, parents before children, the oldest first.

    Raises:
        RecordError: there is no such dialogue.
    """

    def __init__(self, record: Record, dialogue: str) -> None:
        self.dialogue = record.find(dialogue)
        rows = {row.id: row for row in record.family(self.dialogue)}
        self.nodes = list(_walk(_root(rows, self.dialogue), rows))

    @property
    def text(self) -> str:
        """The tree for a terminal."""
        return "\n".join(f"{node.rail}{_in_line(node.row.id)}{self._mark(node)}  {node.facts}" for node in self.nodes)

    @property
    def html(self) -> str:
        """The tree as nested lists; its style reaches only itself."""
        from workbench.dialogue.export.as_html import template

        depths = [node.depth for node in self.nodes[1:]] + [0]
        nodes = [
            {
                "id": _in_line(node.row.id),
                "facts": node.facts,
                "here": node.row.id == self.dialogue,
                "opens": below > node.depth,
                "closes": max(node.depth - below, 0),
            }
            for node, below in zip(self.nodes, depths, strict=True)
        ]
        return template("tree.html.j2").render(nodes=nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        return {"text/plain": self.text, "text/html": self.html}

    def _mark(self, node: Node) -> str:
        return " (this one)" if node.row.id == self.dialogue and len(self.nodes) > 1 else ""


def _root(rows: Mapping[str, DialogueSummary], dialogue: str) -> str:
    """Return the oldest known ancestor."""
    seen = {dialogue}
    while (parent := rows[dialogue].parent_id) in rows and parent not in seen:
        assert parent is not None
        seen.add(parent)
        dialogue = parent
    return dialogue


def _walk(root: str, rows: Mapping[str, DialogueSummary]) -> Iterator[Node]:
    """Yield a tree from its root down, without recursion: forks of forks may be many."""
    below: dict[str, list[DialogueSummary]] = {}
    for row in rows.values():
        if row.parent_id is not None:
            below.setdefault(row.parent_id, []).append(row)
    seen: set[str] = set()
    waiting = [(rows[root], 0, "", "")]
    while waiting:
        row, depth, rail, inset = waiting.pop()
        if row.id in seen:
            continue
        seen.add(row.id)
        parent = rows.get(row.parent_id or "")
        yield Node(row, depth, rail, _facts(row, parent if depth else None))
        forks = below.get(row.id, [])
        for number, fork in enumerate(reversed(forks)):
            corner, space = ("└─ ", "   ") if number == 0 else ("├─ ", "│  ")
            waiting.append((fork, depth + 1, inset + corner, inset + space))


def _facts(row: DialogueSummary, parent: DialogueSummary | None) -> str:
    """Return what a node says of a dialogue: what it is, how it differs from its parent, how it stands."""
    status = row.standing.replace("_", " ")
    turns = f"{row.turns_completed} turn{'s' * (row.turns_completed != 1)}"
    stands = f"{status}, {turns}, {money(row.cost)}"
    shown = row.topic if len(row.topic) <= _TOPIC else row.topic[: _TOPIC - 1] + "…"
    if parent is None:
        return _in_line(f"{row.mode}: {shown}; {stands}")
    origin = f"from {row.forked_from}" if row.forked_from else row.mode
    about = f"{origin}: {shown}" if row.topic != parent.topic else origin
    return _in_line("; ".join([about, *_changes(parent.run, row.run), stands]))


def _in_line(text: str) -> str:
    return visible(" ".join(text.split()))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the roles and parameters that a fork has changed."""
    models, now = _models(before), _models(after)
    changed = [f"{role}={name}" for role, name in now.items() if models.get(role) != name]
    old, new = before.get("parameters") or {}, after.get("parameters") or {}
    changed += [f"{name}={value}" for name, value in new.items() if old.get(name) != value]
    return [", ".join(changed)] if changed else []


def _models(run: Mapping[str, Any]) -> dict[str, str]:
    """Return role to model of a run as it was recorded, which need not be a whole one."""
    cast = run.get("cast")
    if not isinstance(cast, Mapping):
        return {}
    return {role: str(chain[0].get("name")) for role, chain in cast.items() if chain and isinstance(chain[0], Mapping)}

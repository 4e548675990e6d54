"""What a person may want of a dialogue, as a page says it. What is not named here is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.dialogue.dialogue import Dialogue
from workbench.errors import WorkbenchError


def grant(dialogue: Dialogue, wish: Mapping[str, Any]) -> Dialogue | None:
    """Do what a person wants; return the dialogue that came of it, if one did. Blocks until it is done.

    Raises:
        WorkbenchError: it is not possible, or nobody knows what it is.
    """
    match wish:
        case {"type": "answer", "turn": str(turn), "text": str(text)}:
            dialogue.answer(text, turn)
        case {"type": "approve", "turn": str(turn), "text": str(text)}:
            dialogue.approve(turn, text)
        case {"type": "approve", "turn": str(turn)}:
            dialogue.approve(turn)
        case {"type": "interject", "text": str(text)}:
            dialogue.interject(text)
        case {"type": "call_on", "role": str(role), "prompt": str(prompt)}:
            dialogue.call_on(role, prompt)
        case {"type": "call_on", "role": str(role)}:
            dialogue.call_on(role)
        case {"type": "skip", "turn": str(turn)}:
            dialogue.skip(turn)
        case {"type": "resume"}:
            dialogue.resume()
        case {"type": "fork", "turn": str(turn), "models": dict(models)}:
            return dialogue.fork(turn, participants={str(role): str(model) for role, model in models.items()})
        case _:
            raise WorkbenchError("the page asks for something that this kernel does not know", hint="Reload the page.")
    return None


def tree_facts(dialogue: Dialogue) -> list[dict[str, Any]]:
    """Return the tree that a dialogue belongs to, parents before children.

    Raises:
        WorkbenchError: it belongs to no record.
    """
    return [
        {"id": node.row.id, "depth": node.depth, "status": node.row.standing, "facts": node.facts}
        for node in dialogue.tree().nodes
    ]

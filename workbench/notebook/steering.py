"""What a person does to a dialogue that runs, from `%dialogue`: answer, approve, interject, call on a role, skip, pause."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from IPython.core.error import UsageError

if TYPE_CHECKING:
    from workbench.dialogue import Dialogue

STEERING: Final[Mapping[str, tuple[str, ...]]] = {
    "answer": ("text", "turn"),
    "approve": ("text", "turn"),
    "interject": ("text", "name"),
    "call-on": ("text",),
    "skip": ("text",),
    "pause": (),
    "unpause": (),
}
"""Subcommand to the options that it takes."""


_LINE: Final = re.compile(r"\s*(?:\S+\s*){0,2}(?:--(?:turn|name)(?:\s+|=)\S+\s*)*")


def steer(dialogue: Dialogue, wanted: Namespace) -> str:
    """Do what a line of `%dialogue` says, and return a sentence about it.

    Raises:
        UsageError: the line says too little.
        WorkbenchError: the dialogue does not run here, or this cannot be done.
    """
    text = _unquoted(" ".join(wanted.text))
    match wanted.command:
        case "answer":
            dialogue.answer(text, wanted.turn)
            done = "Said."
        case "approve":
            dialogue.approve(wanted.turn, text or None)
            done = "Approved, with your text." if text else "Approved."
        case "interject":
            dialogue.interject(text, wanted.name or "person")
            done = "Said. Turns that begin from now on see it."
        case "call-on":
            role, _, prompt = text.partition(" ")
            if not role:
                raise UsageError("%dialogue call-on needs a role: %dialogue call-on last con What would you change?")
            dialogue.call_on(role, _unquoted(prompt.strip()))
            done = f"{role} speaks next."
        case "skip":
            dialogue.skip(text)
            done = f"{text} is left out."
        case "pause":
            dialogue.pause()
            done = "No further turn starts until %dialogue unpause."
        case _:
            dialogue.unpause()
            done = "It goes on."
    return done


def apart(line: str) -> tuple[str, str]:
    """Return the line without the text at its end, and the text: what people say is not to be read as options.

    >>> apart("interject last --name Anna What's that?")
    ('interject last --name Anna', "What's that?")
    """
    match = _LINE.match(line)
    assert match is not None
    return match[0].rstrip(), line[match.end() :].strip()


def _unquoted(text: str) -> str:
    """Return a text without the quotation marks around the whole of it."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text

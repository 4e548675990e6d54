"""The people in a dialogue: who plays a role, and what a run waits for until somebody says it.

Whatever a person has said becomes an event like any other, and what they are waited for is in the record; so a dialogue that
waits may be stopped, or lose its process, and waits again once it is resumed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from workbench.dialogue.rules.structured import parse_answer
from workbench.errors import WorkbenchError
from workbench.models import ModelCard
from workbench.models.card import Prices

PERSON: Final = ModelCard(
    name="person", id="person/person", prices=Prices(input=0, output=0), description="Somebody who writes the turn."
)
"""Stands for a person wherever a model can stand: `-p con=person`."""
Kind = Literal["answer", "approval"]


def is_person(card: ModelCard) -> bool:
    """Whether a card stands for a person."""
    return card.provider == PERSON.provider


@dataclass(frozen=True, slots=True)
class Wait:
    """What a person is waited for.

    Attributes:
        kind: `answer` to speak the turn, `approval` to approve or edit what was said.
        text: what was said so far.
        accept: reads what they give, and refuses what the mode does not allow; blocks.
        given: what they gave, and its data.
    """

    kind: Kind
    text: str
    accept: Callable[[str], Any]
    given: asyncio.Future[tuple[str, Any]]


class Waits:
    """The turns of a run that wait for a person. Used on the engine's loop only.

    Attributes:
        changed: called when the first begins to wait, and when none does any more.
    """

    def __init__(self) -> None:
        self._open: dict[str, Wait] = {}
        self.changed: Callable[[], object] = dict

    def __bool__(self) -> bool:
        return bool(self._open)

    async def get(self, turn: str, kind: Kind, text: str, accept: Callable[[str], Any]) -> tuple[str, Any]:
        """Wait until somebody gives a text for a turn; return it with its data."""
        wait = Wait(kind, text, accept, asyncio.get_running_loop().create_future())
        self._open[turn] = wait
        if len(self._open) == 1:
            self.changed()
        try:
            return await wait.given
        finally:
            del self._open[turn]
            if not self._open:
                self.changed()

    async def give(self, kind: Kind, turn: str | None, text: str | None) -> None:
        """Give a turn its text; for an approval None leaves it as it is.

        Args:
            kind: what is given.
            turn: its id; None for the only one that waits for this.
            text: what they say.

        Raises:
            WorkbenchError: no such turn waits, or the mode does not allow this text.
        """
        wait = self._open[self._named(kind, turn)]
        said = wait.text if text is None else text
        if not said.strip():
            raise WorkbenchError("there is nothing to say", hint="Give a text.")
        data = await asyncio.to_thread(wait.accept, said)
        if wait.given.done():
            raise WorkbenchError("somebody else was quicker", hint="The dialogue has gone on.")
        wait.given.set_result((said, data))

    def _named(self, kind: Kind, turn: str | None) -> str:
        open_turns = [name for name, wait in self._open.items() if wait.kind == kind]
        if turn in open_turns:
            return turn
        if turn is None and len(open_turns) == 1:
            return open_turns[0]
        verb = "an answer" if kind == "answer" else "approval"
        if not open_turns:
            raise WorkbenchError(f"no turn waits for {verb}", hint="The status of the dialogue shows what it waits for.")
        which = f"turn {turn!r} does not wait for {verb}" if turn else f"{len(open_turns)} turns wait for {verb}"
        raise WorkbenchError(which, hint=f"Waiting: {', '.join(open_turns)}.")


def read_answer(text: str, schema: dict[str, Any] | None) -> Any:
    """Return the data of what a person wrote; None without a schema.

    Where the schema asks for one thing only, its value alone will do: people do not write JSON.

    Raises:
        WorkbenchError: it does not fit the schema.

    >>> read_answer("critic", {"type": "object", "properties": {"next": {"enum": ["critic", "done"]}}, "required": ["next"]})
    {'next': 'critic'}
    """
    if schema is None:
        return None
    answer = parse_answer(text, schema)
    properties = list(schema.get("properties", {}))
    if answer.problems and len(properties) == 1:
        for value in _readings(text.strip()):
            alone = parse_answer(json.dumps({properties[0]: value}), schema)
            if not alone.problems:
                return alone.data
    if answer.problems:
        raise WorkbenchError(
            f"this cannot be used: {'; '.join(answer.problems[:3])}", hint=f"Give JSON with {schema_in_words(schema)}."
        )
    return answer.data


def schema_in_words(schema: dict[str, Any]) -> str:
    """Return what an answer must have, in a line: its fields with the values that are allowed."""
    fields = []
    for name, part in schema.get("properties", {}).items():
        allowed = part.get("enum") if isinstance(part, dict) else None
        kind = " or ".join(map(str, allowed)) if allowed else part.get("type", "") if isinstance(part, dict) else ""
        fields.append(f"{name} ({kind})" if kind else name)
    return ", ".join(fields) or "what its schema asks for"


def _readings(text: str) -> list[Any]:
    """Return what a text may stand for: itself, or a number or list that it spells."""
    try:
        return [text, json.loads(text)]
    except json.JSONDecodeError:
        return [text]

"""Forks: a new dialogue that begins with the turns of another one, up to a point, and goes its own way from there.

The turns are copied as events, without the calls that brought them: nobody is asked, so neither budget nor metrics count
them, and `copied_from` names the dialogue that has their calls. The whole beginning is one write, made before the fork
runs; from then on the fork is a dialogue that stopped, and a resume asks only for what it does not have.
"""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from pydantic import ValidationError

from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.export.facts import visible
from workbench.dialogue.planning.plan import Plan, PlannedTurn
from workbench.dialogue.rules.parameters import Parameters
from workbench.dialogue.transcript import Transcript, Turn
from workbench.errors import WorkbenchError
from workbench.events import DialogueStarted, Event, Status, TurnCompleted, TurnStarted
from workbench.models import ModelCard


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a fork takes over.

    Attributes:
        parent: id of the dialogue that it comes from.
        run: of the parent, with the fork's parameters.
        turns: to be copied, in the order of the mode.
        origins: turn id to the dialogue in which it was spoken: the parent, or one that the parent was forked from.
    """

    parent: str
    run: RunSpec
    turns: tuple[Turn, ...]
    origins: Mapping[str, str]

    def events(self, dialogue: str, spec: RunSpec) -> list[Event]:
        """Return the first events of the fork.

        Args:
            dialogue: id of the fork.
            spec: of the fork.
        """
        numbers, now = count(1), time.time()
        run = spec.dump() | {"parent_id": self.parent, "forked_from": self.turns[-1].id}
        events: list[Event] = [
            DialogueStarted(dialogue=dialogue, seq=next(numbers), at=now, mode=spec.mode.name, topic=spec.topic, run=run)
        ]
        for turn in self.turns:
            started = TurnStarted(
                dialogue=dialogue,
                seq=next(numbers),
                at=now,
                turn=turn.id,
                index=turn.index,
                role=turn.role,
                model=turn.served or turn.model,
                round=turn.round,
                messages=turn.messages,
            )
            completed = TurnCompleted(
                dialogue=dialogue,
                seq=next(numbers),
                at=now,
                turn=turn.id,
                text=turn.text,
                reasoning=turn.reasoning,
                data=turn.data,
                copied_from=self.origins[turn.id],
            )
            events += [started, completed]
        return events


def parse_point(text: str) -> tuple[str, str | None]:
    """Return the dialogue and the turn of `ID@TURN`; the turn is None where none is named.

    >>> parse_point("3f9a@con_2"), parse_point("last")
    (('3f9a', 'con_2'), ('last', None))

    Raises:
        WorkbenchError: a side is empty.
    """
    name, sign, turn = (part.strip() for part in text.rpartition("@"))
    if turn and not sign:
        return turn, None
    if not (name and turn):
        raise WorkbenchError(f"{text!r} is not ID@TURN", hint="Write a dialogue and a turn's id or number, such as last@con_2.")
    return name, turn


def beginning(dialogue: str, events: Sequence[Event], point: str | None, parameters: Parameters) -> Beginning:
    """Return what a fork takes over from a dialogue.

    Args:
        dialogue: its id.
        events: of it, so far.
        point: id or number of the last turn to take; None for all that are complete.
        parameters: that the fork changes.

    Raises:
        WorkbenchError: the turn does not exist or is not complete, one that is needed is missing, or a turn would be
            another one with these parameters.
        ModeError: a parameter does not exist.
    """
    transcript = Transcript(events)
    said = {turn.id: turn for turn in transcript if turn.status is Status.COMPLETED}
    if not said:
        raise WorkbenchError(
            f"dialogue {visible(dialogue)} has no complete turn to fork from", hint="Wait for one, or start a new one."
        )
    before = _run_of(transcript)
    plan = before.plan()
    end = len(plan.turns) if point is None else _named(dialogue, plan, point, said).index
    taken = [turn for turn in plan.turns if turn.index <= end and turn.id in said]
    _check_closed(taken, transcript.skipped)
    run = before.model_copy(update={"parameters": before.parameters | dict(parameters)})
    after = run.plan()
    _check_same(dialogue, taken, after, parameters)
    run = run.model_copy(update={"cast": _with_siblings(before.cast, after.roles)})
    return Beginning(dialogue, run, tuple(said[turn.id] for turn in taken), origins(events))


def origins(events: Iterable[Event]) -> dict[str, str]:
    """Return, for each complete turn of a dialogue, the dialogue in which it was spoken."""
    return {event.turn: event.copied_from or event.dialogue for event in events if isinstance(event, TurnCompleted)}


def _run_of(transcript: Transcript) -> RunSpec:
    try:
        return RunSpec.model_validate(transcript.run)
    except ValidationError:
        raise WorkbenchError(
            f"dialogue {visible(transcript.id)} does not say how it is run",
            hint="It was imported from a file that is not whole.",
        ) from None


def _named(dialogue: str, plan: Plan, wanted: str, said: Mapping[str, Turn]) -> PlannedTurn:
    """Return the turn of an id or a number, which has to be complete."""
    named = {str(turn.index): turn for turn in plan.turns} | plan.by_id
    turn = named.get(wanted)
    if turn is None:
        near = difflib.get_close_matches(wanted, plan.by_id, n=3) or [name for name in plan.by_id if name.startswith(wanted)]
        hint = f"Did you mean {' or '.join(near[:3])}?" if near else f"Its turns: {_listed(list(plan.by_id))}."
        raise WorkbenchError(f"dialogue {visible(dialogue)} has no turn {wanted!r}", hint=hint)
    if turn.id not in said:
        raise WorkbenchError(
            f"{turn.id} of dialogue {visible(dialogue)} is not complete", hint=f"Complete are {_listed(list(said))}."
        )
    return turn


def _listed(names: list[str]) -> str:
    shown = 12
    return ", ".join(names[:shown]) + (", …" if len(names) > shown else "")


def _check_closed(taken: Sequence[PlannedTurn], skipped: Iterable[str]) -> None:
    """Refuse turns that were said after others which are not there: a dialogue that was imported may lack some.

    What was skipped is not copied: the fork looks at the same results and comes to the same decision.
    """
    there = {turn.id for turn in taken} | set(skipped)
    for turn in taken:
        if missing := [name for name in turn.depends_on if name not in there]:
            raise WorkbenchError(
                f"{turn.id} needs {_listed(missing)}, which the dialogue does not have", hint="Fork before it."
            )


def _check_same(dialogue: str, taken: Sequence[PlannedTurn], after: Plan, parameters: Parameters) -> None:
    """Refuse a copy of what the fork would ask differently."""
    other = next((number for number, turn in enumerate(taken) if after.by_id.get(turn.id) != turn), None)
    if other is None:
        return
    change = ", ".join(f"{name}={value}" for name, value in parameters.items())
    before = (
        f"Fork at {visible(dialogue)}@{taken[other - 1].id}, or leave the parameters." if other else "Leave the parameters."
    )
    raise WorkbenchError(f"with {change} there is no such turn as {taken[other].id} was", hint=before)


def _with_siblings(cast: Mapping[str, tuple[ModelCard, ...]], roles: Iterable[str]) -> dict[str, tuple[ModelCard, ...]]:
    """Give roles that parameters have added the models of their siblings: a fourth voice speaks as the first does."""
    siblings = {_stem(role): chain for role, chain in reversed(list(cast.items()))}
    return {**cast, **{role: siblings[_stem(role)] for role in roles if role not in cast and _stem(role) in siblings}}


def _stem(role: str) -> str:
    return re.sub(r"_\d+$", "", role)

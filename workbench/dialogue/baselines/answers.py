"""What a dialogue answered, and whether that is what was expected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from workbench.dialogue.agreement.votes import plain, written
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.planning.plan import Plan
from workbench.dialogue.rules.mode import VoteSpec
from workbench.dialogue.running.ballots import count_ballots
from workbench.errors import ErrorKind
from workbench.events import Status, TurnFailed

_NUMBER: Final = re.compile(r"[$€£]?\s*([+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*%?")
_TRUTH: Final = {"true": "yes", "false": "no"}


def answer_of(dialogue: Dialogue) -> str | None:
    """Return what a dialogue answered last, as text; None if it gave no answer.

    That is the field `answer` of its last structured answer, or the winner of a vote. Of a dialogue that was stopped before a
    vote decided, it is the answer that most attempts so far came to; of several with as many, the first.
    """
    data = dialogue.snapshot().data
    plan = RunSpec.model_validate(dialogue.snapshot().run).plan()
    for turn in reversed(plan.turns):
        found = _given(data.get(turn.id))
        if found is None and turn.vote is not None and turn.contest is None:
            found = _leading(turn.vote, [data[i] for i in turn.voters if isinstance(data.get(i), dict)], plan)
        if (text := written(found)) is not None:
            return text
    return None


def came_to_an_end(dialogue: Dialogue) -> bool:
    """Whether it counts, answer or none: it completed, it spent what it may, or its model could not give data.

    What was cancelled or cut off by a provider's failure says nothing about the approach.
    """
    if dialogue.status.succeeded or dialogue.status is Status.COST_LIMITED:
        return True
    failures = [event.kind for event in dialogue.recorded_events() if isinstance(event, TurnFailed)]
    return dialogue.status is Status.FAILED and failures[-1:] == [ErrorKind.MALFORMED_ANSWER]


def same(answer: str, expected: str) -> bool:
    """Whether two answers are equal once case, spaces, punctuation around them and the way numbers are written are set aside.

    Numbers are compared as numbers, without currency or percent signs; `true` and `yes` are the same, and so are `false` and
    `no`. Words around an answer are not looked through: "it is 42" is not 42.

    >>> same(" 1,200.0 ", "1200"), same("**Yes.**", "yes"), same("it is 42", "42")
    (True, True, False)
    """
    mine, theirs = _number(answer), _number(expected)
    if mine is not None and theirs is not None:
        return mine == theirs
    return _word(answer) == _word(expected)


def _leading(vote: VoteSpec, given: list[dict[str, Any]], plan: Plan) -> Any:
    """Return what most of the answers so far are for."""
    if not given:
        return None
    _, outcome = count_ballots(vote.model_copy(update={"tie": "first"}), list(enumerate(given, 1)), plan.parameters)
    return outcome.get("winner")


def _given(data: Any) -> Any:
    if not isinstance(data, Mapping):
        return None
    return data["answer"] if "answer" in data else data.get("winner")


def _word(text: str) -> str:
    word = plain(text)
    return _TRUTH.get(word, word)


def _number(text: str) -> Decimal | None:
    match = _NUMBER.fullmatch(text.strip().strip("*_`'\"").rstrip(".").strip())
    if match is None or not match[1]:
        return None
    try:
        return Decimal(match[1].replace(",", ""))
    except InvalidOperation:
        return None

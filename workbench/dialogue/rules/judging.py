"""A judgement as turns of a plan: each pair of contestants in both orders, without names, then a turn that nobody speaks.

`judge: {of: [pro, con]}` on a turn called `verdict` becomes `verdict_ab`, in which Pro is Speaker A and stands first,
`verdict_ba`, in which Con is and does, and `verdict`, which `verdicts` counts. Judges favour what stands first or last,
whatever it says (Wang et al. 2023, Large Language Models are not Fair Evaluators; Zheng et al. 2023, Judging LLM-as-a-Judge
with MT-Bench); what survives the swap is the judgement.

To stand first means: before each turn of the one stands the turn that the other takes for the same time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, zip_longest
from string import ascii_lowercase
from typing import Any, Final, Protocol

from workbench.dialogue.rules.mode import JudgeSpec, TurnSpec, VoteSpec
from workbench.dialogue.rules.parameters import Parameters
from workbench.dialogue.rules.template import placeholders
from workbench.errors import ModeError

VERDICT: Final = "verdict"
"""Role of the turn that counts; no model plays it."""
MOST_CONTESTANTS: Final = 6
"""Every pair is judged twice: six contestants are 30 calls."""
ORDERS: Final = ("both", "one")
_TWO: Final = 2
_SIDE: Final[dict[str, Any]] = {"type": "string", "enum": ["A", "B"]}
_SCORE: Final[dict[str, Any]] = {"type": "number", "minimum": 0, "maximum": 10}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "judgement",
    "required": ["reason", "quotes", "scores", "winner"],
    "additionalProperties": False,
    "properties": {
        "reason": {"type": "string"},
        "quotes": {
            "type": "array",
            "maxItems": 12,
            "items": {
                "type": "object",
                "required": ["speaker", "quote"],
                "additionalProperties": False,
                "properties": {"speaker": _SIDE, "quote": {"type": "string", "maxLength": 2000}},
            },
        },
        "scores": {
            "type": "object",
            "required": ["A", "B"],
            "additionalProperties": False,
            "properties": {"A": _SCORE, "B": _SCORE},
        },
        "winner": {"type": "string", "enum": ["A", "B", "tie"]},
    },
}
_TOPIC: Final = "The topic: {topic}"
_TASK: Final = """\
Judge between Speaker A and Speaker B by what they say: not by how much they say, how well it sounds, who stands first, or who \
they may be. First your `reason`, in two or three sentences. As `quotes` the passages that decide it, at most three of each \
speaker, short, copied word for word and with nothing left out. In `scores` a mark from 0 to 10 for each. The `winner` is A, \
B, or tie.

Like this: {"reason": "…", "quotes": [{"speaker": "A or B", "quote": "…"}], "scores": {"A": …, "B": …}, \
"winner": "A, B or tie"}"""


class Spoken(Protocol):
    """What is looked at of a turn of the plan."""

    @property
    def id(self) -> str: ...  # noqa: D102 - the names say it
    @property
    def index(self) -> int: ...  # noqa: D102
    @property
    def role(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Order:
    """One look at a pair.

    Attributes:
        turn: id of the turn in which the judge takes it.
        first: the contestant that is Speaker A.
        second: Speaker B.
        sees: ids of the turns that the judge is shown, in order.
    """

    turn: str
    first: str
    second: str
    sees: tuple[str, ...] = ()

    @property
    def aliases(self) -> dict[str, str]:
        """What the two are called."""
        return {self.first: "Speaker A", self.second: "Speaker B"}

    @property
    def sides(self) -> dict[str, str]:
        """The contestant of each letter."""
        return {"A": self.first, "B": self.second}


@dataclass(frozen=True, slots=True)
class Contest:
    """Who is judged, and in which orders.

    Attributes:
        judge: the role that judges.
        contestants: role to the ids of its turns.
        orders: both of a pair stand together.
    """

    judge: str
    contestants: dict[str, tuple[str, ...]]
    orders: tuple[Order, ...]

    def with_turns(self, added: Sequence[Spoken]) -> Contest:
        """Return it with turns that a person has added, where a contestant took them."""
        more = {role: tuple(turn.id for turn in added if turn.role == role) for role in self.contestants}
        return replace(self, contestants={role: (*turns, *more[role]) for role, turns in self.contestants.items()})


def contest_of(
    spec: TurnSpec, turn_id: str, judge: str, before: Sequence[Spoken], parameters: Parameters, where: str
) -> Contest:
    """Return what a turn with `judge` asks.

    Args:
        spec: the turn.
        turn_id: its id.
        judge: its role.
        before: the turns that come before it.
        parameters: of the mode.
        where: mode and turn, for errors.

    Raises:
        ModeError: there are too few or too many contestants, one has no turn, or the turn says what a judgement settles itself.
    """
    assert spec.judge is not None
    roles = _contestants(spec.judge, before, where)
    if judge in roles:
        raise ModeError(f"{where}: {judge} would judge itself", hint="Give the judge a role of its own.")
    turns = {role: tuple(turn for turn in before if turn.role == role) for role in roles}
    _check_prompt(spec, [turn for each in turns.values() for turn in each], where)
    letters = dict(zip(roles, ascii_lowercase, strict=False))
    orders = [
        Order(f"{turn_id}_{letters[first]}{letters[second]}", first, second, _side_by_side(turns[first], turns[second]))
        for pair in combinations(roles, _TWO)
        for first, second in _orders(spec.judge, pair, parameters, where)
    ]
    return Contest(judge, {role: tuple(turn.id for turn in turns[role]) for role in roles}, tuple(orders))


def asked(spec: TurnSpec) -> TurnSpec:
    """Return the turn in which the judge looks at one order."""
    prompts = {name: f"{text}\n\n{_TASK}" for name in ("template", "opening") if (text := getattr(spec, name)) is not None}
    fixed = {"judge": None, "sees": "none", "output_schema": SCHEMA, "template": f"{_TOPIC}\n\n{_TASK}"}
    return spec.model_copy(update=fixed | prompts)


def counted(spec: TurnSpec, contest: Contest) -> TurnSpec:
    """Return the turn that counts."""
    vote = VoteSpec(of=[order.turn for order in contest.orders], method="judgement")
    return TurnSpec(role=VERDICT, vote=vote, when=spec.when)


def _check_prompt(spec: TurnSpec, judged: Sequence[Spoken], where: str) -> None:
    named = [name for text in (spec.template, spec.opening) if text for name in placeholders(text)]
    theirs = {name for turn in judged for name in (turn.id, _stem(turn.id), turn.role, f"turn_{turn.index}")} | {"previous"}
    if shown := next((name for name in named if name in theirs), None):
        raise ModeError(f"{where}: the template names {{{shown}}}", hint="What contestants said stands before it anyway.")


def _stem(name: str) -> str:
    return re.sub(r"_\d+$", "", name)


def _contestants(spec: JudgeSpec, before: Sequence[Spoken], where: str) -> list[str]:
    """Return the roles that are judged; one that a parallel block takes several times stands for all of its instances."""
    spoken = list(dict.fromkeys(turn.role for turn in before))
    found: list[str] = []
    for name in spec.of:
        roles = [role for role in spoken if name in (role, _stem(role))]
        if not roles:
            raise ModeError(
                f"{where}: judge.of: no turn of {name!r} comes before it",
                hint=f"Before it speak: {', '.join(spoken) or 'none'}.",
            )
        found += [role for role in roles if role not in found]
    if not _TWO <= len(found) <= MOST_CONTESTANTS:
        raise ModeError(
            f"{where}: judge.of has {len(found)} contestant{'s' * (len(found) != 1)}",
            hint=f"Name 2 to {MOST_CONTESTANTS} roles: each pair of them is judged in both orders.",
        )
    return found


def _orders(spec: JudgeSpec, pair: tuple[str, str], parameters: Parameters, where: str) -> Iterable[tuple[str, str]]:
    orders = parameters.get(spec.orders, spec.orders)
    if orders not in ORDERS:
        raise ModeError(f"{where}: judge.orders: there is no order {orders!r}", hint="There are: both, one.")
    return (pair, pair[::-1]) if orders == "both" else (pair,)


def _side_by_side(first: Sequence[Spoken], second: Sequence[Spoken]) -> tuple[str, ...]:
    """Return the turns of two, one of each in turn, the first one's before the second one's."""
    return tuple(turn.id for pair in zip_longest(first, second) for turn in pair if turn is not None)

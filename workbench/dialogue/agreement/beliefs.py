"""What speakers hold, turn by turn: who changed their mind, from what to what, and whether it was towards the others.

*What most others hold* at a turn is the position that more than half of the other speakers hold, each by the latest turn that
this one can have known of; there may be none. A *change* is a position that differs from the same speaker's last one, and it
*conforms* if it is what most others hold.

Two rates come of it. The conformity rate is the share of changes that conform: of those who moved, how many moved to where the
others were. The yielding rate follows Asch (1956): his critical trials are those in which the others are of one mind and the
subject knows better, and he counts how often the subject answers as they do. Here a critical turn is one whose speaker held
something other than most others, and the rate is the share of them at which the speaker goes over. With a single other
speaker, to conform is to be persuaded by that one. Rates of nothing are None.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.agreement import fleiss_kappa, krippendorff_alpha
from workbench.dialogue.agreement.votes import plain

if TYPE_CHECKING:
    import pandas as pd

_TRAJECTORY: Final = {
    "turn": "string",
    "role": "string",
    "round": "Int64",
    "position": "string",
    "probability": "float64",
    "before": "string",
    "most_others": "string",
    "changed": "bool",
    "conforms": "bool",
}
_ROUND: Final = {
    "round": "Int64",
    "speakers": "Int64",
    "leading": "string",
    "share": "float64",
    "pairs": "float64",
    "probability": "float64",
    "alpha": "float64",
    "kappa": "float64",
}


@dataclass(frozen=True, slots=True)
class Position:
    """What a speaker holds at a turn.

    Attributes:
        turn: id of the turn.
        role: who speaks.
        round: of the turn; None outside repeated blocks.
        position: what is held; compared as votes are.
        probability: that the speaker gives it, 0 to 1; None if it gives none.
    """

    turn: str
    role: str
    round: int | None
    position: str
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A position, beside what was held before it.

    Attributes:
        held: the position.
        before: what the speaker held until then; None at its first turn.
        most_others: what most others held; None if there was no such position.
    """

    held: Position
    before: str | None
    most_others: str | None

    @property
    def changed(self) -> bool:
        """Whether the speaker changed its mind."""
        return self.before is not None and plain(self.before) != plain(self.held.position)

    @property
    def conforms(self) -> bool:
        """Whether the speaker changed its mind to what most others held."""
        return self.changed and self.most_others is not None and plain(self.most_others) == plain(self.held.position)

    @property
    def critical(self) -> bool:
        """Whether the speaker held something other than most others did."""
        if self.before is None or self.most_others is None:
            return False
        return plain(self.before) != plain(self.most_others)


def follow(
    positions: Iterable[Position], *, at_once: bool = False, known: Mapping[str, Collection[str]] | None = None
) -> list[Step]:
    """Return each position beside what was held before it.

    Args:
        positions: in the order of the turns.
        at_once: whether the turns of a round are taken at once, so that none knows of another.
        known: turn to the turns that it can have known of; one that is not in it can have known of all before it.

    >>> held = [("a", 1, "yes"), ("b", 1, "no"), ("c", 1, "no"), ("a", 2, "no")]
    >>> steps = follow(Position(f"{role}_{n}", role, n, position) for role, n, position in held)
    >>> [(step.held.turn, step.before, step.most_others) for step in steps if step.changed], conformity_rate(steps)
    ([('a_2', 'yes', 'no')], 1.0)
    """
    said: dict[str, list[Position]] = {}
    steps = []
    for held in positions:
        heard = (known or {}).get(held.turn)
        past_of = {
            role: [p for p in past if not (at_once and p.round == held.round) and (heard is None or p.turn in heard)]
            for role, past in said.items()
        }
        others = [past[-1].position for role, past in past_of.items() if role != held.role and past]
        own = said.setdefault(held.role, [])
        steps.append(Step(held, own[-1].position if own else None, _of_most(others)))
        own.append(held)
    return steps


def conformity_rate(steps: Sequence[Step]) -> float | None:
    """Return the share of changes that went to what most others held; None if nobody changed."""
    return _share([step.conforms for step in steps if step.changed])


def yielding_rate(steps: Sequence[Step]) -> float | None:
    """Return the share of critical turns at which the speaker went over to most others; None if there were none."""
    return _share([step.conforms for step in steps if step.critical])


def trajectories(steps: Iterable[Step]) -> pd.DataFrame:
    """Return one row a position.

    Columns: turn, role, round, position, probability, before, most_others, changed, conforms.
    """
    import pandas as pd

    rows = [
        {
            "turn": step.held.turn,
            "role": step.held.role,
            "round": step.held.round,
            "position": step.held.position,
            "probability": step.held.probability,
            "before": step.before,
            "most_others": step.most_others,
            "changed": step.changed,
            "conforms": step.conforms,
        }
        for step in steps
    ]
    return pd.DataFrame(rows, columns=list(_TRAJECTORY)).astype(_TRAJECTORY)


def agreement_by_round(steps: Iterable[Step]) -> pd.DataFrame:
    """Return one row a round; see `rounds_of` for the columns."""
    import pandas as pd

    return pd.DataFrame(rounds_of(steps), columns=list(_ROUND)).astype(_ROUND)


def rounds_of(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """Return for each round what everybody held at its end, those who were silent included.

    Of each: round, speakers, leading (missing where several positions are held by as many), share (of the speakers that hold
    the commonest position), pairs (share of the pairs of speakers that agree; missing for one speaker), probability (mean
    of those given), alpha (Krippendorff's, nominal) and kappa (Fleiss').

    The two coefficients take the speakers for raters and the rounds up to this one for units; one unit tells nothing, so the
    first round has none, and kappa needs everybody in every round. Rounds of one dialogue depend on each other: the
    coefficients describe it, and are no ground for a test.
    """
    standing: dict[str, Position] = {}
    ends: dict[int | None, dict[str, str]] = {}
    rows: dict[int | None, dict[str, Any]] = {}
    for step in steps:
        standing[step.held.role] = step.held
        ends[step.held.round] = {role: plain(held.position) for role, held in standing.items()}
        rows[step.held.round] = {"round": step.held.round} | _agreement(list(standing.values()))
    units = list(ends.values())
    return [row | _beyond_chance(units[:number]) for number, row in enumerate(rows.values(), 1)]


def _beyond_chance(units: Sequence[Mapping[str, str]]) -> dict[str, float | None]:
    """Return both coefficients over units, in each of which a speaker holds something or is not there yet."""
    if len(units) < 2:  # noqa: PLR2004 - in one unit, chance explains all or nothing
        return {"alpha": None, "kappa": None}
    ratings = [[unit.get(role) for unit in units] for role in units[-1]]
    whole = not any(None in row for row in ratings)
    return {"alpha": krippendorff_alpha(ratings), "kappa": fleiss_kappa(ratings) if whole else None}


def _agreement(standing: Sequence[Position]) -> dict[str, Any]:
    held = [plain(one.position) for one in standing]
    (leading, most), *rest = Counter(held).most_common()
    alone = not rest or rest[0][1] < most
    return {
        "speakers": len(held),
        "leading": standing[held.index(leading)].position if alone else None,
        "share": most / len(held),
        "pairs": _share([one == other for one, other in combinations(held, 2)]),
        "probability": _mean([one.probability for one in standing if one.probability is not None]),
    }


def _of_most(positions: Sequence[str]) -> str | None:
    """Return the position that more than half hold, as the first of them put it."""
    held = [plain(position) for position in positions]
    most = next((key for key, count in Counter(held).items() if 2 * count > len(held)), None)
    return None if most is None else positions[held.index(most)]


def _share(outcomes: Sequence[bool]) -> float | None:
    return _mean([float(outcome) for outcome in outcomes])


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None

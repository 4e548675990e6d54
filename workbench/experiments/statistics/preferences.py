"""Who is preferred to whom: Bradley-Terry strengths from pairwise judgements, with intervals by case.

A judge sees both orders. Where they disagree the pair is a tie, and a tie is half a win for each. A leaderboard that would come
out differently with other cases stays silent.

Sources: Bradley, Terry (1952), Biometrika 39, 324-345; Hunter (2004), Annals of Statistics 32, 384-406 (when strengths exist);
Wright, Masters (1982), Rating Scale Analysis, ch. 5 (separation reliability).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.experiments.statistics.comparison import level
from workbench.experiments.statistics.observations import FEWEST, StatisticsError, Values

if TYPE_CHECKING:
    import pandas as pd

RELIABLE: Final = 0.8
"""Separation reliability below which a leaderboard is silent."""
VIRTUAL_TIES: Final = 0.5
"""Ties added to each pair of arms that met, so that one who never lost has a finite strength."""
_STEPS: Final = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """An arm's place.

    Attributes:
        arm: its name.
        strength: log-odds beside the average arm.
        low: of its bootstrap interval, like `high`.
        wins: over all arms; like `losses` and `ties` after both orders were settled.
    """

    arm: str
    strength: float
    low: float
    high: float
    wins: int
    losses: int
    ties: int


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Arms by strength.

    Attributes:
        standings: of all arms, the strongest first.
        reliability: share of the variance of strengths that is not error, 0 to 1.
        consistency: share of pairs on which both orders agree; None if none was seen in both.
        cases: that were judged.
        threshold: of reliability.
    """

    standings: tuple[Standing, ...]
    reliability: float
    consistency: float | None
    cases: int
    threshold: float

    @property
    def ranking(self) -> tuple[str, ...]:
        """Names of the arms, the strongest first; empty if the order is not reliable."""
        return tuple(standing.arm for standing in self.standings) if self.reliability >= self.threshold else ()

    @property
    def text(self) -> str:
        """The leaderboard in words."""
        if not self.ranking:
            return (
                f"No order: with a reliability of {self.reliability:.2f} (below {self.threshold:g}) other cases would bring "
                f"another one. Judge more than {self.cases} cases, or arms that differ more."
            )
        rows = (
            f"{place}. {s.arm}: {s.strength:+.2f} ({s.low:+.2f} to {s.high:+.2f}); {s.wins} won, {s.losses} lost, {s.ties} tied"
            for place, s in enumerate(self.standings, 1)
        )
        return "\n".join(rows) + f"\nReliability {self.reliability:.2f}, {self.cases} cases."


def settle(judgements: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each case and pair: `case`, `one`, `other`, `points` of `one` (1, 0.5 or 0), `orders` and `agree`.

    Where the orders disagree the pair is a tie.

    Args:
        judgements: columns `case`, `first`, `second` (arms in the order shown) and `winner` (one of them, or None for a tie).

    Raises:
        StatisticsError: a column is missing, an order is judged twice, or a winner did not take part.
    """
    import pandas as pd

    _require_judgements(judgements)
    met: dict[tuple[Any, str, str], list[float]] = {}
    for case, first, second, winner in judgements[["case", "first", "second", "winner"]].itertuples(index=False):
        one, other = sorted((str(first), str(second)))
        points = 0.5 if pd.isna(winner) else float(str(winner) == one)
        met.setdefault((case, one, other), []).append(points)
    rows = [
        (*key, points[0] if len(set(points)) == 1 else 0.5, len(points), len(set(points)) == 1) for key, points in met.items()
    ]
    return pd.DataFrame(rows, columns=["case", "one", "other", "points", "orders", "agree"])


def bradley_terry(
    judgements: pd.DataFrame,
    *,
    confidence: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
    threshold: float = RELIABLE,
    virtual_ties: float = VIRTUAL_TIES,
) -> Leaderboard:
    """Return the arms by strength, with percentile intervals from resampling whole cases.

    Args:
        judgements: as for `settle`; both orders of a pair make one result.
        confidence: of the intervals.
        resamples: of cases.
        seed: of the resamples.
        threshold: of reliability; the leaderboard is silent below.
        virtual_ties: added to each pair that met; they draw strengths a little together. 0 gives the plain maximum of
            likelihood, which must then exist.

    Raises:
        StatisticsError: the judgements make no sense, or leave arms that cannot be compared.
    """
    level(confidence)
    settled = settle(judgements)
    arms = sorted({*settled["one"], *settled["other"]})
    wins = _wins(settled, arms)
    if len(wins) < FEWEST:
        raise StatisticsError("one case says nothing about others", hint="Judge at least two cases, better thirty.")
    total = wins.sum(axis=0)
    prior = virtual_ties / 2 * ((total + total.T) > 0)
    _require_comparable(total + prior, arms)
    strengths = _strengths((total + prior)[None])[0]
    drawn = np.random.default_rng(seed).multinomial(len(wins), np.full(len(wins), 1 / len(wins)), size=resamples)
    # A resample may lack what links two arms; the virtual ties, or as good as none of them, keep it finite.
    floor = np.maximum(prior, 1e-3 * ((total + total.T) > 0))
    resampled = _strengths(np.tensordot(drawn.astype(np.float64), wins, axes=1) + floor)
    tail = (1 - confidence) / 2
    lows, highs = np.quantile(resampled, [tail, 1 - tail], axis=0)
    order = np.argsort(-strengths, kind="stable")
    both = settled.loc[settled["orders"] > 1, "agree"]
    return Leaderboard(
        standings=tuple(
            Standing(arms[i], float(strengths[i]), float(lows[i]), float(highs[i]), *_record(settled, arms[i])) for i in order
        ),
        reliability=_reliability(strengths, resampled),
        consistency=float(both.mean()) if len(both) else None,
        cases=len(wins),
        threshold=threshold,
    )


def _wins(settled: pd.DataFrame, arms: list[str]) -> Values:
    """Return for each case a matrix of points that the arm of a row took from that of a column."""
    place = {arm: i for i, arm in enumerate(arms)}
    cases = {case: i for i, case in enumerate(settled["case"].unique())}
    wins = np.zeros((len(cases), len(arms), len(arms)))
    for case, one, other, points in settled[["case", "one", "other", "points"]].itertuples(index=False):
        wins[cases[case], place[one], place[other]] += points
        wins[cases[case], place[other], place[one]] += 1 - points
    return wins


def _strengths(wins: Values) -> Values:
    """Return the strengths of many tables of wins at once, each with mean 0: Newton's method on the concave likelihood."""
    games = wins + wins.transpose(0, 2, 1)
    scores = wins.sum(axis=2)
    k = wins.shape[1]
    strengths = np.zeros(scores.shape)
    for _ in range(_STEPS):
        expected = 1 / (1 + np.exp(np.clip(strengths[:, None, :] - strengths[:, :, None], -500, 500)))
        weight = games * expected * (1 - expected)
        gradient = scores - (games * expected).sum(axis=2)
        curvature = np.eye(k) * weight.sum(axis=2)[:, :, None] - weight + 1 / k
        step = np.clip(np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0], -1, 1)
        strengths += step
        if np.abs(step).max() < 1e-13:  # noqa: PLR2004 - as near as floats come
            break
    centred: Values = strengths - strengths.mean(axis=1, keepdims=True)
    return centred


def _reliability(strengths: Values, resampled: Values) -> float:
    """Return the share of the variance of strengths that is not error."""
    variance, error = float(strengths.var(ddof=1)), float(resampled.var(axis=0, ddof=1).mean())
    return max(0.0, 1 - error / variance) if variance > 0 else 0.0


def _record(settled: pd.DataFrame, arm: str) -> tuple[int, int, int]:
    points = [*settled.loc[settled["one"] == arm, "points"], *(1 - settled.loc[settled["other"] == arm, "points"])]
    return points.count(1.0), points.count(0.0), points.count(0.5)


def _require_judgements(judgements: pd.DataFrame) -> None:
    needed = ["case", "first", "second", "winner"]
    if absent := [name for name in needed if name not in judgements.columns]:
        raise StatisticsError(f"the judgements have no column {absent[0]}", hint=f"They need {', '.join(needed)}.")
    if judgements.empty:
        raise StatisticsError("there are no judgements", hint="Judge some pairs first.")
    if judgements[["case", "first", "second"]].isna().any(axis=None):
        raise StatisticsError("a judgement lacks its case or an arm", hint="Only the winner may be missing: that is a tie.")
    if (judgements["first"] == judgements["second"]).any():
        raise StatisticsError("an arm was judged against itself", hint="A judgement is between two arms.")
    named = judgements.loc[judgements["winner"].notna()]
    strange = named.loc[(named["winner"] != named["first"]) & (named["winner"] != named["second"])]
    if not strange.empty:
        raise StatisticsError(
            f"the winner {strange.iloc[0]['winner']!r} did not take part", hint="Name an arm, or None for a tie."
        )
    if judgements.duplicated(["case", "first", "second"]).any():
        raise StatisticsError("an order of a pair is judged twice on a case", hint="Settle several judges first, by majority.")


def _require_comparable(wins: Values, arms: list[str]) -> None:
    """Refuse arms of which some never lost to the others, or never met them: their strengths do not exist (Ford 1957)."""
    reach = wins > 0
    for _ in arms:
        reach = reach | (reach.astype(int) @ reach.astype(int) > 0)
    for i, j in combinations(range(len(arms)), 2):
        if not (reach[i, j] and reach[j, i]):
            raise StatisticsError(
                f"{arms[i]} and {arms[j]} cannot be compared: they never met, not even through others, or one side never lost",
                hint="Judge pairs that link them; virtual_ties above 0 allows for arms that never lost.",
            )

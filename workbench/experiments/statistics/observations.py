"""From a table of observations to one number per case and arm. Everything that is wrong with the table is said here.

Repeats of one case are not independent: they are averaged before anything else looks at them. What did not yield a value is
counted by arm, so that an arm cannot look better by failing on what is hard.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    import pandas as pd

Better = Literal["higher", "lower"]
Values: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
FEWEST: Final = 2
"""Cases of an arm, below which nothing can be said about others."""
_FLAT: Final = 1e-12
_SMALLEST: Final = 1e-60
"""Like its inverse, the bound of values whose fourth power a float still holds."""


class StatisticsError(WorkbenchError):
    """The data do not answer the question: the text names what is wrong with them, the hint the way out."""


class NoSpreadError(StatisticsError):
    """All cases came out alike, so that nothing tells how far chance reaches.

    Args:
        message: what is alike.
        identical: whether both arms came out the same in every case.
    """

    def __init__(self, message: str, *, identical: bool, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.identical = identical


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured, and which way is better.

    Attributes:
        name: the column that holds it.
        better: `higher` (quality) or `lower` (latency, cost). There is no default, because the wrong one reverses everything.
        margin: the smallest difference that matters, above 0, in the metric's own unit; None if nobody has stated one.
        binary: that it is 0 or 1 by its nature. Known by itself where the column holds True and False, or both 0 and 1; where
            numbers are all 0 or all 1 it makes the difference between "always right" and "always free of charge".
    """

    name: str
    better: Better
    margin: float | None = None
    binary: bool = False

    def __post_init__(self) -> None:
        """Refuse a direction or a margin that means nothing."""
        if self.better not in {"higher", "lower"}:
            raise StatisticsError(f"{self.name}: better is {self.better!r}", hint="Say better='higher' or better='lower'.")
        if self.margin is not None and not (0 < self.margin < np.inf):
            raise StatisticsError(f"{self.name}: a margin of {self.margin} is none", hint="A margin is a number above 0.")

    @property
    def sign(self) -> int:
        """1 if higher is better, -1 if lower is."""
        return 1 if self.better == "higher" else -1


@dataclass(frozen=True, slots=True)
class Missing:
    """What an arm did not yield.

    Attributes:
        observations: of the arm in the table.
        failed: of them, without a value.
        cases: of the arm in the table.
        lost: of them, without any value.
    """

    observations: int
    failed: int
    cases: int
    lost: int


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Case means of two arms.

    Attributes:
        metric: what was measured.
        arms: names of control and treatment.
        control: a mean for each case; like `treatment`, in the same order of cases if `paired`.
        cases: their ids if `paired`, else those of control and then those of treatment.
        paired: whether both arms saw the same cases.
        binary: whether every observation is 0 or 1 by nature.
        missing: of control and treatment.
        partial: cases with a value in one arm only, left out because the others are paired.
        failed_more: probability that arms which fail alike differ so much in the cases lost; None if none was lost.
    """

    metric: Metric
    arms: tuple[str, str]
    control: Values
    treatment: Values
    cases: tuple[Hashable, ...]
    paired: bool
    binary: bool
    missing: tuple[Missing, Missing]
    partial: int
    failed_more: float | None

    @property
    def differences(self) -> Values:
        """Treatment minus control, case by case; only of a paired sample."""
        return self.treatment - self.control


def sample(frame: pd.DataFrame, metric: Metric, control: str, treatment: str, *, paired: bool | None = None) -> Sample:
    """Return the case means of two arms.

    Args:
        frame: one row an observation, with the columns `case`, `arm`, the metric's, and `repeat` if cases were repeated.
            A metric that is missing (NaN or None) is an observation that failed.
        metric: what to look at.
        control: the arm that is there already.
        treatment: the arm that might take its place.
        paired: whether both saw the same cases; by default so if they share half of the cases of the arm with fewer.

    Raises:
        StatisticsError: columns, arms or values are missing or senseless, or fewer than two cases are left.
    """
    observed = _observations(frame, metric.name, control, treatment)
    seen, means = {}, {}
    for name in (control, treatment):
        grouped = observed.loc[observed["arm"] == name].groupby("case", sort=False, observed=True)["value"]
        seen[name], means[name] = grouped.size(), grouped.mean().dropna()
        if means[name].empty:
            raise StatisticsError(
                f"{metric.name}: arm {name} has no value at all, of {len(seen[name])} cases",
                hint="Look at why its observations failed, run them again, and compare then.",
            )
    shared = means[control].index.intersection(means[treatment].index, sort=False)
    if paired is None:
        paired = bool(2 * len(shared) >= min(len(means[control]), len(means[treatment])))
    one, other = (means[name].loc[shared] if paired else means[name] for name in (control, treatment))
    _require_cases(metric.name, {control: len(one), treatment: len(other)}, paired=paired)
    return Sample(
        metric=metric,
        arms=(control, treatment),
        control=one.to_numpy(dtype=np.float64),
        treatment=other.to_numpy(dtype=np.float64),
        cases=tuple(one.index) if paired else (*one.index, *other.index),
        paired=paired,
        binary=_binary(frame.loc[frame["arm"].isin([control, treatment]), metric.name].dropna(), metric),
        missing=(_missing(observed, control), _missing(observed, treatment)),
        partial=len(means[control].index.union(means[treatment].index)) - len(shared) if paired else 0,
        failed_more=_failed_more(
            [set(seen[name].index) for name in (control, treatment)], [set(means[name].index) for name in (control, treatment)]
        ),
    )


def spreads(values: Values) -> bool:
    """Return whether numbers differ by more than rounding."""
    return bool(np.ptp(values) > _FLAT * max(float(np.abs(values).max()), np.finfo(float).tiny))


def numbers(values: Sequence[float], what: str, fewest: int = FEWEST) -> Values:
    """Return finite numbers as an array.

    Raises:
        StatisticsError: there are fewer than `fewest`, or one is no finite number.
    """
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise StatisticsError(f"{what} are not numbers", hint="Give a flat list of numbers.") from None
    if found.ndim != 1 or not np.isfinite(found).all():
        raise StatisticsError(f"{what} are not a flat list of finite numbers", hint="Leave out what is missing or infinite.")
    if len(found) < fewest:
        raise StatisticsError(f"{what} are {len(found)}, and {fewest} is the fewest", hint="Measure more cases.")
    return found


def _observations(frame: pd.DataFrame, metric: str, control: str, treatment: str) -> pd.DataFrame:
    """Return case, arm and value of the two arms, once everything about them has been looked at."""
    import pandas as pd

    if absent := [name for name in ("case", "arm", metric) if name not in frame.columns]:
        there = ", ".join(map(str, frame.columns)) or "none"
        raise StatisticsError(f"the table has no column {absent[0]}", hint=f"Its columns: {there}.")
    if control == treatment:
        raise StatisticsError(f"{control} cannot be compared with itself", hint="Name two arms.")
    rows = frame.loc[frame["arm"].isin([control, treatment])]
    for name in (control, treatment):
        if not (rows["arm"] == name).any():
            there = ", ".join(map(str, frame["arm"].dropna().unique())) or "none"
            raise StatisticsError(f"the table has no arm {name}", hint=f"Its arms: {there}.")
    if rows["case"].isna().any():
        raise StatisticsError("a row names no case", hint="Give every case an id: without it, repeats look like cases.")
    _require_once(rows)
    try:
        value = pd.to_numeric(rows[metric]).astype("float64")
    except (TypeError, ValueError):
        raise StatisticsError(
            f"{metric} is not a number in every row", hint="Give numbers, True or False, or nothing."
        ) from None
    if np.isinf(value.to_numpy()).any():
        raise StatisticsError(f"{metric} is infinite in some rows", hint="Put nothing where an observation failed.")
    sizes = value.abs()
    if ((sizes > 1 / _SMALLEST) | ((sizes > 0) & (sizes < _SMALLEST))).any():
        raise StatisticsError(
            f"{metric} is beyond what can be squared in some rows", hint="Look for a slip, or take another unit."
        )
    return pd.DataFrame({"case": rows["case"], "arm": rows["arm"], "value": value})


def _require_once(rows: pd.DataFrame) -> None:
    """Refuse a table in which one observation stands twice."""
    key = ["case", "arm", "repeat"] if "repeat" in rows.columns else ["case", "arm"]
    twice = rows.loc[rows.duplicated(key)]
    if twice.empty:
        return
    case, arm = twice.iloc[0]["case"], twice.iloc[0]["arm"]
    if "repeat" in key:
        hint = "Number the repeats of a case differently, or drop the rows that stand twice."
    else:
        hint = "If these are repeats, number them in a column `repeat`; else give the cases different ids."
    raise StatisticsError(f"case {case} stands more than once in arm {arm}", hint=hint)


def _require_cases(metric: str, left: dict[str, int], *, paired: bool) -> None:
    for arm, count in left.items():
        if count < FEWEST:
            whose = "both arms share" if paired else f"arm {arm} has"
            raise StatisticsError(
                f"{metric}: {whose} {count} {'case' if count == 1 else 'cases'} with a value",
                hint="One case says nothing about others, however often it is repeated. Two are the least, thirty a start.",
            )


def _binary(values: pd.Series[Any], metric: Metric) -> bool:
    """Return whether a metric is 0 or 1 by nature: it is said to be, holds True and False, or both 0 and 1 and nothing else."""
    within = bool(values.isin([0, 1]).all())
    if metric.binary and not within:
        raise StatisticsError(f"{metric.name} is not 0 or 1 in every row", hint="Leave out binary=True, or look for a slip.")
    boolean = all(isinstance(value, bool | np.bool_) for value in values)
    return within and (metric.binary or boolean or values.nunique() == 2)  # noqa: PLR2004 - 0 and 1


def _missing(observed: pd.DataFrame, arm: str) -> Missing:
    rows = observed.loc[observed["arm"] == arm]
    valued = rows.loc[rows["value"].notna()]
    cases = rows["case"].nunique()
    return Missing(len(rows), len(rows) - len(valued), cases, cases - valued["case"].nunique())


def _failed_more(seen: list[set[Hashable]], valued: list[set[Hashable]]) -> float | None:
    """Return the p-value of the arms failing alike: McNemar's exact test on the cases both saw, else Fisher's."""
    from workbench.dialogue.baselines.intervals import scipy_stats

    lost = [there - left for there, left in zip(seen, valued, strict=True)]
    if not any(lost):
        return None
    if seen[0] == seen[1]:
        only = len(lost[0] - lost[1]), len(lost[1] - lost[0])
        return float(scipy_stats().binomtest(only[0], sum(only)).pvalue) if sum(only) else 1.0
    table = [[len(gone), len(there) - len(gone)] for gone, there in zip(lost, seen, strict=True)]
    return float(scipy_stats().fisher_exact(table).pvalue)

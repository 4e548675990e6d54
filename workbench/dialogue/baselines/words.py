"""A comparison in sentences: its verdict, and what to know before believing it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from workbench.dialogue.baselines.approaches import BASELINES
from workbench.dialogue.baselines.setup import DEBATE
from workbench.dialogue.baselines.sizing import MOST
from workbench.dialogue.baselines.spend import shown
from workbench.dialogue.baselines.verdict import Rival, Verdict, decisive, interval, kind_of, more_cases, points
from workbench.events import Status

if TYPE_CHECKING:
    from workbench.dialogue.baselines.comparison import Comparison, Row

_NEAR: Final = (0.8, 1.25)
"""Within these a baseline's spend counts as the debate's."""
_METHOD: Final = (
    "Intervals: Bonett and Price (2012) for pairs, with Student's t; they hold for few cases and two outcomes. p: one-sided, "
    "adjusted after Holm for {count} comparisons, because the best baseline is picked by its result."
)


def give_verdict(comparison: Comparison) -> Verdict:
    """Return whether the debate is worth its money."""
    rivals = list(comparison.rivals)
    if not rivals:
        return Verdict("cannot_tell", None, "Do not debate yet: on no case did the debate and a baseline both come to an end.")
    kind = kind_of(rivals, comparison.setup.confidence)
    rival = decisive(rivals, kind)
    price = _price_per_point(comparison)
    found = f"{_gain(comparison, rival)} {_prices(comparison, rival)}"
    if kind == "debate":
        text = f"Debate: it is better than every baseline. {found}"
        return Verdict(kind, rival.name, f"{text}{_per_point(comparison, price)}", None, price)
    if kind == "do_not_debate":
        most = f"{100 * comparison.setup.margin:g}"
        text = f"Do not debate: whatever it adds to {_called(rival.name)} is less than {most} points. {found}"
        return Verdict(kind, rival.name, text, None, price)
    what = _counted(comparison)
    needed, more = more_cases(rival, what, comparison.setup.margin, comparison.setup.confidence)
    told = f"{rival.difference.n} {what}{'s' * (rival.difference.n != 1)}"
    text = f"Do not debate yet: {told} cannot tell. {found} {more}"
    return Verdict(kind, rival.name, text, needed, price)


def notes_on(comparison: Comparison) -> Iterator[str]:
    """Yield what to know before believing a comparison."""
    setup = comparison.setup
    yield from comparison.doubts
    if len(setup.cases) == 1:
        yield (
            "This is one topic. One case says nothing of others; give more of them."
            if setup.keyed
            else "This is one topic: the interval speaks of the referee's noise on it, and of no other topic."
        )
    elif not setup.keyed and setup.judgements > 1:
        yield f"The {setup.judgements} judgements of a case are averaged first: they are not independent of each other."
    if comparison.unit == "tokens":
        yield "Spends are equal in tokens: a model's price is unknown, or all are free."
    for row in comparison.rows:
        yield from _about(comparison, row)
    lost = sum(one.winner is None for one in comparison.judgements)
    if lost:
        yield f"The referee gave no answer in {lost} of {len(comparison.judgements)} judgements; they are left out."
    yield _METHOD.format(count=len(comparison.rivals))


def _about(comparison: Comparison, row: Row) -> Iterator[str]:
    name, runs = _called(row.approach), comparison.counted(row.approach)
    if row.missing:
        stopped = [run for run in comparison.runs if run.approach == row.approach and not run.counts]
        why = f" ({', '.join(f'{run.dialogue} {run.status}' for run in stopped[:5])})" if stopped else ""
        yield f"{name} is missing on {row.missing} of {len(comparison.setup.cases)} cases{why}; resume the comparison."
    if row.no_answer:
        outcome = "wrong" if comparison.setup.keyed else "lost"
        yield f"{name} gave no answer on {row.no_answer} of {row.cases} cases; these count as {outcome}."
    limited = sum(run.status == Status.COST_LIMITED for run in runs.values())
    if limited and row.approach != DEBATE:
        yield f"{name} reached its ceiling on {limited} of {row.cases} cases; what it had answered by then counts."
    if BASELINES.get(row.approach) and row.ratio is not None and not _NEAR[0] <= row.ratio <= _NEAR[1]:
        parts = BASELINES[row.approach]
        sizes = {run.size for run in runs.values()}
        why = f"{parts} are whole, and what they take is estimated beforehand"
        if sizes & {MOST}:
            why = f"it is held to {MOST} {parts}"
        elif sizes == {1} and row.ratio > 1:
            why = "it cannot be any smaller"
        yield f"{name} took {row.ratio:.2f} of what the debate took: {why}."


def _gain(comparison: Comparison, rival: Rival) -> str:
    rows = {row.approach: row for row in comparison.rows}
    found = f"{points(rival.difference.mean)} points"
    if rival.difference.n > 1:
        found += f" ({interval(rival.difference, comparison.setup.confidence)})"
    if comparison.setup.keyed:
        mine, theirs = rows[DEBATE].quality or 0.0, rows[rival.name].quality or 0.0
        return f"The debate was right in {_share(mine)}, {_called(rival.name)} in {_share(theirs)}: {found}."
    return f"Against {_called(rival.name)} the referee's judgements won minus those lost come to {found}."


def _prices(comparison: Comparison, rival: Rival) -> str:
    rows = {row.approach: row for row in comparison.rows}
    mine, theirs = rows[DEBATE].spend, rows[rival.name].spend
    if mine is None or theirs is None:
        return ""
    return f"A debate took {shown(mine, comparison.unit)}, {_called(rival.name)} {shown(theirs, comparison.unit)}."


def _price_per_point(comparison: Comparison) -> float | None:
    rows = {row.approach: row for row in comparison.rows}
    single, debate = rows.get("single"), rows[DEBATE]
    if single is None or single.gain is None or single.gain <= 0 or single.spend is None or debate.spend is None:
        return None
    return (debate.spend - single.spend) / (100 * single.gain)


def _per_point(comparison: Comparison, price: float | None) -> str:
    return "" if price is None else f" Each point over a single answer took {shown(price, comparison.unit)} more."


def _counted(comparison: Comparison) -> str:
    """Return what a comparison counts: cases, or where there is one topic, judgements of it."""
    return "case" if comparison.setup.keyed or len(comparison.setup.cases) > 1 else "judgement"


def _called(name: str) -> str:
    return "the debate" if name == DEBATE else name.replace("_", " ")


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"

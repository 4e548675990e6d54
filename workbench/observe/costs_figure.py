"""What was spent, day by day, stacked by model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from workbench.dialogue.figures.look import ACCENTS, LINE, ROW, lay_out, short, unmarked
from workbench.records.costs import DayCost

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ROWS: Final = 2
_WEEK: Final = 7
_DAY: Final = 86_400_000
"""Milliseconds, Plotly's unit of time."""
_WIDE: Final = 0.85
"""Of a day, how wide a bar is: of one day alone Plotly would make a line that nobody sees."""
_OTHERS: Final = "others"


def costs_figure(days: Sequence[DayCost]) -> go.Figure:
    """Return bars of USD by day, one colour a model, the dearest at the bottom; of calls where no cost is known.

    Models beyond the eighth are one.
    """
    import plotly.graph_objects as go

    priced = any(each.cost for each in days)
    amounts: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for each in days:
        amounts[each.model][each.day] = (each.cost or 0.0) if priced else each.calls
    ordered = sorted(amounts, key=lambda model: -sum(amounts[model].values()))
    figure = go.Figure()
    for place, (name, by_day) in enumerate(_grouped(ordered, amounts)):
        figure.add_bar(
            x=list(by_day),
            y=list(by_day.values()),
            width=_WIDE * _DAY,
            name=short(unmarked(name)),
            marker={"color": ACCENTS[place % len(ACCENTS)]},
            hovertemplate=f"%{{x|%Y-%m-%d}}<br>{short(unmarked(name))}: "
            + ("$%{y:.4~g}" if priced else "%{y:,} calls")
            + "<extra></extra>",
        )
    figure.update_xaxes(type="date", showgrid=False, linecolor=LINE, tickformat="%d %b\n%Y")
    if days:
        first, last = _span(days)
        before = first - timedelta(days=1) if first > date.min else first
        short_span = (last - first).days < _WEEK
        figure.update_xaxes(range=[f"{before} 12:00", f"{last} 12:00"], dtick=_DAY if short_span else None)
    figure.update_yaxes(title_text="USD" if priced else "calls", rangemode="tozero", gridcolor=LINE, zerolinecolor=LINE)
    lay_out(figure, _ROWS * ROW, barmode="stack", hovermode="closest", showlegend=True)
    figure.update_layout(legend={"traceorder": "normal"})
    return figure


def _grouped(ordered: Sequence[str], amounts: dict[str, dict[str, float]]) -> list[tuple[str, dict[str, float]]]:
    most = len(ACCENTS)
    if len(ordered) <= most:
        return [(name, amounts[name]) for name in ordered]
    rest: defaultdict[str, float] = defaultdict(float)
    for name in ordered[most - 1 :]:
        for day, amount in amounts[name].items():
            rest[day] += amount
    return [*((name, amounts[name]) for name in ordered[: most - 1]), (_OTHERS, dict(sorted(rest.items())))]


def _span(days: Sequence[DayCost]) -> tuple[date, date]:
    """Return the first and the last day to draw: a week at least, so that few days are not broad."""
    first, last = (date.fromisoformat(pick(each.day for each in days)) for pick in (min, max))
    week = max(last.toordinal() - _WEEK + 1, date.min.toordinal())
    return min(first, date.fromordinal(week)), last

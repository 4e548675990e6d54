"""The estimation plot: every case from control to treatment, and beside them the difference with its interval.

With one treatment the difference stands to the right (Gardner, Altman 1986, BMJ 292, 746-750), with several it stands below
the values (Cumming 2012, Understanding the New Statistics). The curve at a difference is the distribution from which its
interval is taken, so that one sees how little the ends of an interval mean.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.baselines.intervals import scipy_stats
from workbench.dialogue.figures.look import LINE, lay_out
from workbench.experiments.plots.parts import (
    BAND,
    BETTER,
    OPEN,
    WORSE,
    axis,
    bar,
    case_means,
    colour_of,
    label,
    mean_interval,
    metric_of,
    note,
    refused,
    told,
    wrapped,
)
from workbench.experiments.statistics import Comparison, Finding, Metric

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from workbench.experiments.analysis import Analysis

_LINES: Final = 150
"""More cases than this are thinned out, evenly by their difference: more lines are a blot."""
_KINDS: Final = 40
"""Up to this many different lines each is drawn once, as thick as its cases are many: so are right and wrong."""
_HEIGHT: Final = 380
_MARK: Final = "#757575"
_TWO: Final = 2
_CURVE: Final = 0.32
"""How far the curve reaches, where arms stand 1 apart."""


def estimation(analysis: Analysis, metric: str | None = None) -> go.Figure:
    """Return the estimation plot of a metric, by default the primary one.

    Raises:
        WorkbenchError: there is no such metric.
    """
    from plotly.subplots import make_subplots

    chosen = metric_of(analysis, metric)
    means = {facts.arm: case_means(analysis, chosen, facts.arm) for facts in analysis.arms}
    beside = len(analysis.treatments) == 1
    figure = (
        make_subplots(rows=1, cols=2, column_widths=[0.62, 0.38], horizontal_spacing=0.16)
        if beside
        else make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.1)
    )
    where = {"row": 1, "col": 2} if beside else {"row": 2, "col": 1}
    caption = _values(figure, analysis, chosen, means)
    for number, arm in enumerate(analysis.treatments, 1):
        _difference(figure, analysis, chosen, arm, 0 if beside else number, where)
    _zero_and_margin(figure, chosen, where)
    _axes(figure, analysis, chosen, where, beside=beside)
    lay_out(figure, _HEIGHT if beside else int(1.4 * _HEIGHT), showlegend=False, hovermode="closest")
    figure.update_layout(margin={"b": 72, "t": 40, "l": 70})
    note(figure, caption, x=0, y=0, xref="paper", yref="paper", xanchor="left", yanchor="top", yshift=-34, align="left")
    return figure


def _values(figure: go.Figure, analysis: Analysis, metric: Metric, means: dict[str, pd.Series[float]]) -> str:
    """Draw the cases of all arms, each line from an arm to the next; return in words what is seen."""
    order = list(means)
    said = [
        _lines(figure, metric, means[one].loc[shared], means[other].loc[shared], number, alone=len(order) == _TWO)
        for number, (one, other) in enumerate(pairwise(order), 1)
        if len(shared := means[one].index.intersection(means[other].index, sort=False))
    ]
    for number, (arm, values) in enumerate(means.items()):
        if not said:
            _strip(figure, arm, values, number)
        _mean(figure, arm, values, number, 1 - analysis.plan.alpha)
    if not said:
        return "Points are cases, which the arms do not share; squares are means with intervals."
    return (
        said[0] if len(order) == _TWO else "Lines are cases, thinned out where they are many; squares are means with intervals."
    )


def _lines(
    figure: go.Figure, metric: Metric, before: pd.Series[float], after: pd.Series[float], number: int, *, alone: bool
) -> str:
    """Draw cases that both arms saw as lines, coloured if the two arms stand alone; return in words how many went which way."""
    import numpy as np

    gains = metric.sign * (after.to_numpy() - before.to_numpy())
    up, down = (BETTER, WORSE) if alone else (OPEN, OPEN)
    ways = ((up, gains > 0, "better"), (down, gains < 0, "worse"), (OPEN, gains == 0, "the same"))
    pairs, counts = np.unique(np.column_stack([before, after]), axis=0, return_counts=True)
    grouped = len(pairs) <= min(_KINDS, len(before) // 2)
    drawn = np.arange(len(before))
    if not grouped and len(before) > _LINES:
        drawn = np.argsort(gains, kind="stable")[np.linspace(0, len(before) - 1, _LINES).round().astype(int)]
    for colour, mask, word in ways:
        if grouped:
            _bundles(figure, pairs, counts, number, colour, metric.sign * (pairs[:, 1] - pairs[:, 0]), word)
        else:
            kept = drawn[mask[drawn]]
            _single(figure, before.iloc[kept], after.iloc[kept], number, colour, opacity=max(0.2, min(0.75, 16 / len(drawn))))
    tally = ", ".join(f"{int(mask.sum()):,} {word}" for _, mask, word in ways if mask.any())
    drawn_text = (
        "lines are as thick as cases are many" if grouped else f"{len(drawn)} of {len(before):,} drawn, evenly by difference"
    )
    shown = f"; {drawn_text}" if grouped or len(drawn) < len(before) else ""
    return f"{len(before):,} shared cases: {tally}{shown}."


def _single(
    figure: go.Figure, before: pd.Series[float], after: pd.Series[float], number: int, colour: str, *, opacity: float
) -> None:
    """Draw a thin line for each case."""
    if not len(before):
        return
    names = [label(str(case)) for case in before.index]
    figure.add_scatter(
        x=[place for _ in names for place in (number - 1, number, None)],
        y=[value for pair in zip(before, after, strict=True) for value in (*pair, None)],
        customdata=[each for name in names for each in (name, name, None)],
        mode="lines",
        line={"color": colour, "width": 1.2},
        opacity=opacity,
        hovertemplate="case %{customdata}: %{y:.4g}<extra></extra>",
        row=1,
        col=1,
    )


def _bundles(figure: go.Figure, pairs: Any, counts: Any, number: int, colour: str, gains: Any, word: str) -> None:
    """Draw one line for all cases that went from the same value to the same value, and say how many they are."""
    wanted = {"better": gains > 0, "worse": gains < 0, "the same": gains == 0}[word]
    for (one, other), count in zip(pairs[wanted], counts[wanted], strict=True):
        share = count / counts.sum()
        figure.add_scatter(
            x=[number - 1, number],
            y=[one, other],
            mode="lines",
            line={"color": colour, "width": 1 + 16 * share},
            opacity=0.5,
            hovertemplate=f"{count} cases: {one:.4g} to {other:.4g}<extra></extra>",
            row=1,
            col=1,
        )
        if len(pairs) <= 4:  # noqa: PLR2004 - right and wrong, before and after
            middle = 0.5 if one == other else 0.3
            place = {"x": number - 1 + middle, "y": one + (other - one) * middle, "row": 1, "col": 1}
            note(figure, f"{count:,}", font={"size": 12, "color": colour}, yshift=10 + 6 * share, **place)


def _strip(figure: go.Figure, arm: str, values: pd.Series[float], number: int) -> None:
    """Draw cases that arms do not share as points, spread sideways by rank so that none hides another."""
    import numpy as np

    kept = values.sort_values(kind="stable")
    if len(kept) > 4 * _LINES:
        kept = kept.iloc[np.linspace(0, len(kept) - 1, 4 * _LINES).round().astype(int)]
    aside = (np.arange(len(kept)) * 0.618034) % 1.0 - 0.5  # the golden ratio fills the width evenly
    figure.add_scatter(
        x=number + 0.36 * aside,
        y=kept.to_numpy(),
        mode="markers",
        marker={"color": OPEN, "size": 5},
        opacity=max(0.2, min(0.7, 30 / max(len(kept), 1))),
        text=[label(str(case)) for case in kept.index],
        hovertemplate=f"{label(arm)}, case %{{text}}: %{{y:.4g}}<extra></extra>",
        row=1,
        col=1,
    )


def _mean(figure: go.Figure, arm: str, values: pd.Series[float], number: int, confidence: float) -> None:
    """Draw an arm's mean with its interval, and write it beside."""
    if not len(values):
        note(figure, "no value", x=number, y=0.5, yref="y domain", row=1, col=1)
        return
    mean, within = float(values.mean()), mean_interval(values, confidence)
    interval = f", {100 * confidence:.3g}% interval {within[0]:.4g} to {within[1]:.4g}" if within else ""
    figure.add_scatter(
        x=[number],
        y=[mean],
        mode="markers",
        marker={"symbol": "square", "size": 9, "color": _MARK, "line": {"color": "#fff", "width": 1.5}},
        error_y=bar(mean, *within, _MARK, width=4) if within else None,
        hovertemplate=f"{label(arm)}: mean {mean:.4g}{interval}, {len(values):,} cases<extra></extra>",
        row=1,
        col=1,
    )
    side = -1 if number == 0 else 1
    note(figure, f"<b>{mean:.3g}</b>", x=number, y=mean, xshift=9 * side, xanchor="right" if side < 0 else "left", row=1, col=1)


def _difference(figure: go.Figure, analysis: Analysis, metric: Metric, arm: str, place: int, where: dict[str, int]) -> None:
    found = analysis.comparison(metric.name, arm)
    if not isinstance(found, Finding):
        note(figure, wrapped(refused(found)), x=place, y=0, yshift=24, **where)
        figure.add_scatter(x=[place], y=[0], mode="markers", marker={"opacity": 0}, hoverinfo="skip", **where)
        return
    colour, comparison = colour_of(found), found.comparison
    heights, widths = _curve(comparison)
    figure.add_scatter(
        x=[place + 0.06, *(place + 0.06 + _CURVE * width for width in widths), place + 0.06],
        y=[heights[0], *heights, heights[-1]],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=colour,
        opacity=0.25,
        hoverinfo="skip",
        **where,
    )
    figure.add_scatter(
        x=[place],
        y=[comparison.difference],
        mode="markers",
        marker={"color": colour, "size": 10, "symbol": "circle" if colour == OPEN else "diamond"},
        error_y=bar(comparison.difference, comparison.low, comparison.high, colour),
        hovertemplate=f"{label(arm)} minus {label(comparison.control)}: {told(found)}<br>"
        f"{comparison.estimate.method}<extra></extra>",
        **where,
    )
    name = "" if analysis.treatments == (arm,) else f"<b>{label(arm)}</b> "
    note(figure, name + told(found), x=place, y=heights[-1], yshift=6, yanchor="bottom", **where)


def _curve(found: Comparison) -> tuple[list[float], list[float]]:
    """Return heights and widths, at most 1, of the distribution behind an interval."""
    import numpy as np

    t, error = scipy_stats().t(found.estimate.df), found.estimate.error
    places = np.linspace(float(t.ppf(0.001)), float(t.ppf(0.999)), 61)
    density = t.pdf(places)
    return (found.estimate.centre + error * places).tolist(), (density / density.max()).tolist()


def _zero_and_margin(figure: go.Figure, metric: Metric, where: dict[str, int]) -> None:
    figure.add_hline(y=0, line={"color": OPEN, "width": 1, "dash": "dot"}, **where)
    if metric.margin is not None:
        figure.add_hrect(y0=-metric.margin, y1=metric.margin, fillcolor=BAND, line_width=0, layer="below", **where)


def _axes(figure: go.Figure, analysis: Analysis, metric: Metric, where: dict[str, int], *, beside: bool) -> None:
    names = [label(facts.arm) for facts in analysis.arms]
    figure.update_xaxes(showgrid=False, zeroline=False, linecolor=LINE)
    figure.update_yaxes(gridcolor=LINE, zeroline=False)
    ticks = {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": names, "range": [-0.5, len(names) - 0.5]}
    figure.update_xaxes(**ticks, row=1, col=1)
    figure.update_yaxes(title_text=axis(metric), row=1, col=1)
    margin = f" (margin ±{metric.margin:g} shaded)" if metric.margin is not None else ""
    figure.update_yaxes(title_text=f"difference{margin}" if beside else f"difference to {names[0]}<br>{margin}", **where)
    if beside:
        minus = f"{names[1]} minus {names[0]}"
        figure.update_xaxes(tickmode="array", tickvals=[0], ticktext=[minus], range=[-0.5, 0.7], **where)
    else:
        figure.update_xaxes(**ticks, **where)

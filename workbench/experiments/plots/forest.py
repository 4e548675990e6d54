"""The forest plot: every metric of every arm in a row, on one scale on which right is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from workbench.dialogue.figures.look import LINE, lay_out
from workbench.errors import WorkbenchError
from workbench.experiments.analysis.table import verdict_on
from workbench.experiments.plots.parts import BAND, OPEN, colour_of, label, note, refused, told, wrapped
from workbench.experiments.statistics import Comparison, Finding, Refusal

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.experiments.analysis import Analysis

Scale = Literal["margin", "g", "percent"]
_ROW: Final = 38
_FIGURES: Final = 250
"""Pixels to the right, for the figures."""
_TITLES: Final = {
    "margin": "gain in margins: beyond 1 it matters",
    "g": "gain as Hedges' g: in standard deviations of the cases",
    "percent": "gain, percent of the control's mean",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """A gain on the scale; `margin` is None where there is none to draw."""

    value: float
    low: float
    high: float
    margin: float | None


def forest(analysis: Analysis, scale: Scale | None = None) -> go.Figure:
    """Return the forest plot of all comparisons.

    Args:
        analysis: to show.
        scale: `margin` counts in the margin of each metric, `g` in standard deviations, `percent` in the control's mean. By
            default margins if every metric has one, else g.

    Raises:
        WorkbenchError: there is no such scale.
    """
    import plotly.graph_objects as go

    chosen: Scale = scale or ("margin" if all(metric.margin for metric in analysis.metrics) else "g")
    if chosen not in get_args(Scale):
        raise WorkbenchError(f"there is no scale {chosen!r}", hint=f"Scales: {', '.join(get_args(Scale))}.")
    order = {metric.name: number for number, metric in enumerate(analysis.metrics)}
    every: list[Finding | Refusal] = [*analysis.findings, *analysis.refusals]
    every.sort(key=lambda each: order[_facts(each).metric.name])
    figure = go.Figure()
    for number, found in enumerate(every):
        _draw(figure, found, len(every) - 1 - number, chosen)
    figure.update_xaxes(range=_range(figure))
    figure.add_vline(x=0, line={"color": OPEN, "width": 1, "dash": "dot"})
    names = [_name(analysis, found) for found in every]
    figure.update_yaxes(
        tickmode="array", tickvals=list(range(len(every)))[::-1], ticktext=names, range=[-0.6, len(every) - 0.4], showgrid=False
    )
    figure.update_yaxes(zeroline=False, linecolor=LINE, automargin=True)
    figure.update_xaxes(title_text=f"← worse    {_TITLES[chosen]}    better →", gridcolor=LINE, zeroline=False, linecolor=LINE)
    lay_out(figure, max(_ROW * len(every), 2 * _ROW), showlegend=False, hovermode="closest")
    figure.update_layout(margin={"r": _FIGURES, "l": 20})
    return figure


def _range(figure: go.Figure) -> list[float]:
    """Return an axis that holds all intervals, all margins and 0, with some room."""
    ends = [
        0.0,
        *(x for trace in figure.data for x in trace.x),
        *(x for shape in figure.layout.shapes for x in (shape.x0, shape.x1)),
    ]
    room = 0.05 * (max(ends) - min(ends)) or 1.0
    return [min(ends) - room, max(ends) + room]


def _draw(figure: go.Figure, found: Finding | Refusal, place: int, scale: Scale) -> None:
    row = _scaled(found, scale) if isinstance(found, Finding) else None
    if not isinstance(found, Finding) or row is None:
        text = wrapped(refused(found), 40) if isinstance(found, Refusal) else "has no place on this scale"
        note(figure, text, x=1, xref="paper", y=place, xanchor="left", xshift=10, align="left")
        return
    if row.margin is not None:
        inner = {"y0": place - 0.32, "y1": place + 0.32, "fillcolor": BAND, "line_width": 0, "layer": "below"}
        figure.add_shape(type="rect", x0=-row.margin, x1=row.margin, **inner)
    colour = colour_of(found)
    figure.add_scatter(
        x=[row.low, row.high],
        y=[place, place],
        mode="lines",
        line={"color": colour, "width": 3},
        hoverinfo="skip",
    )
    symbol = {"better": "triangle-right", "worse": "triangle-left"}.get(verdict_on(found), "circle")
    comparison = found.comparison
    figure.add_scatter(
        x=[row.value],
        y=[place],
        mode="markers",
        marker={"color": colour, "size": 11, "symbol": symbol},
        hovertemplate=f"{label(comparison.metric.name)}: {told(found)}<extra></extra>",
    )
    note(figure, told(found), x=1, xref="paper", y=place, xanchor="left", xshift=10, align="left")


def _scaled(finding: Finding, scale: Scale) -> _Row | None:
    """Return a gain on the scale; None where it has no place there."""
    found = finding.comparison
    one, other = sorted((found.metric.sign * found.low, found.metric.sign * found.high))
    margin = found.metric.margin
    if scale == "g":
        return _standardised(finding)
    unit = margin if scale == "margin" else abs(found.means[0]) / 100
    if not unit:
        return None
    return _Row(found.gain / unit, one / unit, other / unit, None if margin is None else margin / unit)


def _standardised(finding: Finding) -> _Row | None:
    found, effect = finding.comparison, finding.comparison.effect
    if effect is None:
        return None
    low, high = sorted((found.metric.sign * effect.low, found.metric.sign * effect.high))
    per_unit = abs(effect.g / found.difference) if found.difference else None
    margin = found.metric.margin
    return _Row(found.metric.sign * effect.g, low, high, margin * per_unit if margin and per_unit else None)


def _name(analysis: Analysis, found: Finding | Refusal) -> str:
    facts = _facts(found)
    name = f"<b>{label(facts.metric.name)}</b>" if facts.metric.name == analysis.primary.name else label(facts.metric.name)
    if len(analysis.treatments) == 1:
        return name
    beside = "" if facts.control == analysis.plan.control else f" beside {label(facts.control)}"
    return f"{name}, {label(facts.treatment)}{beside}"


def _facts(found: Finding | Refusal) -> Comparison | Refusal:
    return found.comparison if isinstance(found, Finding) else found

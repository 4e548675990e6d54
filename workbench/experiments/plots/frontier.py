"""Quality against price: a mark for each arm with both intervals, and a line through the arms that nothing beats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from workbench.dialogue.figures.look import ACCENTS, LINE, lay_out
from workbench.errors import WorkbenchError
from workbench.experiments.plots.parts import axis, bar, case_means, label, mean_interval, metric_of, note
from workbench.experiments.statistics import Metric

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.experiments.analysis import Analysis

_HEIGHT: Final = 380
_SYMBOLS: Final = ("circle", "diamond", "square", "triangle-up", "cross", "star", "pentagon", "x")
_PRICES: Final = ("cost", "latency", "tokens")


@dataclass(frozen=True, slots=True)
class _Point:
    """An arm: price and quality, each the mean with its interval."""

    arm: str
    price: float
    prices: tuple[float, float] | None
    quality: float
    qualities: tuple[float, float] | None


def frontier(analysis: Analysis, quality: str | None = None, price: str | None = None) -> go.Figure:
    """Return quality against price, of all arms.

    Args:
        analysis: to show.
        quality: a metric; by default the primary one.
        price: a metric; by default the first of cost, latency and tokens, or else of those where lower is better, that differs
            from 0.

    Raises:
        WorkbenchError: there is no such metric, or none that could be a price.
    """
    import plotly.graph_objects as go

    good, dear = metric_of(analysis, quality), _price(analysis, price)
    points = [point for facts in analysis.arms if (point := _point(analysis, facts.arm, good, dear))]
    figure = go.Figure()
    best = _unbeaten(points, good, dear)
    if len(best) > 1:
        figure.add_scatter(
            x=[point.price for point in best],
            y=[point.quality for point in best],
            mode="lines",
            line={"color": LINE, "width": 6},
            hoverinfo="skip",
        )
    for point in points:
        place = next(number for number, facts in enumerate(analysis.arms) if facts.arm == point.arm)
        side = "left" if 2 * point.price > max(each.price for each in points) else "right"
        _mark(figure, point, good, dear, place, side, unbeaten=point in best)
    if not points:
        note(figure, f"no arm has both {label(good.name)} and {label(dear.name)}", x=0.5, y=0.5, xref="paper", yref="paper")
    figure.update_xaxes(title_text=f"{axis(dear)}, mean of a case", gridcolor=LINE, linecolor=LINE, zeroline=False)
    figure.update_xaxes(rangemode="tozero", exponentformat="none")
    figure.update_yaxes(title_text=axis(good), gridcolor=LINE, zeroline=False)
    lay_out(figure, _HEIGHT, showlegend=False, hovermode="closest")
    sure = f"{100 * (1 - analysis.plan.alpha):.3g}%"
    text = f"Bars: {sure} intervals of each arm by itself. The line joins arms that no other beats in both."
    figure.update_layout(margin={"b": 100})
    note(figure, text, x=0, y=0, xref="paper", yref="paper", xanchor="left", yanchor="top", yshift=-64)
    return figure


def _price(analysis: Analysis, name: str | None) -> Metric:
    if name is not None:
        return metric_of(analysis, name)
    lower = {metric.name: metric for metric in analysis.metrics if metric.better == "lower" and metric != analysis.primary}
    names = [*(each for each in _PRICES if each in lower), *(each for each in lower if each not in _PRICES)]
    for each in names:
        if any(case_means(analysis, lower[each], facts.arm).any() for facts in analysis.arms):
            return lower[each]
    if not names:
        raise WorkbenchError("no metric could be a price", hint="Measure cost, latency or tokens, or say price=….")
    return lower[names[0]]


def _point(analysis: Analysis, arm: str, quality: Metric, price: Metric) -> _Point | None:
    good, dear = case_means(analysis, quality, arm), case_means(analysis, price, arm)
    if not len(good) or not len(dear):
        return None
    confidence = 1 - analysis.plan.alpha
    return _Point(arm, float(dear.mean()), mean_interval(dear, confidence), float(good.mean()), mean_interval(good, confidence))


def _unbeaten(points: list[_Point], quality: Metric, price: Metric) -> list[_Point]:
    """Return the arms that no other beats in one and equals in the other, by price."""

    def beats(one: _Point, other: _Point) -> bool:
        gains = (quality.sign * (one.quality - other.quality), price.sign * (one.price - other.price))
        return min(gains) >= 0 and max(gains) > 0

    kept = [point for point in points if not any(beats(other, point) for other in points)]
    return sorted(kept, key=lambda point: (point.price, point.quality))


def _mark(figure: go.Figure, point: _Point, quality: Metric, price: Metric, number: int, side: str, *, unbeaten: bool) -> None:
    colour = ACCENTS[number % len(ACCENTS)]
    figure.add_scatter(
        x=[point.price],
        y=[point.quality],
        mode="markers+text",
        text=[label(point.arm)],
        textposition=f"top {side}",
        textfont={"color": colour, "size": 13},
        cliponaxis=False,
        marker={"color": colour, "size": 12, "symbol": f"{_SYMBOLS[number % len(_SYMBOLS)]}{'' if unbeaten else '-open'}"},
        error_x=bar(point.price, *point.prices, colour, width=1.5) if point.prices else None,
        error_y=bar(point.quality, *point.qualities, colour, width=1.5) if point.qualities else None,
        hovertemplate=f"{label(point.arm)}<br>{label(quality.name)} {point.quality:.4g}<br>"
        f"{label(price.name)} {point.price:.4g}<extra></extra>",
    )

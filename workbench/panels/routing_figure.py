"""The routing panel as a figure: who was chosen, what that brought, how much was tried out, and what money buys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import money
from workbench.dialogue.figures.look import ACCENTS, LINE, ROW, lay_out, short, unmarked
from workbench.panels.routing_facts import LATEST, ModelPoint, RoutingFacts

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ROWS: Final = 4
_POINTS: Final = 400
"""More values than this over time are thinned out: a screen has no more room."""
_TITLES: Final = (
    "Chosen by kind of task",
    "Quality and cost, 95 % intervals",
    f"Mean of the latest {LATEST} rated choices",
    f"Not the most promising, of the latest {LATEST}",
)
_ROOM: Final = 0.04
"""Share of an axis beyond what is on it, so that marks at its ends are whole."""
_NO_COST: Final = 1e-3
"""USD; how far the axis of costs goes where nothing costs anything."""
_LEGEND: Final = 18
"""Pixels between a picture and its title where a legend stands between them."""
_BELOW: Final = 40
"""Pixels from the lowest picture to the caption."""
_FEW: Final = 10
"""Up to this many are counted one by one on an axis."""
_QUALITY, _REGRET, _COST = ACCENTS[0], ACCENTS[1], ACCENTS[2]


def routing_figure(facts: RoutingFacts, caption: str = "") -> go.Figure:
    """Return the figure; a part of which nothing is known yet says so. The caption stands below."""
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=2,
        cols=2,
        subplot_titles=_TITLES,
        specs=[[{}, {}], [{"secondary_y": True}, {}]],
        vertical_spacing=0.22,
        horizontal_spacing=0.16,
    )
    colours = {model: ACCENTS[number % len(ACCENTS)] for number, model in enumerate(facts.models)}
    _chosen(figure, facts, colours)
    _frontier(figure, facts, colours)
    _over_time(figure, facts)
    _explored(figure, facts)
    figure.update_xaxes(showgrid=False, linecolor=LINE, zeroline=False, title_standoff=8)
    figure.update_yaxes(gridcolor=LINE, zeroline=False)
    figure.update_annotations(font_size=13)
    figure.for_each_annotation(lambda title: title.update(yshift=_LEGEND), lambda each: each.text in _TITLES[2:])
    lay_out(figure, _ROWS * ROW, barmode="stack", hovermode="closest")
    if caption:
        below = {"x": 0, "y": 0, "yshift": -_BELOW, "xanchor": "left", "yanchor": "top"}
        figure.add_annotation(text=unmarked(caption), showarrow=False, xref="paper", yref="paper", font_size=11, **below)
    figure.update_layout(legend={"y": 1.09}, margin={"t": 70, "r": 40}, uirevision="routing")  # a zoom outlives a refresh
    return figure


def _chosen(figure: go.Figure, facts: RoutingFacts, colours: dict[str, str]) -> None:
    kinds = [unmarked(kind or "unknown") for kind in facts.by_kind]
    for model in facts.models:
        counts = [by_model[model] for by_model in facts.by_kind.values()]
        if any(counts):
            name = unmarked(model)
            figure.add_bar(
                x=kinds,
                y=counts,
                name=short(name),
                legendgroup=name,
                marker={"color": colours[model]},
                hovertemplate=f"%{{x}}<br>{name}: %{{y}}<extra></extra>",
                row=1,
                col=1,
            )
    most = max((by_model.total() for by_model in facts.by_kind.values()), default=0)
    figure.update_yaxes(title_text="choices", rangemode="tozero", dtick=_step(most), row=1, col=1)
    if not facts.by_kind:
        _nothing(figure, "no turn was routed yet", 1, 1)


def _frontier(figure: go.Figure, facts: RoutingFacts, colours: dict[str, str]) -> None:
    named = {model for by_model in facts.by_kind.values() for model in by_model}
    if facts.frontier:
        figure.add_scatter(
            x=[cost for cost, _ in facts.frontier],
            y=[quality for _, quality in facts.frontier],
            mode="lines",
            name="reached by mixing",
            line={"color": LINE, "width": 2},
            hoverinfo="skip",
            showlegend=False,
            row=1,
            col=2,
        )
    for point in facts.points:
        name = unmarked(point.model)
        figure.add_scatter(
            **_mark(point, colours[point.model]),
            name=short(name),
            legendgroup=name,
            showlegend=point.model not in named,
            row=1,
            col=2,
        )
    dearest = max((point.cost_high or point.cost for point in facts.points), default=0.0) or _NO_COST
    figure.update_xaxes(
        title_text="USD a turn", range=[-_ROOM * dearest, (1 + _ROOM) * dearest], exponentformat="none", row=1, col=2
    )
    figure.update_yaxes(title_text="quality", range=[-_ROOM, 1 + _ROOM], row=1, col=2)
    if not facts.points:
        _nothing(figure, "no turn with a known cost was rated yet", 1, 2)


def _mark(point: ModelPoint, colour: str) -> dict[str, Any]:
    """Return a model's mark, with the intervals that are known."""
    quality, bars = point.quality, {"color": colour, "thickness": 1.2, "width": 4}
    within = "" if quality.low is None else f" ({quality.low:.2f} to {quality.high:.2f})"
    mark: dict[str, Any] = {
        "x": [point.cost],
        "y": [quality.value],
        "mode": "markers",
        "marker": {"color": colour, "size": 10},
        "hovertemplate": f"{unmarked(point.model)}<br>quality {quality.value:.2f}{within}<br>{money(point.cost)} a turn"
        f"<br>{point.turns} rated turns<extra></extra>",
    }
    if quality.low is not None and quality.high is not None:
        mark["error_y"] = _bars(quality.value, quality.low, quality.high) | bars
    if point.cost_low is not None and point.cost_high is not None:
        mark["error_x"] = _bars(point.cost, point.cost_low, point.cost_high) | bars
    return mark


def _bars(value: float, low: float, high: float) -> dict[str, Any]:
    return {"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low]}


def _over_time(figure: go.Figure, facts: RoutingFacts) -> None:
    for name, values, colour, dash, money_axis in (
        ("quality", facts.quality, _QUALITY, "solid", False),
        ("regret", facts.regret, _REGRET, "solid", False),
        ("cost", facts.cost, _COST, "dot", True),
    ):
        x, y = _thin(values)
        if any(value is not None for value in y):
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines" if len(y) > 1 else "markers",
                name=name,
                legend="legend2",
                line={"color": colour, "dash": dash},
                hovertemplate=f"{name} %{{y:.4~g}}{' USD' if money_axis else ''}<br>rated choice %{{x}}<extra></extra>",
                row=2,
                col=1,
                secondary_y=money_axis,
            )
    least = min((value for value in facts.regret if value is not None), default=0.0)
    figure.update_xaxes(title_text="rated choices", rangemode="tozero", dtick=_step(facts.rated), row=2, col=1)
    figure.update_yaxes(
        title_text="quality, regret", range=[min(least, 0.0) - _ROOM, 1 + _ROOM], row=2, col=1, secondary_y=False
    )
    more = {"rangemode": "tozero", "tickmode": "auto", "nticks": 5, "showgrid": False, "exponentformat": "none"}
    figure.update_yaxes(title_text="USD a turn", **more, row=2, col=1, secondary_y=True)
    top = next(iter(figure.select_yaxes(row=2, col=1))).domain[1]
    figure.update_layout(legend2={"orientation": "h", "x": 0, "y": top, "yanchor": "bottom"})
    if not facts.quality:
        _nothing(figure, "no choice was rated yet", 2, 1)


def _explored(figure: go.Figure, facts: RoutingFacts) -> None:
    x, y = _thin(facts.exploring)
    if y:
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines" if len(y) > 1 else "markers",
            line={"color": _QUALITY},
            showlegend=False,
            hovertemplate="%{y:.0%}<br>choice %{x}<extra></extra>",
            row=2,
            col=2,
        )
    figure.update_xaxes(title_text="choices", rangemode="tozero", dtick=_step(facts.choices), row=2, col=2)
    figure.update_yaxes(range=[-_ROOM, 1 + _ROOM], tickformat=".0%", row=2, col=2)
    if not y:
        _nothing(figure, "no turn was routed yet", 2, 2)


def _thin(values: list[Any]) -> tuple[list[int], list[Any]]:
    """Return places, from 1, and values: all of them, or evenly chosen ones up to the last."""
    step = max(-(-len(values) // _POINTS), 1)
    places = list(range(len(values), 0, -step))[::-1]
    return places, [values[place - 1] for place in places]


def _step(most: int) -> int | None:
    """Return the distance of ticks on an axis that counts: where there are few, none lies between whole numbers."""
    return 1 if most <= _FEW else None


def _nothing(figure: go.Figure, text: str, row: int, col: int) -> None:
    """Say in the middle of an empty picture what is missing."""
    place = {"row": row, "col": col}
    x, y = (next(iter(axes)).domain for axes in (figure.select_xaxes(**place), figure.select_yaxes(**place)))
    middle = {"x": sum(x) / 2, "y": sum(y) / 2, "xanchor": "center", "yanchor": "middle"}
    figure.add_annotation(text=text, showarrow=False, xref="paper", yref="paper", **middle)

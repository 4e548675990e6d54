"""The waterfall as a figure: a row for each turn, and along it what it waited for. Below it, as a line, the critical path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import money, seconds
from workbench.dialogue.figures.look import ACCENTS, LINE, lay_out, short, unmarked
from workbench.observe.waterfall import Row, Stretch, Waterfall, What

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST: Final = 120
"""Rows that are drawn; of longer dialogues those that took longest."""
_ROW: Final = 24
"""Pixels."""
_LEAST: Final = 4
_LOOK: Final[dict[str, tuple[str, str]]] = {
    "queue": ("#999999", "queue"),
    "first token": (ACCENTS[5], "first token"),
    "answer": (ACCENTS[0], "answer"),
    "failed": (ACCENTS[1], "failed"),
    "pause": (ACCENTS[4], "pause"),
    "person": (ACCENTS[3], "person"),
    "function": (ACCENTS[2], "function"),
}
"""Kind of stretch to its colour and its words, in the order of the legend."""
_HATCHED: Final = {
    "shape": "/",
    "fillmode": "replace",
    "bgcolor": ACCENTS[0],
    "fgcolor": "#ffffff",
    "size": 6,
    "solidity": 0.25,
}
_FALLBACK: Final = "fallback's answer"
_CRITICAL: Final = "#808080"
_INSET: Final = "· "
_LABEL: Final = 20
"""Letters: on a narrow page the bars need the room."""
_LEGEND: Final = 70
"""Pixels."""


def waterfall_figure(waterfall: Waterfall) -> go.Figure:
    """Return the figure. Hovering over a stretch tells its model, seconds, tokens and cost."""
    import plotly.graph_objects as go

    rows = _shown(waterfall.rows)
    figure = go.Figure()
    places = list(range(len(rows)))
    figure.add_bar(
        orientation="h",
        y=places,
        base=[row.begin for row in rows],
        x=[row.end - row.begin for row in rows],
        marker={"color": LINE},
        width=[0.35 if row.head else 0.8 for row in rows],
        hovertext=[_of_row(row) for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        name="whole turn",
        showlegend=False,
    )
    for what in _LOOK:
        for fell in (False, True):
            _bars(figure, rows, what, fell=fell)
    _path(figure, waterfall, rows)
    labels = [_label(row) for row in rows]
    figure.update_yaxes(
        autorange="reversed",
        tickmode="array",
        tickvals=places,
        ticktext=labels,
        showgrid=False,
        automargin=True,
        fixedrange=True,
    )
    figure.update_xaxes(ticksuffix=" s", gridcolor=LINE, zeroline=False, rangemode="tozero")
    lay_out(figure, _LEGEND + _ROW * max(len(rows), _LEAST), barmode="overlay", hovermode="closest", bargap=0.1)
    figure.update_layout(margin={"t": 8}, legend={"y": 0, "yref": "container", "yanchor": "bottom", "traceorder": "normal"})
    return figure


def _shown(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that are drawn, in their order."""
    if len(rows) <= MOST:
        return list(rows)
    longest = sorted(range(len(rows)), key=lambda place: (rows[place].critical, rows[place].end - rows[place].begin))[-MOST:]
    return [rows[place] for place in sorted(longest)]


def _label(row: Row) -> str:
    text = _INSET * row.depth + " ".join(unmarked(row.title).split())
    return text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"


def _bars(figure: go.Figure, rows: Sequence[Row], what: str, *, fell: bool) -> None:
    """Add the stretches of one kind; answers of another model than was asked for are hatched."""
    found = [(place, each) for place, row in enumerate(rows) for each in row.stretches if each.what == what]
    mine = [(place, each) for place, each in found if (what == "answer" and _fell_back(each)) == fell]
    if not mine:
        return
    colour, words = _LOOK[what]
    figure.add_bar(
        orientation="h",
        y=[place for place, _ in mine],
        base=[each.begin for _, each in mine],
        x=[each.seconds for _, each in mine],
        marker={"color": colour, "pattern": _HATCHED if fell else None},
        width=0.6,
        name=_FALLBACK if fell else words,
        hovertext=[_of_stretch(rows[place], each) for place, each in mine],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _path(figure: go.Figure, waterfall: Waterfall, rows: Sequence[Row]) -> None:
    """Draw the critical path as a line along the lower edges of the turns that it goes through."""
    x: list[float | None] = []
    y: list[float | None] = []
    for place, row in enumerate(rows):
        if row.critical and not row.head:
            for begin, end in _along(waterfall.path, row):
                x += [begin, end, None]
                y += [place + 0.45, place + 0.45, None]
    if x:
        line: dict[str, Any] = {"color": _CRITICAL, "width": 3}
        figure.add_scatter(x=x, y=y, mode="lines", line=line, name="critical path", hoverinfo="skip")


def _along(path: Sequence[Stretch], row: Row) -> list[tuple[float, float]]:
    """Return the parts of the path that are of a turn."""
    mine = {id(call) for call in row.calls}
    spans = [(s.begin, s.end) for s in path if s.call is not None and id(s.call) in mine]
    others: tuple[What, ...] = ("person", "function")
    spans += [(s.begin, s.end) for s in path if s.what in others and row.begin <= s.begin and s.end <= row.end]
    return sorted(spans)


def _fell_back(stretch: Stretch) -> bool:
    return stretch.call is not None and stretch.call.fallback_reason is not None


def _of_row(row: Row) -> str:
    models = ", ".join(unmarked(model) for model in row.models)
    facts = [f"<b>{unmarked(short(row.title))}</b>", models, f"{seconds(row.end - row.begin)}, {row.status.replace('_', ' ')}"]
    if row.calls:
        facts.append(_amounts(row.tokens, row.cost))
    return "<br>".join(filter(None, facts))


def _of_stretch(row: Row, stretch: Stretch) -> str:
    call = stretch.call
    facts = [f"<b>{unmarked(short(row.title))}</b>", f"{_LOOK[stretch.what][1]}: {seconds(stretch.seconds)}"]
    if call is not None:
        attempt = f", try {call.attempt}" if (call.attempt or 1) > 1 else ""
        facts.append(f"{unmarked(call.model or '')}{attempt}, {seconds(call.ended_at - call.started_at)} in all")
        facts.append(_amounts(call.usage.total if call.usage else None, call.cost))
        facts += [unmarked(short(why)) for why in (call.error_kind, call.fallback_reason) if why]
    return "<br>".join(facts)


def _amounts(tokens: int | None, cost: float | None) -> str:
    return f"{'tokens unknown' if tokens is None else f'{tokens:,} tokens'}, {money(cost)}"

"""A dialogue as a figure: what each turn took, in time, tokens and money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import title
from workbench.dialogue.figures.look import ACCENTS, LABELLED, LINE, ROW, lay_out, short, unmarked
from workbench.dialogue.transcript import Metrics, Transcript, Turn, measure

if TYPE_CHECKING:
    import plotly.graph_objects as go

_WIDTH: Final = 0.7


def plot_turns(transcript: Transcript) -> go.Figure:
    """Return bars of seconds, tokens and USD by turn, in the order of the turns; unknown costs have no bar.

    The last row is left out where nothing cost anything.
    """
    from plotly.subplots import make_subplots

    turns = transcript.turns
    taken = [measure([turn], turn.latency) for turn in turns]
    rows: list[tuple[str, list[float | None]]] = [
        ("seconds", [metrics.latency for metrics in taken]),
        ("tokens", [metrics.tokens for metrics in taken]),
    ]
    if any(metrics.cost for metrics in taken):
        rows.append(("USD", [metrics.cost for metrics in taken]))
    figure = make_subplots(rows=len(rows), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for role in dict.fromkeys(turn.role for turn in turns):
        mine = [n for n, turn in enumerate(turns) if turn.role == role]
        for row, (unit, values) in enumerate(rows, 1):
            figure.add_bar(**_bars(transcript, mine, unit, values, taken, first=row == 1), row=row, col=1)
    for row, (unit, _values) in enumerate(rows, 1):
        figure.update_yaxes(title_text=unit, rangemode="tozero", gridcolor=LINE, zerolinecolor=LINE, row=row, col=1)
    _lay_out(figure, turns, len(rows))
    return figure


def _bars(
    transcript: Transcript, mine: list[int], unit: str, values: list[float | None], taken: list[Metrics], *, first: bool
) -> dict[str, Any]:
    """Return the bars of one speaker in one unit."""
    turns = transcript.turns
    roles = list(dict.fromkeys(turn.role for turn in turns))
    role = turns[mine[0]].role
    return {
        "x": [turns[n].index for n in mine],
        "y": [values[n] for n in mine],
        "name": unmarked(role).replace("_", " ").capitalize(),
        "legendgroup": unmarked(role),
        "width": _WIDTH,
        "showlegend": first and len(roles) > 1,
        "marker": {"color": ACCENTS[roles.index(role) % len(ACCENTS)]},
        "customdata": [
            [
                unmarked(title(turns[n])),
                unmarked(turns[n].served or turns[n].model),
                taken[n].prompt_tokens,
                taken[n].completion_tokens,
            ]
            for n in mine
        ],
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<br>%{y:.4~g} "
        + unit
        + "<br>%{customdata[2]} in, %{customdata[3]} out<extra></extra>",
    }


def _lay_out(figure: go.Figure, turns: list[Turn], rows: int) -> None:
    if len(turns) <= LABELLED:
        labels = [short(unmarked(title(turn))) for turn in turns]
        figure.update_xaxes(tickmode="array", tickvals=[turn.index for turn in turns], ticktext=labels)
    figure.update_xaxes(showgrid=False, linecolor=LINE)
    figure.update_xaxes(title_text="turn" if len(turns) > LABELLED else None, row=rows, col=1)
    lay_out(figure, ROW * rows, barmode="overlay")

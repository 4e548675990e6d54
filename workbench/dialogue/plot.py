"""A dialogue as a figure: what each turn took, in time, tokens and money.

Plotly draws it in the page from its own bundled script, so a saved notebook shows it without kernel or network. The figure
is transparent and its text a grey that reads on light and dark, because a saved figure does not know the reader's theme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import title, visible
from workbench.dialogue.transcript import Metrics, Transcript, Turn, measure

if TYPE_CHECKING:
    import plotly.graph_objects as go

ACCENTS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a7f00", "#7f7f7f")
"""One colour a speaker, in order of appearance; told apart by the colour-blind (after Okabe and Ito)."""
_GREY: Final = "#767676"
_LINE: Final = "rgba(127,127,127,0.25)"
_ROW: Final = 130
_WORDS: Final = 24
_WIDTH: Final = 0.7
_LABELLED: Final = 24
"""More turns than this are numbered, not named."""


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
        figure.update_yaxes(title_text=unit, rangemode="tozero", gridcolor=_LINE, zerolinecolor=_LINE, row=row, col=1)
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
        "name": _plain(role).replace("_", " ").capitalize(),
        "legendgroup": _plain(role),
        "width": _WIDTH,
        "showlegend": first and len(roles) > 1,
        "marker": {"color": ACCENTS[roles.index(role) % len(ACCENTS)]},
        "customdata": [
            [
                _plain(title(turns[n])),
                _plain(turns[n].served or turns[n].model),
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
    if len(turns) <= _LABELLED:
        labels = [_short(_plain(title(turn))) for turn in turns]
        figure.update_xaxes(tickmode="array", tickvals=[turn.index for turn in turns], ticktext=labels)
    figure.update_xaxes(showgrid=False, linecolor=_LINE)
    figure.update_xaxes(title_text="turn" if len(turns) > _LABELLED else None, row=rows, col=1)
    figure.update_layout(
        height=90 + _ROW * rows,
        margin={"l": 60, "r": 16, "t": 28, "b": 60},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 12, "color": _GREY},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        barmode="overlay",
        template="none",
    )


def _plain(text: str) -> str:
    """Return a text that Plotly does not take for markup."""
    return visible(text).replace("<", "‹").replace(">", "›")  # noqa: RUF001 - they stand in for markup


def _short(text: str) -> str:
    return text if len(text) <= _WORDS else text[: _WORDS - 1] + "…"

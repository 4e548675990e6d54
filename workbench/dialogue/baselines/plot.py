"""A comparison as a figure: what each approach was worth beside what it took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.dialogue.baselines.setup import DEBATE
from workbench.dialogue.baselines.spend import shown
from workbench.dialogue.figures.look import ACCENTS, LINE, ROW, lay_out, unmarked

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.dialogue.baselines.comparison import Comparison

_ROWS: Final = 2
_AROUND: Final = 0.05


def plot_comparison(comparison: Comparison) -> go.Figure:
    """Return quality against spend on a case, a mark for each approach, with the interval of its quality."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for number, row in enumerate(comparison.rows):
        if row.quality is None or row.spend is None:
            continue
        name = f"debate ({comparison.mode})" if row.approach == DEBATE else row.approach.replace("_", " ")
        colour = ACCENTS[number % len(ACCENTS)]
        figure.add_scatter(
            x=[row.spend],
            y=[row.quality],
            mode="markers",
            name=unmarked(name),
            marker={"color": colour, "size": 12, "symbol": "diamond" if row.approach == DEBATE else "circle"},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [row.quality_high - row.quality],
                "arrayminus": [row.quality - row.quality_low],
                "color": colour,
                "thickness": 1.5,
            },
            customdata=[[f"{row.quality_low:.0%} to {row.quality_high:.0%}", shown(row.spend, comparison.unit), row.cases]],
            hovertemplate="%{fullData.name}: %{y:.0%} (%{customdata[0]})<br>%{customdata[1]}<br>%{customdata[2]} cases"
            "<extra></extra>",
        )
    quality = "share of cases right" if comparison.setup.keyed else "share of comparisons with the debate won"
    figure.update_yaxes(title_text=quality, range=[-_AROUND, 1 + _AROUND], tickformat=".0%", gridcolor=LINE, zeroline=False)
    figure.update_xaxes(
        title_text=f"{comparison.unit} a case", rangemode="tozero", gridcolor=LINE, linecolor=LINE, zeroline=False
    )
    lay_out(figure, _ROWS * ROW, showlegend=True)
    return figure

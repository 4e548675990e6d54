"""The look that all figures share: colours that the colour-blind can tell apart, and a page that any theme can stand behind.

A figure is transparent and its text a grey that reads on light and dark, because a saved figure does not know the reader's
theme. Plotly draws it in the page from its own bundled script, so a saved notebook shows it without kernel or network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import visible

if TYPE_CHECKING:
    import plotly.graph_objects as go

ACCENTS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a7f00", "#7f7f7f")
"""One colour a speaker, in order of appearance; told apart by the colour-blind (after Okabe and Ito)."""
LINE: Final = "rgba(127,127,127,0.25)"
"""Of grids and axes."""
ROW: Final = 130
"""Pixels that a row of a figure takes."""
LABELLED: Final = 24
"""More marks than this on an axis are numbered, or left to Plotly, and not named."""
_GREY: Final = "#767676"
_WORDS: Final = 24


def lay_out(figure: go.Figure, height: int, **more: Any) -> None:
    """Give a figure the common look.

    Args:
        figure: to be changed.
        height: of its rows together, in pixels; margins and legend come on top.
        more: of Plotly's layout.
    """
    figure.update_layout(
        height=90 + height,
        margin={"l": 60, "r": 16, "t": 28, "b": 60},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 12, "color": _GREY},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        template="none",
        **more,
    )


def unmarked(text: str) -> str:
    """Return a text that Plotly does not take for markup."""
    return visible(text).replace("<", "‹").replace(">", "›")  # noqa: RUF001 - they stand in for markup


def short(text: str) -> str:
    """Return a text as long as a label may be."""
    return text if len(text) <= _WORDS else text[: _WORDS - 1] + "…"

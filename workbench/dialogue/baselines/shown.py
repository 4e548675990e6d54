"""A comparison on display: a table with the verdict above and the notes below, as text, Markdown and HTML."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.dialogue.baselines.setup import DEBATE
from workbench.dialogue.baselines.spend import shown
from workbench.dialogue.baselines.verdict import points
from workbench.dialogue.export.facts import seconds, visible

if TYPE_CHECKING:
    from workbench.dialogue.baselines.comparison import Comparison, Row

_HERE: Final = Path(__file__).parent
_UNKNOWN: Final = ""


def as_text(comparison: Comparison) -> str:
    """Return a comparison for a terminal."""
    grid = [_heads(comparison), *(_cells(comparison, row) for row in comparison.rows)]
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    lines = [
        "  ".join(_placed(cell, width, place) for place, (cell, width) in enumerate(zip(line, widths, strict=True)))
        for line in grid
    ]
    return "\n".join([_caption(comparison), "", *(line.rstrip() for line in lines), "", *comparison.notes])


def as_markdown(comparison: Comparison) -> str:
    """Return a comparison for GitHub."""
    heads = _heads(comparison)
    rules = ["---", *["--:"] * (len(heads) - 1)]
    lines = [heads, rules, *(_cells(comparison, row) for row in comparison.rows)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    notes = "\n".join(f"- {escape(note, quote=False)}" for note in comparison.notes)
    return f"**{escape(_caption(comparison), quote=False)}**\n\n{table}\n\n{notes}\n"


def as_html(comparison: Comparison) -> str:
    """Return a comparison for a notebook; its style reaches only itself."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(_HERE)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("comparison.html.j2").render(
        verdict=_caption(comparison),
        heads=_heads(comparison),
        rows=[_cells(comparison, row) for row in comparison.rows],
        notes=[visible(note) for note in comparison.notes],
    )


def _caption(comparison: Comparison) -> str:
    return visible(comparison.verdict.text)


def _heads(comparison: Comparison) -> list[str]:
    quality = "right" if comparison.setup.keyed else "won"
    return ["approach", "cases", quality, "gain", "interval", "p", "spend", "ratio", "time", "size"]


def _cells(comparison: Comparison, row: Row) -> list[str]:
    name = f"debate ({comparison.mode})" if row.approach == DEBATE else row.approach.replace("_", " ")
    judged = row.quality is not None and (comparison.setup.keyed or row.approach != DEBATE)
    known = row.gain_low is not None and row.gain_high is not None
    return [
        visible(name),
        str(row.cases),
        f"{row.quality:.0%}" if judged else _UNKNOWN,
        _UNKNOWN if row.gain is None else points(row.gain),
        f"{points(row.gain_low or 0)} to {points(row.gain_high or 0)}" if known else _UNKNOWN,
        _UNKNOWN if row.p_better is None else _p(row.p_better),
        _UNKNOWN if row.spend is None else shown(row.spend, comparison.unit),
        _UNKNOWN if row.ratio is None else f"{row.ratio:.2f}",
        _UNKNOWN if row.seconds is None else seconds(row.seconds),
        _UNKNOWN if row.size is None else f"{row.size:.3g}",
    ]


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 - what a table still tells apart


def _placed(cell: str, width: int, place: int) -> str:
    return cell.rjust(width) if place else cell.ljust(width)

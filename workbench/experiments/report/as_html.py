"""The report as an HTML page that stands alone, and its core as a fragment for a notebook. The templates escape everything.

The page forbids itself every request. Plotly writes data into it as JSON in which `<` is escaped, so that no name can end the
script that it stands in.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.experiments.plots import KINDS, plot
from workbench.experiments.report.content import Content
from workbench.experiments.report.methods import plain

if TYPE_CHECKING:
    from jinja2 import Template

    from workbench.experiments.analysis import Analysis

_HERE: Final = Path(__file__).parent
_CAPTIONS: Final = {
    "estimation": "Every case, and the difference of the primary metric with its interval.",
    "forest": "All metrics on one scale: how far each arm moved towards better, beside the margins.",
    "frontier": "What each arm brings and what it takes, with the interval of each.",
    "distribution": "How the cases of each arm spread in the primary metric.",
}


def page(content: Content, analysis: Analysis | None) -> str:
    """Return a page that needs no network; without an analysis it has no figures."""
    drawn = figures_of(analysis) if analysis is not None else []
    return _template("page.html.j2").render(
        content=content,
        methods=plain(content.methods),
        body=fragment(content),
        figures=drawn,
        script=_script() if drawn else "",
    )


def fragment(content: Content) -> str:
    """Return the core of the report for a notebook's output; its style reaches only itself."""
    return _template("fragment.html.j2").render(content=content)


def figures_of(analysis: Analysis) -> list[tuple[str, str]]:
    """Return caption and markup of every figure that the analysis has data for."""
    priced = any(metric.better == "lower" for metric in analysis.metrics[1:])
    kinds = [kind for kind in KINDS if kind != "frontier" or priced]
    return [(_CAPTIONS[kind], _markup(analysis, kind, number)) for number, kind in enumerate(kinds)]


def _markup(analysis: Analysis, kind: str, number: int) -> str:
    figure = plot(analysis, kind)  # type: ignore[arg-type]
    shown = {"displaylogo": False, "responsive": True}
    markup: str = figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"figure-{number}", config=shown)
    return markup


def _script() -> str:
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    return script


@cache
def _template(name: str) -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(_HERE)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template(name)

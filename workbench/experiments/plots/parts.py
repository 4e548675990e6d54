"""What several pictures share: case means, the names of axes, marks, and the words for what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.figures.look import ACCENTS, short, unmarked
from workbench.errors import WorkbenchError
from workbench.experiments.analysis.table import verdict_on
from workbench.experiments.statistics import Finding, Metric, Refusal
from workbench.records.means import share_interval, student_quantile

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from workbench.experiments.analysis import Analysis

BETTER: Final = ACCENTS[0]
WORSE: Final = ACCENTS[1]
OPEN: Final = "#7f7f7f"
BAND: Final = "rgba(127,127,127,0.16)"
"""Of differences smaller than the margin."""
_UNITS: Final = {"latency": "s", "cost": "USD", "tokens": "tokens"}


def metric_of(analysis: Analysis, name: str | None) -> Metric:
    """Return a metric by its name; by default the primary one.

    Raises:
        WorkbenchError: there is none of that name.
    """
    if name is None:
        return analysis.primary
    found = next((metric for metric in analysis.metrics if metric.name == name), None)
    if found is None:
        there = ", ".join(metric.name for metric in analysis.metrics)
        raise WorkbenchError(f"there is no metric {name!r} in this analysis", hint=f"Metrics: {there}.")
    return found


def case_means(analysis: Analysis, metric: Metric, arm: str) -> pd.Series[float]:
    """Return the mean of every case's repeats in an arm, by case; cases without a value are left out."""
    import numpy as np
    import pandas as pd

    rows = analysis.observations.loc[analysis.observations["arm"] == arm]
    if metric.name not in rows.columns:
        return pd.Series(dtype="float64")
    values = pd.to_numeric(rows[metric.name], errors="coerce").astype("float64").replace([np.inf, -np.inf], np.nan)
    return values.groupby(rows["case"].to_numpy(), sort=False).mean().dropna()


def mean_interval(values: pd.Series[float], confidence: float) -> tuple[float, float] | None:
    """Return the interval of a mean over cases: Wilson's of 0 and 1, else Student's; None of fewer than two cases."""
    if len(values) < 2:  # noqa: PLR2004 - one case says nothing about others
        return None
    mean, n = float(values.mean()), len(values)
    if values.isin([0.0, 1.0]).all():
        return share_interval(mean * n, n, confidence)
    reach = student_quantile((1 + confidence) / 2, n - 1) * float(values.std(ddof=1)) / n**0.5
    return mean - reach, mean + reach


def axis(metric: Metric) -> str:
    """Return the title of a metric's axis, with its unit and the way that is better."""
    unit = f", {_UNITS[metric.name]}" if metric.name in _UNITS else ""
    return f"{label(metric.name)}{unit} ({metric.better} is better)"


def label(name: str) -> str:
    """Return a name that is short and no markup."""
    return short(unmarked(" ".join(name.split())))


def colour_of(finding: Finding) -> str:
    """Return the colour of what is shown: better, worse, or neither."""
    return {"better": BETTER, "worse": WORSE}.get(verdict_on(finding), OPEN)


def told(finding: Finding) -> str:
    """Return a comparison in two lines: the difference with its interval, then what is shown; p comes last."""
    found = finding.comparison
    interval = f"{found.difference:+.3g} [{found.low:+.3g}, {found.high:+.3g}]"
    return f"{interval}<br>{verdict_on(finding)}, adjusted {p_text(finding.p)}"


def p_text(p: float) -> str:
    """Return a p-value as it is printed."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"  # noqa: PLR2004 - what a reader still tells apart


def refused(found: Refusal | None) -> str:
    """Return why there is no difference to draw."""
    if found is None:
        return "not compared"
    return "the same in every case" if found.identical else unmarked(found.reason)


def bar(value: float, low: float, high: float, colour: str, *, width: float = 3) -> dict[str, Any]:
    """Return Plotly's error bar from `low` to `high`; its ends have no caps."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value],
        "arrayminus": [value - low],
        "color": colour,
        "thickness": width,
        "width": 0,
    }


def note(figure: go.Figure, text: str, **place: Any) -> None:
    """Write a small line of text without an arrow."""
    figure.add_annotation(**{"text": text, "showarrow": False, "font": {"size": 11}, **place})


def wrapped(text: str, width: int = 28) -> str:
    """Return text in lines, as Plotly breaks them."""
    from textwrap import wrap

    return "<br>".join(wrap(text, width))

"""Pictures of an analysis, drawn by Plotly: they need no network, read on light and dark, and stay in a saved notebook.

| kind | shows |
|---|---|
| `estimation` | one metric: every case from control to treatment, and beside it the difference with its interval |
| `forest` | all metrics: how far each moved towards better, against its margin |
| `frontier` | all arms: quality against price, each with its interval, and which arms nothing beats |
| `distribution` | one metric: how its cases spread in each arm |

No picture shows a p-value without the difference and its interval. What better and worse means is told by place and shape as
well as by colour. `parts` holds what several pictures share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.experiments.analysis import Analysis

Kind = Literal["estimation", "forest", "frontier", "distribution"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


def plot(analysis: Analysis, kind: Kind = "estimation", **options: Any) -> go.Figure:
    """Return a figure of an analysis.

    Args:
        analysis: to show.
        kind: of the figure; the table above lists them.
        options: of `estimation`, `forest`, `frontier` or `distribution`, such as `metric=` and `scale=`.

    Raises:
        WorkbenchError: there is no such kind, metric or scale.
    """
    from workbench.experiments.plots.distribution import distribution
    from workbench.experiments.plots.estimation import estimation
    from workbench.experiments.plots.forest import forest
    from workbench.experiments.plots.frontier import frontier

    drawn = {"estimation": estimation, "forest": forest, "frontier": frontier, "distribution": distribution}
    if kind not in drawn:
        raise WorkbenchError(f"there is no plot {kind!r}", hint=f"There are {', '.join(KINDS)}.")
    return drawn[kind](analysis, **options)

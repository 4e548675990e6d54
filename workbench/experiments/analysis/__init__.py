"""All that an experiment shows, found in one go: every metric of every arm beside the control, and whether to believe it.

`analyse` looks at a table of observations with the plan in hand (`run`), once `observed` has put it in order. What it returns
(`result`) holds comparisons adjusted for one another, the recommendation for each arm, the power that was reached, what failed,
what fallbacks did, and how the experiment departed from its sealed plan (`departures`). `table` makes it a DataFrame, `words`
sentences. Everything random has a seed, so that the same observations, in whatever order, give the same analysis, bit for bit.
"""

from workbench.experiments.analysis.departures import Departure, departures
from workbench.experiments.analysis.result import Advice, Analysis, ArmFacts, Reached
from workbench.experiments.analysis.run import analyse

__all__ = ["Advice", "Analysis", "ArmFacts", "Departure", "Reached", "analyse", "departures"]

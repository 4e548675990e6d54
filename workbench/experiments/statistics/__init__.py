"""What may be said about results, and how surely. SciPy and statsmodels compute; ours is the choice and the explanation.

A table of observations becomes one number per case and arm (`observations`), these a difference with its error (`estimate`),
and that a `Comparison` with effect size (`effects`), checks by other methods (`checks`) and remarks (`remarks`). A margin makes
"not worse" and "the same" questions that can be answered (`equivalence`), several comparisons are adjusted together
(`families`), and one table turns them into a recommendation (`recommendation`). Beside them: how many cases it takes (`power`),
looking while data come in (`monitoring`), whether the comparison can be trusted (`integrity`), pairwise preferences
(`preferences`), and judges against people (`raters`).
"""

from workbench.experiments.statistics.checks import Checks, Discordance
from workbench.experiments.statistics.comparison import Comparison, compare
from workbench.experiments.statistics.effects import HedgesG
from workbench.experiments.statistics.equivalence import Equivalence, equivalence
from workbench.experiments.statistics.estimate import Estimate
from workbench.experiments.statistics.families import Family, Finding, Refusal, adjusted, attempt, compare_arms, compare_metrics
from workbench.experiments.statistics.integrity import Protocols, SampleRatio, by_protocol, sample_ratio
from workbench.experiments.statistics.monitoring import Monitored, monitor
from workbench.experiments.statistics.observations import Better, Metric, Missing, NoSpreadError, StatisticsError
from workbench.experiments.statistics.power import Spread, minimum_detectable, power, sample_size
from workbench.experiments.statistics.preferences import Leaderboard, Standing, bradley_terry, settle
from workbench.experiments.statistics.raters import Agreement, judge_agreement
from workbench.experiments.statistics.recommendation import Evidence, Recommendation, Verdict, recommend

__all__ = [
    "Agreement",
    "Better",
    "Checks",
    "Comparison",
    "Discordance",
    "Equivalence",
    "Estimate",
    "Evidence",
    "Family",
    "Finding",
    "HedgesG",
    "Leaderboard",
    "Metric",
    "Missing",
    "Monitored",
    "NoSpreadError",
    "Protocols",
    "Recommendation",
    "Refusal",
    "SampleRatio",
    "Spread",
    "Standing",
    "StatisticsError",
    "Verdict",
    "adjusted",
    "attempt",
    "bradley_terry",
    "by_protocol",
    "compare",
    "compare_arms",
    "compare_metrics",
    "equivalence",
    "judge_agreement",
    "minimum_detectable",
    "monitor",
    "power",
    "recommend",
    "sample_ratio",
    "sample_size",
    "settle",
]

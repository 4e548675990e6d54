"""What did the debate buy? A debate beside what the same money buys without one.

The way through: `compare` is the way in. `cases` says what is asked, `approaches` makes the debate answer and sizes each
baseline to its spend, `runner` runs everything as dialogues of the record (`setup` links them), `answers` holds answers against
a key, `referee` compares them where there is none. `comparison` is the result: `intervals` has its statistics, `verdict` and
`words` its conclusion, `shown` and `plot` its looks.

The baselines are modes like any other: `single`, `chain_of_thought` (Wei et al. 2022, arXiv 2201.11903), `self_consistency`
(Wang et al. 2022, arXiv 2203.11171; where no answer leads, the model picks the one most in line with the others, as in Chen
et al. 2023, arXiv 2311.17311), `self_correction` without outside help (Huang et al. 2023, arXiv 2310.01798) and `consultancy`,
in which the consultant chooses its side (Khan et al. 2024, arXiv 2402.06782; Kenton et al. 2024, arXiv 2407.04622).
"""

from workbench.dialogue.baselines.approaches import BASELINES
from workbench.dialogue.baselines.cases import Case, read_cases
from workbench.dialogue.baselines.compare import compare, compare_async, resume, resume_async
from workbench.dialogue.baselines.comparison import Comparison
from workbench.dialogue.baselines.runner import Step
from workbench.dialogue.baselines.verdict import Verdict

__all__ = [
    "BASELINES",
    "Case",
    "Comparison",
    "Step",
    "Verdict",
    "compare",
    "compare_async",
    "read_cases",
    "resume",
    "resume_async",
]

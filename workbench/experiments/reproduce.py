"""Whether results hold: made again from what is recorded, to the last bit; or run anew, and shown to be the same.

From the record, each observation is made again from the events of its dialogue, rules look at the output again, and the
analysis is done again. A report leaves the hash of its analysis with the run, so that anybody can tell whether theirs is the
same.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.orchestrator import Orchestrator
from workbench.errors import RecordError, WorkbenchError
from workbench.experiments.arms import outcome_of
from workbench.experiments.definition import Definition
from workbench.experiments.metrics import score
from workbench.experiments.statistics import Metric, StatisticsError, compare, equivalence
from workbench.loop import run as on_loop
from workbench.records.experiments import ObservationRow

if TYPE_CHECKING:
    import pandas as pd

    from workbench.dialogue.dialogue import Dialogue
    from workbench.experiments.analysis import Analysis
    from workbench.experiments.experiment import Experiment

_RULES: Final = frozenset({"exact_match", "numeric", "regex", "json_valid"})
_NAMED: Final = 5
"""Differences that are told; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came of making results again from the record.

    Attributes:
        run: id.
        observations: that were made again; those without a dialogue (Python functions) are looked at by rules alone.
        differing: in words, what came out otherwise than it is kept.
        unheard: observations whose dialogues are not in this record, as after a bundle; rules looked at their outputs.
        analysis: SHA-256 of the analysis as it is now.
        reported: SHA-256 of the analysis that was reported; None where nothing was.
    """

    run: str
    observations: int
    differing: tuple[str, ...]
    unheard: int
    analysis: str
    reported: str | None

    @property
    def same(self) -> bool:
        """Whether everything came out as it is kept."""
        return not self.differing and self.reported in {None, self.analysis}

    @property
    def text(self) -> str:
        """All of it in words."""
        lines = [f"Run {self.run}: {self.observations:,} observations were made again from the record."]
        if self.unheard:
            lines.append(f"The dialogues of {self.unheard:,} are not in this record: rules looked at what is kept of them.")
        if self.differing:
            more = len(self.differing) - _NAMED
            lines += [f"- {each}" for each in self.differing[:_NAMED]] + ([f"- and {more:,} more"] if more > 0 else [])
        else:
            lines.append("All of them are what is kept.")
        if self.reported is None:
            lines.append(f"Nothing was reported yet; the analysis has the SHA-256 {self.analysis}.")
        elif self.reported == self.analysis:
            lines.append("The analysis is the one that was reported, bit for bit.")
        else:
            lines.append("The analysis is not the one that was reported. Compare the package versions in the manifest.")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came of running an experiment anew.

    Attributes:
        before: id of the run that was made again.
        after: id of the new one.
        arms: arm to whether it is shown to do the same by the margin, and what the primary metric says of it.
    """

    before: str
    after: str
    arms: Mapping[str, tuple[bool, str]]

    @property
    def same(self) -> bool:
        """Whether every arm is shown to be the same by the margin."""
        return all(same for same, _ in self.arms.values())

    @property
    def text(self) -> str:
        """All of it in words."""
        lines = [f"Run {self.after} beside run {self.before}:"]
        for arm, (same, text) in self.arms.items():
            lines.append(f"- {arm}: {'' if same else 'not '}shown to be the same by the margin. {text}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.text


def digest_of(analysis: Analysis) -> str:
    """Return the SHA-256 of all numbers and words of an analysis."""
    return hashlib.sha256(analysis.to_json().encode()).hexdigest()


def reproduce(experiment: Experiment) -> Reproduction:
    """Make the results of a run again from the record. Blocks; it takes some milliseconds for each observation.

    Raises:
        WorkbenchError: there is no run, or it has nothing to analyse.
    """
    frame, run = experiment.results, str(experiment.run_id)
    orchestrator, definition = experiment.orchestrator, experiment.definition
    rows = orchestrator.record.experiments.observations(run)
    cases = {case.number: json.loads(case.data) for case in orchestrator.record.experiments.cases(experiment.keep().id)}
    differing: list[str] = []
    unheard = 0
    for row in rows:
        dialogue = _dialogue(row, orchestrator)
        unheard += dialogue is None and row.dialogue_id is not None
        differing += _differing(row, cases[row.number], definition, dialogue, orchestrator)
    analysis = digest_of(experiment.compare())
    return Reproduction(run, len(frame), tuple(differing), unheard, analysis, experiment.manifest.get("analysis"))


def rerun(experiment: Experiment, notify: Callable[[Any], None] | None = None) -> Rerun:
    """Run an experiment anew, and test whether each arm does the same as before: two one-sided tests with the plan's margin.

    Raises:
        WorkbenchError: there is no run to compare with, or the plan has no margin.
    """
    before, was = experiment.results, str(experiment.run_id)
    plan = experiment.plan
    if plan.margin is None:
        raise WorkbenchError("the plan has no margin", hint="Without one nobody can say what counts as the same.")
    experiment.run(*([notify] if notify else []))
    metric = next(each for each in experiment.definition.statistics() if each.name == plan.primary)
    frame = experiment.results
    arms = {arm: _the_same(_beside(before, frame, arm), metric, plan.alpha) for arm in experiment.definition.arms}
    return Rerun(was, str(experiment.run_id), arms)


def _the_same(both: pd.DataFrame, metric: Metric, alpha: float) -> tuple[bool, str]:
    values = both.pivot_table(metric.name, ["case", "repeat"], "arm", aggfunc="first", dropna=False, observed=False)
    if values["before"].equals(values["after"]):
        return True, f"{metric.name} of every observation is what it was."
    try:
        found = compare(both, metric, control="before", treatment="after", confidence=1 - alpha)
        return equivalence(found).equivalent, found.text
    except StatisticsError as error:
        return False, f"{error.message}. {error.hint or ''}"


def _beside(before: pd.DataFrame, after: pd.DataFrame, arm: str) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([each.loc[each["arm"] == arm].assign(arm=name) for name, each in (("before", before), ("after", after))])


def _dialogue(row: ObservationRow, orchestrator: Orchestrator) -> Dialogue | None:
    with suppress(RecordError):
        return orchestrator.load(row.dialogue_id) if row.dialogue_id is not None else None
    return None


def _differing(
    row: ObservationRow, case: Mapping[str, Any], definition: Definition, dialogue: Dialogue | None, orchestrator: Orchestrator
) -> Iterator[str]:
    """Yield what an observation's dialogue and rules say otherwise than its row."""
    where = f"case {row.case_id}, {row.arm}, repeat {row.repeat}"
    if dialogue is not None:
        try:
            found = on_loop(outcome_of(dialogue, orchestrator))
        except WorkbenchError as error:
            yield f"{where}: {error.message}"
            return
        again: dict[str, Any] = {"status": "ok" if found.ok else "failed", "fallback": int(found.fallback)}
        again |= {name: getattr(found, name) for name in ("output", "latency", "cost", "tokens", "error")}
        for name, value in again.items():
            if getattr(row, name) != value:
                yield f"{where}: {name} is kept as {str(getattr(row, name))[:60]!r}, and its dialogue says {str(value)[:60]!r}"
    if row.status == "ok":
        kept = json.loads(row.scores)
        for name, spec in definition.metrics.items():
            if spec.kind in _RULES and name in kept:
                value = asyncio.run(score(spec, None, row.output or "", case))
                if value != kept[name]:
                    yield f"{where}: {name} is kept as {kept[name]}, and the rule says {value}"

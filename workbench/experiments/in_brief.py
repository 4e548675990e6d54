"""What an experiment showed, in a line for each arm: for those who only want to know how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.dialogue import Orchestrator


def in_brief(name: str, orchestrator: Orchestrator) -> str:
    """Return what is recommended of each arm, and why; or why nothing can be.

    Args:
        name: of the experiment, as `Experiment.load` takes it.
        orchestrator: whose record has it.
    """
    from workbench.experiments.experiment import Experiment

    experiment = Experiment.load(name, orchestrator)
    if experiment.run_id is None:
        return "not run"
    run = f"run {experiment.run_id} {experiment.status}"
    try:
        advice = experiment.compare().advice
    except WorkbenchError as error:
        return f"{run}; it cannot be analysed: {error.message}"
    except ImportError as error:
        return f"{run}; not analysed, because {error.name} is not installed"
    told = [
        f"{each.treatment}: {each.recommendation.verdict}: {each.recommendation.reason}"
        if each.recommendation
        else f"{each.treatment}: no recommendation: {each.reason}"
        for each in advice
    ]
    return "; ".join([run, *told])

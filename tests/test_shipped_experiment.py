"""The experiment that comes with the project opens from its bundle, and its analysis is the reported one to the last bit."""

from pathlib import Path

import pytest

from workbench import Orchestrator
from workbench.experiments.bundle import open_bundle
from workbench.experiments.reading import read_definition
from workbench.experiments.reproduce import reproduce

FOLDER = Path(__file__).parents[1] / "experiments/read_it_twice"


@pytest.fixture
def opened(folder):
    with Orchestrator(folder) as orchestrator:
        yield open_bundle(FOLDER / "run.zip", orchestrator)


def test_its_analysis_is_the_reported_one(opened):
    found = reproduce(opened)
    assert (found.observations, found.unheard, found.differing) == (160, 160, ())
    assert found.analysis == found.reported


def test_its_report_says_what_stands_in_the_folder(opened):
    told, kept = opened.report("markdown"), (FOLDER / "report.md").read_text()
    assert told.partition("## Software")[0] == kept.partition("## Software")[0]
    assert "**twice: REJECT**" in told


def test_its_cases_and_definition_are_those_of_the_folder(opened):
    definition = opened.definition.model_copy(update={"cases": []})
    assert definition == read_definition(FOLDER / "experiment.yaml").model_copy(update={"cases": []})
    answers = opened.results.groupby("arm")["right"].sum().to_dict()
    assert answers == {"once": 28, "twice": 35}

"""A click on a row of `%find` or `%dialogues` shows below the table what the row is of, in a kernel as a page speaks to it."""

import json

import pytest
from kernels import kernel_in

TYPES = {"html": "text/html", "widget": "application/vnd.jupyter.widget-view+json"}


@pytest.fixture
def links(kernel, said):
    """Run a line as a person does; give what hears its clicks."""

    def run(line):
        out = kernel.run(line, person=True)
        assert out.error is None, out.error
        assert [set(shown) & {*TYPES.values()} for shown in out.displays] == [{TYPES["html"]}, {TYPES["widget"]}]
        assert "data-wb-place" in out.displays[0][TYPES["html"]]
        [comm] = [comm for comm, state in out.widgets if state.get("kind") == "links"]
        return comm

    return run


def clicked(kernel, comm, place):
    """Click; give the panels that come of it, and what the links say at the end."""

    def now(out):
        return {name: value for widget, state in out.states if widget == comm for name, value in state.items()}

    kernel.tell(comm, {"type": "open", "place": place})
    out = kernel.listen(lambda out: now(out).get("opened") == -1 or now(out).get("text", "Opening …") != "Opening …")
    return [state for _, state in out.widgets if "kind" in state], now(out)


def test_a_dialogue_opens_and_closes(kernel, links, said):
    comm = links("%dialogues")
    [state], told = clicked(kernel, comm, 0)
    assert state["kind"] == "dialogue"
    assert state["snapshot"]["dialogue"]["id"] == said
    assert (told["opened"], told["text"]) == (0, "")
    panels, told = clicked(kernel, comm, 0)
    assert (panels, told["opened"]) == ([], -1)


def test_what_was_found_opens_too(kernel, links, said):
    comm = links("%find Tabs --kind dialogue")
    [state], _ = clicked(kernel, comm, 0)
    assert state["snapshot"]["dialogue"]["id"] == said


KEEP = """
import json
from workbench.records.experiments import ExperimentRow
from workbench.records.papers import ChunkRow, PaperRow

record = get_ipython().magics_manager.registry["DialogueMagics"].orchestrator().record
paper = PaperRow("p" * 12, "p" * 64, 1.0, "On Gold", ("A. Smith",), 2024, None, None, "x.pdf", "x.pdf", 2)
passage = {"number": 0, "heading": "Method", "body": {"text": "We melt gold."}}
record.papers.add(paper, "{}", [ChunkRow(paper.id, 0, json.dumps(passage))])
record.experiments.keep(ExperimentRow("e1", "melting", 2.0, "0", "{}", DEFINITION), [])
"""
DEFINITION = {
    "name": "melting",
    "cases": [{"id": "c1"}],
    "arms": {"a": {"model": "m", "prompt": "Melt the gold."}, "b": {"model": "m", "prompt": "Melt."}},
    "metrics": {"cost": {"kind": "cost"}},
    "plan": {"primary": "cost", "control": "a"},
}


def test_papers_and_experiments_open_in_their_own_panels(kernel, links):
    kept = kernel.run(f"DEFINITION = {json.dumps(json.dumps(DEFINITION))}\n{KEEP}")
    assert kept.error is None, kept.error
    comm = links("%find gold")
    shown = [clicked(kernel, comm, place) for place in (0, 1)]
    assert [told["text"] for _, told in shown] == ["", ""]
    assert [[state["kind"] for state in states] for states, _ in shown] == [["experiment"], ["papers"]]


def test_what_cannot_be_shown_says_why(kernel, links):
    comm = links("%dialogues")
    panels, told = clicked(kernel, comm, 99)
    assert panels == []
    assert told["opened"] == -1
    assert "IndexError" in told["text"]


def test_a_program_that_runs_the_notebook_gets_the_table_alone(kernel, said):
    for line in ("%dialogues", "%find Tabs"):
        [shown] = kernel.run(line).displays
        assert TYPES["widget"] not in shown
        assert said in shown[TYPES["html"]]


def test_an_empty_table_has_nothing_to_open(tmp_path):
    with kernel_in(tmp_path) as kernel:
        [shown] = kernel.run("%dialogues", person=True).displays
    assert "No dialogues yet" in shown[TYPES["html"]]
    assert TYPES["widget"] not in shown

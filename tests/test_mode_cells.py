"""`%%mode` in a cell defines a mode, draws it, and keeps it; a mistake names its line and keeps nothing."""

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from stage import orchestra, yes

from workbench.dialogue import ModeLoader
from workbench.notebook.mode_cell import ModeMagics

SECOND = """description: One answers, another checks.
roles:
  expert: {system: You answer briefly.}
turns:
  - {id: answer, role: expert, template: "{topic}"}
  - {id: check, role: checker, when: 'answer.text != ""', template: "{answer}"}
"""


@pytest.fixture
def magics(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        yield ModeMagics(InteractiveShell(), lambda: orchestrator)


def test_it_is_drawn_and_known_by_its_name(magics, tmp_path):
    page = magics.mode("second-opinion", SECOND)
    assert "Expert" in page.text
    assert "<svg" in page.html
    assert ModeLoader([tmp_path / "modes"]).load("second-opinion").description == "One answers, another checks."


def test_running_the_cell_again_replaces_it(magics, tmp_path):
    magics.mode("mine", SECOND)
    magics.mode("mine", SECOND.replace("One answers", "Someone answers"))
    assert ModeLoader([tmp_path / "modes"]).load("mine").description.startswith("Someone")


@pytest.mark.parametrize(
    ("line", "cell", "said"),
    [
        ("", SECOND, "needs a name"),
        ("debate", SECOND, "built-in"),
        ("mine", "turns: [{rolle: x}]", "rolle"),
        ("mine", "turns: [{role: x, when: later.score > 1}]", "later"),
        ("mine", "turns: [", "mine:3: not valid YAML"),
        ("../outside", SECOND, "name"),
    ],
)
def test_a_mistake_is_named_and_keeps_nothing(magics, tmp_path, line, cell, said):
    with pytest.raises(UsageError, match=said):
        magics.mode(line, cell)
    assert not (tmp_path / "modes").exists()

"""A turn that was found opens its dialogue's panel at itself; so does `%dialogue show --turn`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from record_examples import START, ended, started, turn

from workbench.dialogue import Orchestrator
from workbench.events import DialogueSpawned, Status, TurnFailed, TurnStarted
from workbench.notebook.commands import CommandMagics
from workbench.notebook.find import FindMagics


def failed(dialogue, index):
    """The events of a turn that failed before it asked anybody."""
    name, at = f"turn_{index}", START + index
    return [
        TurnStarted(dialogue=dialogue, seq=0, at=at, turn=name, index=index, role="con", model="small", round=1),
        TurnFailed(dialogue=dialogue, seq=0, at=at, turn=name, error="the tin melted", kind="other"),
    ]


@pytest.fixture
def orchestrator(tmp_path):
    """A record with a dialogue of three turns, whose last failed and whose second opened a sub-dialogue."""
    (tmp_path / "workbench.toml").write_text("")
    with Orchestrator(tmp_path) as orchestrator:
        about = {"turn": "turn_2", "child": "c1", "number": 1, "mode": "debate", "topic": "Tin?"}
        *before, said = turn("d1", 2)
        spawned = DialogueSpawned(dialogue="d1", seq=0, at=START + 2, **about)
        events = [started("d1"), *turn("d1", 1), *before, spawned, said, *failed("d1", 3), ended("d1", 3, Status.FAILED)]
        orchestrator.record.write([replace(event, seq=place + 1) for place, event in enumerate(events)])
        orchestrator.record.write([started("c1", START + 2), *turn("c1", 1), *turn("c1", 2), ended("c1", 2)])
        yield orchestrator


@pytest.fixture
def shell():
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


@pytest.fixture
def opened(shell, orchestrator):
    """Opens what a line finds; gives the dialogue and the turn of the panel."""
    magics = FindMagics(shell, lambda: orchestrator)

    def open_found(line):
        [found] = magics.find(line)
        panel = found.panel()
        panel.close()
        return panel.dialogue.id, panel.turn

    return open_found


@pytest.fixture
def dialogue(shell, orchestrator):
    magics = CommandMagics(shell, lambda: orchestrator)
    shell.register_magics(magics)
    return magics.dialogue


def test_a_turn_opens_at_itself_and_a_dialogue_at_its_beginning(opened, orchestrator):
    orchestrator.record.write([started("d2", START + 9), *turn("d2", 1), *turn("d2", 2), ended("d2", 2)])
    assert opened('"answer 2" --kind turn -n 1') == ("d2", "turn_2")
    assert opened("water --kind dialogue -n 1") == ("d2", "")


def test_a_failed_turn_is_found_by_its_error_and_opens_at_itself(opened):
    assert opened("tin --kind turn") == ("d1", "turn_3")
    assert opened("--status failed --kind turn") == ("d1", "turn_3")


def test_a_turn_of_a_sub_dialogue_opens_in_the_panel_of_that(shell, orchestrator):
    found = FindMagics(shell, lambda: orchestrator).find('"answer 2" --kind turn')
    panels = [each.panel() for each in found]
    assert {(panel.dialogue.id, panel.turn) for panel in panels} == {("d1", "turn_2"), ("c1", "turn_2")}
    for panel in panels:
        panel.close()


def test_what_was_found_can_be_clicked_too(shell, orchestrator):
    html = FindMagics(shell, lambda: orchestrator).find("tin --kind turn").html
    assert html.count('<div data-wb-also="0">') == html.count('<span data-wb-place="0">') == 1
    assert "%dialogue show d1 --turn turn_3</code>" in html


@pytest.mark.parametrize(("wanted", "turn"), [("turn_2", "turn_2"), ("3", "turn_3")])
def test_show_opens_the_panel_at_a_turn_by_id_or_number(dialogue, wanted, turn):
    panel = dialogue(f"show d1 --turn {wanted}")
    assert (panel.kind, panel.dialogue.id, panel.turn) == ("dialogue", "d1", turn)
    panel.close()


def test_a_panel_shown_at_a_turn_leaves_the_usual_one_as_it_is(dialogue):
    usual, there = dialogue("show d1 --panel"), dialogue("show d1 --turn 2")
    assert there is not usual
    assert usual.turn == ""
    assert dialogue("show d1 --panel") is usual
    for panel in (usual, there):
        panel.close()


def test_a_turn_that_is_not_there_is_a_usage_error_that_names_those_that_are(dialogue):
    with pytest.raises(UsageError, match=r"d1 has no turn 'con_9'\n  Its turns: turn_1, turn_2, turn_3\."):
        dialogue("show d1 --turn con_9")

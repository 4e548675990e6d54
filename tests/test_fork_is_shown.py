"""Wherever a fork is shown, the turns that it copied say where they come from instead of what they took."""

import pytest
from stage import card, orchestra, yes

from workbench.dialogue import Dialogue, Transcript
from workbench.events import TurnCompleted, TurnStarted
from workbench.notebook.outputs import plain_text
from workbench.panels.facts import snapshot


@pytest.fixture
def fork(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        parent = orchestrator.run("debate", "Tabs?", models=[card()], parameters={"rounds": 1})
        fork = orchestrator.fork(f"{parent.id}@con").wait(10)
        fork.parent = parent.id
        yield fork


def test_in_every_static_form(fork):
    for shown in (plain_text(fork), fork.export("markdown"), fork.export("html"), fork._repr_html_()):
        assert shown.count(f"copied from {fork.parent}") == 2
        assert "no call" not in shown


def test_the_panel_and_the_saved_page_are_told(fork):
    told = {turn["id"]: turn["copied_from"] for turn in snapshot(fork.transcript)["turns"]}
    assert told == {"pro": fork.parent, "con": fork.parent, "verdict": None}
    assert fork.parent in fork._view("replay").partition('id="workbench-replay-data"')[2].partition("</script>")[0]


def test_the_handle_and_the_record_agree(fork):
    assert [turn.copied_from for turn in Transcript(fork.recorded_events())] == [fork.parent, fork.parent, None]


def test_a_hostile_origin_is_shown_and_does_nothing():
    begin = TurnStarted(dialogue="d", seq=1, at=1.0, turn="v", index=1, role="v", model="m")
    end = TurnCompleted(dialogue="d", seq=2, at=1.0, turn="v", text="Yes.", copied_from="<script>x</script>\x1b[31m")
    dialogue = Dialogue.stored([begin, end])
    assert "copied from &lt;script&gt;x&lt;/script&gt;<" in dialogue._repr_html_()
    assert "<script" not in dialogue._repr_html_() + dialogue._repr_markdown_()
    assert "\x1b" not in plain_text(dialogue)

"""Every built-in mode may be forked at any turn that was spoken: conditions, votes, lists and rounds come out as they did."""

import pytest
from scripted import USUAL, Script
from stage import card, orchestra
from test_modes_run import MODES

from workbench.dialogue.diff import DialogueDiff
from workbench.events import Status, TurnCompleted


@pytest.mark.parametrize("mode", MODES)
def test_at_every_turn(tmp_path, mode):
    script = Script(**USUAL)
    orchestrator, actors = orchestra(tmp_path, script)
    with orchestrator:
        parent = orchestrator.run(mode, "Which way?", models=[card("a"), card("b"), card("c")])
        spoken = [turn for turn in parent.transcript if turn.status is Status.COMPLETED]
        for number, turn in enumerate(spoken, 1):
            asked = len(actors.asked)
            fork = orchestrator.fork(f"{parent.id}@{turn.id}").wait(20)
            copied = [e.turn for e in fork.recorded_events() if isinstance(e, TurnCompleted) and e.copied_from == parent.id]
            assert copied == [each.id for each in spoken[:number]]
            assert (fork.status, fork.transcript.said.keys()) == (parent.status, parent.transcript.said.keys())
            assert fork.transcript.skipped.keys() == parent.transcript.skipped.keys()
            assert all(fork.transcript[name].data == parent.transcript[name].data for name in copied)
            calls = sum(len(each.calls) for each in spoken[number:])
            within = sum(child.metrics.calls for child in fork.children)
            assert len(actors.asked) - asked - within == fork.metrics.calls == calls
            assert [pair.id for pair in DialogueDiff(parent, fork).common[:number]] == copied

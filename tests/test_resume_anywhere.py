"""A record that ends after any event whatever: a resume goes on from there and asks only what nobody has answered."""

import pytest
from stage import card, line, mode_of, orchestra, yes

from workbench.dialogue import Transcript
from workbench.errors import WorkbenchError
from workbench.events import CallEnded, DialogueResumed, Status, TurnCompleted
from workbench.models import Chunk

MIXED = mode_of(
    {"role": "a", "template": "open"},
    {"structure": "parallel", "turns": [{"role": "b", "template": "{a}"}, {"role": "c", "template": "{a}!"}]},
    {"role": "d", "template": "{b} {c}"},
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The events of a dialogue that ran to its end."""
    orchestrator, _ = orchestra(tmp_path_factory.mktemp("whole"), yes)
    with orchestrator:
        return orchestrator.run(MIXED, "Any moment.", models=[card()]).recorded_events()


def answered(events):
    done = {event.turn for event in events if isinstance(event, TurnCompleted)}
    return done | {event.turn for event in events if isinstance(event, CallEnded) and event.call.ok}


def test_from_every_event_on_the_same_end_is_reached_and_no_answer_is_asked_for_again(whole, tmp_path):
    for length in range(1, len(whole)):
        prefix = whole[:length]
        orchestrator, actors = orchestra(tmp_path / str(length), yes)
        with orchestrator:
            orchestrator.record.write(prefix)
            dialogue = orchestrator.resume(prefix[0].dialogue)
            stored = orchestrator.load(dialogue.id)
        assert dialogue.status is Status.COMPLETED
        assert dialogue.transcript.said == Transcript(whole).said
        assert len(actors.asked) == 4 - len(answered(prefix))
        assert vars(stored.transcript) == vars(dialogue.transcript)


def test_an_answer_that_was_paid_for_becomes_the_turn_though_its_end_was_not_recorded(whole, tmp_path):
    cut = next(index for index, event in enumerate(whole) if isinstance(event, CallEnded)) + 1
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        orchestrator.record.write(whole[:cut])
        dialogue = orchestrator.resume(whole[0].dialogue)
    events = dialogue.recorded_events()
    assert isinstance(events[cut], DialogueResumed)
    assert isinstance(events[cut + 1], TurnCompleted)
    assert (events[cut + 1].turn, events[cut + 1].text) == ("a", whole[cut - 1].call.text)


def test_a_complete_dialogue_is_not_resumed(whole, tmp_path):
    orchestrator, actors = orchestra(tmp_path, yes)
    with orchestrator:
        orchestrator.record.write(whole)
        with pytest.raises(WorkbenchError, match="is complete"):
            orchestrator.resume(whole[0].dialogue)
    assert actors.asked == []


def test_a_failed_dialogue_goes_on_where_it_failed_and_keeps_the_failed_calls(tmp_path):
    broken = True

    async def act(request):
        if broken and request.messages[-1]["content"].startswith("turn 2"):
            raise ZeroDivisionError
        async for chunk in yes(request):
            yield chunk

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        failed = orchestrator.run(line(3), "Mend it.", models=[card()])
        was, asked, broken = failed.status, len(actors.asked), False
        mended = orchestrator.resume(failed.id)
    assert (was, mended.status) == (Status.FAILED, Status.COMPLETED)
    assert len(actors.asked) == asked + 2
    assert [call.ok for call in mended.transcript["v2"].calls].count(True) == 1
    assert mended.metrics.calls == len(actors.asked)
    assert (mended.transcript["v2"].error, mended.reason) == (None, None)


def test_the_time_of_a_run_that_was_cut_counts_and_the_pause_after_it_does_not(whole, tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        orchestrator.record.write(whole[:6])
        events = orchestrator.resume(whole[0].dialogue).recorded_events()
    resumed = next(event for event in events if isinstance(event, DialogueResumed))
    first, second = whole[5].at - whole[0].at, events[-1].at - resumed.at
    assert Transcript(events).metrics.latency == pytest.approx(first + second)
    assert Transcript(events[:-1]).metrics.latency == pytest.approx(first + events[-2].at - resumed.at)


async def nobody(_request):
    raise AssertionError("nobody is asked")
    yield Chunk()


def test_only_the_end_is_missing(whole, tmp_path):
    orchestrator, actors = orchestra(tmp_path, nobody)
    with orchestrator:
        orchestrator.record.write(whole[:-1])
        assert orchestrator.resume(whole[0].dialogue).status is Status.COMPLETED
    assert actors.asked == []

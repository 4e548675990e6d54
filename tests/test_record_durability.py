"""A committed event is on disk, whatever happens to the process next; an appended one gets there soon."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable

import pytest
from record_examples import ended, run_script, started, turn, whole

from workbench.errors import RecordError
from workbench.events import DialogueStarted, TextDelta, TurnCompleted
from workbench.records import Record


async def test_a_commit_brings_everything_appended_before_it(record: Record, open_record: Callable[[], Record]) -> None:
    *appended, last = [started("d"), *turn("d", 1)]
    for event in appended:
        record.append(event)
    await record.commit(last)
    assert open_record().events("d") == [*appended, last]


def test_a_committed_turn_survives_a_kill(record_url: str) -> None:
    killed = run_script(
        """
        async def main():
            record = Record.open(sys.argv[1])
            await record.commit(started("d"))
            *appended, last = turn("d", 1)
            for event in appended:
                record.append(event)
            await record.commit(last)
            os.kill(os.getpid(), 9)
        asyncio.run(main())
        """,
        record_url,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with Record.open(record_url) as record:
        assert record.events("d") == [started("d"), *turn("d", 1)]
        assert record.summary("d").interrupted


def test_what_was_appended_survives_a_normal_exit_without_close(record_url: str) -> None:
    left = run_script("record = Record.open(sys.argv[1])\nfor event in whole('d'): record.append(event)", record_url)
    assert left.returncode == 0, left.stderr
    with Record.open(record_url) as record:
        assert record.events("d") == whole("d")


def test_an_appended_event_is_stored_soon_though_nobody_waits(record: Record, open_record: Callable[[], Record]) -> None:
    reader = open_record()
    record.append(started("d"))
    deadline = time.monotonic() + 30
    while not reader.events("d") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert reader.events("d") == [started("d")]


async def test_many_dialogues_commit_at_once(record: Record, open_record: Callable[[], Record]) -> None:
    async def run(dialogue: str) -> None:
        await record.commit(started(dialogue))
        for index in range(1, 6):
            *appended, last = turn(dialogue, index)
            for event in appended:
                record.append(event)
            await record.commit(last)
        await record.commit(ended(dialogue, 5))

    names = [f"dialogue-{number}" for number in range(40)]
    await asyncio.gather(*map(run, names))
    other = open_record()
    assert all(other.events(name) == whole(name, 5) for name in names)
    assert {summary.turns_completed for summary in other.summaries()} == {5}


async def test_commits_from_several_event_loops_are_each_answered(record: Record) -> None:
    def on_a_loop_of_its_own(dialogue: str) -> None:
        asyncio.run(record.commit(started(dialogue)))

    await asyncio.gather(*(asyncio.to_thread(on_a_loop_of_its_own, f"d{number}") for number in range(4)))
    assert {summary.id for summary in record.summaries()} == {"d0", "d1", "d2", "d3"}


async def test_a_commit_whose_caller_was_cancelled_is_stored_all_the_same(record: Record) -> None:
    committing = asyncio.create_task(record.commit(started("d")))
    await asyncio.sleep(0)
    committing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await committing
    record.flush()
    assert record.events("d") == [started("d")]


async def test_deltas_are_not_kept(record: Record) -> None:
    await record.commit(started("d"))
    delta = TextDelta(dialogue="d", seq=2, at=1.0, turn="turn_1", call="c", text="wor")
    record.append(delta)
    await record.commit(delta)
    record.flush()
    assert record.events("d") == [started("d")]


def test_events_are_visible_to_their_own_process_before_they_are_stored(record: Record) -> None:
    for event in whole("d"):
        record.append(event)
    assert record.events("d") == whole("d")


def test_writing_known_events_again_changes_nothing(record: Record) -> None:
    record.write(whole("d"))
    before = record.dialogues(), record.turns(), record.calls()
    record.write(whole("d"))
    record.write([*whole("d"), *whole("e")])
    assert record.summary("d").prompt_tokens == 200
    assert before[0].equals(record.dialogues().query("id == 'd'"))
    assert before[1].equals(record.turns("d"))
    assert before[2].equals(record.calls("d"))


def test_text_that_no_column_can_hold_comes_back_exactly(record: Record) -> None:
    odd = "nul \x00, half an emoji \ud83d, a whole one \U0001f600, \u4e2d\u6587"
    *_, last = turn("d", 1)
    said = TurnCompleted(dialogue="d", seq=last.seq, at=last.at, turn="turn_1", text=odd)
    start = DialogueStarted(dialogue="d", seq=1, at=1.0, mode="debate", topic=odd, run={"topic": odd})
    record.write([start, *turn("d", 1)[:-1], said])
    assert record.events("d")[-1] == said
    assert record.summary("d").run == {"topic": odd}
    assert record.summary("d").topic == "nul \ufffd, half an emoji ?, a whole one \U0001f600, \u4e2d\u6587"


def test_an_event_that_is_not_json_is_refused_and_holds_nobody_up(record: Record) -> None:
    record.append(DialogueStarted(dialogue="bad", seq=1, at=1.0, mode="debate", topic="t", run={"x": object()}))
    record.append(started("good"))
    with pytest.raises(RecordError, match="dialogue bad cannot be stored"):
        record.flush()
    record.flush()
    assert [summary.id for summary in record.summaries()] == ["good"]


def test_an_event_of_a_dialogue_that_never_began_is_refused(record: Record) -> None:
    with pytest.raises(RecordError, match="dialogue nobody cannot be stored"):
        record.write(turn("nobody", 1))
    assert record.events("nobody") == []


def test_a_closed_record_says_so(open_record: Callable[[], Record]) -> None:
    record = open_record()
    record.close()
    record.close()
    with pytest.raises(RecordError, match="closed"):
        record.append(started("d"))


def test_leaving_the_context_writes_what_waits(record_url: str, open_record: Callable[[], Record]) -> None:
    with Record.open(record_url) as record:
        record.append(started("d"))
    assert open_record().events("d") == [started("d")]

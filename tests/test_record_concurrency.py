"""Several processes, one record."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from record_examples import script, started, turn, whole

from workbench.errors import RecordError
from workbench.events import TurnCompleted
from workbench.records import Record

_RUN_DIALOGUES = """
async def run(record, name):
    await record.commit(started(name))
    for index in range(1, 21):
        *appended, last = turn(name, index)
        for event in appended:
            record.append(event)
        await record.commit(last)
    await record.commit(ended(name, 20))

async def main():
    with Record.open(sys.argv[1]) as record:
        await asyncio.gather(*(run(record, f"{sys.argv[2]}-{number}") for number in range(3)))

asyncio.run(main())
"""


def test_processes_write_one_record_while_it_is_read(record: Record, record_url: str) -> None:
    processes = [script(_RUN_DIALOGUES, record_url, name) for name in ("a", "b", "c")]
    while any(process.poll() is None for process in processes):
        for summary in record.summaries():
            told = sum(isinstance(event, TurnCompleted) for event in record.events(summary.id))
            assert told >= summary.turns_completed
    assert [process.communicate()[1] for process in processes] == ["", "", ""]
    names = {f"{process}-{number}" for process in "abc" for number in range(3)}
    assert {summary.id for summary in record.summaries()} == names
    assert all(record.events(name) == whole(name, 20) for name in names)
    assert {(summary.turns_completed, summary.cost) for summary in record.summaries()} == {(20, 5.0)}


async def test_the_second_writer_of_a_dialogue_is_told(record: Record, open_record: Callable[[], Record]) -> None:
    other = open_record()
    await record.commit(started("d"))
    for event in turn("d", 1):
        record.append(event)
    record.flush()
    first = turn("d", 1)[-1]
    rival = TurnCompleted(dialogue="d", seq=first.seq, at=first.at + 9, turn="turn_1", text="Something else")
    with pytest.raises(RecordError, match=r"already has another event 5(?s:.*)Two processes"):
        await other.commit(rival)
    assert other.unwritten == []
    await other.commit(started("e"))
    assert record.turns("d")["text"].item() == "Answer 1"


def test_only_one_of_two_processes_gets_a_dialogue_that_was_left(record: Record, record_url: str) -> None:
    record.write([started("d")])
    body = """
    with Record.open(sys.argv[1]) as record:
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            record.claim("d")
            print("mine", flush=True)
        except Exception as error:
            print(type(error).__name__, flush=True)
        sys.stdin.readline()
    """
    rivals = [script(body, record_url) for _ in range(3)]
    answers = []
    for rival in rivals:
        assert rival.stdout is not None
        assert rival.stdout.readline() == "ready\n"
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write("\n")
        rival.stdin.flush()
    for rival in rivals:
        assert rival.stdout is not None
        answers.append(rival.stdout.readline().strip())
    for rival in rivals:
        rival.communicate("\n")
    assert sorted(answers) == ["RecordError", "RecordError", "mine"]

"""What keeps targets up in the background: one watch for each, begun anew when it has ended, and stopped alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from patience import wait_until
from sync_mortal import a_dialogue
from sync_service import QUICK, Service, SmallTarget

from workbench.errors import WorkbenchError
from workbench.observe.sync.watch import Watch, keep_up, stop_all
from workbench.records import Record


@pytest.fixture
def record(sqlite_url: str) -> Iterator[Record]:
    with Record.open(sqlite_url) as opened:
        yield opened
        stop_all(opened)


def targets(service: Service) -> list[SmallTarget]:
    return [SmallTarget(service.url)]


def test_a_watch_takes_what_was_there_before_and_what_comes(record: Record, service: Service) -> None:
    record.write(a_dialogue("before"))
    watch = Watch(record, lambda: targets(service), since=0.0, pace=QUICK)
    wait_until(lambda: len(service.things) == 3)
    record.write(a_dialogue("after"))
    wait_until(lambda: len(service.things) == 6)
    assert watch.running
    assert watch.stop()


def test_what_runs_is_not_begun_beside_itself(record: Record, service: Service) -> None:
    watch = keep_up(record, "small", lambda: targets(service))
    assert keep_up(record, "small", lambda: targets(service)) is watch


def test_one_that_has_ended_says_why_and_is_begun_anew(record: Record, service: Service) -> None:
    def nothing() -> list[SmallTarget]:
        raise WorkbenchError("No target is set up.")

    ended = keep_up(record, "small", nothing)
    wait_until(lambda: not ended.running)
    assert "set up" in str(ended.problem)
    again = keep_up(record, "small", lambda: targets(service))
    assert again is not ended
    assert again.running


def test_only_what_is_meant_is_stopped(record: Record, service: Service, tmp_path: Path) -> None:
    with Record.open(f"sqlite:///{tmp_path / 'other.db'}") as other, Service() as second:
        mine = keep_up(record, "one", lambda: targets(service))
        also = keep_up(record, "two", lambda: targets(second))
        theirs = keep_up(other, "one", lambda: targets(second))
        assert stop_all(record, ["one"]) == ["one"]
        assert (mine.running, theirs.running) == (False, True)
        assert stop_all(record, ["one"]) == []
        assert stop_all(other) == ["one"]
        assert also is keep_up(record, "two", lambda: targets(second))

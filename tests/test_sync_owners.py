"""Who delivers to a target: one living process at a time, and another one as soon as that is gone."""

from __future__ import annotations

import os
import socket
import time

import psutil
import pytest
from sqlalchemy import update
from sync_service import SmallTarget, deliver

from workbench.observe.sync.deliver import SyncError
from workbench.records import Record
from workbench.records.owners import this_process
from workbench.records.schema import sync_targets


def own(record: Record, owner: str) -> None:
    record.outbox.switch_on(SmallTarget.id, SmallTarget.title, SmallTarget.kinds)
    with record.outbox._writing() as connection:
        connection.execute(update(sync_targets).values(owner=owner, seen_at=time.time()))


def owner_with(pid: int, start: float) -> str:
    return f"{socket.gethostname()}:{pid}:{start:.2f}"


def test_a_target_of_another_living_process_is_left_to_it(sqlite_url: str) -> None:
    theirs = owner_with(os.getppid(), psutil.Process(os.getppid()).create_time())
    with Record.open(sqlite_url) as record:
        own(record, theirs)
        problem = deliver(record, SmallTarget("http://nowhere"))[SmallTarget.id]
        assert isinstance(problem, SyncError)
        assert f"process {os.getppid()} on {socket.gethostname()}" in problem.message
        assert record.outbox.target(SmallTarget.id).owner == theirs


@pytest.mark.parametrize("start", [1.0, 2e9])
def test_a_target_of_a_process_that_is_gone_is_taken_over(sqlite_url: str, start: float) -> None:
    """Its number may be another process's by now."""
    with Record.open(sqlite_url) as record:
        own(record, owner_with(os.getppid(), start))
        assert record.outbox.claim(SmallTarget.id) is None
        assert record.outbox.target(SmallTarget.id).owner == this_process()

"""Asking the record what happened: ids, rows and DataFrames."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pandas as pd
import pytest
from record_examples import START, call, ended, run_script, script, started, turn, whole

from workbench.errors import RecordError
from workbench.events import CallEnded, DialogueResumed, Status, Timings, TurnFailed, TurnStarted
from workbench.records import Record
from workbench.records.owners import FOREIGN_SILENCE, is_alive, this_process


@pytest.fixture
def shelf(record: Record) -> Record:
    """A record of three dialogues; `cedar` is the newest, and the only one that still runs."""
    record.write([*whole("apple-1", at=START), *whole("apple-2", at=START + 1)])
    record.write([started("cedar", START + 2, parent_id="apple-1", forked_from="turn_1"), *turn("cedar", 1, cost=None)])
    return record


@pytest.mark.parametrize(("prefix", "full"), [("cedar", "cedar"), ("c", "cedar"), ("apple-2", "apple-2"), ("last", "cedar")])
def test_a_prefix_or_last_stands_for_an_id(shelf: Record, prefix: str, full: str) -> None:
    assert shelf.find(prefix) == full


def test_an_id_that_begins_another_is_still_found(shelf: Record) -> None:
    shelf.write(whole("cedar-2"))
    assert shelf.find("cedar") == "cedar"


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("apple", r"may mean 2 dialogues: apple-2, apple-1"),
        ("appel-1", r"No dialogue begins with 'appel-1'(?s:.*)apple-1"),
        ("zzz", r"No dialogue begins with 'zzz'(?s:.*)newest are cedar, apple-2, apple-1"),
        ("", r"No dialogue begins with ''"),
        ("CEDAR", r"No dialogue begins with 'CEDAR'"),
        ("c%", r"No dialogue begins with 'c%'"),
    ],
)
def test_a_prefix_that_does_not_settle_it_is_explained(shelf: Record, prefix: str, said: str) -> None:
    with pytest.raises(RecordError, match=said):
        shelf.find(prefix)


@pytest.mark.parametrize("prefix", ["last", "apple"])
def test_an_empty_record_says_that_it_is_empty(record: Record, prefix: str) -> None:
    with pytest.raises(RecordError, match="no dialogues yet"):
        record.find(prefix)


def test_the_newest_dialogues_come_first(shelf: Record) -> None:
    assert [summary.id for summary in shelf.summaries()] == ["cedar", "apple-2", "apple-1"]
    assert [summary.id for summary in shelf.summaries(limit=1)] == ["cedar"]
    assert [summary.id for summary in shelf.summaries(status="completed")] == ["apple-2", "apple-1"]
    assert [summary.id for summary in shelf.summaries(status=Status.FAILED)] == []


def test_a_summary_adds_up_what_is_known(shelf: Record) -> None:
    shelf.write([*turn("cedar", 2, cost=0.5), *turn("cedar", 3, cost=0.25)])
    cedar = shelf.summary("cedar")
    assert (cedar.prompt_tokens, cedar.completion_tokens, cedar.turns_completed) == (300, 60, 3)
    assert (cedar.cost, cedar.unknown_cost_calls) == (0.75, 1)
    assert (cedar.status, cedar.ended_at, cedar.updated_at) == (Status.RUNNING, None, START + 3.5)
    assert (cedar.parent_id, cedar.forked_from) == ("apple-1", "turn_1")
    apple = shelf.summary("apple-1")
    assert (apple.status, apple.ended_at, apple.created_at) == (Status.COMPLETED, START + 3, START)
    assert (apple.mode, apple.topic, apple.run) == ("debate", "Is water wet?", {})


def test_a_cost_of_which_nothing_is_known_is_not_zero(shelf: Record) -> None:
    assert shelf.summary("cedar").cost is None
    assert pd.isna(shelf.turns("cedar")["cost"].item())


def test_a_turn_that_failed_and_was_run_again_keeps_what_both_tries_cost(record: Record) -> None:
    first, call_started, paid, _ = turn("d", 1)
    failed = TurnFailed(dialogue="d", seq=5, at=START + 2, turn="turn_1", kind="timeout", error="too slow")
    record.write([started("d"), first, call_started, paid, failed, ended("d", 1, Status.FAILED)])
    row = record.turns("d").iloc[0]
    assert (row["status"], row["error"], row["text"]) == ("failed", "timeout: too slow", "")

    resumed = DialogueResumed(dialogue="d", seq=11, at=START + 60, run={"max_cost": 2})
    again = TurnStarted(dialogue="d", seq=12, at=START + 61, turn="turn_1", index=1, role="pro", model="large")
    record.write([resumed, again])
    row = record.turns("d").iloc[0]
    assert (row["status"], row["model"], row["prompt_tokens"], row["cost"]) == ("running", "large", 100, 0.25)
    assert pd.isna(row["error"])
    assert (record.summary("d").status, record.summary("d").run) == (Status.RUNNING, {"max_cost": 2})


def test_frames_have_one_row_an_observation(shelf: Record) -> None:
    assert list(shelf.dialogues()["id"]) == ["apple-1", "apple-2", "cedar"]
    assert list(shelf.turns("apple-1")["turn"]) == ["turn_1", "turn_2"]
    assert list(shelf.turns()["dialogue_id"].unique()) == ["apple-1", "apple-2", "cedar"]
    assert list(shelf.calls("last")["id"]) == ["cedar-call-1"]
    assert list(shelf.events_frame("ced")["seq"]) == [1, 2, 3, 4, 5]
    one = shelf.calls("apple-2").iloc[1]
    assert one["started_at"] == pd.Timestamp(START + 2, unit="s", tz="UTC")
    assert (one["served"], one["cached_tokens"], one["first_token_seconds"]) == ("small-2026", 5, 0.125)
    with pytest.raises(RecordError, match="No dialogue begins with 'nobody'"):
        shelf.turns("nobody")


def test_frames_have_the_same_columns_and_types_empty_or_full(record: Record) -> None:
    def shapes() -> list[dict[str, str]]:
        frames = (record.dialogues(), record.turns(), record.calls(), record.events_frame())
        return [{name: str(dtype) for name, dtype in frame.dtypes.items()} for frame in frames]

    empty = shapes()
    record.write(whole("d"))
    assert shapes() == empty
    dialogues, turns, calls, events = empty
    assert dialogues["created_at"] == turns["ended_at"] == events["at"] == "datetime64[us, UTC]"
    assert dialogues["turns_completed"] == calls["prompt_tokens"] == turns["round"] == "Int64"
    assert calls["queue_seconds"] == turns["cost"] == "float64"
    assert turns["text"] == calls["error"] == events["payload"] == "string"


def test_a_call_without_usage_has_no_tokens_rather_than_none(record: Record) -> None:
    unknown = call("d", 1)
    lost = CallEnded(
        dialogue="d",
        seq=3,
        at=START,
        turn="turn_1",
        call=type(unknown)(
            id="lost",
            asked="small",
            model="small",
            provider="local",
            attempt=1,
            outcome="timeout",
            started_at=START,
            timings=Timings(queue=0.0, first_token=None, total=9.0),
        ),
    )
    record.write([started("d"), turn("d", 1)[0], lost])
    row = record.calls("d").iloc[0]
    assert all(pd.isna(row[name]) for name in ("prompt_tokens", "cost", "served", "first_token_seconds"))
    assert record.summary("d").unknown_cost_calls == 1


def test_a_fork_may_take_calls_over_under_their_old_ids(record: Record) -> None:
    copied = CallEnded(dialogue="fork", seq=3, at=START, turn="turn_1", call=call("d", 1))
    record.write([*whole("d", 1), started("fork"), turn("fork", 1)[0], copied])
    assert list(record.calls()["id"]) == ["d-call-1", "d-call-1"]


_RUN_UNTIL_TOLD = """
record = Record.open(sys.argv[1])
record.append(started("d"))
record.flush()
print("running", flush=True)
sys.stdin.readline()
"""


def test_a_dialogue_that_a_live_process_runs_cannot_be_claimed(record_url: str, record: Record) -> None:
    other = script(_RUN_UNTIL_TOLD, record_url)
    assert other.stdout is not None
    assert other.stdout.readline() == "running\n", other.stderr
    with pytest.raises(RecordError, match=f"being run by process {other.pid}"):
        record.claim("d")
    assert not record.summary("d").interrupted

    other.kill()
    other.communicate()
    assert record.summary("d").interrupted
    record.claim("d")
    record.claim("d")
    assert not record.summary("d").interrupted


def test_a_dialogue_that_has_ended_can_be_claimed(record: Record, record_url: str) -> None:
    run_script("with Record.open(sys.argv[1]) as r: r.write(whole('d'))", record_url).check_returncode()
    assert record.summary("d").owner is None
    record.claim("d")
    assert record.summary("d").owner is not None


def test_an_owner_on_another_host_counts_as_dead_once_it_is_silent() -> None:
    owner = "another.host.example:1:1700000000.00"
    assert is_alive(owner, time.time())
    assert not is_alive(owner, time.time() - FOREIGN_SILENCE - 1)


def test_a_process_id_that_is_used_again_is_not_the_owner() -> None:
    host, pid, start = this_process().rsplit(":", 2)
    assert is_alive(f"{host}:{pid}:{start}", time.time())
    assert not is_alive(f"{host}:{pid}:{float(start) - 60}", time.time())


def test_claiming_an_unknown_dialogue_fails(record: Record) -> None:
    with pytest.raises(RecordError, match="no dialogue nobody"):
        record.claim("nobody")


def test_a_password_does_not_show(postgres_url: str) -> None:
    with Record.open(postgres_url) as record:
        assert "correct-horse" not in repr(record)
        assert "***" in repr(record)
        assert record.url == postgres_url


def _imported_after(body: str, url: str) -> set[str]:
    program = f"import sys\nfrom workbench.records import Record\n{body}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_and_opening_leave_heavy_packages_alone(record_url: str, open_record: Callable[[], Record]) -> None:
    open_record()
    assert not {"sqlalchemy", "alembic", "pandas", "psutil"} & _imported_after("", record_url)
    assert not {"alembic", "pandas"} & _imported_after("Record.open(sys.argv[1]).summaries()", record_url)

"""When the database cannot take an event: what is said, what is kept, and how it comes back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresServer
from record_examples import run_script, script, started, turn, whole
from sqlalchemy import Pool, event

from workbench.errors import RecordError
from workbench.events import DialogueStarted, Event, TurnCompleted
from workbench.records import Record


@pytest.fixture
def full_disk() -> Iterator[dict[str, int]]:
    """Limits every SQLite file to `pages` pages, through SQLite's own setting, as if the disk ended there."""
    limit = {"pages": 1_000_000}

    def apply(connection: object, *_: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute(f"PRAGMA max_page_count={limit['pages']}")

    event.listen(Pool, "checkout", apply)
    yield limit
    event.remove(Pool, "checkout", apply)


def _long_turn(dialogue: str, index: int) -> list[Event]:
    *first, last = turn(dialogue, index)
    said = TurnCompleted(dialogue=dialogue, seq=last.seq, at=last.at, turn=f"turn_{index}", text="word " * 20_000)
    return [*first, said]


async def _commit_all(record: Record, events: list[Event]) -> None:
    *appended, last = events
    for one in appended:
        record.append(one)
    await record.commit(last)


async def test_what_a_full_disk_refused_is_written_in_order_once_there_is_room(
    sqlite_url: str, full_disk: dict[str, int]
) -> None:
    Record.open(sqlite_url).close()
    full_disk["pages"] = 40
    with Record.open(sqlite_url) as record:
        await record.commit(started("d"))
        with pytest.raises(RecordError, match=r"disk is full(?s:.*)Free some space"):
            await _commit_all(record, _long_turn("d", 1))
        assert record.unwritten == _long_turn("d", 1)
        assert record.summary("d").turns_completed == 0
        assert record.events("d") == [started("d"), *_long_turn("d", 1)]

        full_disk["pages"] = 1_000_000
        await _commit_all(record, turn("d", 2))
        assert record.unwritten == []
        assert record.summary("d").turns_completed == 2
    with Record.open(sqlite_url) as record:
        assert record.events("d") == [started("d"), *_long_turn("d", 1), *turn("d", 2)]


def test_closing_saves_what_the_database_does_not_take(sqlite_url: str, full_disk: dict[str, int], tmp_path: Path) -> None:
    Record.open(sqlite_url).close()
    full_disk["pages"] = 40
    record = Record.open(sqlite_url)
    record.write([started("d")])
    for one in _long_turn("d", 1):
        record.append(one)
    with pytest.raises(RecordError, match=r"4 events could not be stored; they are in .*\.jsonl"):
        record.close()
    record.close()
    assert record.unwritten == _long_turn("d", 1)

    (saved,) = (tmp_path / "workspace").glob("rescued-*.jsonl")
    assert saved.stat().st_mode & 0o077 == 0
    full_disk["pages"] = 1_000_000
    with Record.open(sqlite_url) as again:
        assert again.rescue(saved) == 4
        assert again.rescue(saved) == 4
        assert again.events("d") == [started("d"), *_long_turn("d", 1)]
        assert again.summary("d").turns_completed == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if not mount or subprocess.run([mount, *options], capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a file system needs more rights")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_really_full_disk_loses_nothing_either(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with Record.open(f"sqlite:///{small_disk}/records.db") as record:
        await record.commit(started("d"))
        ballast.write_bytes(b"x" * 3_400_000)
        refused = 0
        for index in range(1, 11):
            try:
                await _commit_all(record, _long_turn("d", index))
            except RecordError:
                refused += 1
        assert refused > 0
        assert len(record.unwritten) == 4 * refused
        ballast.unlink()
        record.flush()
        expected = [one for index in range(1, 11) for one in _long_turn("d", index)]
        assert record.events("d") == [started("d"), *expected]
        assert record.summary("d").turns_completed == 10


_HOLD_THE_LOCK = """
import sqlite3
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
print("released", flush=True)
sys.stdin.readline()
"""


def test_a_locked_file_is_named_and_written_once_it_is_free(sqlite_url: str) -> None:
    with Record.open(f"{sqlite_url}?timeout=0.2") as record:
        record.write([started("d")])
        other = script(_HOLD_THE_LOCK, sqlite_url.removeprefix("sqlite:///"))
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        for one in turn("d", 1):
            record.append(one)
        with pytest.raises(RecordError, match=r"records\.db: it is locked by another process"):
            record.flush()
        assert record.events("d") == [started("d"), *turn("d", 1)]

        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "released\n"
        record.flush()
        assert record.unwritten == []
        other.communicate("\n")
    with Record.open(sqlite_url) as record:
        assert record.events("d") == [started("d"), *turn("d", 1)]


def test_a_short_lock_is_waited_for(sqlite_url: str) -> None:
    with Record.open(sqlite_url) as record:
        other = script(_HOLD_THE_LOCK, sqlite_url.removeprefix("sqlite:///"))
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        record.append(started("d"))
        other.stdin.write("\n")
        other.stdin.flush()
        record.flush()
        assert record.summary("d").id == "d"
        other.communicate("\n")


def test_a_file_that_is_not_a_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(RecordError, match=r"records\.db: the file is not an SQLite database(?s:.*)Move the file away"):
        Record.open(f"sqlite:///{path}")
    assert path.read_bytes() == b"Dear diary, " * 1000


def test_a_damaged_file_is_named(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with Record.open(sqlite_url) as record:
        for number in range(40):
            record.write(whole(f"dialogue-{number}"))
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
    with pytest.raises(RecordError, match="the file is damaged"):
        Record.open(sqlite_url).events("dialogue-7")


def test_a_file_that_was_deleted_while_in_use_is_noticed(sqlite_url: str, tmp_path: Path) -> None:
    record = Record.open(sqlite_url)
    record.write([started("d")])
    shutil.move(tmp_path / "workspace", tmp_path / "elsewhere")
    (tmp_path / "workspace").mkdir()
    with pytest.raises(RecordError, match="removed or replaced while it was in use"):
        record.write(turn("d", 1))
    with pytest.raises(RecordError, match=r"they are in .*rescued-"):
        record.close()


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "shut"
    folder.mkdir()
    folder.chmod(0o555)
    if os.access(folder, os.W_OK):
        pytest.skip("root may write everywhere; the test below covers it")
    with pytest.raises(RecordError, match=r"records\.db"):
        Record.open(f"sqlite:///{folder / 'records.db'}")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_folder_that_cannot_be_made_is_named() -> None:
    with pytest.raises(RecordError, match=r"/proc/workbench/records\.db cannot be opened"):
        Record.open("sqlite:////proc/workbench/records.db")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to mount")
def test_a_file_system_that_may_not_be_written_is_named(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk}/records.db"
    Record.open(url).close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(RecordError, match=r"records\.db: (it may not be written|the file cannot be opened)"):
        Record.open(url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://host/db", "'mysql' is not a database that can hold a record"),
        ("records.db", "'records.db' is not a database"),
        ("sqlite://", "in memory would be lost"),
        ("sqlite:///:memory:", "in memory would be lost"),
    ],
)
def test_a_url_that_cannot_hold_a_record_is_explained(url: str, said: str) -> None:
    with pytest.raises(RecordError, match=said):
        Record.open(url)


def test_without_psycopg_the_extra_is_named() -> None:
    done = run_script("sys.modules['psycopg'] = None\nRecord.open('postgresql://localhost/db')")
    assert "pip install 'dialogue-workbench[postgres]'" in done.stderr


@pytest.fixture
def own_server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """A PostgreSQL server that a test may stop."""
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


@pytest.mark.slow
async def test_a_server_that_stops_and_comes_back_loses_nothing(own_server: PostgresServer) -> None:
    with Record.open(own_server.url()) as record:
        await _commit_all(record, [started("d"), *turn("d", 1)])
        own_server.stop()
        with pytest.raises(RecordError, match=r"(cannot be reached|server is stopping)(?s:.*)waiting"):
            await _commit_all(record, turn("d", 2))
        with pytest.raises(RecordError, match="cannot be reached"):
            record.summaries()
        own_server.start()
        await _commit_all(record, turn("d", 3))
        assert record.unwritten == []
        assert record.summary("d").turns_completed == 3
        assert record.events("d") == [started("d"), *turn("d", 1), *turn("d", 2), *turn("d", 3)]


@pytest.mark.slow
async def test_a_server_that_restarts_between_two_turns_goes_unnoticed(own_server: PostgresServer) -> None:
    with Record.open(own_server.url()) as record:
        await _commit_all(record, [started("d"), *turn("d", 1)])
        own_server.stop()
        own_server.start()
        await _commit_all(record, turn("d", 2))
        assert record.summary("d").turns_completed == 2


@pytest.mark.slow
def test_a_server_that_is_gone_for_good_leaves_a_rescue_file(own_server: PostgresServer) -> None:
    record = Record.open(own_server.url())
    record.write([started("d")])
    own_server.stop()
    for one in turn("d", 1):
        record.append(one)
    with pytest.raises(RecordError, match=r"they are in (\S+\.jsonl)") as closing:
        record.close()
    saved = Path(str(closing.value.message).rpartition(" they are in ")[2].rstrip("."))
    own_server.start()
    with Record.open(own_server.url()) as again:
        again.rescue(saved)
        assert again.summary("d").turns_completed == 1
    saved.unlink()


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(RecordError, match="cannot be reached") as refused:
        Record.open("postgresql://me:quite-secret@127.0.0.1:1/db")
    assert "quite-secret" not in str(refused.value)


def test_a_wrong_password_or_database_is_explained(postgres_server: PostgresServer) -> None:
    with pytest.raises(RecordError) as refused:
        Record.open(postgres_server.url(password="wrong-password"))
    assert "password" in str(refused.value)
    assert "wrong-password" not in str(refused.value)
    with pytest.raises(RecordError, match="nowhere"):
        Record.open(postgres_server.url("nowhere"))


def test_a_rescue_file_that_is_not_one_is_explained(tmp_path: Path, sqlite_url: str) -> None:
    path = tmp_path / "rescued.jsonl"
    path.write_text('{"type": "dialogue_started"}\n')
    with Record.open(sqlite_url) as record:
        with pytest.raises(RecordError, match="lacks a field"):
            record.rescue(path)
        path.write_text("[]\n")
        with pytest.raises(RecordError, match=r"rescued\.jsonl, line 1 is not an event"):
            record.rescue(path)
        with pytest.raises(RecordError, match="cannot be read"):
            record.rescue(tmp_path / "missing.jsonl")


def test_one_dialogues_unfit_event_does_not_cost_another_its_turn(sqlite_url: str) -> None:
    bad = DialogueStarted(dialogue="bad", seq=2**70, at=1.0, mode="debate", topic="t", run={})
    with Record.open(sqlite_url) as record:
        with pytest.raises(RecordError, match="dialogue bad cannot be stored"):
            record.write([*whole("good"), bad])
        assert [summary.id for summary in record.summaries()] == ["good"]

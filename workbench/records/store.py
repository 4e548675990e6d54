"""One gathering of events, one transaction.

`Store.write` either puts all of its events into the database, with the rows that follow from them, or none. It may be
given events that are there already (an import, or a retry after a connection broke in the middle of a commit): those are
left alone. An event that can never be stored is refused, together with the rest of its dialogue in that gathering, so that
it does not hold up the others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine, select

from workbench.errors import RecordError
from workbench.events import DialogueEnded, Event, event_from_dict
from workbench.records.enqueue import dialogue_values
from workbench.records.failures import explain, is_passing, is_unfit
from workbench.records.projection import Change, Values, schedule
from workbench.records.schema import events
from workbench.records.statements import compile_statements
from workbench.records.texts import storable_changes

_ATTEMPTS: Final = 3
Work = list[tuple[str, list[Values]]]


class Entry(NamedTuple):
    """An event to store, and the process that runs its dialogue (None for an import)."""

    event: Event
    owner: str | None = None


class Store:
    """The writing side of a record: one connection of its own, one thread at a time.

    Args:
        engine: an engine whose schema is up to date.
        place: the record's name in messages.
        file: the SQLite file; None for a server.
    """

    def __init__(self, engine: Engine, place: str, file: Path | None) -> None:
        self._engine = engine
        self._place = place
        self._file = file
        self._inode = file.stat().st_ino if file else None
        self._sql = compile_statements(engine.dialect)
        self._begin = "BEGIN IMMEDIATE" if file else "BEGIN"
        self._raw: Any = None

    def write(self, entries: Sequence[Entry]) -> dict[str, RecordError]:
        """Store the entries durably.

        Returns:
            why the events of a dialogue were refused, by dialogue; empty when everything is stored.

        Raises:
            RecordError: nothing was stored that the next attempt would not recognise; try again later.
        """
        try:
            self._run(self._work(entries))
        except RecordError:
            raise
        except Exception as error:
            if is_unfit(error):
                return self._one_by_one(entries)
            raise explain(error, self._place) from error
        return {}

    def close(self) -> None:
        """Give the connection back."""
        raw, self._raw = self._raw, None
        if raw is not None:
            raw.close()

    def _one_by_one(self, entries: Sequence[Entry]) -> dict[str, RecordError]:
        refused: dict[str, RecordError] = {}
        ordered = sorted(entries, key=lambda entry: entry.event.dialogue)
        for dialogue, group in groupby(ordered, key=lambda entry: entry.event.dialogue):
            try:
                self._run(self._work(self._not_stored_yet(dialogue, list(group))))
            except _ConflictError as conflict:
                refused[dialogue] = conflict
            except RecordError:
                raise
            except Exception as error:
                if not is_unfit(error):
                    raise explain(error, self._place) from error
                refused[dialogue] = self._refusal(dialogue, error)
        return refused

    def _refusal(self, dialogue: str, error: Exception) -> RecordError:
        reason = explain(error, self._place).message
        refusal = RecordError(
            f"Events of dialogue {dialogue} cannot be stored. {reason}",
            hint="A dialogue's events must begin with dialogue_started and hold plain JSON values.",
        )
        refusal.__cause__ = error
        return refusal

    def _not_stored_yet(self, dialogue: str, entries: list[Entry]) -> list[Entry]:
        numbers = [entry.event.seq for entry in entries]
        query = select(events.c.seq, events.c.payload).where(
            events.c.dialogue_id == dialogue, events.c.seq.between(min(numbers), max(numbers))
        )
        with self._engine.connect() as connection:
            stored: dict[int, str] = dict(connection.execute(query).all())
        fresh = []
        for entry in entries:
            before = stored.get(entry.event.seq)
            if before is None:
                fresh.append(entry)
            elif event_from_dict(json.loads(before)) != entry.event:
                raise _ConflictError(
                    f"Dialogue {dialogue} already has another event {entry.event.seq}.",
                    hint="Two processes write it: stop one of them and resume the dialogue.",
                )
        return fresh

    def _work(self, entries: Iterable[Entry]) -> Work:
        wanted: list[Change] = []
        for event, owner in entries:
            wanted += storable_changes(event, owner)
            if isinstance(event, DialogueEnded):
                wanted.append(Change("enqueue_dialogue", ("dialogues", event.dialogue), dialogue_values(event, time.time())))
        return [(self._sql[name], rows) for name, rows in schedule(wanted)]

    def _run(self, work: Work) -> None:
        if not work:
            return
        for attempt in range(1, _ATTEMPTS + 1):
            raw = self._connected()
            try:
                self._transact(raw, work)
            except BaseException as error:
                self._abandon()
                if attempt == _ATTEMPTS or not is_passing(error):
                    raise
            else:
                return

    def _abandon(self) -> None:
        """Drop the connection; roll back first, because SQLite keeps a closed one's locks while a cursor lives."""
        with suppress(Exception):
            self._raw.rollback()
        with suppress(Exception):
            self.close()

    def _transact(self, raw: Any, work: Work) -> None:
        with nullcontext() if self._file else _one_round_trip(raw), closing(raw.cursor()) as cursor:
            cursor.execute(self._begin)
            for sql, rows in work:
                cursor.executemany(sql, rows)
            cursor.execute("COMMIT")

    def _connected(self) -> Any:
        self._check_file()
        if self._raw is None:
            pooled = self._engine.raw_connection()
            self._raw = pooled.driver_connection
            pooled.detach()
            if not self._file:
                self._raw.autocommit = True  # BEGIN and COMMIT are ours
        return self._raw

    def _check_file(self) -> None:
        """A deleted SQLite file takes writes without complaint and keeps none of them."""
        if self._file is None:
            return
        try:
            same = self._file.stat().st_ino == self._inode
        except FileNotFoundError:
            same = False
        if not same:
            raise RecordError(
                f"The record {self._place} was removed or replaced while it was in use.",
                hint="Put the file back, or close the record: what is not written goes into a rescue file.",
            )


@contextmanager
def _one_round_trip(raw: Any) -> Iterator[None]:
    """Send statements without waiting for each one's answer; raise the first error that comes back."""
    first: Exception | None = None
    try:
        with raw.pipeline():
            try:
                yield
            except Exception as error:  # noqa: BLE001 - raised below; let through, it would be logged as well
                first = error
    except Exception as error:  # noqa: BLE001 - of two errors, the first is the cause
        raise (first or error) from None
    if first is not None:
        raise first


class _ConflictError(RecordError):
    """Another process has stored a different event under this number."""

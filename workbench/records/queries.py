"""Reading dialogues back: their events, their rows, and the id that a person meant.

`Record` reads with a `Reader` of its own; `glance` gives one to those who only look and make no record.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, Row, Table, func, or_, select

from workbench.errors import RecordError
from workbench.events import Event, Status, event_from_dict
from workbench.records.engine import BUSY_SECONDS, look_only, parse_url, place_of
from workbench.records.failures import explained
from workbench.records.schema import calls, dialogues, events, experiment_runs, experiments, papers, turns
from workbench.records.summary import DialogueSummary

_NEAR: Final = 3
_SHOWN: Final = 5
_NEWEST: Final = 500
"""Dialogues of a mode that tell how long its answers are; it may have a hundred thousand."""
_AT_ONCE: Final = 500
"""Parents in one query."""
_LAST_LETTER: Final = "\U0010ffff"
_ORDER: Final = {
    "dialogues": (dialogues, (dialogues.c.created_at, dialogues.c.id)),
    "turns": (turns, (turns.c.dialogue_id, turns.c.position, turns.c.turn)),
    "calls": (calls, (calls.c.dialogue_id, calls.c.started_at, calls.c.id)),
    "events": (events, (events.c.dialogue_id, events.c.seq)),
}


@contextmanager
def glance(url: str, patience: float = BUSY_SECONDS) -> Iterator[Reader | None]:
    """Give a reader of a record as it lies there, or None where there is none; nothing is made and nothing migrated.

    A record of another version answers what its tables can answer.

    Args:
        url: as for `Record.open`.
        patience: seconds to wait for a lock or a server.

    Raises:
        RecordError: the URL is none, or, from the reader's methods, it cannot be read.
    """
    parsed = parse_url(url)
    if parsed.drivername == "sqlite" and not Path(str(parsed.database)).is_file():
        yield None
        return
    engine = look_only(parsed, patience)
    try:
        yield Reader(engine, place_of(parsed))
    finally:
        engine.dispose()


class Reader:
    """The reading side of a record. It works while the writer writes.

    Args:
        engine: connected to the record, see `workbench.records.engine`.
        place: the record's name in messages.
    """

    def __init__(self, engine: Engine, place: str) -> None:
        self._engine = engine
        self._place = place

    def events(self, dialogue: str, after: int) -> list[Event]:
        """Return the stored events of a dialogue with a number above `after`, rising; none for an unknown one."""
        e = events.c
        query = select(e.payload).where(e.dialogue_id == dialogue, e.seq > after).order_by(e.seq)
        with self._connected() as connection:
            payloads = connection.execute(query).scalars().all()
        return [event_from_dict(json.loads(payload)) for payload in payloads]

    def find(self, prefix: str) -> str:
        """Return the id that a prefix, or `last`, stands for."""
        newest = select(dialogues.c.id).order_by(dialogues.c.created_at.desc(), dialogues.c.id.desc())
        fitting = newest.where(self._begins_with(prefix))
        with self._connected() as connection:
            if connection.execute(select(dialogues.c.id).where(dialogues.c.id == prefix)).first():
                return prefix
            own = newest.where(
                or_(dialogues.c.parent_id.is_(None), dialogues.c.forked_from.is_not(None))
            )  # not a part of another
            query = own.limit(1) if prefix == "last" else fitting
            found: list[str] = list(connection.execute(query).scalars())
            if len(found) == 1:
                return found[0]
            known: list[str] = found or list(connection.execute(newest.limit(1000)).scalars())
        raise _not_one(prefix, found, known)

    def summary(self, dialogue: str) -> DialogueSummary:
        """Return the row of the dialogue that an id, a unique prefix of one, or `last` stands for."""
        with self._connected() as connection:
            query = select(dialogues).where(dialogues.c.id == self.find(dialogue))
            return _summary(connection.execute(query).one())

    def summaries(
        self, limit: int, status: Status | str | None, *, observations: bool = True, text: str = ""
    ) -> list[DialogueSummary]:
        """Return the newest dialogues, newest first.

        Args:
            limit: how many.
            status: only of this one.
            observations: whether those that experiments made are among them: there are thousands.
            text: only those whose topic, mode or id has it, capitals or not.
        """
        d, conditions = dialogues.c, []
        if not observations:
            conditions.append(or_(d.parent_id.is_(None), d.parent_id.not_in(select(experiment_runs.c.id))))
        if status is not None:
            conditions.append(d.status == Status(status).value)
        if text.isascii() and text:  # other capitals are not known to every database
            conditions.append(or_(*(column.icontains(text, autoescape=True) for column in (d.topic, d.mode, d.id))))
        newest = (d.created_at.desc(), d.id.desc())
        with self._connected() as connection:
            if not text.isascii():
                brief = select(d.id, d.mode, d.topic).where(*conditions).order_by(*newest)
                with connection.execution_options(stream_results=True).execute(brief) as rows:
                    fitting = (row.id for row in rows if _has(text, row.id, row.mode, row.topic))
                    conditions = [d.id.in_(list(islice(fitting, limit)))]
            query = select(dialogues).where(*conditions).order_by(*newest).limit(limit)
            return [_summary(row) for row in connection.execute(query)]

    def children(self, dialogue: str) -> list[DialogueSummary]:
        """Return what was forked from a dialogue (its full id) or spawned by it, the oldest first."""
        with self._connected() as connection:
            return _children(connection, [dialogue])

    def family(self, dialogue: str) -> list[DialogueSummary]:
        """Return a dialogue (its full id), all that it comes from, and all that comes from those, the oldest first."""
        with self._connected() as connection:
            found: dict[str, DialogueSummary] = {}
            name: str | None = dialogue
            while name is not None and name not in found:
                row = connection.execute(select(dialogues).where(dialogues.c.id == name)).one_or_none()
                if row is None:
                    break
                found[name] = _summary(row)
                name = found[name].parent_id
            latest = list(found)
            while latest:
                below = [row for row in _children(connection, latest) if row.id not in found]
                found.update((row.id, row) for row in below)
                latest = [row.id for row in below]
        return sorted(found.values(), key=lambda row: (row.created_at, row.id))

    def answer_lengths(self, mode: str, limit: int) -> dict[str, list[int]]:
        """Return the tokens of the latest answers in complete turns of a mode's newest dialogues, `limit` at most, by model."""
        c, d, of_turn = calls.c, dialogues.c, (turns.c.dialogue_id == calls.c.dialogue_id) & (turns.c.turn == calls.c.turn)
        newest = select(d.id).where(d.mode == mode).order_by(d.created_at.desc()).limit(_NEWEST)
        query = (
            select(c.model, c.completion_tokens)
            .join(turns, of_turn)
            .where(c.dialogue_id.in_(newest), turns.c.status == "completed", c.outcome == "ok", c.completion_tokens > 0)
            .order_by(c.started_at.desc())
            .limit(limit)
        )
        found: dict[str, list[int]] = {}
        with self._connected() as connection:
            for model, tokens in connection.execute(query):
                found.setdefault(model, []).append(tokens)
        return found

    def papers(self, limit: int) -> list[tuple[str, str]]:
        """Return id and title of the newest papers, the newest first."""
        query = select(papers.c.id, papers.c.title).order_by(papers.c.added_at.desc(), papers.c.id).limit(limit)
        with self._connected() as connection:
            return [(row.id, row.title) for row in connection.execute(query)]

    def experiments(self, limit: int) -> list[str]:
        """Return the names of the newest experiments, the newest first."""
        newest = func.max(experiments.c.created_at)
        query = select(experiments.c.name).group_by(experiments.c.name).order_by(newest.desc(), experiments.c.name).limit(limit)
        with self._connected() as connection:
            return list(connection.execute(query).scalars())

    def rows(self, name: str, dialogue: str | None) -> tuple[Table, Sequence[Row[Any]]]:
        """Return a table and its rows, all or those of one dialogue, in the order in which a person reads them."""
        table, order = _ORDER[name]
        query = select(table).order_by(*order)
        if dialogue is not None:
            query = query.where(table.c.dialogue_id == self.find(dialogue))
        with self._connected() as connection:
            return table, connection.execute(query).all()

    def _begins_with(self, prefix: str) -> ColumnElement[bool]:
        """Return whether an id begins so; SQLite compares by code point, so that its index answers."""
        if self._engine.dialect.name == "sqlite" and prefix:
            return dialogues.c.id.between(prefix, prefix + _LAST_LETTER)
        return func.substr(dialogues.c.id, 1, len(prefix)) == prefix

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with explained(self._place), self._engine.connect() as connection:
            yield connection


def _summary(row: Row[Any]) -> DialogueSummary:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return DialogueSummary(**{**values, "status": Status(values["status"]), "run": json.loads(values["run"])})


def _children(connection: Connection, parents: Sequence[str]) -> list[DialogueSummary]:
    """Return the dialogues that have one of these parents, the oldest first."""
    d, found = dialogues.c, list[DialogueSummary]()
    for start in range(0, len(parents), _AT_ONCE):
        query = select(dialogues).where(d.parent_id.in_(parents[start : start + _AT_ONCE]))
        found += map(_summary, connection.execute(query.order_by(d.created_at, d.id)))
    return found


def _has(text: str, *fields: str) -> bool:
    return any(text.casefold() in field.casefold() for field in fields)


def _not_one(prefix: str, found: list[str], known: list[str]) -> RecordError:
    if prefix == "last" or not known:
        return RecordError("The record has no dialogues yet.", hint="Run one first.")
    if found and prefix:
        shown = ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
        return RecordError(f"{prefix!r} may mean {len(found)} dialogues: {shown}.", hint="Give more of the id.")
    near = difflib.get_close_matches(prefix, [key[: len(prefix)] for key in known], n=_NEAR, cutoff=0.5)
    likely = [key for start in dict.fromkeys(near) for key in known if key.startswith(start)][:_NEAR] if near else []
    shown = f"Did you mean {', '.join(likely)}?" if likely else f"The newest are {', '.join(known[:_NEAR])}."
    return RecordError(f"No dialogue begins with {prefix!r}.", hint=shown)

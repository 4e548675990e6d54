"""What becomes of a source: the parcels it goes in, their frozen bytes, and the states that each passes through.

A source waits until it is turned into parcels, once; then it is `packed` until every parcel is sent or dead, and so is it.
A parcel is `pending`, `in_flight` (written before the request goes out), then `sent`, `dead`, `unsure` or pending again;
`split` is one that others have taken the place of. Steps are applied many in one transaction, which is kept whole or not at
all, and only as long as this process is the one that delivers to the target.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from workbench.errors import RecordError
from workbench.records.enqueue import WAITING
from workbench.records.outbox import OPEN
from workbench.records.owners import this_process
from workbench.records.rows import Rows
from workbench.records.schema import outbox, parcels, sync_targets

FURTHEST: Final = 25 * 3600.0
"""Seconds; nothing is put off for longer, so what is due later than that was written by a clock that went wrong."""
LONGEST: Final = 30.0
"""Seconds that a request may take; a service may have taken it as late as that."""


class ClaimLostError(RecordError):
    """Another process delivers to the target now."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source in the outbox; `version` is the last event of a dialogue, `from_seq` the last that went before."""

    id: int
    target_id: str
    kind: str
    subject: str
    version: int
    from_seq: int
    made_at: float
    state: str

    @property
    def key(self) -> str:
        """Its key, as targets know it."""
        return f"{self.subject}@{self.from_seq}-{self.version}" if self.kind == "dialogue" else self.subject


@dataclass(frozen=True, slots=True)
class Fresh:
    """A parcel that is to be kept."""

    kind: str
    key: str
    things: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class ParcelRow:
    """A parcel that is still to be dealt with."""

    id: int
    source_id: int
    kind: str
    key: str
    version: int
    things: tuple[str, ...]
    body: bytes
    state: str
    attempts: int
    due_at: float

    @property
    def name(self) -> str:
        """Its key, told apart from an earlier one of other bytes."""
        return f"{self.key}~{self.version}" if self.version else self.key


@dataclass(frozen=True, slots=True)
class Pack:
    """A source was turned into parcels.

    One whose key is there already is left out if its bytes are the same, or if it is of a kind in `frozen`, of which a second
    copy would count again; else it goes as another version, because what it says has changed.
    """

    source: int
    parcels: tuple[Fresh, ...]
    frozen: frozenset[str]


@dataclass(frozen=True, slots=True)
class GiveUp:
    """A source cannot be turned into parcels."""

    source: int
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class PutOff:
    """A source is to be looked at later."""

    source: int
    due_at: float


@dataclass(frozen=True, slots=True)
class Begin:
    """The request is about to go out."""

    parcel: int


@dataclass(frozen=True, slots=True)
class Settle:
    """What came of a request. `dead` are parts of the parcel that the service will never take, with the reason of each."""

    parcel: int
    state: str
    due_at: float = 0.0
    reason: str | None = None
    remedy: str | None = None
    dead: tuple[tuple[Fresh, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Replace:
    """Others take a parcel's place: its halves, or what the service lacks of it."""

    parcel: int
    parcels: tuple[Fresh, ...]
    reason: str


Step = Pack | GiveUp | PutOff | Begin | Settle | Replace


class ParcelRows(Rows):
    """Sources and parcels on their way; `Rows` has the arguments."""

    def due(self, target: str, limit: int, now: float, busy: Collection[int] = ()) -> list[SourceRow]:
        """Return sources whose turn it is: those that are tried again, then those that came first.

        Args:
            target: its id.
            limit: how many.
            now: Unix time.
            busy: ids of those that are being dealt with.
        """
        o = outbox.c
        again = _eligible(target, busy).where(o.due_at > 0, o.due_at <= now).order_by(o.due_at, o.id).limit(limit)
        found = [_source(row) for row in self._read(again)]
        if len(found) < limit:
            fresh = _eligible(target, busy).where(o.due_at == 0).order_by(o.id).limit(limit - len(found))
            found += [_source(row) for row in self._read(fresh)]
        return found

    def next_due(self, target: str, now: float) -> float | None:
        """Return the first Unix time after `now` at which something of a target is due; None where nothing is."""
        later = select(func.min(outbox.c.due_at)).where(outbox.c.target_id == target, outbox.c.due_at > now)
        value = self._read(later)[0][0]
        return None if value is None else float(value)

    def left(self, target: str) -> int:
        """Return how many sources of a target are not done with."""
        query = select(func.count()).where(outbox.c.target_id == target, outbox.c.due_at.is_not(None))
        return int(self._read(query)[0][0])

    def next(self, source: int) -> ParcelRow | None:
        """Return the first parcel of a source that is still to be dealt with."""
        with_open = select(parcels).where(parcels.c.source_id == source, parcels.c.state.in_(OPEN))
        found = self._read(with_open.order_by(parcels.c.place, parcels.c.id).limit(1))
        return _parcel(found[0]) if found else None

    def recover(self, target: str, lags: dict[str, float]) -> int:
        """Call unsure what was in flight when its process ended, and return how much that was.

        Args:
            target: its id.
            lags: by kind of parcel that is looked up before it is sent again, seconds until that can be done.
        """
        p, o, now = parcels.c, outbox.c, time.time()
        lost = select(p.id, p.kind, p.changed_at, p.source_id).join(outbox, o.id == p.source_id)
        with self._writing() as connection:
            _check_claim(connection, target)
            found = connection.execute(lost.where(o.target_id == target, o.due_at.is_not(None), p.state == "in_flight")).all()
            for row in found:
                due = min(row.changed_at + LONGEST, now) + lags.get(row.kind, 0.0)
                values = {"state": "unsure", "due_at": due, "reason": "the process ended before the answer came"}
                connection.execute(update(parcels).where(p.id == row.id).values(values))
                _tidy(connection, row.source_id)
        return len(found)

    def unskew(self, target: str) -> None:
        """Make due what a clock that went wrong has put off for longer than anything is."""
        p, o, now = parcels.c, outbox.c, time.time()
        mine = (o.target_id == target) & (o.due_at > now + FURTHEST)
        with self._writing() as connection:
            late = list(connection.execute(select(o.id).where(mine)).scalars())
            for source in late:
                there = update(parcels).where(p.source_id == source, p.state.in_(OPEN), p.due_at > now + FURTHEST)
                connection.execute(there.values(due_at=now))
                connection.execute(update(outbox).where(o.id == source).values(due_at=now))

    def revive(self, target: str, lags: dict[str, float]) -> int:
        """Have what is dead tried again, unless a later word has taken its place; return how many sources that concerns.

        Args:
            target: its id.
            lags: as for `recover`; of these kinds a service may have refused a part and taken the others.
        """
        p, o, later = parcels.c, outbox.c, parcels.alias("later").c
        dead = select(o.id).where(o.target_id == target, o.state == "dead")
        lost = (p.source_id.in_(dead), p.state == "dead")
        said = select(later.id).where(later.target_id == p.target_id, later.key == p.key, later.version > p.version).exists()
        with self._writing() as connection:
            sources = list(connection.execute(dead).scalars())
            connection.execute(update(parcels).where(*lost, said).values(state="split", body=None, things=None))
            for kind, lag in lags.items():
                unsure = {"state": "unsure", "attempts": 0, "due_at": p.changed_at + lag}
                connection.execute(update(parcels).where(*lost, p.kind == kind).values(unsure))
            connection.execute(update(parcels).where(*lost).values(state="pending", attempts=0, due_at=0.0))
            for source in sources:
                there = connection.execute(select(p.id).where(p.source_id == source).limit(1)).one_or_none()
                if there:
                    _tidy(connection, source)
                else:
                    fresh = {"state": WAITING, "due_at": 0.0, "reason": None, "remedy": None}
                    connection.execute(update(outbox).where(o.id == source).values(fresh))
        return len(sources)

    def apply(self, target: str, steps: Sequence[Step]) -> None:
        """Keep steps, all or none.

        Raises:
            ClaimLostError: another process delivers to the target now.
            RecordError: the database does not take them; they may be tried again.
        """
        with self._writing() as connection:
            _check_claim(connection, target)
            for step in steps:
                _apply(connection, target, step)


def _apply(connection: Connection, target: str, step: Step) -> None:
    now = time.time()
    match step:
        case Pack():
            _pack(connection, target, step, now)
        case GiveUp():
            values: dict[str, Any] = {"state": "dead", "due_at": None, "reason": step.reason, "remedy": step.remedy}
            connection.execute(update(outbox).where(outbox.c.id == step.source).values(values))
        case PutOff():
            connection.execute(update(outbox).where(outbox.c.id == step.source).values(due_at=step.due_at))
        case Begin():
            values = {"state": "in_flight", "attempts": parcels.c.attempts + 1, "changed_at": now}
            connection.execute(update(parcels).where(parcels.c.id == step.parcel).values(values))
        case Settle():
            _settle(connection, target, step, now)
        case Replace():
            source, place = _gone(connection, step.parcel, "split", step.reason, now)
            places = [f"{place}.{number:06}" for number in range(len(step.parcels))]
            _keep(connection, target, source, zip(places, step.parcels, strict=True), now)
            _tidy(connection, source)


def _pack(connection: Connection, target: str, step: Pack, now: float) -> None:
    p = parcels.c
    for number, fresh in enumerate(step.parcels):
        latest = (
            select(p.version, p.digest).where(p.target_id == target, p.key == fresh.key).order_by(p.version.desc()).limit(1)
        )
        known = connection.execute(latest).one_or_none()
        if known is not None and (fresh.kind in step.frozen or known.digest == _digest(fresh.body)):
            continue
        _keep(
            connection, target, step.source, [(f"{number:06}", fresh)], now, version=0 if known is None else known.version + 1
        )
    _tidy(connection, step.source)


def _keep(
    connection: Connection,
    target: str,
    source: int,
    placed: Iterable[tuple[str, Fresh]],
    now: float,
    *,
    version: int = 0,
    refused: str | None = None,
) -> None:
    """Keep parcels at their places in a source; `refused` is why the service will never take them."""
    rows = [
        {
            "source_id": source,
            "target_id": target,
            "place": place,
            "kind": fresh.kind,
            "key": fresh.key,
            "version": version,
            "digest": _digest(fresh.body),
            "size": len(fresh.things),
            "things": json.dumps(fresh.things),
            "body": fresh.body,
            "state": "pending" if refused is None else "dead",
            "attempts": 0,
            "due_at": 0.0,
            "changed_at": now,
            "reason": refused,
        }
        for place, fresh in placed
    ]
    if rows:
        connection.execute(insert(parcels), rows)


def _settle(connection: Connection, target: str, step: Settle, now: float) -> None:
    p = parcels.c
    if step.state in OPEN:
        values = {"state": step.state, "due_at": step.due_at, "reason": step.reason, "changed_at": now}
        connection.execute(update(parcels).where(p.id == step.parcel).values(values))
        source = connection.execute(select(p.source_id).where(p.id == step.parcel)).scalar_one()
    else:
        source, place = _gone(connection, step.parcel, step.state, step.reason, now, step.remedy)
        for number, (fresh, reason) in enumerate(step.dead):
            _keep(connection, target, source, [(f"{place}.x{number:06}", fresh)], now, refused=reason)
    if step.state == "sent":
        connection.execute(update(sync_targets).where(sync_targets.c.id == target).values(sent_at=now, trouble=None))
    _tidy(connection, source)


def _gone(
    connection: Connection, parcel: int, state: str, reason: str | None, now: float, remedy: str | None = None
) -> tuple[int, str]:
    """Put a parcel into a state in which it stays; only a dead one keeps its bytes. Return its source and place."""
    values: dict[str, Any] = {"state": state, "reason": reason, "remedy": remedy, "changed_at": now}
    kept = {} if state == "dead" else {"body": None, "things": None}
    this = parcels.c.id == parcel
    connection.execute(update(parcels).where(this).values(values | kept))
    row = connection.execute(select(parcels.c.source_id, parcels.c.place).where(this)).one()
    return row.source_id, row.place


def _tidy(connection: Connection, source: int) -> None:
    """Let a source's row say what its parcels say."""
    p = parcels.c
    mine = select(p.due_at).where(p.source_id == source, p.state.in_(OPEN)).order_by(p.place, p.id).limit(1)
    due = connection.execute(mine).scalar_one_or_none()
    if due is not None:
        values: dict[str, Any] = {"state": "packed", "due_at": due}
    else:
        dead = select(p.id).where(p.source_id == source, p.state == "dead").limit(1)
        values = {"state": "dead" if connection.execute(dead).one_or_none() else "sent", "due_at": None}
    connection.execute(update(outbox).where(outbox.c.id == source).values(values))


def _check_claim(connection: Connection, target: str) -> None:
    owner = connection.execute(select(sync_targets.c.owner).where(sync_targets.c.id == target).with_for_update()).scalar_one()
    if owner != this_process():
        raise ClaimLostError(f"Another process delivers to {target} now.", hint="`%sync status` tells which.")


def _eligible(target: str, busy: Collection[int]) -> Select[Any]:
    """Return a query for sources that nothing in their lanes stands before."""
    o, e = outbox.c, outbox.alias("earlier").c
    before = select(e.id).where(
        e.target_id == o.target_id, e.lane.in_([o.lane, o.behind]), e.due_at.is_not(None), e.id < o.id
    )  # fmt: skip
    columns = (o.id, o.target_id, o.kind, o.subject, o.version, o.from_seq, o.made_at, o.state)
    query = select(*columns).where(o.target_id == target, ~before.exists())
    return query.where(o.id.not_in(list(busy))) if busy else query


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


def _source(row: Row[Any]) -> SourceRow:
    return SourceRow(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def _parcel(row: Row[Any]) -> ParcelRow:
    return ParcelRow(
        id=row.id,
        source_id=row.source_id,
        kind=row.kind,
        key=row.key,
        version=row.version,
        things=tuple(json.loads(row.things)),
        body=bytes(row.body),
        state=row.state,
        attempts=row.attempts,
        due_at=row.due_at,
    )

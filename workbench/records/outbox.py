"""The services that the record is copied to, and what lies in the outbox for each.

A target is switched on once; from then on `enqueue` puts in what is written, in the same transaction. What was there before is
put in afterwards, a page at a time, so that nobody who writes waits for it; broken off, it goes on where it was. `parcels` has
what becomes of the sources.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, text, update

from workbench.errors import RecordError
from workbench.records.candidates import KINDS, candidates, page_of
from workbench.records.enqueue import into_outbox
from workbench.records.owners import is_alive, this_process
from workbench.records.rows import Rows
from workbench.records.schema import outbox, parcels, sync_targets

PAGE: Final = 1000
"""Rows of the record that are put in at once."""
OPEN: Final = ("pending", "in_flight", "unsure")
"""States of a parcel that is still to be dealt with."""


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A service that the record is copied to.

    Attributes:
        id: tells it apart from all others, without a secret.
        title: what people see.
        kinds: of sources that it takes.
        enabled: whether what is written goes into its outbox.
        added_at: Unix seconds.
        fill_since: what is older than the target is still to be put in from then on; None when it is.
        owner: the process that delivers to it, see `owners`; None for nobody.
        seen_at: its last sign of life.
        sent_at: when the service last took something.
        trouble: what last went wrong; None since something was sent.
    """

    id: str
    title: str
    kinds: tuple[str, ...]
    enabled: bool
    added_at: float
    fill_since: float | None
    owner: str | None
    seen_at: float | None
    sent_at: float | None
    trouble: str | None

    @property
    def delivered_by(self) -> str | None:
        """The living process that delivers to it."""
        return self.owner if is_alive(self.owner, self.seen_at or 0.0) else None


@dataclass(frozen=True, slots=True)
class Lost:
    """Something that a service will never take: how often, and the latest of its kind."""

    kind: str
    reason: str
    remedy: str
    count: int
    key: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a target is, counted in sources.

    Attributes:
        oldest: Unix time at which the oldest that is not done with was taken up; None where all are.
    """

    target: TargetRow
    pending: int
    in_flight: int
    unsure: int
    sent: int
    dead: int
    oldest: float | None
    lost: tuple[Lost, ...]

    @property
    def left(self) -> int:
        """Sources that are not done with."""
        return self.pending + self.in_flight + self.unsure


class OutboxRows(Rows):
    """Targets, and what waits for them; `Rows` has the arguments."""

    def switch_on(self, target: str, title: str, kinds: Iterable[str], since: float | None = None) -> TargetRow:
        """Have what is written from now on copied to a target.

        Args:
            target: its id.
            title: what people see.
            kinds: of sources that it takes.
            since: Unix time; what was written from then on is to go there too (`fill` puts it in). What was written while the
                target was switched off is always among it.
        """
        now, t = time.time(), sync_targets.c
        with self._writing() as connection:
            if connection.dialect.name == "postgresql":  # a writer that saw no target has committed, or sees this one
                connection.execute(text("LOCK TABLE sync_targets IN ACCESS EXCLUSIVE MODE"))
            known = connection.execute(select(sync_targets).where(t.id == target)).one_or_none()
            values: dict[str, Any] = {"title": title, "kinds": f"|{'|'.join(sorted(kinds))}|", "enabled": 1}
            if known is None:
                connection.execute(insert(sync_targets).values(id=target, added_at=now, fill_since=since, **values))
            else:
                off = known.disabled_at if not known.enabled else None
                wanted = [point for point in (known.fill_since, since, off) if point is not None]
                values |= {"fill_since": min(wanted, default=None), "disabled_at": None}
                connection.execute(update(sync_targets).where(t.id == target).values(**values))
        return self.target(target)

    def switch_off(self, target: str) -> None:
        """Put nothing more into a target's outbox but later words on what is there, which stays."""
        with self._writing() as connection:
            change = update(sync_targets).where(sync_targets.c.id == target, sync_targets.c.enabled == 1)
            connection.execute(change.values(enabled=0, disabled_at=time.time()))

    def targets(self) -> list[TargetRow]:
        """Return all targets, by title."""
        return [_target(row) for row in self._read(select(sync_targets).order_by(sync_targets.c.title, sync_targets.c.id))]

    def target(self, target: str) -> TargetRow:
        """Return a target by its id. Raises a `RecordError` where there is none."""
        found = self._read(select(sync_targets).where(sync_targets.c.id == target))
        if not found:
            raise RecordError(f"The record is not copied to {target}.", hint="`%sync` or `workbench sync` switches it on.")
        return _target(found[0])

    def claim(self, target: str) -> str | None:
        """Make this process the one that delivers to a target; return the living process that does so already, if one does."""
        t, now = sync_targets.c, time.time()
        with self._writing() as connection:
            row = connection.execute(select(t.owner, t.seen_at).where(t.id == target).with_for_update()).one()
            if row.owner != this_process() and is_alive(row.owner, row.seen_at or 0.0):
                return str(row.owner)
            connection.execute(update(sync_targets).where(t.id == target).values(owner=this_process(), seen_at=now))
        return None

    def seen(self, target: str) -> None:
        """Give a sign of life of the process that delivers."""
        self._of_mine(target, seen_at=time.time())

    def note(self, target: str, trouble: str | None) -> None:
        """Keep what goes wrong, for those who look."""
        self._of_mine(target, trouble=trouble)

    def release(self, target: str) -> None:
        """Let another process deliver."""
        self._of_mine(target, owner=None)

    def fill(self, target: str) -> int:
        """Put in what was written before a target was switched on, from `fill_since` on; return how much that was."""
        row, added = self.target(target), 0
        if row.fill_since is None:
            return 0
        for kind in (kind for kind in KINDS if kind in row.kinds):
            after: Any = None
            while (upto := self._page_end(kind, after)) is not None:
                with self._writing() as connection:
                    if connection.dialect.name == "postgresql":
                        connection.execute(text("LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE"))
                    added += _put_in(connection, kind, target, row.fill_since, (after, upto))
                after = upto
        with self._writing() as connection:  # unless somebody has asked for more meanwhile
            mine = update(sync_targets).where(sync_targets.c.id == target, sync_targets.c.fill_since == row.fill_since)
            connection.execute(mine.values(fill_since=None))
        return added

    def would_fill(self, target: str, kinds: Iterable[str], since: float) -> dict[str, int]:
        """Return how many sources of each kind `fill` would put in; the target need not be known."""
        return {
            kind: int(self._read(select(func.count()).select_from(candidates(kind, target, since).subquery()))[0][0])
            for kind in KINDS
            if kind in kinds
        }

    def counts(self, target: str) -> dict[str, dict[str, int]]:
        """Return how many sources a target has, by kind and by `waiting` (those under way included), `sent` and `dead`."""
        o = outbox.c
        found: dict[str, dict[str, int]] = {}
        for row in self._read(select(o.kind, o.state, func.count()).where(o.target_id == target).group_by(o.kind, o.state)):
            state = "waiting" if row[1] == "packed" else row[1]
            of_kind = found.setdefault(row[0], {})
            of_kind[state] = of_kind.get(state, 0) + row[2]
        return found

    def standing(self, target: str) -> Standing:
        """Return how far a target is."""
        o, p = outbox.c, parcels.c
        mine = (o.target_id == target) & o.due_at.is_not(None)
        states = dict(self._read(select(o.state, func.count()).where(o.target_id == target).group_by(o.state)))
        under_way = select(p.state, func.count(p.source_id.distinct())).join(outbox, o.id == p.source_id)
        first = {row[0]: row[1] for row in self._read(under_way.where(mine, p.state.in_(OPEN[1:])).group_by(p.state))}
        left = states.get("waiting", 0) + states.get("packed", 0)
        in_flight = min(first.get("in_flight", 0), left)
        unsure = min(first.get("unsure", 0), left - in_flight)
        oldest = self._read(select(func.min(o.made_at)).where(mine))[0][0]
        return Standing(
            target=self.target(target),
            pending=left - in_flight - unsure,
            in_flight=in_flight,
            unsure=unsure,
            sent=states.get("sent", 0),
            dead=states.get("dead", 0),
            oldest=oldest,
            lost=tuple(self._lost(target)) if states.get("dead") else (),
        )

    def standings(self) -> list[Standing]:
        """Return how far every target is."""
        return [self.standing(row.id) for row in self.targets()]

    def _lost(self, target: str) -> list[Lost]:
        o, p, most = outbox.c, parcels.c, 20
        refused = (
            select(p.kind, p.reason, p.remedy, func.sum(p.size), func.max(p.key))
            .join(outbox, o.id == p.source_id)
            .where(o.target_id == target, o.state == "dead", p.state == "dead")
            .group_by(p.kind, p.reason, p.remedy)
        )
        unmade = select(o.kind, o.reason, o.remedy, func.count(), func.max(o.subject)).where(
            o.target_id == target, o.state == "dead", o.reason.is_not(None)
        )
        rows = [*self._read(refused.limit(most)), *self._read(unmade.group_by(o.kind, o.reason, o.remedy).limit(most))]
        return [Lost(kind, reason or "", remedy or "", int(count), key) for kind, reason, remedy, count, key in rows]

    def _page_end(self, kind: str, after: Any) -> Any:
        """Return the key at which the next page of a kind's rows ends; None where there are no more."""
        key = page_of(kind)
        query = select(key).order_by(key).limit(PAGE)
        keys = self._read(query if after is None else query.where(key > after))
        return keys[-1][0] if keys else None

    def _of_mine(self, target: str, **values: Any) -> None:
        t = sync_targets.c
        with self._writing() as connection:
            connection.execute(update(sync_targets).where(t.id == target, t.owner == this_process()).values(**values))


def _put_in(connection: Connection, kind: str, target: str, since: float, page: tuple[Any, Any]) -> int:
    statement = into_outbox(connection.dialect.name, candidates(kind, target, since, page))
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def _target(row: Row[Any]) -> TargetRow:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    del values["disabled_at"]
    kinds = tuple(kind for kind in values["kinds"].split("|") if kind)
    return TargetRow(**values | {"kinds": kinds, "enabled": bool(values["enabled"])})

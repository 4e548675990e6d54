"""What `%sync` and `workbench sync` do: switch targets on, deliver to several at once, and say what would go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.observe.sync.deliver import Delivery, Pace, Progress
from workbench.records.moments import moment

if TYPE_CHECKING:
    from workbench.observe.sync.target import Target
    from workbench.records import Record
    from workbench.records.moments import Since


async def sync(
    record: Record,
    targets: Sequence[Target],
    *,
    since: Since | None = None,
    retry_dead: bool = False,
    stay: bool = False,
    pace: Pace | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> dict[str, WorkbenchError]:
    """Copy a record to targets: what was written since they were switched on, and before that from a point in time on.

    Args:
        record: that is copied.
        targets: are switched on if they are not, and closed at the end.
        since: what was written from then on goes too.
        retry_dead: whether what targets refused for good is tried once more.
        stay: whether to go on until cancelled.
        pace: of the deliveries.
        tell: is told how far they are.

    Returns:
        what went wrong, by the target's id; what could not be delivered waits in the outbox.
    """
    begin = None if since is None else moment(since)
    for target in targets:
        await asyncio.to_thread(record.outbox.switch_on, target.id, target.title, target.kinds, begin)
        if retry_dead:
            await asyncio.to_thread(record.parcels.revive, target.id, dict.fromkeys(target.counts_twice, target.lag))
    deliveries = [Delivery(record, target, pace, tell).run(stay=stay) for target in targets]
    problems: dict[str, WorkbenchError] = {}
    for target, outcome in zip(targets, await asyncio.gather(*deliveries, return_exceptions=True), strict=True):
        if isinstance(outcome, WorkbenchError):
            problems[target.id] = outcome
        elif isinstance(outcome, BaseException):
            raise outcome
    return problems


def would_go(record: Record, targets: Sequence[Target], since: Since | None = None) -> list[dict[str, Any]]:
    """Return what a sync would copy, by target and kind of source, asking nobody and changing nothing.

    Columns: target, kind, `would go` (what waits, and with `since` what is older and not there), sent, dead.
    """
    begin = None if since is None else moment(since)
    known = {row.id: row for row in record.outbox.targets()}
    rows: list[dict[str, Any]] = []
    for target in targets:
        there = record.outbox.counts(target.id)
        row = known.get(target.id)
        points = [point for point in (begin, row.fill_since if row else None) if point is not None]
        older = record.outbox.would_fill(target.id, target.kinds, min(points)) if points else {}
        for kind in sorted(target.kinds):
            counts = there.get(kind, {})
            waiting = counts.get("waiting", 0) + older.get(kind, 0)
            rows.append(
                {"target": target.title, "kind": kind, "would_go": waiting}
                | {"sent": counts.get("sent", 0), "dead": counts.get("dead", 0)}
            )
    return rows


def status_rows(record: Record) -> list[dict[str, Any]]:
    """Return how far every target is, counted in sources.

    Columns: target, id, on, pending, in_flight, unsure, sent, dead, last_success and oldest (Unix time; of what is left),
    backlog_seconds (its age), copies (`once`, or `at least once` for what cannot be asked what it has), delivered_by,
    trouble, and lost: what will never be taken (`Lost`), with reason and remedy.
    """
    now = time.time()
    return [
        {
            "target": each.target.title,
            "id": each.target.id,
            "on": each.target.enabled,
            "pending": each.pending,
            "in_flight": each.in_flight,
            "unsure": each.unsure,
            "sent": each.sent,
            "dead": each.dead,
            "last_success": each.target.sent_at,
            "oldest": each.oldest,
            "backlog_seconds": None if each.oldest is None else max(now - each.oldest, 0.0),
            "copies": "at least once" if each.target.id.startswith("otlp:") else "once",
            "delivered_by": each.target.delivered_by,
            "trouble": each.target.trouble if each.left else None,
            "lost": each.lost,
        }
        for each in record.outbox.standings()
    ]


def lost_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return a sentence for each thing that a target will never take."""
    return [
        f"{row['target']} did not take {each.count} {each.kind} ({each.key}): {each.reason} {each.remedy}".strip()
        for row in rows
        for each in row["lost"]
    ]

"""How long answers took, by model and kind of task, and percentiles of that.

They are nearest-rank (Hyndman, Fan 1996, definition 1): values that occurred. Above `EXACT` answers they are those of an even
part of them, drawn by when they began and how long they took, always the same one; the index `calls_started_at` has all that
is asked. Of 50,000 answers, 95 % of the time a percentile is less than half a point off.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, case, cast, func, select

from workbench.records.schema import calls
from workbench.records.usage import kind_told, used

EXACT: Final = 100_000
"""Answers of which each one's seconds are read."""
_HALF: Final = 0.5
_TAIL: Final = 0.95
_PRIME: Final = 2_147_483_647
_MULTIPLIER: Final = 48_271
"""Of the generator of Park and Miller (1993), which spreads even times that come in whole seconds."""
_LARGE: Final = 1e12
Took = tuple[list[float], list[float]]
"""The seconds of answers, and those until their first pieces; both rise."""


def read_seconds(connection: Connection, since: float | None = None, model: str | None = None) -> dict[str, Took]:
    """Return what answers took, by model; of more than `EXACT`, an even part."""
    return {name: took for (name,), took in _read(connection, since, model).items()}


def read_seconds_by_task(connection: Connection, since: float | None = None) -> dict[tuple[str, str], Took]:
    """Return what answers took, by model and kind of task; of more than `EXACT` in all, an even part."""
    return {(name, kind): took for (name, kind), took in _read(connection, since, None, kind_told(calls.c.kind)).items()}


def _read(
    connection: Connection, since: float | None, model: str | None, *more: ColumnElement[str]
) -> dict[tuple[Any, ...], Took]:
    u = used(connection.dialect.name, since).c
    ok = select(func.sum(u.calls)).where(u.outcome == "ok")
    answers = connection.execute(ok if model is None else ok.where(u.model == model)).scalar() or 0
    c = calls.c
    query = select(c.total_seconds, c.first_token_seconds, c.model, *more).where(in_time(since, model), c.outcome == "ok")
    if (parts := math.ceil(int(answers) / EXACT)) > 1:
        query = query.where(_spread() % parts == 0)
    took: dict[tuple[Any, ...], Took] = {}
    for total, first, *key in connection.execute(query):
        totals, firsts = took.setdefault(tuple(key), ([], []))
        totals.append(total)
        if first is not None:
            firsts.append(first)
    for totals, firsts in took.values():
        totals.sort()
        firsts.sort()
    return took


def nearest(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest of rising values that is not passed by at least this share of them."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else None


def percentiles(totals: Sequence[float], firsts: Sequence[float]) -> dict[str, float | None]:
    """Return the percentiles that are shown of a model."""
    return {
        "latency_p50": nearest(totals, _HALF),
        "latency_p95": nearest(totals, _TAIL),
        "first_token_p50": nearest(firsts, _HALF),
    }


def in_time(since: float | None, model: str | None) -> ColumnElement[bool]:
    """Say which calls began from a time on and went to a model; None stands for any."""
    started = calls.c.started_at >= (-math.inf if since is None else since)
    return started if model is None else and_(started, calls.c.model == model)


def _spread() -> ColumnElement[int]:
    """Return a number for each call that is spread evenly, whatever its times are."""
    c = calls.c
    began, took = (
        case((at.between(0, _LARGE), cast(at * scale, BigInteger)), else_=0) % _PRIME
        for at, scale in ((c.started_at, 1e3), (c.total_seconds, 1e6))
    )
    mixed = (began + took) * _MULTIPLIER
    return mixed % _PRIME

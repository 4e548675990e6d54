"""What of the record is a source, kind by kind: for putting in what was written before a target was switched on."""

from __future__ import annotations

import time
from typing import Any, Final

from sqlalchemy import BigInteger, Column, ColumnElement, Float, Select, Text, cast, func, literal, null, or_, select, true

from workbench.records.enqueue import WAITING, is_source
from workbench.records.schema import (
    assessments,
    dialogues,
    events,
    experiment_runs,
    experiments,
    observations,
    outbox,
    outcomes,
    ratings,
)

KINDS: Final = ("dialogue", "assessment", "outcome", "experiment", "run", "observation", "rating")
"""All kinds of sources, in an order in which none comes before what it belongs to."""


def page_of(kind: str) -> Column[Any]:
    """Return the column by whose order the rows of a kind are taken a page at a time."""
    return {
        "dialogue": dialogues.c.id,
        "rating": ratings.c.id,
        "assessment": assessments.c.id,
        "outcome": outcomes.c.id,
        "experiment": experiments.c.id,
        "run": experiment_runs.c.id,
        "observation": experiment_runs.c.id,
    }[kind]


def candidates(kind: str, target: str, since: float, page: tuple[Any, Any] | None = None) -> Select[Any]:
    """Return a query for the sources of a kind that a target's outbox lacks, with the columns of `enqueue.COLUMNS`.

    Of a dialogue that was resumed, or a run that ended, while the target was off, the outbox has an earlier version.

    Args:
        kind: one of `KINDS`.
        target: its id.
        since: Unix time from which on they were written.
        page: keys after the first and up to the second; the first may be None.
    """
    subject, version, lane, behind, condition = _OF[kind](since)
    o, key = outbox.c, page_of(kind)
    mine = (o.target_id == target) & (o.kind == kind) & (o.subject == subject)
    last: ColumnElement[Any] = select(func.max(o.version)).where(mine).scalar_subquery()
    before: ColumnElement[int] = literal(0, BigInteger())
    latest: ColumnElement[bool] = true()
    if kind == "dialogue":
        before, latest = func.coalesce(last, 0), o.version >= version
    elif kind == "run":
        ended = experiment_runs.c.ended_at
        version, latest = func.coalesce(last + 1, 0), or_(ended.is_(None), o.made_at >= ended)
    there = select(o.id).where(mine, latest).exists()
    query = select(
        literal(target, Text()), literal(kind, Text()), subject, version, before, lane, behind,
        literal(time.time(), Float(53)), literal(WAITING, Text()), literal(0.0, Float(53)),
    ).where(condition, ~there)  # fmt: skip
    if page is not None:
        query = query.where(key <= page[1]) if page[0] is None else query.where(key > page[0], key <= page[1])
    return query.order_by(key)


_What = tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any], ColumnElement[Any], ColumnElement[bool]]


def _dialogues(since: float) -> _What:
    d, e = dialogues.c, events.c
    ended = select(func.max(e.seq)).where(e.dialogue_id == d.id, e.type == "dialogue_ended").scalar_subquery()
    return d.id, func.coalesce(ended, 0), d.id, null(), is_source() & (d.ended_at >= since)


def _ratings(since: float) -> _What:
    return cast(ratings.c.id, Text()), literal(0, BigInteger()), _root_of(ratings.c.dialogue_id), null(), ratings.c.at >= since


def _root_of(dialogue: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the dialogue that one travels with, as `ratings` finds it for one that is written now; itself in a circle."""
    first, child, parent, top = (dialogues.alias(name).c for name in ("first", "child", "parent", "top"))
    above = select(first.id).where(first.id == dialogue).correlate(ratings).cte("above", recursive=True, nesting=True)
    step = select(parent.id).where(child.id == above.c.id, child.forked_from.is_(None), parent.id == child.parent_id)
    above = above.union(step)
    has_parent = select(dialogues.c.id).where(dialogues.c.id == top.parent_id).exists()
    root = select(top.id).where(top.id == above.c.id, or_(top.forked_from.is_not(None), ~has_parent)).limit(1)
    return func.coalesce(root.scalar_subquery(), dialogue)


def _assessments(since: float) -> _What:
    a = assessments.c
    return a.id, literal(0, BigInteger()), a.dialogue_id, null(), a.created_at >= since


def _outcomes(since: float) -> _What:
    c, a = outcomes.c, assessments.c
    debate = select(a.dialogue_id).where(a.id == c.assessment_id).scalar_subquery()
    return cast(c.id, Text()), literal(0, BigInteger()), c.assessment_id, debate, c.entered_at >= since


def _experiments(since: float) -> _What:
    e, r = experiments.c, experiment_runs.c
    ran = select(r.id).where(r.experiment_id == e.id, r.updated_at >= since).exists()
    return e.id, literal(0, BigInteger()), e.id, null(), or_(e.created_at >= since, ran)


def _runs(since: float) -> _What:
    r = experiment_runs.c
    return r.id, literal(0, BigInteger()), r.experiment_id, null(), r.updated_at >= since


def _observations(since: float) -> _What:
    o, r = observations.c, experiment_runs.c
    place = o.run_id + "/" + cast(o.number, Text()) + "/" + o.arm + "/" + cast(o.repeat, Text())
    mine = (r.id == o.run_id) & (o.started_at >= since)
    return place + "/" + cast(o.attempt, Text()), literal(0, BigInteger()), place, r.experiment_id, mine


_OF: Final = {
    "dialogue": _dialogues,
    "rating": _ratings,
    "assessment": _assessments,
    "outcome": _outcomes,
    "experiment": _experiments,
    "run": _runs,
    "observation": _observations,
}

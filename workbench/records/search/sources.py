"""What of each part of the record is looked through: its texts, and what else is asked of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select

from workbench.records.schema import (
    assessments,
    calls,
    decisions,
    dialogues,
    experiment_runs,
    experiments,
    observations,
    outcomes,
    paper_chunks,
    paper_summaries,
    papers,
    turns,
)

_PART: Final = 60_000
"""Characters of a paper in one entry: PostgreSQL keeps the places of 16,383 words."""


@dataclass(frozen=True, slots=True)
class Source:
    """A part of the record as it is now.

    Attributes:
        kind: one of `KINDS`.
        item: its id: of a dialogue, paper, experiment, assessment or decision.
        part: of it: a turn, the model and length of a summary, the number of a stretch of a paper; empty for the whole.
        at: when it was said, begun or added, in Unix seconds.
        title: what it is called.
        texts: what is looked through, in order; the title is among them where it is to be found.
        mode: of the dialogue.
        role: of the turn.
        model: that was asked for.
        served: the model that answered.
        status: of the dialogue, the turn, or the experiment's last run; of a decision, what was decided.
        cost: USD; None is unknown.
        paper: of an assessment or a decision, the paper's id.
    """

    kind: str
    item: str
    part: str
    at: float
    title: str
    texts: tuple[str, ...]
    mode: str | None = None
    role: str | None = None
    model: str | None = None
    served: str | None = None
    status: str | None = None
    cost: float | None = None
    paper: str | None = None


def read_sources(connection: Connection, kind: str, items: Iterable[str]) -> Iterator[Source]:
    """Yield what the record has of some items: all parts of each."""
    return KINDS[kind](connection, sorted(set(items)))


def _dialogues(connection: Connection, items: Sequence[str]) -> Iterator[Source]:
    d = dialogues.c
    for row in connection.execute(select(d.id, d.created_at, d.topic, d.mode, d.status, d.cost).where(d.id.in_(items))):
        yield Source(
            "dialogue", row.id, "", row.created_at, row.topic, (row.topic,), row.mode, status=row.status, cost=row.cost
        )


def _turns(connection: Connection, items: Sequence[str]) -> Iterator[Source]:
    t, d, c = turns.c, dialogues.c, calls.c
    answered = select(c.dialogue_id, c.turn, c.model).where(c.dialogue_id.in_(items), c.outcome == "ok")
    served = {(row.dialogue_id, row.turn): row.model for row in connection.execute(answered.order_by(c.started_at))}
    said = select(
        t.dialogue_id, t.turn, t.role, t.model, t.status, t.cost, t.text, t.reasoning, t.error, t.ended_at, d.topic, d.mode
    )
    there = said.join(dialogues, d.id == t.dialogue_id).where(t.dialogue_id.in_(items), t.ended_at.is_not(None))
    for row in connection.execute(there):
        texts = (row.text, row.error or "", row.reasoning)
        answering = served.get((row.dialogue_id, row.turn))
        about = (row.mode, row.role, row.model, answering, row.status, row.cost)
        yield Source("turn", row.dialogue_id, row.turn, row.ended_at, row.topic, texts, *about)


def _papers(connection: Connection, items: Sequence[str]) -> Iterator[Source]:
    p, c = papers.c, paper_chunks.c
    for row in connection.execute(select(p.id, p.added_at, p.title, p.authors).where(p.id.in_(items))).all():
        passages = connection.execute(select(c.chunk).where(c.paper_id == row.id).order_by(c.number)).scalars()
        head = (row.title, ", ".join(map(str, json.loads(row.authors))))
        for number, texts in enumerate(_stretches(head, map(_passage, passages))):
            yield Source("paper", row.id, str(number), row.added_at, row.title, texts)


def _stretches(head: tuple[str, ...], passages: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Yield a paper's texts, none too long for one entry, each under the paper's head."""
    some: list[str] = []
    for passage in passages:
        some.append(passage)
        if sum(map(len, some)) > _PART:
            yield (*head, *some)
            some = []
    yield (*head, *some)


def _passage(chunk: str) -> str:
    found = json.loads(chunk)
    return f"{found.get('heading', '')}: {found.get('body', {}).get('text', '')}"


def _summaries(connection: Connection, items: Sequence[str]) -> Iterator[Source]:
    s, p = paper_summaries.c, papers.c
    query = select(paper_summaries, p.title).join(papers, p.id == s.paper_id).where(s.paper_id.in_(items))
    for row in connection.execute(query):
        part = f"{row.model}/{row.level}"
        about = {"model": row.model, "served": row.served, "cost": row.cost}
        yield Source("summary", row.paper_id, part, row.created_at, row.title, (row.text,), **about)


def _assessments(connection: Connection, items: Sequence[str]) -> Iterator[Source]:
    a, o = assessments.c, outcomes.c
    noted: dict[str, list[str]] = {}
    for row in connection.execute(select(o.assessment_id, o.note).where(o.assessment_id.in_(items)).order_by(o.id)):
        noted.setdefault(row.assessment_id, []).append(row.note)
    for row in connection.execute(select(assessments).where(a.id.in_(items))):
        texts = (row.question, row.context, *_strings(json.loads(row.data)), *noted.get(row.id, ()))
        yield Source("assessment", row.id, "", row.created_at, row.question, texts, cost=row.cost, paper=row.paper_id)


def _decisions(connection: Connection, items: Sequence[str]) -> Iterator[Source]:
    d, p = decisions.c, papers.c
    for row in connection.execute(select(decisions, p.title).join(papers, p.id == d.paper_id).where(d.id.in_(items))):
        texts = (row.because, row.kind.replace("_", " "), row.by, row.results)
        yield Source("decision", row.id, "", row.decided_at, row.title, texts, status=row.kind, paper=row.paper_id)


def _experiments(connection: Connection, items: Sequence[str]) -> Iterator[Source]:
    e, r, o = experiments.c, experiment_runs.c, observations.c
    runs = select(r.experiment_id, r.status).where(r.experiment_id.in_(items)).order_by(r.created_at)
    status = {row.experiment_id: row.status for row in connection.execute(runs)}
    spent = select(r.experiment_id, func.sum(o.cost).label("spent")).join(experiment_runs, r.id == o.run_id)
    sums = connection.execute(spent.where(r.experiment_id.in_(items)).group_by(r.experiment_id))
    costs = {row.experiment_id: row.spent for row in sums}
    for row in connection.execute(select(e.id, e.name, e.created_at, e.definition).where(e.id.in_(items))):
        texts = (row.name, *_strings(json.loads(row.definition)))
        about = {"status": status.get(row.id), "cost": costs.get(row.id)}
        yield Source("experiment", row.id, "", row.created_at, row.name, texts, **about)


def _strings(value: Any) -> Iterator[str]:
    """Yield the texts in what was JSON, in order."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, Mapping):
            waiting += reversed(list(each.values()))
        elif isinstance(each, list):
            waiting += reversed(each)


KINDS: Final[Mapping[str, Callable[[Connection, Sequence[str]], Iterator[Source]]]] = {
    "dialogue": _dialogues,
    "turn": _turns,
    "paper": _papers,
    "experiment": _experiments,
    "summary": _summaries,
    "assessment": _assessments,
    "decision": _decisions,
}
"""What can be found, and how it is read."""

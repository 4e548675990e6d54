"""A dialogue as a tree of timed spans: the dialogue, its turns, their calls, and the sub-dialogues that turns opened.

All services are told the same spans, each in its own words. Ids follow from what is recorded, so they are the same whenever
and wherever they are made. `span` has the nouns, `takings` reads what happened in one dialogue out of its events; here the
dialogues of a trace come together.

What a fork took over is there as turns without calls, each with a link to where it was spoken. What a resume added is a trace's
later part: a span `run` under the dialogue, with the turns that it took. A span lies within its parent: where clocks of two
processes say otherwise it is moved, and its metadata has `clock_moved`, the seconds by which its start was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from workbench.errors import RecordError
from workbench.events import Event
from workbench.observe.span import Key, Kind, Span, Standing, Trace, digest
from workbench.observe.takings import Run, Taking, Told, told

if TYPE_CHECKING:
    from workbench.records import Record

__all__ = ["Key", "Kind", "Span", "Standing", "Trace", "digest", "root_of", "session_of", "spoken_in", "trace_of", "turn_key"]

Home = tuple[int, Key | None]
"""Where a run of a sub-dialogue stands: the number of the root's event in which its turn began, and that turn's key."""


def trace_of(record: Record, dialogue: str, after: int = 0, through: int | None = None) -> Trace:
    """Return the spans that began in a range of a dialogue's events, its sub-dialogues' included. Blocks.

    Ranges that follow on each other hold each span exactly once. What has not ended by `through` never did: its process is
    gone, so give the number of an event after which nothing ran.

    Args:
        record: where it is.
        dialogue: full id of a dialogue that is no sub-dialogue.
        after: number of the last event that an earlier part covers.
        through: number of the last event that this part covers; by default the last one there is.

    Raises:
        RecordError: the record has no such events.
    """
    every = record.events(dialogue)
    events = [event for event in every if through is None or event.seq <= through]
    if not events:
        raise RecordError(f"There is no dialogue {dialogue}.", hint="`workbench list` shows what there is.")
    whole = told(dialogue, every)
    root = told(dialogue, events) if len(events) < len(every) else whole
    last = events[-1].seq
    placed = _within(_of_family(root, whole, record.events))
    spans = tuple(span for place, span in placed if after < place <= last)
    run, first = root.runs[-1], root.runs[0]
    return Trace(
        dialogue=dialogue,
        mode=root.mode,
        topic=root.topic,
        tags=(root.mode, *(("fork",) if first.spec.get("forked_from") else ())),
        session=session_of(record, dialogue),
        started_at=min((span.started_at for span in spans), default=run.started_at),
        ended_at=max((span.ended_at for span in spans), default=run.ended_at),
        status=run.status,
        spans=spans,
    )


def root_of(record: Record, dialogue: str) -> str:
    """Return the dialogue whose trace a dialogue (its full id) is part of: itself, or the first that opened it. Blocks."""
    lineage = record.ancestors(dialogue)
    for row, above in pairwise(lineage):
        if row.forked_from:
            return row.id
        dialogue = above.id
    return dialogue


def session_of(record: Record, dialogue: str) -> str:
    """Return what a dialogue (its full id) belongs to: the oldest ancestor that it names, or itself. Blocks.

    Of the observations of an experiment that is the run.
    """
    lineage = record.ancestors(dialogue)
    return lineage[-1].parent_id or lineage[-1].id if lineage else dialogue


def turn_key(record: Record, dialogue: str, turn: str) -> Key | None:
    """Return the key of the span in which a turn was spoken, the last one that completed; None without one. Blocks."""
    taking = spoken_in(record, dialogue, turn)
    return taking.key if taking else None


def spoken_in(record: Record, dialogue: str, turn: str) -> Taking | None:
    """Return the taking of a turn that counts: the last one that completed, else the last one. Blocks."""
    taken = [taking for taking in told(dialogue, record.events(dialogue)).takings if taking.turn == turn]
    return next((taking for taking in reversed(taken) if taking.status == "completed"), taken[-1] if taken else None)


def _of_family(root: Told, whole: Told, events_of: Callable[[str], Sequence[Event]]) -> Iterator[tuple[int, Span]]:
    """Yield the spans of a root, and those of its sub-dialogues by the whole of what is known of it, with their places."""
    for span, _, seq in root.spans():
        yield seq, span
    waiting: list[tuple[Told, dict[int, Home]]] = [(whole, {})]
    seen = {whole.dialogue}
    while waiting:
        above, homes = waiting.pop()
        for child, number, takings in above.children():
            found = [] if child in seen else events_of(child)
            seen.add(child)
            if not found:
                continue
            below = told(child, found, number)
            places = [(homes[taking.run][0] if homes else taking.seq, taking) for taking in takings]
            inside = dict(_homes(below.runs, places))
            for span, run, _ in below.spans():
                place, home = inside[run]
                yield place, span if span.parent else replace(span, parent=home)
            waiting.append((below, inside))


def _homes(runs: Sequence[Run], takings: Sequence[tuple[int, Taking]]) -> Iterator[tuple[int, Home]]:
    """Yield, for each run of a sub-dialogue by its number, the taking in which it ran.

    That is the first one behind the taking of the run before whose time it began in. Of a taking that ended, the clock is that
    of the run itself; so later takings, by whatever clock, change nothing.
    """
    earliest = 0
    for number, run in enumerate(runs):
        behind = range(earliest, len(takings))
        fitting = (i for i in behind if takings[i][1].started_at <= run.started_at <= _until(takings, i))
        index = next(fitting, min(earliest, len(takings) - 1))
        place, taking = takings[index]
        earliest = index + 1
        yield number, (place, taking.key)


def _until(takings: Sequence[tuple[int, Taking]], index: int) -> float:
    """Return when a taking was over: where its process was cut off, when the next one began, if clocks agree on that."""
    taking = takings[index][1]
    if taking.over is not None:
        return taking.ended_at
    later = takings[index + 1][1].started_at if index + 1 < len(takings) else math.inf
    return later if later > taking.started_at else math.inf


def _within(spans: Iterable[tuple[int, Span]]) -> Iterator[tuple[int, Span]]:
    """Yield spans with times that lie within those of their parents. What a resume added begins after the dialogue's end."""
    known: dict[Key, Span] = {}
    for place, span in spans:
        above = known.get(span.parent) if span.parent else None
        start, end = span.started_at, max(span.started_at, span.ended_at)
        if above is not None:
            latest = math.inf if span.kind == "run" and above.kind == "dialogue" else above.ended_at
            start = min(max(start, above.started_at), latest)
            end = min(max(end, start), latest)
        first = span.first_token_at
        moved = start - span.started_at
        fitted = replace(
            span,
            started_at=start,
            ended_at=end,
            first_token_at=None if first is None else min(max(first + moved, start), end),
            metadata={**span.metadata, "clock_moved": round(moved, 6)} if moved else span.metadata,
        )
        known[span.key] = fitted
        yield place, fitted

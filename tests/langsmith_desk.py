"""What the tests of the sync to LangSmith share: the server's client, and a delivery that goes on until everything is there."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import langsmith
from langsmith_server import KEY, LangSmith

from workbench.loop import run
from workbench.observe.sync.langsmith import LangSmithTarget
from workbench.observe.sync.target import Answer, Dead, Later, Parcel, Sent, Source, TooLarge, Unsure
from workbench.records import Record

PROJECT = "lab"


def target(server: LangSmith, **more: Any) -> LangSmithTarget:
    """The sync's end of the connection."""
    return LangSmithTarget(server.url, KEY, PROJECT, **more)


@contextmanager
def client(server: LangSmith) -> Iterator[langsmith.Client]:
    """LangSmith's own end of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found = langsmith.Client(api_url=server.url, api_key=KEY, auto_batch_tracing=False)
        yield found
        found.close()


def source(kind: str, key: object) -> Source:
    """A part of the record."""
    return Source(kind, str(key), 0.0)


def dialogue_source(record: Record, dialogue: str, after: int = 0) -> Source:
    """A dialogue's events from one on."""
    return source("dialogue", f"{dialogue}@{after}-{record.events(dialogue)[-1].seq}")


def deliver(where: LangSmithTarget, record: Record, sources: Iterable[Source], most: int = 200) -> list[Answer]:
    """Send parcels of sources, each until it is settled; halve what is too large. Return how each was settled."""

    async def go() -> list[Answer]:
        settled: list[Answer] = []
        try:
            for each in sources:
                waiting = list(await where.parcels(each, record))
                while waiting:
                    parcel = waiting.pop(0)
                    answer = await _settle(where, parcel, most)
                    if isinstance(answer, TooLarge) and len(parcel.things) > 1:
                        waiting = [*_halves(where, parcel), *waiting]
                    else:
                        settled.append(answer)
        finally:
            await where.aclose()
        return settled

    return run(go())


async def _settle(where: LangSmithTarget, parcel: Parcel, most: int) -> Answer:
    for _ in range(most):
        answer = await where.send(parcel)
        if not isinstance(answer, Later | Unsure):
            return answer
    raise AssertionError(f"{parcel.key} is not settled: {answer}")


def _halves(where: LangSmithTarget, parcel: Parcel) -> list[Parcel]:
    middle = len(parcel.things) // 2
    parts = (parcel.things[:middle], parcel.things[middle:])
    return [where.part(parcel, things, f"{parcel.key}/{number}") for number, things in enumerate(parts)]


def all_sent(answers: list[Answer]) -> bool:
    """Whether everything was taken."""
    assert not [answer for answer in answers if isinstance(answer, Dead)], answers
    return bool(answers) and all(answer == Sent() for answer in answers)

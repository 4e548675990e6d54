"""While many calls are in flight, the garbage collector leaves alone what was there before; afterwards all is as it was."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from wire import Wire

from workbench.dialogue import Orchestrator
from workbench.models import ModelCard
from workbench.models.providers.rush import MANY, RUSHES, Rush
from workbench.settings import Settings


class Knot:
    """Garbage that only a collection finds: it refers to itself."""

    def __init__(self) -> None:
        self.itself = self


def tied() -> weakref.ref[Knot]:
    return weakref.ref(Knot())


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


def rush(calls: int, stack: ExitStack) -> Rush:
    counted = Rush()
    for _ in range(calls):
        stack.enter_context(counted)
    return counted


def test_a_rush_keeps_older_objects_out_of_collections_until_its_last_call_has_ended() -> None:
    old = tied()
    with ExitStack() as calls:
        rush(MANY, calls)
        new = tied()
        gc.collect()
        assert old() is not None
        assert new() is None
    gc.collect()
    assert old() is None


def test_few_calls_change_nothing() -> None:
    old = tied()
    with ExitStack() as calls:
        rush(MANY - 1, calls)
        gc.collect()
        assert old() is None


def test_somebody_elses_freeze_stays() -> None:
    gc.freeze()
    with ExitStack() as calls:
        rush(MANY, calls)
    assert gc.get_freeze_count() > 0


def test_rush_after_rush_does_not_keep_garbage_for_ever() -> None:
    counted, old = Rush(), tied()
    for _ in range(RUSHES):
        with ExitStack() as calls:
            for _ in range(MANY):
                calls.enter_context(counted)
    assert old() is None


def test_a_crowd_of_dialogues_leaves_nothing_frozen(tmp_path: Path) -> None:
    frozen: list[int] = []

    def answer(asked: object) -> str:
        frozen.append(gc.get_freeze_count())
        return "so be it"

    async def crowd(orchestrator: Orchestrator, card: ModelCard) -> list[str]:
        dialogues = [orchestrator.start("chat", "a topic", models=[card]) for _ in range(3 * MANY)]
        return [(await dialogue).text for dialogue in dialogues]

    with Wire(answer=answer, delay=0.05) as wire, Orchestrator(settings=Settings(workspace=tmp_path)) as orchestrator:
        card = ModelCard(name="wire", id="openai/wire", api_base=wire.openai, concurrency=3 * MANY)
        assert asyncio.run(crowd(orchestrator, card)) == ["so be it"] * (3 * MANY)
    assert max(frozen) > 0
    assert gc.get_freeze_count() == 0

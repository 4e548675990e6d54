"""What the tests of the sync to Langfuse share: both ends of the connection, and a delivery through the record's own outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from langfuse import Langfuse as Client
from langfuse_server import SECRET, Langfuse

from workbench.loop import run
from workbench.observe.sync.deliver import Delivery, Pace
from workbench.observe.sync.langfuse import LangfuseTarget
from workbench.observe.sync.target import Parcel, Source, Target
from workbench.records import Record

FIELDS = "core,basic,time,io,metadata,model,usage,metrics,trace_context"


def target(server: Langfuse, **more: Any) -> LangfuseTarget:
    """The sync's end of the connection, with no lag unless one is given."""
    return LangfuseTarget(server.url, server.public, SECRET, **{"lag": 0.0} | more)


@contextmanager
def client(server: Langfuse) -> Iterator[Any]:
    """The API of Langfuse's own SDK at the other end."""
    found = Client(public_key=server.public, secret_key=SECRET, base_url=server.url, tracing_enabled=False)
    yield found
    found.shutdown()


def sync(record: Record, where: Target, since: float = 0.0) -> list[str]:
    """Copy a whole record through its outbox, and return what is dead, with the reason of each."""
    record.outbox.switch_on(where.id, where.title, where.kinds, since)
    pace = Pace(base=0.002, cap=0.02, poll=0.01)
    run(asyncio.wait_for(Delivery(record, where, pace).run(), 60))
    standing = record.outbox.standing(where.id)
    assert standing.left == 0
    return [f"{each.kind}: {each.reason}" for each in standing.lost]


def parcels(where: Target, record: Record, kind: str, key: object) -> list[Parcel]:
    """What becomes of a part of the record."""
    return run(where.parcels(Source(kind, str(key), 0.0), record))


def check(where: Target) -> str:
    """What a service says of itself."""

    async def ask() -> str:
        try:
            return await where.check()
        finally:
            await where.aclose()

    return run(ask())

"""A service to copy records to, as small as one can be: it counts every arrival of every thing, and fails on demand.

`things` counts arrivals, `words` keeps the last of each; `fault` decides what a request meets. `SmallTarget` speaks to it with
the workbench's own wire, so that failures come as sockets make them.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from aiohttp import web
from sqlalchemy import select

from workbench.errors import WorkbenchError
from workbench.observe.sync.deliver import Pace
from workbench.observe.sync.http import Wire, answered
from workbench.observe.sync.syncing import sync
from workbench.observe.sync.target import Answer, Parcel, Sent, Source
from workbench.records import Record
from workbench.records.parcels import SourceRow
from workbench.records.schema import outbox

KINDS = ("dialogue", "rating", "assessment", "outcome", "experiment", "run", "observation")
QUICK = Pace(base=0.005, cap=0.05, poll=0.01, patience=30.0)
FAULTS = ("429", "500", "503", "lost", "reset", "413", "partial")
"""What can go wrong: refused for now; failed before or after taking; the answer lost; the connection reset; too large; the
first half taken only."""


class Service:
    """The server. Use as a context manager.

    Args:
        fault: what a request meets, by its number and kind; None for nothing.
    """

    def __init__(self, fault: Callable[[int, str], str | None] | None = None) -> None:
        self.fault = fault or (lambda _number, _kind: None)
        self.most = 1
        """Things that are never too many, even where a request is to be too large."""
        self.holding = False
        """Whether answers wait after what was sent is taken."""
        self.things: Counter[str] = Counter()
        self.words: dict[str, Any] = {}
        self.order: list[str] = []
        self.requests = 0
        self.secrets_seen: set[str] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Service:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=2**28)
        app.router.add_get("/health", self._health)
        app.router.add_post("/take/{kind}", self._take)
        app.router.add_post("/which", self._which)
        self._runner = web.AppRunner(app, access_log=None)
        self._loop.run_until_complete(self._runner.setup())
        site = web.TCPSite(self._runner, "127.0.0.1", getattr(self, "port", 0))
        self._loop.run_until_complete(site.start())
        self.port = site._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.close()

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"version": 1}, status=401 if self.fault(0, "check") == "401" else 200)

    async def _which(self, request: web.Request) -> web.Response:
        if self.fault(0, "which") is not None:
            return web.Response(status=503)
        asked = await request.json()
        return web.json_response([thing for thing in asked if thing not in self.things])

    async def _take(self, request: web.Request) -> web.Response:
        self.requests += 1
        self.secrets_seen.add(request.headers.get("Authorization", ""))
        kind, body = request.match_info["kind"], await request.json()
        fault = self.fault(self.requests, kind)
        if fault in ("429", "400", "401") or (fault == "413" and len(body) > self.most):
            headers = {"Retry-After": "0.01"} if fault == "429" else {}
            return web.json_response({"message": f"no: {request.headers['Authorization']}"}, status=int(fault), headers=headers)
        if fault == "reset":
            request.transport.abort()
            return web.Response()
        if fault == "500":
            return web.Response(status=500)
        taken = body[: len(body) // 2] if fault == "partial" else body
        for thing in taken:
            self.things[thing["id"]] += 1
            self.words[thing["id"]] = thing
            self.order.append(thing["id"])
        while self.holding:
            await asyncio.sleep(0.005)
        if fault == "lost":
            request.transport.abort()
        return web.Response(status=503 if fault in ("503", "partial") else 200)


class SmallTarget:
    """Sends what a source says of itself, in `size` things of one kind; of kind `spans` a second copy counts."""

    id = "small:1"
    title = "Small service"
    kinds = frozenset(KINDS)
    counts_twice = frozenset({"spans"})
    lag = 0.02

    def __init__(self, url: str, size: int = 3, secret: str = "a-very-secret-key") -> None:
        self._wire = Wire(url, {"Authorization": f"Basic {secret}"}, credentials="SMALL_KEY", timeout=5)
        self._size = size

    async def check(self) -> str:
        answer = await self._wire.ask("GET", "/health")
        if not answered(answer):
            raise WorkbenchError(f"{self.title}: {answer.reason}", hint=getattr(answer, "remedy", ""))
        return "1"

    async def parcels(self, source: Source, record: Record) -> list[Parcel]:
        said = await asyncio.to_thread(_said, source, record)
        if said is None:
            return []
        kind = "spans" if source.kind in ("dialogue", "observation") else "scores"
        things = [{"id": f"{source.kind}/{source.key}/{n}", "said": said} for n in range(self._size)]
        made = [Parcel(kind, f"{source.kind}/{source.key}/{kind}", tuple(t["id"] for t in things), json.dumps(things).encode())]
        if source.kind == "observation":
            score = {"id": f"score/{source.key}", "said": said}
            made.append(Parcel("scores", f"{source.kind}/{source.key}/scores", (score["id"],), json.dumps([score]).encode()))
        return made

    async def send(self, parcel: Parcel) -> Answer:
        answer = await self._wire.ask("POST", f"/take/{parcel.kind}", content=parcel.body)
        return Sent() if answered(answer) else answer

    async def missing(self, parcel: Parcel) -> tuple[str, ...] | None:
        answer = await self._wire.ask("POST", "/which", json=list(parcel.things))
        return tuple(answer.json()) if answered(answer) else None

    def part(self, parcel: Parcel, things: tuple[str, ...], key: str) -> Parcel:
        kept = [thing for thing in json.loads(parcel.body) if thing["id"] in things]
        return Parcel(parcel.kind, key, things, json.dumps(kept).encode())

    async def aclose(self) -> None:
        await self._wire.aclose()


def _said(source: Source, record: Record) -> str | None:
    """Return what the record says of a source; None where it says nothing any more."""
    if source.kind == "rating":
        found = [rating.quality for rating in record.ratings() if str(rating.id) == source.key]
        return str(found[0]) if found else None
    if source.kind == "observation":
        run, number, *_ = source.key.split("/")
        return next(row.scores for row in record.experiments.observations(run) if row.number == int(number))
    return "said"


def random_faults(rate: float, seed: int, kinds: tuple[str, ...] = FAULTS) -> Callable[[int, str], str | None]:
    """Fail that share of requests at random, in one of these ways."""
    rng = random.Random(seed)
    return lambda _number, _kind: rng.choice(kinds) if rng.random() < rate else None


def deliver(record: Record, target: Any, **options: Any) -> dict[str, Any]:
    """Copy a record to a target until nothing is left."""
    return asyncio.run(sync(record, [target], **{"pace": QUICK} | options))


def keys(record: Record, target: str = "t") -> set[tuple[str, str]]:
    """Return kind and key of all sources in a target's outbox, those included that wait behind others."""
    columns = [outbox.c[name] for name in SourceRow.__dataclass_fields__]
    rows = record.outbox._read(select(*columns).where(outbox.c.target_id == target))
    return {(row.kind, row.key) for row in (SourceRow(**each._mapping) for each in rows)}

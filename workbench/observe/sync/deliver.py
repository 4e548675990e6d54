"""Carries what lies in the outbox to a target: each thing once, in order where order matters, whatever breaks and whenever.

What decides is written down before it is done. A parcel's bytes are kept before it is sent for the first time, and so is that
it is on its way; whoever comes after a killed process finds it in flight and calls it unsure. What is unsure, and would count
again if it came twice, is looked up first. A target that fails several times in a row is left alone for growing spans, with
one source at a time as a probe, so that little is frozen for a service that is gone.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from workbench.errors import RecordError, WorkbenchError, redact
from workbench.events.listening import report
from workbench.observe.sync.http import WORDS
from workbench.observe.sync.ledger import Ledger
from workbench.observe.sync.target import Dead, Later, NotYetError, Parcel, Sent, Source, TooLarge, Unsure
from workbench.records.parcels import Begin, ClaimLostError, Fresh, GiveUp, Pack, PutOff, Replace, Settle

if TYPE_CHECKING:
    from workbench.observe.sync.target import Answer, Target
    from workbench.records import Record
    from workbench.records.parcels import ParcelRow, SourceRow

TROUBLED: Final = 3
"""Failures in a row after which a target is left alone for a while."""
_ALIVE: Final = 30.0
"""Seconds between two signs of life."""
_COUNTED: Final = 0.5
"""Seconds between two looks at how much is left."""
_DEFECT: Final = "This is a defect in the workbench. Once it is mended, --retry-dead sends it again."
_HINT_TAKEN: Final = "Wait until it is done, or stop it there (`%sync --stop`)."


class SyncError(WorkbenchError):
    """The record cannot be copied to a target now; nothing is lost."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a delivery goes about it; times in seconds.

    Attributes:
        at_once: sources that are carried at the same time.
        base: the first wait after a failure; it doubles with each.
        cap: the longest.
        poll: how often a delivery that stays looks for something new.
        patience: how long one that does not stay waits for what is due later.
    """

    at_once: int = 6
    base: float = 1.0
    cap: float = 300.0
    poll: float = 2.0
    patience: float = 90.0

    def pause(self, failures: int) -> float:
        """Return the wait after so many failures in a row, drawn from the upper half of what it may be."""
        longest = min(self.cap, self.base * 2.0 ** min(failures - 1, 30))
        return random.uniform(0.5, 1.0) * longest  # noqa: S311 - no secret


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a delivery is: sources that it is done with, those that are left, and what stands in its way."""

    title: str
    done: int = 0
    left: int = 0
    trouble: str = ""
    waits: float = 0.0
    """Seconds until something is due; 0 while something is being done."""
    greeting: str = ""
    """What the service says of itself."""

    def __str__(self) -> str:
        waits = f", waits {self.waits:.0f} s" if self.waits >= 1 else ""
        trouble = f" ({self.trouble})" if self.trouble else ""
        return f"{self.title}: {self.done} done, {self.left} left{waits}{trouble}"


class Delivery:
    """Carries sources to one target, in this process alone. Use `run` once, on any event loop.

    Args:
        record: whose outbox it is.
        target: is closed when the delivery ends.
        pace: how it goes about it.
        tell: is told how far it is, on the loop that it runs on.
    """

    def __init__(
        self, record: Record, target: Target, pace: Pace | None = None, tell: Callable[[Progress], None] | None = None
    ) -> None:
        self._record = record
        self._target = target
        self._pace = pace or Pace()
        self._tell = tell or (lambda _: None)
        self._outbox, self._rows = record.outbox, record.parcels
        self._ledger = Ledger(self._rows, target.id)
        self._workers: dict[int, asyncio.Task[None]] = {}
        self._failures = 0
        self._resume_at = 0.0
        self._alive_at = self._count_at = 0.0
        self._noted: str | None = None
        self._progress = Progress(target.title)

    async def run(self, *, stay: bool = False) -> Progress:
        """Deliver until nothing is left that is due soon, or, to `stay`, until it is cancelled.

        Raises:
            SyncError: another process delivers already, or does so from now on.
            WorkbenchError: the target cannot be used, or the record takes nothing any more; one that stays tries again.
        """
        await self._enter(stay=stay)
        try:
            while True:
                try:
                    await self._deliver(stay=stay)
                    break
                except ClaimLostError as lost:
                    raise SyncError(lost.message, hint=lost.hint) from lost
                except WorkbenchError as error:
                    await self._halt()
                    await self._failed(error.message)
                    if not stay:
                        raise
                    await self._rest(max(self._pace.pause(self._failures), self._resume_at - time.monotonic()))
        finally:
            await self._halt()
            await asyncio.to_thread(_leave, self._record, self._target.id, self._lags)
            await self._target.aclose()
        return self._progress

    async def _enter(self, *, stay: bool) -> None:
        """Become the one that delivers; one that stays waits until nobody else does."""
        while taken := await asyncio.to_thread(_enter, self._record, self._target.id):
            trouble = f"{self._target.title} is being delivered by {taken}."
            if not stay:
                raise SyncError(trouble, hint=_HINT_TAKEN)
            self._progress = replace(self._progress, trouble=trouble)
            await self._rest(5 * self._pace.poll)

    @property
    def _lags(self) -> dict[str, float]:
        return dict.fromkeys(self._target.counts_twice, self._target.lag)

    async def _deliver(self, *, stay: bool) -> None:
        """Put in what was there before, ask the target whether it can be used, and carry what there is."""
        await asyncio.to_thread(self._outbox.fill, self._target.id)
        await asyncio.to_thread(self._rows.recover, self._target.id, self._lags)
        self._progress = replace(self._progress, greeting=await self._target.check())
        self._failures, self._resume_at = 0, 0.0
        while True:
            await self._show_life()
            now = time.time()
            looked = await self._take_on(now)
            if self._workers:
                await self._reap()
                continue
            if looked:
                due = await asyncio.to_thread(self._rows.next_due, self._target.id, now)
                idle, wait = due is None, (due or now) - now
            else:
                idle = not await asyncio.to_thread(self._rows.left, self._target.id)
                wait = self._resume_at - time.monotonic()
            if idle and not stay:
                await self._count(at_once=True)
                return
            if not stay and wait > self._pace.patience:
                return
            await self._wait(self._pace.poll if idle else wait)

    async def _take_on(self, now: float) -> bool:
        """Start on as many sources as there is room for; return whether any was looked for."""
        await self._count()
        room = (1 if self._failures >= TROUBLED else self._pace.at_once) - len(self._workers)
        if room <= 0 or time.monotonic() < self._resume_at:
            return False
        for source in await asyncio.to_thread(self._rows.due, self._target.id, room, now, list(self._workers)):
            self._workers[source.id] = asyncio.create_task(self._carry(source))
        return True

    async def _reap(self) -> None:
        """Wait until a source is done with for now, and raise what went wrong with it."""
        await asyncio.wait(self._workers.values(), return_when=asyncio.FIRST_COMPLETED, timeout=_ALIVE)
        for key, worker in list(self._workers.items()):
            if worker.done():
                del self._workers[key]
                worker.result()

    async def _carry(self, source: SourceRow) -> None:
        """Turn a source into parcels if it is not yet, and send these one after the other as far as they go now."""
        if source.state == "waiting" and not await self._pack(source):
            return
        while parcel := await asyncio.to_thread(self._rows.next, source.id):
            wait = max(parcel.due_at - time.time(), self._resume_at - time.monotonic())
            if wait > 0:
                await self._ledger.keep(PutOff(source.id, max(parcel.due_at, time.time() + wait)))
                return
            if not await self._attempt(parcel):
                return
        self._progress = replace(self._progress, done=self._progress.done + 1)

    async def _pack(self, source: SourceRow) -> bool:
        asked = Source(source.kind, source.key, source.made_at)
        try:
            made = await self._target.parcels(asked, self._record)
        except RecordError:
            raise
        except NotYetError:  # for longer than one that does not stay waits: what is awaited may take hours
            await self._ledger.keep(PutOff(source.id, time.time() + 2 * self._pace.patience))
            return False
        except WorkbenchError as error:
            await self._ledger.keep(GiveUp(source.id, error.message, error.hint or ""))
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, the other sources go on and somebody is told
            await self._ledger.keep(GiveUp(source.id, redact(f"{type(error).__name__}: {error}"), _DEFECT))
            return False
        fresh = await asyncio.to_thread(lambda: tuple(map(_fresh, made)))
        await self._ledger.keep(Pack(source.id, fresh, self._target.counts_twice))
        return True

    async def _attempt(self, row: ParcelRow) -> bool:
        """Look a parcel up where that is needed, and send it; return whether the next one's turn has come."""
        parcel = Parcel(row.kind, row.name, row.things, row.body)
        if row.state == "unsure" and row.kind in self._target.counts_twice:
            found = await self._look_up(row, parcel)
            if found is not None:
                return found
        await self._ledger.keep(Begin(row.id))
        answer = await self._send(parcel)
        match answer:
            case Sent():
                return await self._done(row, answer)
            case TooLarge():
                return await self._halve(row, parcel, answer)
            case Dead():
                return await self._bury(row, answer)
            case Later() | Unsure():
                return await self._put_off(row, answer)

    async def _look_up(self, row: ParcelRow, parcel: Parcel) -> bool | None:
        """Act on what the service has of a parcel, and return as `_attempt` does; None where it has nothing of it."""
        missing = await self._missing(parcel)
        if missing is None:
            return await self._put_off(row, Unsure("it cannot be looked up now"))
        if not missing:
            return await self._done(row, Sent())
        if set(missing) == set(parcel.things):
            return None
        rest = await self._parts(parcel, [(missing, f"{row.name}/m{row.attempts}")])
        await self._ledger.keep(Replace(row.id, rest, "only a part had arrived"))
        return True

    async def _send(self, parcel: Parcel) -> Answer:
        try:
            answer = await self._target.send(parcel)
        except Exception as error:  # noqa: BLE001 - nobody knows how far it came
            answer = Unsure(f"{type(error).__name__}: {error}")
        return answer if isinstance(answer, Sent) else replace(answer, reason=redact(answer.reason)[:WORDS])

    async def _missing(self, parcel: Parcel) -> tuple[str, ...] | None:
        try:
            return await self._target.missing(parcel)
        except Exception as error:  # noqa: BLE001 - it cannot be told now
            self._noted = redact(f"{type(error).__name__}: {error}")
            return None

    async def _done(self, row: ParcelRow, answer: Sent) -> bool:
        parcel = Parcel(row.kind, row.name, row.things, row.body)
        refused = [each for each in answer.refused if each[0] in row.things]
        parts = [((thing,), f"{row.name}/x{number}.{row.attempts}") for number, (thing, _) in enumerate(refused)]
        reasons = [redact(reason) for _, reason in refused]
        dead = tuple(zip(await self._parts(parcel, parts), reasons, strict=True))
        await self._ledger.keep(Settle(row.id, "sent", dead=dead))
        self._failures, self._noted = 0, None  # and not `_resume_at`: it may have gone out before the service asked for a pause
        self._progress = replace(self._progress, trouble="")
        return True

    async def _halve(self, row: ParcelRow, parcel: Parcel, answer: TooLarge) -> bool:
        if len(row.things) < 2:  # noqa: PLR2004 - a single thing has no halves
            remedy = "Raise the service's limit on a request's size, then --retry-dead."
            await self._ledger.keep(Settle(row.id, "dead", reason=answer.reason, remedy=remedy))
            return True
        middle = len(row.things) // 2
        parts = [(row.things[:middle], f"{row.name}/1"), (row.things[middle:], f"{row.name}/2")]
        await self._ledger.keep(Replace(row.id, await self._parts(parcel, parts), answer.reason))
        return True

    async def _parts(self, parcel: Parcel, wanted: Sequence[tuple[tuple[str, ...], str]]) -> tuple[Fresh, ...]:
        """Return parts of a parcel; off the loop, because bodies are large."""
        make = self._target.part
        return await asyncio.to_thread(lambda: tuple(_fresh(make(parcel, things, key)) for things, key in wanted))

    async def _bury(self, row: ParcelRow, answer: Dead) -> bool:
        """Give a parcel up, unless it is us that the target does not take: then nothing else is tried either."""
        if answer.denied:
            await self._ledger.keep(Settle(row.id, "pending", reason=answer.reason))
            await self._target.check()
        await self._ledger.keep(Settle(row.id, "dead", reason=answer.reason, remedy=answer.remedy))
        report("sync_given_up", level="error", target=self._target.title, kind=row.kind, reason=answer.reason)
        self._failures = 0
        return True

    async def _put_off(self, row: ParcelRow, answer: Later | Unsure) -> bool:
        state, wait = "pending", self._pace.pause(row.attempts + 1)
        if isinstance(answer, Unsure):
            state = "unsure"
            wait = max(wait, self._lags.get(row.kind, 0.0))
        wait = max(wait, answer.seconds or 0.0)
        await self._ledger.keep(Settle(row.id, state, due_at=time.time() + wait, reason=answer.reason))
        await self._failed(answer.reason, answer.seconds)
        return False

    async def _failed(self, reason: str, seconds: float | None = None) -> None:
        """Count a failure; leave the target alone for a while if it asks for that, or after several."""
        self._failures += 1
        wait = seconds or (self._pace.pause(self._failures - TROUBLED + 1) if self._failures >= TROUBLED else 0.0)
        self._resume_at = max(self._resume_at, time.monotonic() + wait)
        self._progress = replace(self._progress, trouble=reason)
        if reason != self._noted:
            self._noted = reason
            report("sync_troubled", target=self._target.title, reason=reason)
            with suppress(RecordError):  # it is for those who look; what counts is written elsewhere
                await asyncio.to_thread(self._outbox.note, self._target.id, reason)

    async def _wait(self, seconds: float) -> None:
        """Wait, but look for something new now and then."""
        await self._rest(min(max(seconds, 0.01), self._pace.poll), seconds)

    async def _rest(self, seconds: float, told: float | None = None) -> None:
        self._tell(replace(self._progress, waits=told or seconds))
        await asyncio.sleep(seconds)

    async def _count(self, *, at_once: bool = False) -> None:
        """Tell how much is left, counted now and then: of a large outbox that takes a while."""
        began = time.monotonic()
        if began >= self._count_at or at_once:
            left = await asyncio.to_thread(self._rows.left, self._target.id)
            self._count_at = time.monotonic() + max(_COUNTED, 20 * (time.monotonic() - began))
            self._progress = replace(self._progress, left=left)
        self._tell(self._progress)

    async def _show_life(self) -> None:
        if time.monotonic() >= self._alive_at:
            self._alive_at = time.monotonic() + _ALIVE
            await asyncio.to_thread(self._outbox.seen, self._target.id)
            await asyncio.to_thread(self._rows.unskew, self._target.id)

    async def _halt(self) -> None:
        """Stop what runs; what was on its way stays in flight."""
        workers, self._workers = list(self._workers.values()), {}
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await self._ledger.settled()


def _fresh(parcel: Parcel) -> Fresh:
    return Fresh(parcel.kind, parcel.key, parcel.things, parcel.body)


_running: set[tuple[int, str, str]] = set()
_lock = threading.Lock()


def _enter(record: Record, target: str) -> str | None:
    """Take a target for this delivery; return who has it where somebody does."""
    place = (os.getpid(), record.url, target)
    with _lock:
        if place in _running:
            return "another delivery of this process"
        if owner := record.outbox.claim(target):
            host, pid, _ = owner.rsplit(":", 2)
            return f"process {pid} on {host}"
        _running.add(place)
        return None


def _leave(record: Record, target: str, lags: dict[str, float]) -> None:
    """Call unsure what was in flight, and let others deliver; a record that does not take it is put right by the next."""
    with suppress(RecordError):
        record.parcels.recover(target, lags)
        record.outbox.release(target)
    with _lock:
        _running.discard((os.getpid(), record.url, target))

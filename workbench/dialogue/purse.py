"""What a workspace may spend in a day and altogether: two budgets that every dialogue of the process is part of.

What is spent comes from the record, so it counts whoever spent it. It is read when a dialogue starts, on the thread that
starts it; from then on this process counts its own calls, and learns of other processes' when the next dialogue starts. A
call whose cost is lost counts at its bound, as it does for its dialogue.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

from workbench.dialogue.driving import runs_here
from workbench.dialogue.export.facts import money
from workbench.dialogue.money.budget import Amount, Budget, charge, charges
from workbench.dialogue.rules.mode import LimitsSpec
from workbench.dialogue.running.progress import Progress
from workbench.errors import WorkbenchError
from workbench.events import Call, CallEnded, CallStarted, DialogueResumed, DialogueStarted, Event
from workbench.loop import run
from workbench.records import Record
from workbench.settings import BudgetSettings, Settings

_purses: Final[dict[str, Purse]] = {}
_LAG: Final = 300.0
"""Seconds by which what others write may be older than what was read before: their clocks differ, and writing takes a while."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a budget stands.

    Attributes:
        budget: call, dialogue, day or workspace.
        ceiling: USD; None where there is none.
        spent: USD, calls whose cost is lost at what they may have cost; None where it is counted for each call or dialogue.
    """

    budget: str
    ceiling: float | None
    spent: float | None = None

    @property
    def left(self) -> float | None:
        """USD that may still be spent; None where that is not known or nothing limits it."""
        return None if self.ceiling is None or self.spent is None else max(self.ceiling - self.spent, 0.0)


def dollars(amount: float) -> str:
    """Return USD for people; nothing spent is nothing, and not free."""
    return money(amount) if amount else "$0"


def midnight(now: float, later: int = 0) -> float:
    """Return when the calendar day of a time began here, or one so many days later, as Unix time."""
    day = datetime.fromtimestamp(now, UTC).astimezone().date() + timedelta(days=later)
    return datetime.combine(day, datetime.min.time()).timestamp()


class DayBudget(Budget):
    """What may be spent today. It begins anew at midnight, and remembers this process's own calls of the day by their ids."""

    def __init__(self, whole: Budget) -> None:
        super().__init__(LimitsSpec(), whole=whole, name="day")
        self.began = midnight(time.time())
        self.own: dict[str, float] = {}

    def passed(self, amount: Amount, kept: float = 0.0) -> str | None:
        """Return the name of the ceiling that `amount` would pass today."""
        if time.time() >= midnight(self.began, 1):
            self.begin(midnight(time.time()), 0.0)
        return super().passed(amount, kept)

    def settle(self, call: Call, amount: Amount) -> None:
        """Count a call that has ended; one that began on an earlier day only lets go of what it held."""
        spent = self.spent
        super().settle(call, amount)
        if call.started_at >= self.began:
            self.own[call.id] = charge(call, amount).cost
        else:
            self.spent = spent

    def begin(self, day: float, spent: float) -> None:
        """Begin a day with what is spent of it by others; calls of this process that began on it are added."""
        if day > self.began:
            self.own.clear()
        self.began = day
        self.spent = Amount(cost=spent + sum(self.own.values()))


class _Lost(NamedTuple):
    """A call whose cost is lost: when it began, USD that bound it, whether it ended, and whether in its dialogue's last run."""

    at: float
    cost: float
    ended: bool
    in_last_run: bool


class Purse:
    """The two budgets of a record.

    Args:
        url: of the record.
    """

    def __init__(self, url: str) -> None:
        self.workspace = Budget(LimitsSpec(), name="workspace")
        self.day = DayBudget(self.workspace)
        self._url, self._born = url, time.time()
        self._looked: float | None = None
        self._lock = threading.Lock()
        self._whole = False
        self._doubtful: dict[str, float] = {}
        self._lost: dict[str, tuple[float, dict[str, _Lost]]] = {}

    def look(self, ceilings: BudgetSettings, events_of: Callable[[str], Sequence[Event]]) -> None:
        """Take the ceilings over and learn what is spent. Reads the record: not for the event loop.

        Raises:
            RecordError: it cannot be read.
        """
        day = midnight(time.time())
        with self._lock:
            before, since = self._read(day, events_of, ours=True, whole=ceilings.workspace is not None)
        run(self._learn(ceilings, day, before, since))

    def standings(self, ceilings: BudgetSettings, events_of: Callable[[str], Sequence[Event]]) -> list[Standing]:
        """Return how the budgets stand, by the record: calls that are under way count what they may cost. Reads the record.

        Raises:
            RecordError: it cannot be read.
        """
        with self._lock:
            before, since = self._read(midnight(time.time()), events_of, ours=False, whole=True)
        today = sum(since.values())
        return [
            Standing("call", ceilings.call),
            Standing("dialogue", ceilings.dialogue),
            Standing("day", ceilings.day, today),
            Standing("workspace", ceilings.workspace, before + today),
        ]

    async def _learn(self, ceilings: BudgetSettings, day: float, before: float, since: dict[str, float]) -> None:
        own = self.day.own if day == self.day.began else {}
        others = sum(cost for call, cost in since.items() if call not in own)
        self.day.limits, self.workspace.limits = LimitsSpec(max_cost=ceilings.day), LimitsSpec(max_cost=ceilings.workspace)
        self.day.begin(day, others)
        self.workspace.spent = Amount(cost=before + self.day.spent.cost)

    def _read(
        self, day: float, events_of: Callable[[str], Sequence[Event]], *, ours: bool, whole: bool
    ) -> tuple[float, dict[str, float]]:
        """Return what was spent before a day, and by call since.

        Args:
            day: Unix time at which it began.
            events_of: returns the events of a dialogue.
            ours: leave out calls that this process waits for now.
            whole: look for calls whose cost is lost in dialogues that did not change on that day, too.
        """
        from workbench.records.spending import read_spending

        if whole and not self._whole:
            self._looked, self._whole = 0.0, True
        now = time.time()
        known = read_spending(self._url, day, day if self._looked is None else self._looked)
        self._looked = now - _LAG
        self._doubtful = {name: at for name, at in self._doubtful.items() if name not in known.changed}
        self._doubtful |= {name: known.changed[name] for name in known.doubtful if name in known.changed}
        before, since = known.before, dict(known.since)
        for dialogue, changed in self._doubtful.items():
            for call, lost in self._lost_calls(dialogue, changed, events_of).items():
                mine = lost.in_last_run and lost.at >= self._born and runs_here(dialogue)
                if ours and mine and (lost.at >= day or not lost.ended):
                    continue  # it is held, or counted as one of our own
                if lost.at < day:
                    before += lost.cost
                else:
                    since[call] = lost.cost
        return before, since

    def _lost_calls(self, dialogue: str, changed: float, events_of: Callable[[str], Sequence[Event]]) -> dict[str, _Lost]:
        """Return the calls of a dialogue whose cost is lost."""
        if self._lost.get(dialogue, (None,))[0] != changed:
            try:
                lost = dict(_lost(events_of(dialogue)))
            except (WorkbenchError, ValueError, LookupError):
                lost = {}  # its run cannot be read any more, so nothing bounds its calls
            self._lost[dialogue] = (changed, lost)
        return self._lost[dialogue][1]


def _lost(events: Sequence[Event]) -> Iterator[tuple[str, _Lost]]:
    progress = Progress.of(events, lambda _child: ())
    begun = max(
        (number for number, each in enumerate(events) if isinstance(each, DialogueStarted | DialogueResumed)), default=0
    )
    late = {each.call if isinstance(each, CallStarted) else each.call.id
            for each in events[begun:] if isinstance(each, CallStarted | CallEnded)}  # fmt: skip
    for call, amount in charges(progress.transcript, progress.runs):
        if isinstance(call, CallStarted):
            yield call.call, _Lost(call.at, amount.cost, ended=False, in_last_run=call.call in late)
        elif call.cost is None:
            yield call.id, _Lost(call.started_at, amount.cost, ended=True, in_last_run=call.id in late)


def purse_of(url: str) -> Purse:
    """Return the purse of a record; the same one for all of this process."""
    return _purses.setdefault(url, Purse(url))


def purse_for(ceilings: BudgetSettings, record: Record) -> Budget | None:
    """Return what the day and the workspace may spend, with what is spent by now; None where there is no ceiling. Blocks.

    Raises:
        RecordError: the record cannot be read.
    """
    if ceilings.day is None and ceilings.workspace is None:
        return None
    purse = purse_of(record.url)
    purse.look(ceilings, record.events)
    return purse.day


def standings_of(settings: Settings) -> list[Standing]:
    """Return how a workspace's budgets stand; makes no record where there is none.

    Raises:
        RecordError: the record cannot be read.
    """
    from workbench.records.queries import glance

    with glance(settings.record_url) as reader:
        return purse_of(settings.record_url).standings(settings.budget, partial(reader.events, after=0) if reader else _nothing)


def _nothing(_dialogue: str) -> list[Event]:
    return []

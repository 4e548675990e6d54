"""The newest readings of a record, taken on a thread when somebody scrapes: no scrape waits long, and nobody reads unasked."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from workbench.errors import RecordError
from workbench.events.listening import report
from workbench.records import Record

if TYPE_CHECKING:
    from workbench.records.metering import Meters
    from workbench.records.outbox import Standing

FRESH: Final = 5.0
"""Seconds for which readings are good enough."""
PATIENCE: Final = 4.0
"""Seconds that a scrape waits for new ones before it gets the old; Prometheus gives up after ten."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the record said, and how many seconds it took to say it."""

    meters: Meters
    standings: Sequence[Standing]
    took: float


class Readings:
    """Reads a record's meters; `newest` may be called from any thread.

    Args:
        record: that is read.
        clock: seconds that only grow.

    Attributes:
        trouble: why the last try failed; None where it did not.
    """

    def __init__(self, record: Record, clock: Callable[[], float] = time.monotonic) -> None:
        self._record, self._metering, self._clock = record, record.metering(), clock
        self._lock = threading.Lock()
        self._reading: Reading | None = None
        self._working: threading.Event | None = None
        self._due = -math.inf
        self.trouble: str | None = None

    def newest(self, patience: float | None = PATIENCE) -> Reading | None:
        """Return readings of this moment, or, where that takes too long, the last ones; None where there are none yet.

        Args:
            patience: seconds; None for however long it takes.
        """
        if (working := self._begin()) is not None:
            working.wait(patience)
        return self._reading

    def _begin(self) -> threading.Event | None:
        """Have the record read, unless that is being done; return what tells its end, None where the last is good enough."""
        with self._lock:
            if self._working is None and self._clock() >= self._due:
                self._working = threading.Event()
                threading.Thread(target=self._read, args=(self._working,), name="workbench-metrics", daemon=True).start()
            return self._working

    def _read(self, working: threading.Event) -> None:
        began = self._clock()
        try:
            meters, standings = self._metering.read(), self._record.outbox.standings()
            self._reading, self.trouble = Reading(meters, standings, self._clock() - began), None
        except RecordError as error:
            self._metering = self._record.metering()
            if self.trouble is None:
                report("metrics_not_read", error=error.message)
            self.trouble = error.message
        finally:
            with self._lock:
                took = self._clock() - began
                self._due = began + max(FRESH, 10 * took)  # reading takes a tenth of the time at most
                self._working = None
            working.set()

"""The panel of an experiment, which fills while a run goes on, here or in another process.

A thread of its own looks into the record once a second and tells the pages what it found, so neither the engine nor the
kernel's loop waits. A page that comes later gets all of it; a notebook that is saved keeps what was told last, and a table for
pages that have no kernel.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

import anywidget
import traitlets

from workbench.errors import RecordError, WorkbenchError
from workbench.panels.bundle import STATIC, script
from workbench.panels.experiment_facts import Facts, experiment_facts
from workbench.panels.experiment_static import html_of, text_of
from workbench.panels.experiment_tally import RunTally

if TYPE_CHECKING:
    from workbench.experiments.experiment import Experiment
    from workbench.records.experiments import RunRow

PERIOD: Final = 1.0
"""Seconds between two looks into the record."""
IDLE: Final = 1800.0
"""Seconds without a run after which nobody looks any more; a page that asks begins anew."""
_LIVE: Final = frozenset({"running", "stopping"})
_UNSEEN: Final = frozenset({"now", "eta"})


class ExperimentPanel(anywidget.AnyWidget):
    """Shows an experiment and its latest run: display it, or let it be the last expression of a cell.

    Args:
        experiment: with a run, or before its first.
        period: seconds between two looks into the record.
    """

    _esm = STATIC / "panels.js"
    _css = STATIC / "experiments.css"
    kind = traitlets.Unicode("experiment").tag(sync=True)
    snapshot = traitlets.Dict().tag(sync=True)
    """What the pages were told last."""
    text = traitlets.Unicode().tag(sync=True)
    """What a page shows that no kernel answers."""

    def __init__(self, experiment: Experiment, period: float = PERIOD) -> None:
        self.experiment, self._period = experiment, period
        self._looking = threading.Lock()
        self._teller: threading.Thread | None = None
        self._closed = threading.Event()
        self._tally: RunTally | None = None
        self._was: tuple[str, str, float | None] | None = None
        facts = self._look()
        super().__init__(snapshot=facts, text=text_of(facts))
        self.on_msg(self._asked)
        self._wake()

    def close(self) -> None:
        """Take the panel off all pages."""
        self._closed.set()
        super().close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the panel, and a table for pages that have no kernel."""
        self._wake()
        data, metadata = super()._repr_mimebundle_(**options) or ({}, {})
        return {**data, "text/plain": text_of(self.snapshot), "text/html": html_of(self.snapshot)}, metadata

    def _look(self) -> Facts:
        """Return what there is to tell. Reads the record."""
        with self._looking:
            run = self.experiment.run_row
            self._keep_up(run)
            if self._tally is not None:
                self._tally.update()
            return experiment_facts(self.experiment, run, self._tally)

    def _keep_up(self, run: RunRow | None) -> None:
        """Add up anew where another run began, or this one began or ended again: what failed may have been made again."""
        now = None if run is None else (run.id, run.status, run.ended_at)
        if now != self._was:
            self._was = now
            rows = self.experiment.orchestrator.record.experiments
            self._tally = None if run is None else RunTally(rows, run.id, self.experiment.definition)

    def _wake(self) -> None:
        """See to it that somebody looks."""
        if self._teller is None or not self._teller.is_alive():
            self._teller = threading.Thread(target=self._tell, name=f"panel-{self.experiment.name}", daemon=True)
            self._teller.start()

    def _tell(self) -> None:
        """Tell the pages what is new, until the panel is closed or nothing has run for long."""
        busy = time.monotonic()
        while not self._closed.is_set() and time.monotonic() - busy < IDLE:
            try:
                facts = self._look()
            except RecordError:
                facts = None  # busy or out of reach for a moment; the page stays as it is
            if facts is not None and _new(self.snapshot, facts):
                self.snapshot = facts
                busy = time.monotonic()
            if self.snapshot.get("status") in _LIVE:
                busy = time.monotonic()
            self._closed.wait(self._period)

    def _asked(self, _widget: object, content: Any, _buffers: object) -> None:
        """Do what a page asks for."""
        match content:
            case {"type": "part"}:
                self.send({"type": "part", "source": script("experiments")})
                self._wake()
            case {"type": "stop"}:
                threading.Thread(target=self._stop, name=f"panel-{self.experiment.name}-stop", daemon=True).start()
            case _:
                pass

    def _stop(self) -> None:
        try:
            self.experiment.stop()
        except WorkbenchError as error:
            self.send({"type": "refused", "text": str(error)})
        except Exception as error:  # noqa: BLE001 - a defect must be seen by who waits, not lost with the thread
            self.send({"type": "refused", "text": f"{type(error).__name__}: {error}"})


def _new(told: Facts, facts: Facts) -> bool:
    return any(told.get(name) != value for name, value in facts.items() if name not in _UNSEEN)

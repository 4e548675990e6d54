"""A dialogue in the user's hand: running or stored, to be watched, waited for, stopped, measured and exported.

The dialogue itself runs on the engine's loop. This handle may be used from any thread and any loop; it sees each event only
after the record has it, so what is shown is never more than what is kept.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from workbench.dialogue.export import Format, export_dialogue, write_export
from workbench.dialogue.export.facts import warnings_of
from workbench.dialogue.fallbacks import Fallback, fallbacks_of
from workbench.dialogue.frames import calls_frame, turns_frame
from workbench.dialogue.steered import Controls, Steered
from workbench.dialogue.transcript import Metrics, Transcript, measure
from workbench.errors import RecordError, WorkbenchError
from workbench.events import Event, Status

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from workbench.dialogue.export.positions import PositionsReport
    from workbench.dialogue.lineage import Tree
    from workbench.records import Record

_END: Final = object()


class Home(Protocol):
    """Where a dialogue belongs to: the orchestrator."""

    @property
    def record(self) -> Record: ...  # noqa: D102 - as above
    def load(self, dialogue: str) -> Dialogue: ...  # noqa: D102
    def restart(self, *args: Any, **kwargs: Any) -> Dialogue: ...  # noqa: D102
    def fork(self, *args: Any, **kwargs: Any) -> Dialogue: ...  # noqa: D102


def _hand_over(loop: asyncio.AbstractEventLoop, box: asyncio.Queue[Any], item: object) -> None:
    with suppress(RuntimeError):  # that loop was closed: nobody reads any more, and the dialogue goes on
        loop.call_soon_threadsafe(box.put_nowait, item)


class Dialogue(Steered):
    """One dialogue.

    Args:
        transcript: what is known of it so far.
        events: the events behind that.
    """

    def __init__(self, transcript: Transcript, events: Sequence[Event] = ()) -> None:
        super().__init__()
        self.transcript = transcript
        self._events: list[Event] = list(events)
        self._lock = threading.Lock()
        self._watchers: list[Callable[[Event | object], None]] = []
        self._home: Home | None = None

    @classmethod
    def stored(cls, events: Sequence[Event]) -> Dialogue:
        """Return the dialogue that recorded events tell."""
        return cls(Transcript(events), events)

    def __repr__(self) -> str:
        return f"Dialogue({self.id}, {self.mode}, {self.status}, {self.metrics.turns} turns)"

    @property
    def id(self) -> str:
        """Its id in the record."""
        return self.transcript.id

    @property
    def mode(self) -> str:
        """Name of its mode."""
        return self.transcript.mode

    @property
    def topic(self) -> str:
        """What it is about."""
        return self.transcript.topic

    @property
    def status(self) -> Status:
        """Where it stands."""
        return self.transcript.status

    @property
    def reason(self) -> str | None:
        """Why it did not complete; None if it did, or still runs."""
        return self.transcript.reason

    @property
    def future(self) -> Future[None]:
        """The current run, or the last one; done when it has ended."""
        if self._running is None:
            self._running = Future()
            self._running.set_result(None)
        return self._running

    @property
    def paused(self) -> bool:
        """Whether it runs, but starts no further turn until `unpause`."""
        return self.running and self.transcript.paused

    @property
    def can(self) -> dict[str, bool]:
        """Which of `stop` (cancel), `pause`, `unpause`, `resume`, `interject`, `call_on`, `skip`, `fork` are possible now."""
        running = self.running
        steered = running and self._controls is not None and self._controls.can_steer
        return {
            "stop": running,
            "pause": steered and not self.transcript.paused,
            "unpause": steered and self.transcript.paused,
            "resume": not running and self._home is not None and not self.status.succeeded,
            "interject": steered,
            "call_on": steered,
            "skip": steered,
            "fork": self._home is not None and bool(self.transcript.said),
        }

    @property
    def waits(self) -> dict[str, str]:
        """Turn id to what a person is waited for: `answer` to speak it, `approval` to approve or edit what was said."""
        return {turn.id: turn.waits for turn in self.snapshot() if turn.waits} if self.running else {}

    @property
    def children(self) -> list[Dialogue]:
        """Its sub-dialogues in the order of the mode, running or stored."""
        spawned = sorted(self.snapshot().children.values(), key=lambda each: (each.seq, each.number))
        found = []
        for each in spawned:
            with suppress(RecordError):  # announced, and not begun yet
                found.append(self.open(each.child))
        return found

    @property
    def turns(self) -> pd.DataFrame:
        """One row a turn: role, model, text, tokens, cost, latency. See `frames.turns_frame` for the columns."""
        return turns_frame(self.transcript.turns)

    @property
    def calls(self) -> pd.DataFrame:
        """One row a call, failed ones included. See `frames.calls_frame` for the columns."""
        return calls_frame(self.transcript.turns)

    @property
    def beliefs(self) -> pd.DataFrame:
        """One row for each position that a structured answer states: who held what, and who changed their mind.

        See `beliefs.trajectories` for the columns, and `positions_report` for what came of them.
        """
        from workbench.dialogue.agreement.beliefs import trajectories
        from workbench.dialogue.export.positions import steps_of

        return trajectories(steps_of(self.snapshot()))

    def positions_report(self) -> PositionsReport:
        """Return who changed their mind, from what to what and after whom, and how far all agreed, round by round."""
        from workbench.dialogue.export.positions import positions_report

        return positions_report(self.snapshot())

    @property
    def warnings(self) -> list[str]:
        """What the run was warned of before it began: that its judge is of a contestant's family, for one."""
        return warnings_of(self.transcript)

    @property
    def metrics(self) -> Metrics:
        """Latency, tokens and cost of the whole; `metrics_by_turn` has them for each turn."""
        return self.transcript.metrics

    @property
    def metrics_by_turn(self) -> dict[str, Metrics]:
        """Latency, tokens and cost of each turn, by its id."""
        return {turn.id: measure([turn], turn.latency) for turn in self.transcript.turns}

    @property
    def fallbacks(self) -> list[Fallback]:
        """The turns for which another model than the one asked for was turned to, and why."""
        return fallbacks_of(self.snapshot())

    @property
    def text(self) -> str:
        """The last complete turn's text: in most modes the result."""
        said = [turn.text for turn in self.transcript.turns if turn.status is Status.COMPLETED]
        return said[-1] if said else ""

    def snapshot(self) -> Transcript:
        """Return the transcript as it stands, for a reader on another thread."""
        with self._lock:
            return self.transcript.copy()

    def recorded_events(self) -> list[Event]:
        """Return its events so far, without deltas."""
        with self._lock:
            return list(self._events)

    def events(self) -> Iterator[Event]:
        """Yield its events from the first on, live while it runs, to the end of this run."""
        box: queue.SimpleQueue[Any] = queue.SimpleQueue()
        past, detach = self._watch(box.put)
        try:
            yield from past
            while self._running is not None and (item := box.get()) is not _END:
                yield item
        finally:
            detach()

    async def stream(self) -> AsyncIterator[Event]:
        """Yield its events as `events` does, on the caller's event loop."""
        here, box = asyncio.get_running_loop(), asyncio.Queue[Any]()
        past, detach = self._watch(partial(_hand_over, here, box))
        try:
            for event in past:
                yield event
            while self._running is not None and (item := await box.get()) is not _END:
                yield item
        finally:
            detach()

    def wait(self, timeout: float | None = None) -> Dialogue:
        """Block until this run has ended, and return the dialogue.

        An interrupt (Ctrl-C, a kernel interrupt) stops the calls, keeps what was said, and is raised again.

        Args:
            timeout: seconds.

        Raises:
            TimeoutError: it still runs.
            RecordError: the record could not keep up with it.
        """
        if self._running is not None:
            try:
                self._running.result(timeout)
            except KeyboardInterrupt:
                self.cancel()
                self._running.result()
                raise
        return self

    def __await__(self) -> Generator[Any, None, Dialogue]:
        return self._wait().__await__()

    async def _wait(self) -> Dialogue:
        if self._running is not None:
            done = asyncio.wrap_future(self._running)
            try:
                await asyncio.shield(done)
            except asyncio.CancelledError:
                self.cancel()
                await asyncio.shield(done)
                raise
        return self

    def resume(self, **options: Any) -> Dialogue:
        """Go on with it after it stopped, and return it at once, running; complete turns are not asked again.

        Options and errors as for `Orchestrator.restart`.

        Raises:
            WorkbenchError: it is complete, runs already, or belongs to no orchestrator.
        """
        self._at_home().restart(self.id, **options)
        return self

    def fork(self, turn: str | None = None, **options: Any) -> Dialogue:
        """Go another way from a turn on; return the new dialogue at once, running. Options and errors as `Orchestrator.fork`.

        Args:
            turn: id or number of the last turn that it begins with; by default all that are complete.
            options: such as `participants={"judge": "other-model"}`.
        """
        return self._at_home().fork(self.id if turn is None else f"{self.id}@{turn}", **options)

    def tree(self) -> Tree:
        """Return the tree of forks and sub-dialogues that it belongs to; the last expression of a cell shows it."""
        from workbench.dialogue.lineage import Tree

        return Tree(self._at_home().record, self.id)

    def open(self, dialogue: str) -> Dialogue:
        """Return another dialogue of the same record: one of its tree, for example.

        Raises:
            RecordError: there is none.
        """
        return self._at_home().load(dialogue)

    async def run_async(self, **options: Any) -> Dialogue:
        """Await its end without blocking the caller's event loop: it is resumed if it stopped, and waited for if it runs.

        Cancelling the wait stops the dialogue. Options as for `resume`.
        """
        if not self.running and not self.status.succeeded:
            await asyncio.to_thread(self.resume, **options)
        return await self

    def panel(self) -> Any:
        """Return the live panel, a widget: the last expression of a cell shows it. All its views agree."""
        return self._view("panel")

    def plot(self) -> go.Figure:
        """Return a Plotly figure of cost, latency and tokens per turn; it is drawn without a network."""
        from workbench.dialogue.figures.plot import plot_turns

        return plot_turns(self.snapshot())

    def waterfall(self) -> Any:
        """Return where its time went, as a sentence, a figure and a table: the last expression of a cell shows it. Blocks."""
        return self._view("waterfall")

    def plot_beliefs(self) -> go.Figure:
        """Return a Plotly figure of the positions that speakers stated, turn by turn."""
        from workbench.dialogue.export.positions import steps_of
        from workbench.dialogue.figures.plot_beliefs import plot_beliefs

        return plot_beliefs(steps_of(self.snapshot()))

    def save(self, path: str | Path) -> Path:
        """Write it to a file and return where: `.html` replays it with a time line, `.json`, `.md` and `.pdf` are exports.

        The page needs neither kernel nor network.

        Raises:
            ExportError: no format has this ending, or the file cannot be written.
        """
        fmt = Format.parse(Path(path).suffix.lstrip("."))
        if fmt is not Format.HTML:
            self.export(fmt, path)
        else:
            write_export(self._view("replay"), path)
        return Path(path)

    def export(self, format: Format | str = "markdown", path: str | Path | None = None) -> str | bytes:  # noqa: A002
        """Return the dialogue as `json`, `markdown`, `html` or `pdf`, and write it to `path` if one is given.

        Args:
            format: `json` reads back without loss; the others are for people.
            path: file to write; its folder must exist.

        Raises:
            ExportError: the format does not exist, its library is missing, or the file cannot be written.
        """
        return export_dialogue(self.transcript, self.recorded_events(), Format.parse(format), path)

    def to_dict(self) -> dict[str, Any]:
        """Return `id, status, reason, mode, topic, turns[…], metrics` as JSON values."""
        from workbench.dialogue.export.as_json import summary

        return summary(self.transcript)

    def _repr_html_(self) -> str:
        from workbench.dialogue.export.as_html import fragment

        return fragment(self.transcript)

    def _repr_markdown_(self) -> str:
        from workbench.dialogue.export.as_markdown import to_markdown

        return to_markdown(self.transcript)

    def _at_home(self) -> Home:
        if self._home is None:
            raise WorkbenchError(
                f"dialogue {self.id} belongs to no orchestrator",
                hint=f'`Orchestrator().load("{self.id}")` has it, if the record has it.',
            )
        return self._home

    def _view(self, name: str) -> Any:
        """Make what a room above offers for a dialogue; it says so by an entry point of the group `workbench.dialogue`."""
        (view,) = entry_points(group="workbench.dialogue", name=name)
        return view.load()(self)

    def _attach(self, running: Future[None], controls: Controls) -> None:
        """Connect the handle to its run; called by the orchestrator."""
        self._running, self._controls = running, controls
        running.add_done_callback(self._end)

    def _reload(self, events: Sequence[Event]) -> None:
        """Take over what the record knows, after another process went on with it."""
        with self._lock:
            self.transcript, self._events = Transcript(events), list(events)

    def _publish(self, event: Event) -> None:
        """Take an event in, after the record; called on the engine's loop."""
        with self._lock:
            self.transcript.apply(event)
            if event.durable:
                self._events.append(event)
            watchers = tuple(self._watchers)  # who comes after this has the event in its past
        for watcher in watchers:
            watcher(event)

    def _end(self, _done: object) -> None:
        for watcher in tuple(self._watchers):
            watcher(_END)

    def _watch(self, watcher: Callable[[Event | object], None]) -> tuple[list[Event], Callable[[], None]]:
        """Return the past and be told the future, with no event lost or doubled between the two."""
        with self._lock:
            self._watchers.append(watcher)
            past = list(self._events)
            if not self.running:
                watcher(_END)
        return past, lambda: self._watchers.remove(watcher)

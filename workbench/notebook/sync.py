"""`%sync`: copies the record to Langfuse, LangSmith and OTLP, and says how far that is."""

from __future__ import annotations

import asyncio
import queue
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from workbench.notebook.options import parse
from workbench.notebook.running import usage_errors
from workbench.notebook.status_line import StatusLine
from workbench.notebook.tables import Column, Table

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator
    from workbench.errors import WorkbenchError
    from workbench.observe.sync.deliver import Progress
    from workbench.observe.sync.target import Target
    from workbench.records import Record
    from workbench.settings import Settings

_HEARTBEAT: Final = 0.2
"""Seconds between two looks at how far it is; an interrupt takes effect as soon."""
_APART: Final = 5.0
"""Seconds between two lines in a terminal, where lines cannot be changed."""


class SyncInterrupted(KeyboardInterrupt):
    """The kernel was interrupted during a sync; IPython shows one line for it instead of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return ["KeyboardInterrupt: stopped. What is left waits in the outbox; `%sync` goes on."]


@magics_class
class SyncMagics(Magics):
    """The sync in a notebook.

    Args:
        shell: that it belongs to.
        orchestrator: returns the one that dialogues of this notebook run in.
    """

    def __init__(self, shell: InteractiveShell, orchestrator: Callable[[], Orchestrator]) -> None:
        super().__init__(shell)
        self._shell = shell
        self._orchestrator = orchestrator

    @magic_arguments()
    @argument("target", nargs="*", help="langfuse, langsmith, otlp; by default all that are set up; or status")
    @argument("--since", metavar="WHEN", help="copy what was written from then on too, such as 7d, 12h or 2026-11-01")
    @argument("--watch", action="store_true", help="go on in the background until --stop, or until the kernel ends")
    @argument("--dry-run", action="store_true", help="say what would go and what is there, and ask nobody")
    @argument("--retry-dead", action="store_true", help="try once more what was refused for good")
    @argument("--stop", action="store_true", help="stop what --watch has begun")
    @argument("--off", action="store_true", help="put nothing more into these targets' outboxes")
    @line_magic("sync")
    def sync(self, line: str) -> Table:
        """Copy the record to the services that its environment names, each thing once; what was copied is not copied again.

        Examples::

            %sync langfuse --since 7d
            %sync --dry-run
            %sync langfuse langsmith --watch
            %sync status
            %sync --stop
        """
        with usage_errors():
            begun = self._begin(line)
            return begun.wait() if isinstance(begun, _Syncing) else begun

    async def sync_async(self, line: str) -> Table:
        """Run `%sync` without blocking the kernel; a cell that awaits calls this."""
        with usage_errors():
            begun = await asyncio.to_thread(self._begin, line)
            return await begun.wait_async() if isinstance(begun, _Syncing) else begun

    def _begin(self, line: str) -> _Syncing | Table:
        from workbench.observe.sync.syncing import would_go
        from workbench.observe.sync.targets import targets_from_environment

        wanted = parse(self.sync, line)
        orchestrator = self._orchestrator()
        record, settings = orchestrator.record, orchestrator.settings
        if wanted.target == ["status"]:
            return status_table(record)
        if wanted.stop:
            return status_table(record, _stop(record, wanted.target))
        if wanted.watch:
            return status_table(record, _watch(record, settings, wanted))
        targets = targets_from_environment(settings, wanted.target)
        if wanted.dry_run:
            return plan_table(would_go(record, targets, wanted.since))
        if wanted.off:
            for target in targets:
                record.outbox.switch_off(target.id)
            return status_table(record)
        return _Syncing(self._shell, record, targets, wanted)


class _Syncing:
    """A sync that is shown in this cell. It begins at once."""

    def __init__(self, shell: InteractiveShell, record: Record, targets: Sequence[Target], wanted: Namespace) -> None:
        from workbench.loop import submit
        from workbench.observe.sync.syncing import sync

        self._line, self._record, self._printed = StatusLine(shell), record, 0.0
        self._news: queue.SimpleQueue[Progress] = queue.SimpleQueue()
        self._latest: dict[str, Progress] = {}
        work = sync(record, targets, since=wanted.since, retry_dead=wanted.retry_dead, tell=self._news.put)
        self._result: Future[dict[str, WorkbenchError]] = submit(work)

    def wait(self) -> Table:
        """Block until everything is delivered that can be, and return how far it is."""
        try:
            while not wait([self._result], timeout=_HEARTBEAT).done:
                self._show()
        except KeyboardInterrupt:
            self._result.cancel()
            raise SyncInterrupted from None
        return self._end(self._result.result())

    async def wait_async(self) -> Table:
        """Wait as `wait` does, while the kernel goes on handling messages."""
        ended = asyncio.wrap_future(self._result)
        try:
            while not ended.done():
                await asyncio.wait([ended], timeout=_HEARTBEAT)
                self._show()
        except asyncio.CancelledError:
            self._result.cancel()
            raise SyncInterrupted from None
        return self._end(await ended)

    def _end(self, problems: dict[str, WorkbenchError]) -> Table:
        self._show(over=True)
        self._line.end()
        greetings = [news.greeting for news in self._latest.values() if news.greeting]
        return status_table(self._record, *greetings, *map(str, problems.values()))

    def _show(self, *, over: bool = False) -> None:
        with suppress(queue.Empty):
            while True:
                news = self._news.get_nowait()
                self._latest[news.title] = news
        now = time.monotonic()
        if self._latest and (over or not self._line.printed or now - self._printed >= _APART):
            self._printed = now
            self._line.tell("; ".join(map(str, self._latest.values())))


def begin_watching(orchestrator: Orchestrator) -> None:
    """Keep up in the background what `[sync] watch` in the settings names."""
    if not orchestrator.settings.sync.watch:
        return
    from workbench.observe.sync.targets import targets_from_environment
    from workbench.observe.sync.watch import keep_up

    for name in orchestrator.settings.sync.watch:
        keep_up(orchestrator.record, name, partial(targets_from_environment, orchestrator.settings, [name]))


def status_table(record: Record, *said: str) -> Table:
    """Return how far every target is; notes say what was said, and what was refused for good."""
    from workbench.observe.sync.syncing import lost_lines, status_rows

    rows = status_rows(record)
    none = [] if rows else ["The record is copied nowhere. `%sync langfuse` (langsmith, otlp) begins."]
    dead = ["`%sync --retry-dead` tries once more."] if any(row["dead"] for row in rows) else []
    empty = any(not any(row[name] for name in ("pending", "in_flight", "unsure", "sent", "dead")) for row in rows)
    older = ["What was written before a target was switched on goes with `--since 7d`."] if empty else []
    return Table(_STATUS, rows, notes=[*said, *none, *older, *lost_lines(rows), *dead])


def plan_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Return what a sync would copy."""
    return Table(
        _PLAN, rows, notes=["Nobody was asked. --since WHEN counts what was written before the target was switched on."]
    )


def _stop(record: Record, names: Sequence[str]) -> str:
    from workbench.observe.sync.watch import stop_all

    stopped = stop_all(record, names)
    return f"Stopped {', '.join(stopped)}." if stopped else "Nothing is kept up by this process."


def _watch(record: Record, settings: Settings, wanted: Namespace) -> str:
    from workbench.observe.sync.targets import set_up, targets_from_environment
    from workbench.observe.sync.watch import keep_up

    names = wanted.target or set_up()
    targets_from_environment(settings, names)  # so that what is not set up is said here, and not on a thread
    for name in names:
        keep_up(record, name, partial(targets_from_environment, settings, [name]), wanted.since)
    return f"{', '.join(names)}: kept up in the background. `%sync --stop` ends it."


def _ago(moment: float) -> str:
    return f"{_span(max(time.time() - moment, 0.0))} ago"


def _span(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


_STATUS: Final = (
    Column("target"),
    *(Column(name, type="Int64") for name in ("pending", "in_flight", "unsure", "sent", "dead")),
    Column("last_success", type="float64", show=_ago),
    Column("backlog_seconds", "oldest waits", "float64", _span),
    Column("copies"),
    Column("trouble"),
)
_PLAN: Final = (Column("target"), Column("kind"), *(Column(name, type="Int64") for name in ("would_go", "sent", "dead")))

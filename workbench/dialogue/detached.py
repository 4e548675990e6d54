"""A dialogue in a process of its own, which outlives the notebook that began it.

Parent and child share nothing but the record. The parent writes what the child shall resume, and hands over settings and
options on stdin, where no process list shows them; from then on it reads the record. `Following` does that for any dialogue
that another process runs. `worker` is the child.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from workbench.dialogue.casting.persons import Kind
from workbench.dialogue.dialogue import Dialogue
from workbench.errors import RecordError, WorkbenchError
from workbench.events import Event, Status
from workbench.events.correlation import correlation
from workbench.records import Record
from workbench.records.owners import local_pid
from workbench.settings import Settings

POLL: Final = 0.4
"""Seconds between two looks into the record."""
_WORKER: Final = "workbench.dialogue.worker"


@dataclass(frozen=True, slots=True)
class Child:
    """A process of ours that runs a dialogue, and the file in which it says what goes wrong."""

    process: subprocess.Popen[bytes]
    log: Path


def spawn(settings: Settings, dialogue: str, options: Mapping[str, Any]) -> Child:
    """Start a process that resumes a dialogue; it belongs to no terminal and no kernel.

    Args:
        settings: those of the run.
        dialogue: its full id.
        options: of `Orchestrator.restart`, as JSON values.

    Raises:
        WorkbenchError: an option cannot be handed to another process.
    """
    order = {
        "settings": settings.model_dump(mode="json"),
        "workspace": str(settings.workspace),
        "options": dict(options),
        "correlation": correlation() or dialogue,
    }
    try:
        text = json.dumps(order)
    except TypeError:
        raise WorkbenchError(
            "a detached dialogue takes models by name only", hint="Declare the model in workbench.toml and give its name."
        ) from None
    log = settings.workspace / ".workbench" / "detached" / f"{dialogue}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", _WORKER, dialogue],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=settings.workspace,
        )
    assert process.stdin is not None
    process.stdin.write(text.encode())
    process.stdin.close()
    return Child(process, log)


class Following:
    """Reads a dialogue that another process runs out of the record, and steers it where that is possible.

    Args:
        record: that both processes use.
        dialogue: takes the events.
        child: that runs it; None if it is none of ours.
    """

    can_steer = False

    def __init__(self, record: Record, dialogue: Dialogue, child: Child | None) -> None:
        self.record, self.dialogue, self.child = record, dialogue, child
        self.began = dialogue.transcript.seq

    async def run(self) -> None:
        """Publish what the record gets, until the other process is through or gone.

        Raises:
            WorkbenchError: it ended without an end of the dialogue.
        """
        began = self.dialogue.transcript.seq
        while True:
            gone = not await asyncio.to_thread(self._lives)
            for event in await asyncio.to_thread(self._news):
                self.dialogue._publish(event)  # noqa: SLF001 - the handle's other half
            moved = self.dialogue.transcript.seq > began
            if self.dialogue.status is not Status.RUNNING and moved:
                await asyncio.to_thread(self._reap)
                return
            if gone:
                raise await asyncio.to_thread(self._gone)
            await asyncio.sleep(POLL)

    def stop(self, _status: Status, _reason: str | None) -> None:
        """Interrupt the other process."""
        asyncio.get_running_loop().run_in_executor(None, self._interrupt)

    def pause(self) -> None:
        """Do nothing: only the process that runs a dialogue can hold it."""

    def unpause(self) -> None:
        """Do nothing, as `pause`."""

    async def give(self, kind: Kind, turn: str | None, text: str | None) -> None:
        """Do nothing, as `pause`; so do the next two."""

    async def add(self, role: str, text: str, *, person: bool) -> None: ...  # noqa: D102

    async def skip(self, turn: str) -> None: ...  # noqa: D102

    def _news(self) -> list[Event]:
        return self.record.events(self.dialogue.id, after=self.dialogue.transcript.seq)

    def _lives(self) -> bool:
        if self.child is not None:
            return self.child.process.poll() is None
        return not self.record.summary(self.dialogue.id).interrupted

    def _reap(self) -> None:
        """Leave no zombie: the dialogue has ended, so the child is about to."""
        if self.child is not None:
            self.child.process.wait()

    def _gone(self) -> WorkbenchError:
        said = self.child.log.read_text(errors="replace").strip() if self.child else ""
        return WorkbenchError(
            f"the process that ran dialogue {self.dialogue.id} is gone" + (f": {said}" if said else ""),
            hint=f"`workbench resume {self.dialogue.id}` goes on with it.",
        )

    def _interrupt(self) -> None:
        if self.child is not None:
            self.child.process.send_signal(signal.SIGINT)
        else:
            interrupt(self.record, self.dialogue.id)


def interrupt(record: Record, dialogue: str) -> None:
    """Stop a dialogue that a detached process on this machine runs; what was said is kept.

    Raises:
        RecordError: another kind of process runs it, or none on this machine.
    """
    import psutil

    owner = record.summary(dialogue).owner
    pid = local_pid(owner)
    if pid is None:
        raise RecordError(f"No process on this machine runs dialogue {dialogue}.", hint="`%dialogues` shows what runs.")
    process = psutil.Process(pid)
    if _WORKER not in process.cmdline():
        raise RecordError(f"Dialogue {dialogue} is run by process {pid}, a notebook or a terminal.", hint="Stop it there.")
    process.send_signal(signal.SIGINT)

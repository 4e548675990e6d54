"""Steering a dialogue that runs: stop it, hold it, take part in it. From any thread; it is done on the engine's loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Protocol

from workbench.dialogue.casting.persons import Kind
from workbench.errors import WorkbenchError
from workbench.events import Status
from workbench.loop import engine_loop, submit


class Controls(Protocol):
    """What steers a run. Each is called on the engine's loop; `can_steer` says whether more than `stop` is possible."""

    can_steer: bool
    began: int

    def stop(self, status: Status, reason: str | None) -> None: ...  # noqa: D102 - the names say it
    def pause(self) -> None: ...  # noqa: D102
    def unpause(self) -> None: ...  # noqa: D102
    async def give(self, kind: Kind, turn: str | None, text: str | None) -> None: ...  # noqa: D102
    async def add(self, role: str, text: str, *, person: bool) -> None: ...  # noqa: D102
    async def skip(self, turn: str) -> None: ...  # noqa: D102


class Steered:
    """What may be done to a run."""

    def __init__(self) -> None:
        self._running: Future[None] | None = None
        self._controls: Controls | None = None

    @property
    def began(self) -> int:
        """Number of the last event before this run; 0 for the first one."""
        return self._controls.began if self._controls is not None else 0

    @property
    def running(self) -> bool:
        """Whether this process is running it now."""
        return self._running is not None and not self._running.done()

    def cancel(self, reason: str | None = None) -> None:
        """Stop its calls; what was said stays, as a `cancelled` turn. Returns at once, from any thread.

        Args:
            reason: stands in the record.
        """
        if self._controls is not None and self.running:
            engine_loop().call_soon_threadsafe(self._controls.stop, Status.CANCELLED, reason)

    def pause(self) -> None:
        """Start no further turn until `unpause`; those that run are finished. Returns at once, from any thread."""
        if self._controls is not None and self.running:
            engine_loop().call_soon_threadsafe(self._controls.pause)

    def unpause(self) -> None:
        """Go on after `pause`. Returns at once, from any thread."""
        if self._controls is not None and self.running:
            engine_loop().call_soon_threadsafe(self._controls.unpause)

    def answer(self, text: str, turn: str | None = None) -> None:
        """Speak a turn that waits for a person.

        Args:
            text: what is said. Where the mode asks for data, JSON, or the value alone if it asks for one only.
            turn: its id; by default the only one that waits.

        Raises:
            WorkbenchError: none waits, or the mode does not allow this text.
        """
        self._steer(lambda run: run.give("answer", turn, text))

    def approve(self, turn: str | None = None, text: str | None = None) -> None:
        """Let what was said stand, or put another text in its place before anybody else sees it.

        Args:
            turn: its id; by default the only one that waits for approval.
            text: the edited text; None leaves it as it is.

        Raises:
            WorkbenchError: none waits, or the mode does not allow this text.
        """
        self._steer(lambda run: run.give("approval", turn, text))

    def interject(self, text: str, name: str = "person") -> None:
        """Say something as a participant: every turn that begins from now on sees it.

        Args:
            text: what is said.
            name: under which the others see it; not that of a role.

        Raises:
            WorkbenchError: the dialogue does not run here, or this cannot be said.
        """
        self._steer(lambda run: run.add(name, text, person=True))

    def call_on(self, role: str, prompt: str = "") -> None:
        """Let a role speak next, in a turn that the mode does not have; those that have not begun wait for it.

        Args:
            role: one of the mode's.
            prompt: what it is asked; by default to take further what was said.

        Raises:
            WorkbenchError: the dialogue does not run here, or there is no such role.
        """
        self._steer(lambda run: run.add(role, prompt, person=False))

    def skip(self, turn: str) -> None:
        """Leave out a turn that has not begun.

        Raises:
            WorkbenchError: the dialogue does not run here, or there is no such turn to come.
        """
        self._steer(lambda run: run.skip(turn))

    def _steer(self, act: Callable[[Controls], Coroutine[Any, Any, None]]) -> None:
        """Do something to the run, on the engine's loop, and wait until it is done."""
        controls = self._controls
        if controls is None or not self.running:
            raise WorkbenchError(f"{self!r} does not run", hint="Resume it first.")
        if not controls.can_steer:
            raise WorkbenchError(f"{self!r} is run by another process", hint="Do this where it runs.")
        submit(act(controls)).result()

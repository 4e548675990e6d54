"""What a subcommand of `%paper` works with: dialogues, the shelf, a line that says how far it is, and the notebook's names."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Dialogue, Orchestrator
    from workbench.papers import Shelf


class StoppedError(KeyboardInterrupt):
    """A command was interrupted; IPython shows one line for it instead of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return ["KeyboardInterrupt: stopped, and what was done is kept."]


class Desk:
    """One command's means; its methods may be called from any thread.

    Args:
        shell: that the command was typed in.
        shared: returns the notebook's orchestrator.
        shelf: returns the notebook's shelf.
        apart: give the command an orchestrator of its own on the same record and connections, so that its dialogues can be
            told from the notebook's others.
    """

    def __init__(
        self, shell: InteractiveShell, shared: Callable[[], Orchestrator], shelf: Callable[[], Shelf], *, apart: bool
    ) -> None:
        self.shell = shell
        self._shared, self._open_shelf, self._apart = shared, shelf, apart
        self._stopped = threading.Event()
        self.told: queue.SimpleQueue[str | Dialogue] = queue.SimpleQueue()

    @cached_property
    def orchestrator(self) -> Orchestrator:
        """Runs dialogues; an interrupt stops those that a long command has started."""
        shared = self._shared()
        if not self._apart:
            return shared
        from workbench.dialogue import Orchestrator

        return Orchestrator(settings=shared.settings, models=shared.models, record=shared.record, client=shared.client)

    @cached_property
    def shelf(self) -> Shelf:
        """The notebook's papers."""
        return self._open_shelf()

    def tell(self, line: str) -> None:
        """Show how far the command is, in place of what was told before.

        Raises:
            StoppedError: it was interrupted meanwhile.
        """
        if self._stopped.is_set():
            raise StoppedError
        self.told.put(line)

    def see_through(self, dialogue: Dialogue) -> Dialogue:
        """Show a running dialogue in the cell, its panel where there is one, and return it once it has ended."""
        self.told.put(dialogue)
        if getattr(self.shell, "kernel", None) is None:
            from workbench.dialogue.lines import Lines

            lines = Lines(dialogue, self.told.put)
            for event in dialogue.events():
                lines.see(event)
        return dialogue.wait()

    def bind(self, name: str | None, value: Any) -> None:
        """Bind a value to a name of the notebook, where there is one."""
        if name:
            self.shell.user_ns[name] = value

    def stop(self) -> None:
        """Stop dialogues and reading; whoever `tell`s next stops too."""
        self._stopped.set()
        if self._apart and "orchestrator" in vars(self):
            from workbench.dialogue.driving import running_of

            for dialogue in running_of(self.orchestrator):
                dialogue.cancel()
        self.close()

    def close(self) -> None:
        """End the process that reads; it starts again with the next file."""
        if "shelf" in vars(self):
            self.shelf.close()

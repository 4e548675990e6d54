"""Starting, resuming and stopping dialogues from a notebook, each shown in the cell that asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from workbench.errors import WorkbenchError
from workbench.events import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Dialogue, Orchestrator
    from workbench.notebook.comparing import Comparing
    from workbench.notebook.live import Show


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn the workbench's errors into the kind that IPython prints in one line, and that stops "Run All"."""
    try:
        yield
    except WorkbenchError as error:
        raise UsageError(str(error)) from None


def see_through(begin: Callable[[], Show | Comparing | None]) -> None:
    """Begin a dialogue, and show it in this cell to its end; the cell blocks meanwhile.

    Args:
        begin: starts it and returns its display, None where there is nothing to wait for.

    Raises:
        UsageError: it cannot begin, or it fails.
    """
    with usage_errors():
        if showing := begin():
            showing.wait()
            _check_outcome(showing.dialogue)


async def see_through_async(begin: Callable[[], Show | Comparing | None]) -> None:
    """Begin and show as `see_through` does, without blocking the kernel; raises the same."""
    with usage_errors():
        if showing := begin():
            await showing.wait_async()
            _check_outcome(showing.dialogue)


def start(orchestrator: Orchestrator, mode: str, topic: str, options: Mapping[str, Any], *, detach: bool) -> Dialogue:
    """Start a dialogue and return it running: here, or in a process of its own."""
    return (orchestrator.detach if detach else orchestrator.start)(mode, topic, **options)


def go_on(orchestrator: Orchestrator, dialogue: str, options: Mapping[str, Any], *, detach: bool) -> Dialogue:
    """Go on with a dialogue that stopped; takes what `Record.find` takes, and returns it running as `start` does."""
    return (orchestrator.detach_resume if detach else orchestrator.restart)(dialogue, **options)


def show(
    shell: InteractiveShell, dialogue: Dialogue, *, background: bool, output: str | None, wish: str = "auto"
) -> Show | None:
    """Bind a running dialogue to its name and put it on display; return the display, to be waited for, or None."""
    from workbench.notebook.live import How, Show, how_to_show

    if output:
        shell.user_ns[output] = dialogue
    showing = Show(dialogue, how_to_show(shell, wish))
    if not background:
        showing.begin()
        return showing
    note = f"Dialogue {dialogue.id} runs in the background. `%dialogue show {dialogue.id}` shows it."
    showing.begin(note)
    if showing.how is How.TEXT:
        print(note)  # noqa: T201 - a terminal's way to show it
    else:
        showing.end_later()
    return None


def stop(orchestrator: Orchestrator, dialogue_id: str) -> str:
    """Stop a dialogue, wherever on this machine it runs, and return a sentence that says so.

    Raises:
        UsageError: it does not run, or where it runs it cannot be stopped from here.
    """
    from workbench.dialogue.detached import interrupt

    with usage_errors():
        dialogue = orchestrator.load(dialogue_id)
        if dialogue.running:
            dialogue.cancel()
        elif dialogue.status is Status.RUNNING:
            interrupt(orchestrator.record, dialogue.id)
        else:
            raise UsageError(f"dialogue {dialogue.id} does not run: it is {dialogue.status}")
        return f"Stopping dialogue {dialogue.id}; what was said is kept."


def _check_outcome(dialogue: Dialogue) -> None:
    """Raise the failure of a dialogue whose transcript is already shown."""
    if dialogue.status is Status.FAILED:
        raise UsageError(f"dialogue {dialogue.id} failed: {dialogue.reason}")

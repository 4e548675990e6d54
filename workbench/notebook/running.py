"""Starting, resuming and stopping dialogues from a notebook, each shown in the cell that asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from workbench.errors import WorkbenchError
from workbench.events import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Dialogue, Orchestrator
    from workbench.notebook.live import Show


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn the workbench's errors into the kind that IPython prints in one line, and that stops "Run All"."""
    try:
        yield
    except WorkbenchError as error:
        raise UsageError(str(error)) from None


def begin(
    orchestrator: Orchestrator, mode: str | None, topic: str, options: Mapping[str, Any], *, resume: str | None, detach: bool
) -> Dialogue:
    """Start a dialogue, or go on with one, and return it running: here, or in a process of its own."""
    if resume is not None:
        go_on = orchestrator.detach_resume if detach else orchestrator.restart
        return go_on(orchestrator.record.find(resume), **options)
    assert mode is not None
    return (orchestrator.detach if detach else orchestrator.start)(mode, topic, **options)


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


def check_outcome(dialogue: Dialogue) -> None:
    """Raise the failure of a dialogue whose transcript is already shown.

    Raises:
        UsageError: it failed.
    """
    if dialogue.status is Status.FAILED:
        raise UsageError(f"dialogue {dialogue.id} failed: {dialogue.reason}")


def resume(
    shell: InteractiveShell,
    orchestrator: Orchestrator,
    dialogue_id: str,
    options: dict[str, Any],
    *,
    background: bool,
    detach: bool,
    output: str | None,
) -> None:
    """Go on with a dialogue, shown in this cell to its end; the cell blocks meanwhile.

    Raises:
        UsageError: it cannot be resumed, or it fails.
    """
    with usage_errors():
        dialogue = begin(orchestrator, None, "", options, resume=dialogue_id, detach=detach)
        if showing := show(shell, dialogue, background=background or detach, output=output):
            showing.wait()
            check_outcome(dialogue)


async def resume_async(
    shell: InteractiveShell,
    orchestrator: Orchestrator,
    dialogue_id: str,
    options: dict[str, Any],
    *,
    background: bool,
    detach: bool,
    output: str | None,
) -> None:
    """Go on as `resume` does, without blocking the kernel; raises the same."""
    with usage_errors():
        dialogue = begin(orchestrator, None, "", options, resume=dialogue_id, detach=detach)
        if showing := show(shell, dialogue, background=background or detach, output=output):
            await showing.wait_async()
            check_outcome(dialogue)


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

"""A line of a cell that says how far long work is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.display import display

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def is_watched(shell: InteractiveShell) -> bool:
    """Whether a person looks at the cell that runs: those who run notebooks by program say that nobody can answer them."""
    kernel = getattr(shell, "kernel", None)
    return kernel is None or bool(getattr(kernel, "_allow_stdin", False))


class StatusLine:
    """Changes in place in a notebook, and is printed anew each time in a terminal.

    A program that runs a notebook (nbconvert, papermill) gets the last line alone, at the end: lines that change would make
    what it keeps depend on who was faster.

    Args:
        shell: of the cell.

    Attributes:
        printed: whether lines are printed, one below the other.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.printed = getattr(shell, "kernel", None) is None
        self._watched = is_watched(shell)
        self._held: str | None = None
        self._handle: Any = None

    def tell(self, text: str) -> None:
        """Say how far it is."""
        if self.printed:
            print(text)  # noqa: T201 - a terminal's way to show it
        elif self._watched:
            self._put(text)
        else:
            self._held = text

    def end(self) -> None:
        """Show what was held back."""
        if self._held is not None:
            self._put(self._held)
            self._held = None

    def _put(self, text: str) -> None:
        if self._handle is None:
            self._handle = display({"text/plain": text}, raw=True, display_id=True)
        else:
            self._handle.update({"text/plain": text}, raw=True)

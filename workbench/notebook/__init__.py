"""In a notebook: `%load_ext workbench` gives `%%dialogue`.

`magics` has the command and its options, `live` shows a dialogue while it runs, `outputs` what stays in the cell. Loading
imports none of the engine: that happens on the first use, so the extension is there at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics."""
    from workbench.notebook.magics import DialogueMagics

    shell.register_magics(DialogueMagics)

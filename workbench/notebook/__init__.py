"""In a notebook: `%load_ext workbench` gives `%%dialogue` and the commands around it.

`magics` has the cell magic and its options, `commands` and `forks` the line magics; `awaiting` makes cells await, `running`
starts and stops, `live` shows a dialogue while it runs, `outputs` what stays in the cell. Loading imports none of the engine:
that happens on first use, so the extension is there at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics."""
    from workbench.notebook import awaiting, completion, helping
    from workbench.notebook.commands import CommandMagics
    from workbench.notebook.experiment import ExperimentMagics
    from workbench.notebook.find import FindMagics
    from workbench.notebook.forks import ForkMagics
    from workbench.notebook.magics import DialogueMagics
    from workbench.notebook.mode_cell import ModeMagics
    from workbench.notebook.paper import PaperMagics
    from workbench.notebook.pull import PullMagics
    from workbench.notebook.routing import RoutingMagics
    from workbench.notebook.spending import SpendingMagics
    from workbench.notebook.sync import SyncMagics
    from workbench.notebook.usage import UsageMagics

    dialogues = DialogueMagics(shell)
    magics = [
        dialogues,
        ModeMagics(shell, dialogues.orchestrator),
        CommandMagics(shell, dialogues.orchestrator),
        ForkMagics(shell, dialogues.orchestrator),
        ExperimentMagics(shell, dialogues.orchestrator),
        FindMagics(shell, dialogues.orchestrator),
        PaperMagics(shell, dialogues.orchestrator),
        PullMagics(shell, dialogues.orchestrator),
        RoutingMagics(shell, dialogues.orchestrator),
        SpendingMagics(shell, dialogues.orchestrator),
        SyncMagics(shell, dialogues.orchestrator),
        UsageMagics(shell, dialogues.orchestrator),
    ]
    shell.register_magics(*map(helping.helpful, magics))
    helping.install(shell)
    awaiting.install(shell)
    completion.install(shell)

"""`%%mode NAME`: a mode written in a cell, checked as it is run, drawn, and kept in the workspace."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, magics_class, no_var_expand

from workbench.notebook.running import usage_errors

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator
    from workbench.notebook.mode_page import ModePage


@magics_class
class ModeMagics(Magics):
    """Defines modes.

    Args:
        shell: that the magic belongs to.
        orchestrator: returns the one whose workspace keeps them.
    """

    def __init__(self, shell: InteractiveShell, orchestrator: Callable[[], Orchestrator]) -> None:
        super().__init__(shell)
        self._orchestrator = orchestrator

    @no_var_expand
    @cell_magic("mode")
    def mode(self, line: str, cell: str) -> ModePage:
        r"""Define a mode: the cell is its YAML, and `modes/NAME.yaml` in the workspace keeps it.

        Example::

            %%mode second-opinion
            description: One answers, another checks.
            roles:
              expert: {system: You answer briefly.}
              checker: {system: You look for what is wrong.}
            turns:
              - {id: answer, role: expert, template: "{topic}"}
              - {id: check, role: checker, template: "{answer}\n\nWhat is wrong with it?"}

        Then `%%dialogue second-opinion` runs it. Running the cell again replaces it; docs/modes.md is the tutorial.
        """
        from workbench.dialogue.planning.compiling import compile_mode
        from workbench.dialogue.rules.loader import BUILT_IN, ModeLoader
        from workbench.notebook.mode_page import ModePage

        name = line.strip()
        if not name:
            raise UsageError("%%mode needs a name: `%%mode second-opinion`")
        if (BUILT_IN / f"{name}.yaml").exists():
            raise UsageError(f"{name} is a built-in mode\n  Choose another name; `extends: {name}` starts from it.")
        with usage_errors():
            orchestrator = self._orchestrator()
            folder = orchestrator.settings.workspace / "modes"
            mode = ModeLoader([folder, folder.parent]).loads(f"name: {name}\n{cell}", source=f"%%mode {name}")
            compile_mode(mode)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.yaml").write_text(f"name: {name}\n{cell.rstrip()}\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{folder / name}.yaml cannot be written: {error.strerror}") from None
        return ModePage(mode, orchestrator.models, orchestrator.settings.defaults)

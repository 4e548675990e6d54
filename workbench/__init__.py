"""A Jupyter-first research workbench for language models.

Models speak, modes say who speaks when, the engine emits events, the record keeps them, and everything else reads the record.

>>> from workbench import Orchestrator                                           # doctest: +SKIP
>>> Orchestrator().run("debate", "Tabs are better than spaces.", models=["local"])  # doctest: +SKIP

In a notebook: `%load_ext workbench`, then a cell that starts with `%%dialogue debate`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_PUBLIC: Final = {
    "Dialogue": "workbench.dialogue",
    "Mode": "workbench.dialogue",
    "ModeLoader": "workbench.dialogue",
    "Model": "workbench.models",
    "ModelCard": "workbench.models",
    "ModelConfig": "workbench.models",
    "ModelError": "workbench.errors",
    "ModelRegistry": "workbench.models",
    "Orchestrator": "workbench.dialogue",
    "Record": "workbench.records",
    "Settings": "workbench.settings",
    "WorkbenchError": "workbench.errors",
    "load_settings": "workbench.settings",
}
__all__ = sorted([*_PUBLIC, "load_ipython_extension"])  # noqa: PLE0605 - a list, which Ruff cannot see


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `import workbench` costs nothing."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext workbench`."""
    from workbench.notebook import load_ipython_extension as load

    load(shell)

"""`%workbench metrics`: have Prometheus scrape this kernel."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Final

from workbench.errors import WorkbenchError
from workbench.observe.metrics import Serving
from workbench.observe.metrics import serve as begin

if TYPE_CHECKING:
    from workbench.dialogue import Orchestrator

_serving: Final[dict[str, Serving]] = {}


def serve(orchestrator: Orchestrator, wanted: Namespace) -> str:
    """Begin or end serving, and return what there is to say about it.

    Raises:
        WorkbenchError: they are served already, or the port cannot be had.
    """
    running = _serving.get("kernel")
    if wanted.stop:
        if running is None:
            return "No metrics are served."
        _serving.pop("kernel").stop()
        return "Metrics are served no longer."
    if running is not None and wanted.port is not None:
        raise WorkbenchError(f"metrics are served at {running.address}", hint="`%workbench metrics --stop` ends that.")
    if wanted.port is None:
        return f"Metrics are served at {running.address}." if running else "No metrics are served: --port 9464 begins it."
    _serving["kernel"] = begin(orchestrator.record, wanted.port, client=orchestrator.client)
    return f"Metrics are served at {_serving['kernel'].address}; `%workbench metrics --stop` ends that."

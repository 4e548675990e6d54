"""`metrics`: the record counted for Prometheus, as text or over HTTP, and the dashboard for Grafana."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from workbench.cli.options import Workspace


def metrics(
    *,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Serve them to Prometheus until Ctrl-C; 0 takes a free port.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="To listen at; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    dashboard: Annotated[bool, typer.Option("--dashboard", help="Print a dashboard for Grafana, and nothing else.")] = False,
    workspace: Workspace = None,
) -> None:
    """Count the record for Prometheus: calls, failures, tokens, cost, latency; print that, or serve it."""
    from workbench.observe.metrics import dashboard as dashboard_json
    from workbench.observe.metrics import exposition, serve
    from workbench.records import Record
    from workbench.settings import load_settings

    if dashboard:
        sys.stdout.write(dashboard_json())
        return
    with Record.open(load_settings(workspace).record_url) as record:
        if port is None:
            sys.stdout.write(exposition(record))
            return
        serving = serve(record, port, host=host)
        sys.stderr.write(f"Metrics are served at {serving.address}; Ctrl-C ends that.\n")
        try:
            serving.wait()
        finally:
            serving.stop()

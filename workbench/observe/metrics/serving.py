"""The HTTP server that Prometheus scrapes, on threads of its own."""

from __future__ import annotations

import threading
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.observe.metrics.families import Meter

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from workbench.models import Client
    from workbench.records import Record


class Serving:
    """A server that runs.

    Attributes:
        address: where Prometheus finds it.
    """

    def __init__(self, server: Any, thread: threading.Thread, host: str) -> None:
        self._server, self._thread = server, thread
        self.address = f"http://{host}:{server.server_port}/metrics"

    def stop(self) -> None:
        """Serve no longer."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self) -> None:
        """Block until somebody stops it."""
        self._thread.join()


def serve(record: Record, port: int, *, host: str = "127.0.0.1", client: Client | None = None) -> Serving:
    """Serve the metrics of a record, and return at once.

    Args:
        record: that is counted; it has to stay open.
        port: 0 takes a free one.
        host: to listen at; by default, other machines cannot reach it. Whoever can needs no password.
        client: of this process, whose circuit breakers and queues are shown too.

    Raises:
        WorkbenchError: the port cannot be had.
    """
    from prometheus_client import start_http_server

    meter = Meter(record, client)
    try:
        server, thread = start_http_server(port, host, _registry(meter))
    except (OSError, OverflowError) as error:
        raise WorkbenchError(f"metrics cannot be served at {host}:{port}: {error}", hint="Take another --port.") from None
    meter.readings.newest(0.0)  # the first reading of a large record takes a while: begin before anybody asks
    return Serving(server, thread, host)


def exposition(record: Record) -> str:
    """Return the metrics of a record as text, read now."""
    from prometheus_client import generate_latest

    meter = Meter(record)
    meter.readings.newest(None)
    return generate_latest(_registry(meter)).decode()


def dashboard() -> str:
    """Return the Grafana dashboard, as JSON to import."""
    return (files("workbench.observe.metrics") / "grafana.json").read_text(encoding="utf-8")


def _registry(meter: Meter) -> CollectorRegistry:
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    registry.register(meter)
    return registry

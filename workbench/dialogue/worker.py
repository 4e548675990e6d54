"""The process behind a detached dialogue: `python -m workbench.dialogue.worker ID`, with its order on stdin."""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import TYPE_CHECKING

from workbench.dialogue.orchestrator import Orchestrator
from workbench.errors import WorkbenchError
from workbench.events.correlation import correlate
from workbench.settings import Settings, load_env

if TYPE_CHECKING:
    from types import FrameType


def main(dialogue: str) -> None:
    """Resume a dialogue as the order says, to its end; an interrupt stops it and keeps what was said."""
    asked = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        asked.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    order = json.load(sys.stdin)
    settings = Settings.model_validate(order["settings"] | {"workspace": order["workspace"]})
    load_env(settings.workspace)
    with Orchestrator(settings=settings) as orchestrator, correlate(order["correlation"]):
        running = orchestrator.restart(dialogue, **order["options"])
        while running.running:
            if asked.wait(0.2):
                running.cancel()
                break
        running.wait()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except WorkbenchError as error:
        sys.exit(str(error))

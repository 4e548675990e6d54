"""The last resort: events that the database would not take, as JSON Lines in a file of their own."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from workbench.errors import RecordError
from workbench.events import Event, event_from_dict, event_to_dict


def write_rescue_file(events: Sequence[Event], beside: Path | None) -> Path:
    """Write events into a new file, readable by its owner only.

    Args:
        events: in the order in which they are to be written later.
        beside: the SQLite file in whose folder to put it; without one, or without room there, it is the folder for
            temporary files.

    Raises:
        RecordError: there was no room anywhere.
    """
    folders = [beside.parent] if beside else []
    problem: OSError | None = None
    for folder in (*folders, Path(tempfile.gettempdir())):
        try:
            return _write(events, folder)
        except OSError as error:
            problem = error
    raise RecordError(f"{len(events)} events could not be saved anywhere: {problem}") from problem


def read_rescue_file(path: Path) -> Iterable[Event]:
    """Read such a file back.

    Raises:
        RecordError: it cannot be read, or a line is not an event; the text names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} cannot be read: {error}") from error
    return [_event(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def _write(events: Sequence[Event], folder: Path) -> Path:
    prefix = time.strftime("rescued-%Y%m%d-%H%M%S-")
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=".jsonl", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(event_to_dict(event)) + "\n" for event in events)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(name).unlink()
        raise
    return Path(name)


def _event(line: str, where: str) -> Event:
    try:
        return event_from_dict(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"{where} is not an event: {error}") from error

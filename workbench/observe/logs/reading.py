"""The tail of a workspace's log, newest lines first read, whichever processes wrote them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from workbench.dialogue.export.facts import money, visible
from workbench.errors import WorkbenchError
from workbench.observe.logs.files import LogFile
from workbench.observe.logs.lines import FIRST, LEVELS, stamp
from workbench.settings import Settings

_POLL: Final = 0.3
"""Seconds between two looks at the file."""
_LAG: Final = 5.0
"""Seconds by which lines of several processes may be out of order."""
_IN_COLUMNS: Final = frozenset({*FIRST, "outcome", "seconds", "cost_usd", "prompt_tokens", "completion_tokens"})

Entry = dict[str, Any]
End = tuple[int | None, int]
"""What tells the newest file from others, None where there is none, and its size."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines.

    Attributes:
        level: the least one.
        dialogue: the beginning of a dialogue's id or of a correlation id; None for all.
        since: Unix seconds; None for all that is there.
        limit: how many, the newest.
    """

    level: str = "debug"
    dialogue: str | None = None
    since: float | None = None
    limit: int = 50
    _since: str = field(init=False, default="")

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise WorkbenchError(f"there is no level {self.level!r}", hint=f"There are: {', '.join(LEVELS)}.")
        if self.limit < 1:
            raise WorkbenchError(f"{self.limit} lines cannot be shown", hint="A whole number from 1 is needed.")
        if self.since is not None:
            object.__setattr__(self, "_since", stamp(self.since))

    def fits(self, entry: Entry) -> bool:
        """Whether a line is wanted."""
        if LEVELS.get(entry.get("level", ""), 0) < LEVELS[self.level] or entry.get("timestamp", "") < self._since:
            return False
        ids = (str(entry.get("dialogue", "")), str(entry.get("correlation_id", "")))
        return self.dialogue is None or any(each.startswith(self.dialogue) for each in ids)


def log_file(settings: Settings) -> LogFile:
    """Return the file of a workspace's log.

    Raises:
        WorkbenchError: the settings say that there is none.
    """
    path = settings.log_file
    if path is None:
        raise WorkbenchError("this workspace keeps no log", hint="`[log] level` or `[log] file` in workbench.toml is off.")
    return LogFile(path, int(settings.log.megabytes * 1e6), settings.log.files)


def tail(file: LogFile, wanted: Wanted) -> list[Entry]:
    """Return the newest lines that are wanted, oldest first."""
    found: list[Entry] = []
    for path in file.all:
        for entry in _backwards(path):
            if wanted.fits(entry):
                found.append(entry)
            if len(found) == wanted.limit or _is_before(entry, wanted):
                return _in_order(found)
    return _in_order(found)


def end_of(file: LogFile) -> End:
    """Return where the log ends now, for `follow` to go on from."""
    return (_number(file.path), _size(file.path))


def follow(file: LogFile, wanted: Wanted, end: End) -> Iterator[Entry]:
    """Yield lines that are wanted as they come, without end.

    Args:
        file: the log's.
        wanted: which lines.
        end: behind which they are new.
    """
    number, place = end
    while True:
        if number is not None and _number(file.path) != number:  # a new file was begun: first the rest of the old one
            older = next((path for path in file.all if _number(path) == number), None)
            yield from _new(older, place, wanted)[0] if older else ()
            place = 0
        number = _number(file.path)
        entries, place = _new(file.path, place, wanted)
        yield from entries
        time.sleep(_POLL)


def told(entry: Entry) -> Entry:
    """Return a line as it is shown: its time in local time, what it took, and all that has no column of its own in words."""
    tokens = [entry[name] for name in ("prompt_tokens", "completion_tokens") if isinstance(entry.get(name), int)]
    rest = ", ".join(f"{name} {value}" for name, value in entry.items() if name not in _IN_COLUMNS)
    return {
        "at": entry.get("timestamp"),
        "level": entry.get("level"),
        "event": str(entry.get("event", "")).replace("_", " "),
        "dialogue": entry.get("dialogue"),
        "turn": entry.get("turn"),
        "model": entry.get("model"),
        "outcome": entry.get("outcome"),
        "seconds": entry.get("seconds"),
        "tokens": sum(tokens) if tokens else None,
        "cost": entry.get("cost_usd"),
        "more": visible(rest) or None,
    }


def in_words(entry: Entry) -> str:
    """Return a line as text, for those who follow."""
    shown = told(entry)
    cost, seconds = shown["cost"], shown["seconds"]
    took = [f"{seconds:.2f} s" if isinstance(seconds, float) else "", money(cost) if isinstance(cost, float) else ""]
    words = [shown[name] for name in ("event", "dialogue", "turn", "model", "outcome")]
    said = "  ".join(str(word) for word in [*words, *took, shown["more"]] if word)
    return visible(f"{str(shown['at'])[11:19]}  {shown['level']!s:7}  {said}")


def _backwards(path: Path) -> Iterator[Entry]:
    for line in reversed(path.read_bytes().splitlines()):
        if (entry := _parsed(line)) is not None:
            yield entry


def _parsed(line: bytes) -> Entry | None:
    """Return a line; None for one that is cut or none of ours."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _is_before(entry: Entry, wanted: Wanted) -> bool:
    return wanted.since is not None and entry.get("timestamp", "") < stamp(wanted.since - _LAG)


def _in_order(entries: list[Entry]) -> list[Entry]:
    entries.reverse()
    return sorted(entries, key=lambda entry: str(entry.get("timestamp", "")))


def _new(path: Path, place: int, wanted: Wanted) -> tuple[list[Entry], int]:
    """Return the whole lines behind a place of a file, and the place behind them."""
    if not path.is_file():
        return [], 0
    with path.open("rb") as file:
        file.seek(place)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    entries = [entry for line in whole.splitlines() if (entry := _parsed(line)) is not None]
    return [entry for entry in entries if wanted.fits(entry)], place + len(whole)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _number(path: Path) -> int | None:
    """Return what tells a file from the one that takes its name; None where there is none."""
    return path.stat().st_ino if path.is_file() else None

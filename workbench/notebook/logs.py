"""`%workbench log`: the tail of the workspace's log, and its new lines as they come."""

from __future__ import annotations

from argparse import Namespace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from workbench.dialogue.export.facts import money
from workbench.events.listening import flush, hearings
from workbench.notebook.tables import Column, Table
from workbench.observe.logs.reading import Wanted, end_of, follow, in_words, log_file, tail, told
from workbench.records.moments import moment

if TYPE_CHECKING:
    from workbench.settings import Settings


def _clock(at: str) -> str:
    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


_COLUMNS: Final = (
    Column("at", show=_clock),
    Column("level"),
    Column("event"),
    Column("dialogue"),
    Column("turn"),
    Column("model"),
    Column("outcome"),
    Column("seconds", type="float64", show="{:.2f}".format),
    Column("tokens", type="Int64", show="{:,}".format),
    Column("cost", type="float64", show=money),
    Column("more"),
)


def log_table(settings: Settings, wanted: Namespace) -> Table | None:
    """Return the newest lines of the log; with `--follow`, print lines as they come until the cell is interrupted.

    Raises:
        WorkbenchError: an option is wrong, or the workspace keeps no log.
    """
    since = moment(wanted.since) if wanted.since else None
    lines = Wanted(wanted.level or "debug", wanted.dialogue, since, wanted.limit)
    file = log_file(settings)
    flush()
    if wanted.follow:
        try:
            for entry in follow(file, lines, end_of(file)):
                print(in_words(entry))  # noqa: T201 - a magic's way to say it
        except KeyboardInterrupt:  # that is how one stops looking
            return None
    found = tail(file, lines)
    caption = "" if found else "The log has no such lines."
    return Table(_COLUMNS, [told(entry) for entry in found], caption=caption, notes=[f"From {file.path}.", *_troubles()])


def _troubles() -> list[str]:
    """Return what listeners of this process could not do."""
    return [
        f"{each.name}: {each.dropped:,} lines dropped, {each.failed:,} failed"
        + (f", at last with {each.error}." if each.error else ".")
        for each in hearings()
        if each.dropped or each.failed
    ]

"""Taking a dialogue over, so that two processes never run it at once."""

from __future__ import annotations

from sqlalchemy import Engine, select, update

from workbench.errors import RecordError
from workbench.events import Status
from workbench.records.failures import explained
from workbench.records.owners import is_alive, this_process
from workbench.records.schema import dialogues


def claim(engine: Engine, place: str, dialogue: str) -> None:
    """Make this process the owner of a dialogue; see `Record.claim`."""
    d = dialogues.c
    query = select(d.owner, d.status, d.updated_at).where(d.id == dialogue).with_for_update()
    with (
        explained(place),
        engine.connect().execution_options(for_writing=True) as connection,
        connection.begin(),
    ):
        row = connection.execute(query).one_or_none()
        if row is None:
            raise RecordError(f"The record has no dialogue {dialogue}.")
        mine = this_process()
        if row.status == Status.RUNNING and row.owner != mine and is_alive(row.owner, row.updated_at):
            host, pid, _ = row.owner.rsplit(":", 2)
            raise RecordError(
                f"Dialogue {dialogue} is being run by process {pid} on {host}.",
                hint="Stop it there first, or wait until it has ended.",
            )
        connection.execute(update(dialogues).where(d.id == dialogue).values(owner=mine))

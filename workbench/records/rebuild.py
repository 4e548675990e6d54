"""Make `dialogues`, `turns`, `calls` and `usage` again from the events, should a projection turn out to have been wrong.

What is searched follows from these, and is queued anew.
"""

from __future__ import annotations

import json

from sqlalchemy import Connection, Engine, delete, select, text

from workbench.events import Event, event_from_dict
from workbench.records.projection import changes, schedule
from workbench.records.schema import calls, dialogues, events, turns, usage, usage_quarters, usage_tasks
from workbench.records.search.indexing import start_over
from workbench.records.statements import compile_statements
from workbench.records.texts import storable


def rebuild(engine: Engine) -> None:
    """Replace every row that follows from events, in one transaction; who runs what stays as it is."""
    sql = compile_statements(engine.dialect)
    with engine.connect().execution_options(for_writing=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE events IN EXCLUSIVE MODE"))
        for table in (turns, calls, usage, usage_quarters, usage_tasks):
            connection.execute(delete(table))
        for dialogue, owner in connection.execute(select(dialogues.c.id, dialogues.c.owner)).all():
            stored = _events(connection, dialogue)
            wanted = [storable(change) for event in stored for change in changes(event, owner)]
            for statement, rows in schedule(wanted):
                connection.exec_driver_sql(sql[statement], rows)
        start_over(connection)


def _events(connection: Connection, dialogue: str) -> list[Event]:
    query = select(events.c.payload).where(events.c.dialogue_id == dialogue).order_by(events.c.seq)
    return [event_from_dict(json.loads(payload)) for payload in connection.execute(query).scalars()]

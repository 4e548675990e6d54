"""What the day's and the workspace's ceilings have left, as far as costs are known."""

from __future__ import annotations

import time
from dataclasses import replace

from record_examples import call, started, turn

from workbench.dialogue.leftover import budgets_left
from workbench.dialogue.purse import midnight
from workbench.events import CallEnded, Event
from workbench.records import Record
from workbench.settings import BudgetSettings


def taken(name: str, at: float, cost: float | None) -> list[Event]:
    """A dialogue whose only call began then."""
    begun, _, _, completed = turn(name, 1)
    made = replace(call(name, 1, cost), started_at=at)
    return [started(name, at), begun, CallEnded(dialogue=name, seq=4, at=at, turn="turn_1", call=made), completed]


def test_the_day_begins_at_midnight_and_the_workspace_has_always_been(record: Record) -> None:
    today = midnight(time.time())
    for name, at, cost in (("old", today - 1e6, 1.0), ("late", today - 1, 0.25), ("new", today, 0.5)):
        record.write(taken(name, at, cost))
    record.write(taken("odd", today - 1, None))
    day, workspace = budgets_left(record, BudgetSettings(day=2.0, workspace=4.0))
    assert (day.spent, day.left, day.sentence) == (0.5, 1.5, "Budget of the day: $1.50 of $2.00 left.")
    assert (workspace.spent, workspace.left) == (1.75, 2.25)
    assert workspace.sentence == "Budget of the workspace: at most $2.25 of $4.00 left."


def test_nothing_is_left_of_what_was_passed_and_nothing_said_without_a_ceiling(record: Record) -> None:
    record.write(taken("d", time.time(), 0.5))
    [day] = budgets_left(record, BudgetSettings(day=0.25))
    assert (day.left, day.sentence) == (0.0, "Budget of the day: $0 of $0.25 left.")
    assert budgets_left(record, BudgetSettings()) == []

"""What the listing commands show: findings, models, modes, dialogues, each as a `Table`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from workbench.dialogue.export.facts import money
from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.rules.loader import ModeLoader
from workbench.dialogue.rules.parameters import listed
from workbench.doctor import Finding, readiness
from workbench.errors import ModeError
from workbench.events import Status
from workbench.models import ModelRegistry
from workbench.notebook.linked_table import LinkedTable
from workbench.notebook.mode_cost import further
from workbench.notebook.tables import Column, Table
from workbench.records import Record
from workbench.records.summary import DialogueSummary

if TYPE_CHECKING:
    from workbench.dialogue.rules.mode import Mode

_ALL: Final = 1_000_000
_FINDINGS: Final = (Column("what"), Column("state"), Column("detail"), Column("todo", "to do"))
_MODELS: Final = (
    Column("model"),
    Column("id"),
    Column("family", ""),
    Column("description", ""),
    Column("input_price", "USD in", "float64", "{:g}".format),
    Column("output_price", "USD out", "float64", "{:g}".format),
    Column("context_window", "window", "Int64", "{:,}".format),
    Column("ready", "", "boolean"),
    Column("lacks"),
    Column("todo", "to do"),
)
_MODES: Final = (
    Column("mode"),
    Column("description"),
    Column("roles"),
    Column("parameters"),
    Column("calls", type="Int64"),
    Column("further", "each further one"),
)
_DIALOGUES: Final = (
    Column("dialogue"),
    Column("began", type="datetime64[us, UTC]", show=lambda at: at.astimezone().strftime("%Y-%m-%d %H:%M")),
    Column("mode"),
    Column("status", show=lambda status: status.replace("_", " ")),
    Column("turns", type="Int64"),
    Column("tokens", type="Int64", show="{:,}".format),
    Column("cost", type="float64", show=money),
    Column("unpriced_calls", "", "Int64"),
    Column("topic", show=lambda topic: topic if len(topic) <= _TOPIC else topic[: _TOPIC - 1] + "…"),
    Column("reason"),
)
_TOPIC: Final = 200


def findings_table(findings: Iterable[Finding]) -> Table:
    """Return what the doctor found; what is broken or missing, and all that there is to do."""
    rows = [{name: value or None for name, value in asdict(finding).items()} for finding in findings]
    wrong = sum(row["state"] == "broken" for row in rows)
    caption = f"{wrong} broken." if wrong else "Nothing is broken; what is missing matters only to those who want to use it."
    return Table(_FINDINGS, rows, caption=caption)


def models_table(models: ModelRegistry, text: str = "", *, ready: bool = False) -> Table:
    """Return the model cards.

    Args:
        models: the registry.
        text: only those whose name, id, family or description has it.
        ready: only those that may be asked now.
    """
    states = readiness(models)
    cards = [
        c
        for c in models
        if (states[c.name]["ready"] or not ready) and _has(text, c.name, *c.aliases, c.id, c.family, c.description)
    ]
    rows = [
        {
            "model": card.name,
            "id": card.id,
            "family": card.family,
            "description": card.description or None,
            "input_price": card.prices.input if card.prices else None,
            "output_price": card.prices.output if card.prices else None,
            "context_window": card.context_window,
            **states[card.name],
        }
        for card in cards
    ]
    return Table(
        _MODELS,
        rows,
        notes=[_how_many(len(rows), len(models), "model") + " Prices in USD per million tokens. Any LiteLLM id works as well."],
        unknown={"input_price": "unknown", "output_price": "unknown"},
    )


def modes_table(loader: ModeLoader) -> Table:
    """Return the modes that can be run by name, and the names of those that do not load."""
    rows, broken = [], []
    for name in loader.names():
        try:
            rows.append(_mode_row(name, loader.load(name)))
        except ModeError as error:
            broken.append(f"{name} does not load: {error.message}")
    return Table(_MODES, rows, notes=[*broken, "%modes NAME shows one; a mode file works too."])


def _mode_row(name: str, mode: Mode) -> dict[str, object]:
    plan = compile_mode(mode)
    roles = list(mode.roles) or list(plan.roles)
    return {
        "mode": name,
        "description": mode.description or None,
        "roles": ", ".join(roles),
        "parameters": listed(mode.parameters) or None,
        "calls": len(plan.spoken),
        "further": ", ".join(f"{key}: {len(more.spoken) - len(plan.spoken)}" for key, more in further(mode, plan)) or None,
    }


def dialogues_table(
    record: Record, limit: int, status: str | None = None, text: str = "", panel_of: Callable[[str], object] | None = None
) -> Table:
    """Return dialogues, the newest first.

    Args:
        record: where they are.
        limit: how many.
        status: of them; `interrupted` are those that count as running while no process runs them.
        text: only those whose topic, mode or id has it.
        panel_of: returns what a click on an id shows.
    """
    stored = Status.RUNNING if status in ("running", "interrupted") else status
    most = _ALL if status in ("running", "interrupted") else limit + 1
    found = record.summaries(limit=most, status=stored, observations=False, text=text)
    rows = [row for row in map(_dialogue_row, found) if status in (None, row["status"])]
    more = "There are more: -n N shows N of them." if len(rows) > limit else ""
    none = "" if rows else "No dialogue is like that." if status or text else "No dialogues yet. %%dialogue chat makes one."
    notes = [*filter(None, [more, none])]
    unknown = {"cost": "unknown"}
    if panel_of is None:
        return Table(_DIALOGUES, rows[:limit], notes=notes, unknown=unknown)

    def open_row(place: int) -> object:
        return panel_of(str(rows[place]["dialogue"]))

    return LinkedTable(_DIALOGUES, rows[:limit], "dialogue", open_row, notes=notes, unknown=unknown)


def _dialogue_row(each: DialogueSummary) -> dict[str, object]:
    return {
        "dialogue": each.id,
        "began": datetime.fromtimestamp(each.created_at, UTC),
        "mode": each.mode,
        "status": each.standing,
        "turns": each.turns_completed,
        "tokens": each.prompt_tokens + each.completion_tokens,
        "cost": each.cost,
        "unpriced_calls": each.unknown_cost_calls,
        "topic": each.topic,
        "reason": each.reason,
    }


def _has(text: str, *fields: str) -> bool:
    return any(text.casefold() in field.casefold() for field in fields)


def _how_many(shown: int, there: int, what: str) -> str:
    return f"{there} {what}s." if shown == there else f"{shown} of {there} {what}s."

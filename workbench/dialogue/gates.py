"""Whether a turn takes place: conditions on earlier results, settled at run time.

A plan holds every turn that there may be. A gate says of one of them under which condition it is spoken; where it stays shut
the turn is skipped, and what waits for it goes on. Since a gate looks at results only, a resumed dialogue comes to the same
decisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from workbench.dialogue.converged import agree, lasting
from workbench.dialogue.expressions import compile_expression
from workbench.dialogue.mode import ConvergeSpec
from workbench.dialogue.parameters import Parameters

Result = dict[str, Any]
Results = Mapping[str, Result | None]
"""Turn id to its data with its `text`; None for a turn that was skipped."""
SKIPPED_BEFORE: Final = "what it depends on was skipped"


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition for a turn.

    Attributes:
        kind: `when` opens if the expression is true, `until` if it is not, `item` if the list that it gives has a number
            `number`, and `converge` if neither the expression is true nor the speakers agree yet.
        expression: on results by name.
        names: what the expression's names stand for: one turn, or the turns of a parallel block.
        number: of the item, or of the round, from 1; an expression knows it as `number`.
        rounds: of `until` and `converge`: the turns of the last rounds, the newest last; where that was skipped, so is this.
    """

    kind: Literal["when", "until", "item", "converge"]
    expression: str = ""
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    number: int = 0
    converge: ConvergeSpec | None = None
    rounds: tuple[tuple[str, ...], ...] = ()

    @property
    def turns(self) -> tuple[str, ...]:
        """Ids of the turns whose results it looks at."""
        named = (turn for turns in self.names.values() for turn in turns)
        return tuple(dict.fromkeys((*named, *(turn for turns in self.rounds for turn in turns))))


def shut(gate: Gate, results: Results, parameters: Parameters) -> str | None:
    """Return why a turn is skipped; None if this gate is open.

    Raises:
        ModeError: the expression asks for what a result does not have.
    """
    if gate.rounds and all(results.get(turn) is None for turn in gate.rounds[-1]):
        return SKIPPED_BEFORE
    named = [turn for turns in gate.names.values() for turn in turns]
    if named and all(results.get(turn) is None for turn in named):
        return None if gate.rounds else SKIPPED_BEFORE
    if gate.kind == "converge" and not gate.expression:
        return _agreed(gate, results)
    value = _value(gate, results, parameters)
    match gate.kind:
        case "when":
            return None if value else f"not {gate.expression}"
        case "until" | "converge":
            return gate.expression if value else None
        case _:
            count = len(value) if isinstance(value, list) else 0
            return None if count >= gate.number else f"{gate.expression} has {count} items"


def values_of(names: Mapping[str, tuple[str, ...]], results: Results) -> dict[str, Any]:
    """Return what an expression sees: the result of one turn, or the list of results of several."""
    seen: dict[str, Any] = {}
    for name, turns in names.items():
        found = [result for turn in turns if (result := results.get(turn)) is not None]
        seen[name] = found if len(turns) > 1 else (found[0] if found else None)
    return seen


def item_of(gate: Gate, results: Results, parameters: Parameters) -> str:
    """Return the item that a turn is about."""
    return str(_value(gate, results, parameters)[gate.number - 1])


def _value(gate: Gate, results: Results, parameters: Parameters) -> Any:
    values = values_of(gate.names, results) | dict(parameters) | {"number": gate.number}
    return compile_expression(gate.expression).evaluate(values)


def _agreed(gate: Gate, results: Results) -> str | None:
    assert gate.converge is not None
    spec = gate.converge
    answers = [[result for turn in turns if (result := results.get(turn)) is not None] for turns in gate.rounds]
    verdict = lasting([agree(given, spec.field, spec.threshold) for given in answers], spec.window)
    return verdict.why if verdict else None

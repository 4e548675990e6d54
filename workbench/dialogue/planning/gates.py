"""Whether a turn takes place: conditions on earlier results, settled at run time.

A plan holds every turn that there may be. A gate says of one of them under which condition it is spoken; where it stays shut
the turn is skipped, and what waits for it goes on. Since a gate looks at results only, a resumed dialogue comes to the same
decisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Literal

from workbench.dialogue.agreement.converged import Verdict, agree, lasting, similar
from workbench.dialogue.agreement.votes import written
from workbench.dialogue.planning.expressions import compile_expression
from workbench.dialogue.rules.mode import ConvergeSpec
from workbench.dialogue.rules.parameters import Parameters
from workbench.errors import ModeError
from workbench.models.embeddings import local_embedder

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
    def slow(self) -> bool:
        """Whether `shut` compares texts, which takes too long for the event loop."""
        return self.converge is not None and self.converge.method == "similarity"

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


def items_of(gate: Gate, results: Results, parameters: Parameters) -> list[str]:
    """Return the items of a gate's list, as many as its number allows.

    Raises:
        ModeError: the expression gives no list.
    """
    value = _value(gate, results, parameters)
    if not isinstance(value, list):
        raise ModeError(f"{gate.expression} is no list", hint="Give the turn an output_schema with a list of that name.")
    return [str(item) for item in value[: gate.number]]


def _value(gate: Gate, results: Results, parameters: Parameters) -> Any:
    values = values_of(gate.names, results) | dict(parameters) | {"number": gate.number}
    return compile_expression(gate.expression).evaluate(values)


def _agreed(gate: Gate, results: Results) -> str | None:
    assert gate.converge is not None
    spec = gate.converge
    answers = [[result for turn in turns if (result := results.get(turn)) is not None] for turns in gate.rounds]
    if spec.method == "agreement":
        verdicts = [agree(given, spec.field, spec.threshold) for given in answers]
    else:
        verdicts = [_alike(before, now, spec) for before, now in pairwise(answers)]
    verdict = lasting(verdicts, spec.window)
    return verdict.why if verdict else None


def _alike(before: list[Result], now: list[Result], spec: ConvergeSpec) -> Verdict:
    """Tell whether every speaker says nearly what it said before: by its field, or by its text where it has none."""
    texts = [[written(answer.get(spec.field)) or str(answer["text"]) for answer in answers] for answers in (before, now)]
    return similar(texts[0], texts[1], _pairwise_closeness, spec.threshold)


def _pairwise_closeness(before: list[str], now: list[str]) -> list[float]:
    embedder = local_embedder()
    return [float(value) for value in (embedder.embed(before) * embedder.embed(now)).sum(axis=1)]

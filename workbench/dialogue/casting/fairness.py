"""Whether a judge belongs to the family of those whom it judges: a warning, never a refusal.

Models favour what their own family writes (Panickssery et al. 2024, LLM Evaluators Recognize and Favor Their Own Generations).
All models of a role count, fallbacks too, since any of them may be the one that speaks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from workbench.dialogue.casting.persons import is_person
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.planning.plan import Plan
from workbench.models import ModelCard
from workbench.models.families import family_of

Cast = Mapping[str, tuple[ModelCard, ...]]
_DECIDING: Final = ("judge", "arbitrator")
"""Roles that decide between others, in modes that have no `judge:`."""


@dataclass(frozen=True, slots=True)
class _Bench:
    """A judge and those whom it judges, by role."""

    judge: str
    contestants: tuple[str, ...]


def warned(spec: RunSpec) -> RunSpec:
    """Return a run with the warnings that it carries into the record, about its turns with `judge:` and its sub-dialogues'."""
    told = [
        warning for run in spec.family() for bench in _benches(run.plan()) for warning in _told(bench, run.cast, unknown=True)
    ]
    return spec.model_copy(update={"warnings": tuple(dict.fromkeys(told))})


def dry_run_warnings(spec: RunSpec) -> list[str]:
    """Return the warnings of a run, and those about roles called judge or arbitrator that decide in a turn of words.

    The latter are told before a run only, and not where a family is unknown: such a turn does not say that it compares.
    """
    plain = [warning for bench in _plain_benches(spec.plan()) for warning in _told(bench, spec.cast, unknown=False)]
    return [*spec.warnings, *plain]


def _benches(plan: Plan) -> list[_Bench]:
    contests = [turn.contest for turn in plan.turns if turn.contest is not None]
    return [_Bench(contest.judge, tuple(contest.contestants)) for contest in contests]


def _plain_benches(plan: Plan) -> list[_Bench]:
    heard: dict[str, dict[str, None]] = {}
    for turn in plan.spoken:
        if turn.role in _DECIDING and not turn.aliases:
            shown = (*turn.sees, *(i for turns in turn.names.values() for i in turns))
            roles = (plan.by_id[i].role for i in shown)
            heard.setdefault(turn.role, {}).update(dict.fromkeys(role for role in roles if role != turn.role))
    return [_Bench(judge, tuple(roles)) for judge, roles in heard.items()]


def _told(bench: _Bench, cast: Cast, *, unknown: bool) -> Iterator[str]:
    judges = cast.get(bench.judge, ())
    same, perhaps = dict[str, list[str]](), list[str]()
    for role in bench.contestants:
        shared = _shared(judges, cast.get(role, ()))
        if shared:
            same.setdefault(shared, []).append(role)
        elif shared is None:
            perhaps.append(role)
    for family, roles in same.items():
        yield (
            f"{bench.judge} belongs to the same family as {_listed(roles)} ({family}), and judges favour their own; "
            f"choose another model for {bench.judge}."
        )
    if perhaps and unknown:
        names = ", ".join(dict.fromkeys(card.name for card in judges))
        yield (
            f"Whether {bench.judge} ({names}) belongs to the same family as {_listed(perhaps)} is unknown; "
            "`family` in their cards says it."
        )


def _shared(judges: Sequence[ModelCard], others: Sequence[ModelCard]) -> str | None:
    """Return the family that two roles share, or the model; nothing where they share none, None where nobody knows."""
    unknown = False
    for judge, other in product(judges, others):
        if is_person(judge) or is_person(other):
            continue
        if judge.id == other.id and judge.api_base == other.api_base:
            return family_of(judge) or f"one model, {judge.name}"
        families = family_of(judge), family_of(other)
        if families[0] is not None and families[0] == families[1]:
            return families[0]
        unknown = unknown or None in families
    return None if unknown else ""


def _listed(names: Sequence[str]) -> str:
    *some, last = names
    return f"{', '.join(some)} and {last}" if some else last

"""What a seal covers, and whether prompts and cases fit together."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from typing import Any

from workbench.dialogue.rules.loader import ModeLoader
from workbench.dialogue.rules.template import placeholders
from workbench.experiments.cases import Spooled
from workbench.experiments.definition import Definition
from workbench.experiments.reading import DefinitionError


def form_of(definition: Definition, cases: Spooled, modes: ModeLoader) -> dict[str, Any]:
    """Return the form of an experiment, see `plan.Seal`. A mode is in it by the hash of what it says today.

    Raises:
        ModeError: a mode cannot be found.
    """
    arms = {name: spec.model_dump(mode="json", exclude_defaults=True) for name, spec in definition.arms.items()}
    for spec in arms.values():
        if "mode" in spec:
            spec["mode_sha256"] = hashlib.sha256(modes.load(spec["mode"]).model_dump_json().encode()).hexdigest()
    return {
        "name": definition.name,
        "plan": definition.planned().to_dict(),
        "arms": arms,
        "metrics": {
            name: spec.model_dump(mode="json", exclude_defaults=True, by_alias=True)
            for name, spec in definition.metrics.items()
        },
        "cases": {"ids": list(cases.ids), "sha256": cases.sha256},
        "repeats": definition.repeats,
        "seed": definition.seed,
        "fallbacks": definition.fallbacks,
    }


def check_templates(definition: Definition, columns: Sequence[str]) -> None:
    """Refuse a prompt that is the same for every case, or whose placeholder looks like a column but is none.

    Raises:
        DefinitionError: naming arm and columns.
    """
    there = f"The cases have: {', '.join(columns)}."
    for name, spec in definition.arms.items():
        if not spec.template:
            continue
        named = placeholders(spec.template)
        for word in named:
            if word not in columns and (near := difflib.get_close_matches(word, columns, n=1)):
                raise DefinitionError(f"arms.{name}: {{{word}}} is no column", hint=f"Did you mean {{{near[0]}}}? {there}")
        if not set(named) & set(columns):
            raise DefinitionError(f"arms.{name}: the prompt names no column, so every case is the same", hint=there)
    for name, metric in definition.metrics.items():
        if metric.expected is not None and metric.expected not in columns:
            raise DefinitionError(f"metrics.{name}.expected: there is no column {metric.expected}", hint=there)

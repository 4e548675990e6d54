"""The options of a dialogue cell, from its line, its front matter and the notebook's defaults, strongest first."""

from __future__ import annotations

import difflib
import shlex
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic_arguments import parse_argstring


def parse(magic: Any, line: str, sign: str = "%") -> Namespace:
    """Read the line of a magic; `sign` stands before its name in errors."""
    try:
        namespace: Namespace = parse_argstring(magic, line)
    except ValueError as error:  # a quotation mark without its other half
        raise UsageError(f"{sign}{magic.__name__}: {error}") from None
    return namespace


def merge(line: Namespace, matter: Mapping[str, Any], defaults: Mapping[str, Any]) -> Namespace:
    """Return the options of a line, completed from the front matter, then from the defaults.

    Roles and parameters are merged one by one; of anything else the strongest says all.
    """
    merged = Namespace(**vars(line))
    merged.participants = _mapping(matter.get("participants")) | dict(map(_pair, line.participant))
    merged.parameters = _mapping(matter.get("set")) | dict(map(_pair, line.parameters))
    merged.models = _names(line.models) or _names(matter.get("models"))
    for name, value in {**defaults, **matter}.items():
        if name not in ("participants", "set", "models") and _unset(getattr(merged, name, None)):
            setattr(merged, name, value)
    if not (merged.models or merged.participants):
        merged.models = _names(defaults.get("models"))
    return merged


def run_options(wanted: Namespace) -> dict[str, Any]:
    """Return what `Orchestrator.prepare` takes."""
    return fork_options(wanted) | {
        "seed": wanted.seed,
        "approve": _names(wanted.approve),
        "candidates": _names(wanted.candidates),
        "sampling": wanted.sampling,
    }


def fork_options(wanted: Namespace) -> dict[str, Any]:
    """Return what `Orchestrator.fork` takes."""
    rounds = {} if wanted.rounds is None else {"rounds": wanted.rounds}
    return resume_options(wanted) | {"parameters": wanted.parameters | rounds}


def resume_options(wanted: Namespace) -> dict[str, Any]:
    """Return what `Orchestrator.restart` takes."""
    return {
        "participants": wanted.participants,
        "models": wanted.models,
        "judge": wanted.judge,
        "limits": {
            "max_cost": wanted.budget,
            "max_call_cost": getattr(wanted, "max_call_cost", None),
            "max_tokens": wanted.max_tokens,
            "timeout": wanted.timeout,
        },
        "api_base": wanted.api_base,
    }


def one_of(word: str, words: tuple[str, ...], what: str) -> str:
    """Return a word that has to be one of a few; raise a UsageError that names those near it."""
    if word not in words:
        near = difflib.get_close_matches(word, words, n=2)
        meant = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(words)}."
        raise UsageError(f"there is no {what} {word!r}\n  {meant}")
    return word


def _unset(value: object) -> bool:
    return value is None or value is False or value in ("", [])


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _names(value: object) -> list[Any]:
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    return list(value) if isinstance(value, list | tuple) else []


def _pair(text: str) -> tuple[str, str]:
    name, _, value = shlex.split(text)[0].partition("=") if text else ("", "", "")
    if not (name and value):
        raise UsageError(f"{text!r} is not NAME=VALUE")
    return name, value

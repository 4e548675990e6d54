"""A prompt as a mode with one role and one turn: system messages are the role's, the user's are the turn's template.

One variable is the topic; the others become parameters, which a run sets with `--set NAME=…`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import yaml

from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.rules.loader import ModeLoader
from workbench.dialogue.rules.template import placeholders
from workbench.errors import ModeError
from workbench.observe.pull.service import Prompt, PullError
from workbench.observe.pull.templates import Piece, filled, pieces, variables

ROLE: Final = "speaker"
_TOPICS: Final = ("topic", "question", "input", "query", "task", "text")
"""Variables that are the topic where there are several, the first of them that there is."""
_TAKEN: Final = ("previous", "item", "number", ROLE)
_TURN: Final = re.compile(r"turn_\d+")
_SAMPLING: Final = ("temperature", "top_p", "top_k", "max_tokens", "stop")


def mode_text(prompt: Prompt, name: str, title: str, topic: str = "") -> str:
    """Return the mode file of a prompt, as YAML.

    Args:
        prompt: as the service has it.
        name: of the mode.
        title: of the service.
        topic: the variable that is the topic, where it is not to be found out.

    Raises:
        PullError: it has what a mode cannot say.
    """
    system, user = _parts(prompt, "system"), _parts(prompt, "user")
    named = variables([*system, *user])
    topic = _topic(named, topic)
    others = [each for each in named if each != topic]
    _check(prompt, system, user, topic, others)
    role: dict[str, Any] = {"system": _text(system, topic)} if system else {}
    if sampling := {key: prompt.config[key] for key in _SAMPLING if prompt.config.get(key) is not None}:
        role["sampling"] = sampling
    mode: dict[str, Any] = {"name": name, "description": _description(prompt, title)}
    if others:
        mode["parameters"] = {each: f"<{each}>" for each in others}
    mode["roles"] = {ROLE: role}
    mode["turns"] = [{"role": ROLE, "template": _text(user, topic) or "{topic}"}]
    text = yaml.dump(mode, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    try:
        compile_mode(ModeLoader().loads(text, name))
    except ModeError as error:
        raise PullError(f"The prompt {prompt.name} makes no mode: {error.message}", hint=error.hint) from None
    return text


def _parts(prompt: Prompt, role: str) -> list[Piece]:
    """Return the texts of the messages of a role as one template, with empty lines between them."""
    found: list[Piece] = []
    for message in prompt.messages:
        if message.role not in ("system", "user"):
            hint = "Put the example into the system text, or write the mode by hand."
            raise PullError(f"The prompt {prompt.name} has a message of the {message.role}.", hint=hint)
        if message.role == role:
            found += [Piece("\n\n", variable=False)] if found else []
            found += pieces(message.text, prompt.style)
    return found


def _topic(named: Sequence[str], wanted: str) -> str:
    if wanted:
        if wanted not in named:
            raise PullError(f"The prompt has no variable {wanted!r}.", hint=f"It has: {', '.join(named) or 'none'}.")
        return wanted
    if len(named) <= 1:
        return "".join(named)
    found = next((each for each in _TOPICS if each in named), None)
    if found is None:
        raise PullError(f"Which is the topic: {', '.join(named)}?", hint="Say so: --topic VARIABLE.")
    return found


def _check(prompt: Prompt, system: list[Piece], user: list[Piece], topic: str, others: Sequence[str]) -> None:
    for each in others:
        if each in _TAKEN or each == "topic" or _TURN.fullmatch(each):
            hint = "Rename the variable at the service, or make it the topic: --topic VARIABLE."
            raise PullError(
                f"The prompt {prompt.name} has a variable {each!r}, which means something else in a mode.", hint=hint
            )
    if lost := [each for each in variables(system) if each != topic]:
        raise PullError(
            f"The prompt {prompt.name} has {{{lost[0]}}} in a system message; a mode fills only the topic in there.",
            hint="Move it into the user's message.",
        )
    read = {"topic", *_TAKEN, *others}
    plain = "".join("\0" if piece.variable else piece.text for piece in (*system, Piece("\0", variable=False), *user))
    if taken := [name for name in placeholders(plain) if name in read or _TURN.fullmatch(name)]:
        hint = "Write it another way at the service."
        raise PullError(f"The prompt {prompt.name} has {{{taken[0]}}} as plain text, which a mode would fill in.", hint=hint)


def _text(parts: list[Piece], topic: str) -> str:
    return filled(parts, lambda name: "topic" if name == topic else name)


def _description(prompt: Prompt, title: str) -> str:
    written = f", written for {prompt.model}" if prompt.model else ""
    return f"The prompt {prompt.name} of {title}, version {prompt.version}{written}."


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they read."""


def _as_it_reads(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _as_it_reads)

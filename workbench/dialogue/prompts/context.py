"""What a turn's model is shown: the role's system prompt, the turns that it sees, and the prompt.

A role's own turns come back to it as its own messages, each behind the prompt that once led to it; everybody else's are
quoted under their names. So what a role was sent before is the beginning of what it is sent next, and a provider's prompt
cache hits.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from workbench.dialogue.planning.plan import Plan, PlannedTurn
from workbench.dialogue.prompts.arrangement import Arrangement
from workbench.dialogue.rules.template import fill

Message = dict[str, str]
_LARGER: Final = "This discussion is part of a larger one, in which was said so far:\n\n{said}"


def prompt_of(
    turn: PlannedTurn, plan: Plan, texts: Mapping[str, str], topic: str, items: Mapping[str, str] | None = None
) -> str:
    """Return the turn's template with the topic and the turns that it names filled in.

    Of a turn that was skipped the latest round that was not stands in; where there is none, nothing does.

    Args:
        turn: whose prompt.
        plan: where the turns that it names are described.
        texts: turn id to what was said; turns that were skipped are not in it.
        topic: of the dialogue.
        items: turn id to the item that it is about, for turns of a block that goes through a list.
    """
    item = (items or {}).get(turn.id)

    def value(name: str) -> str:
        if name == "topic":
            return topic
        if name == "item":
            return item or ""
        standing = (plan.standing(i, texts) for i in turn.names[name])
        ids = list(dict.fromkeys(i for i in standing if i is not None))
        if len(ids) <= 1:
            return texts[ids[0]] if ids else ""
        return "\n\n".join(f"{label(plan.by_id[i], turn.aliases)}:\n{texts[i]}" for i in ids)

    return fill(turn.template, {"topic", *turn.names} | ({"item"} if item is not None else set()), value)


def messages_for(
    turn: PlannedTurn,
    plan: Plan,
    texts: Mapping[str, str],
    topic: str,
    items: Mapping[str, str] | None = None,
    *,
    background: str = "",
    arrangement: Arrangement | None = None,
) -> list[Message]:
    """Return the messages for a turn, oldest first.

    Args:
        turn: whose prompt, as for `prompt_of`.
        plan: likewise.
        texts: likewise.
        topic: likewise.
        items: likewise.
        background: what stands first, as it is.
        arrangement: what is shown of the turns that it sees, if not all.
    """
    shown = texts if arrangement is None else arrangement.texts
    messages: list[Message] = []
    if system := plan.roles[turn.role].system:
        messages.append({"role": "system", "content": fill(system, {"topic"}, lambda _name: topic)})
    waiting: list[str] = [background] if background else []
    for seen in (plan.by_id[i] for i in turn.sees if i in shown):
        if seen.role == turn.role:
            waiting.append(prompt_of(seen, plan, texts, topic, items))
            messages.append({"role": "user", "content": "\n\n".join(waiting)})
            messages.append({"role": "assistant", "content": shown[seen.id]})
            waiting = []
        else:
            waiting.append(f"{label(seen, turn.aliases)}:\n{shown[seen.id]}")
    if arrangement is not None and arrangement.notice:
        waiting.append(arrangement.notice)
    waiting.append(prompt_of(turn, plan, texts, topic, items))
    messages.append({"role": "user", "content": "\n\n".join(waiting)})
    return messages


def part_of_larger(said: str) -> str:
    """Return the background of a sub-dialogue: what was said in the one that it is part of."""
    return _LARGER.format(said=said)


def label(turn: PlannedTurn, aliases: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return how a turn is announced to the others: `Pro, round 2`; by another name where its role has one."""
    name = aliases.get(turn.role) or turn.role.replace("_", " ").replace("-", " ").capitalize()
    return with_round(name, turn.role, turn.round)


def with_round(name: str, role: str, round_: int | None) -> str:
    """Return a speaker's name with the round, unless the role is one of several that already carry the number."""
    return f"{name}, round {round_}" if round_ and not role.endswith(f"_{round_}") else name

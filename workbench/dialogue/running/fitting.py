"""A turn's prompt made to fit: what its context rule shows of the earlier turns, inside the window of the model that is asked.

Without a rule a prompt is measured only where it might not fit; one that does not is refused by name, never cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from workbench.dialogue.money.budget import prompt_bound
from workbench.dialogue.planning.plan import Plan, PlannedTurn
from workbench.dialogue.prompts.arrangement import Arrangement, Room, Seen, SummaryRequest
from workbench.dialogue.prompts.compression import arrange
from workbench.dialogue.prompts.context import Message, label, messages_for, prompt_of
from workbench.dialogue.rules.mode import ContextSpec
from workbench.models import ModelCard
from workbench.models.tokens import PER_MESSAGE, count_tokens


@dataclass(frozen=True, slots=True)
class Asked:
    """What a turn is about to be asked.

    Attributes:
        turn: whose prompt it is.
        plan: where the turns that it names are described.
        texts: turn id to what was said.
        topic: of the dialogue.
        items: turn id to the item that it is about.
        background: what stands first.
        dress: adds to the messages what is sent with them.
    """

    turn: PlannedTurn
    plan: Plan
    texts: Mapping[str, str]
    topic: str
    items: Mapping[str, str]
    background: str
    dress: Callable[[list[Message]], list[Message]]

    def messages(self, arrangement: Arrangement | None = None) -> list[Message]:
        """Return what is sent, with all of the turns that it sees or as they are arranged."""
        given = (self.turn, self.plan, self.texts, self.topic, self.items)
        return self.dress(messages_for(*given, background=self.background, arrangement=arrangement))


async def fitted(
    asked: Asked, card: ModelCard, answer: int, summaries: Mapping[str, str]
) -> tuple[list[Message], tuple[SummaryRequest, ...]]:
    """Return the messages that are sent, and the summaries that must be asked for before they can be.

    Args:
        asked: the turn.
        card: the model that is asked.
        answer: tokens that its answer may have.
        summaries: what is known, by key.

    Raises:
        ModelError: (context_too_long) it does not fit.
        ModeError: nor into the rule's own share.
        WorkbenchError: texts must be compared, and the extra is not installed.
    """
    whole = asked.messages()
    if asked.turn.context is None and _surely_fits(whole, card, answer):
        return whole, ()
    arrangement = await asyncio.to_thread(_arranged, asked, card, answer, summaries)
    return asked.messages(arrangement), arrangement.wanted


def _surely_fits(messages: list[Message], card: ModelCard, answer: int) -> bool:
    return card.context_window is None or prompt_bound(messages) + answer <= card.context_window


def _arranged(asked: Asked, card: ModelCard, answer: int, summaries: Mapping[str, str]) -> Arrangement:
    """Count tokens and compare texts: not for the event loop."""
    turn = asked.turn
    stands = count_tokens(asked.messages(Arrangement(())), card)
    room = Room(turn.id, card.name, card.context_window, answer, stands.tokens, stands.exact)
    count = partial(_count, card)
    seen = [_seen(asked, asked.plan.by_id[i], count) for i in turn.sees if i in asked.texts]
    prompt = prompt_of(turn, asked.plan, asked.texts, asked.topic, asked.items)
    return arrange(turn.context or ContextSpec(), seen, room, prompt=prompt, count=count, summaries=summaries)


def _seen(asked: Asked, seen: PlannedTurn, count: Callable[[str], int]) -> Seen:
    text, name = asked.texts[seen.id], label(seen)
    with_it = f"{name}:\n"
    if seen.role == asked.turn.role:  # it comes back as the role's own answer, behind the prompt that led to it
        with_it = prompt_of(seen, asked.plan, asked.texts, asked.topic, asked.items)
    return Seen(seen.id, seen.index, name, text, count(with_it) + count(text) + PER_MESSAGE)


def _count(card: ModelCard, text: str) -> int:
    return count_tokens(text, card).tokens

"""What a judge is told of who speaks: a letter, and no name of a role or a model.

Turns stand under their speaker's letter, and where a text begins by announcing its speaker ("**Pro, round 2:** …", "# Claude")
the letter takes that place. What a speaker gives away otherwise cannot be hidden: which side it argues for, how it writes, that
it says "as a language model by …" further on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from workbench.dialogue.planning.plan import PlannedTurn
from workbench.models import ModelCard

_ANNOUNCED: Final = (
    r"\A(?P<marks>[\s>#*_\[-]*)(?:{names})(?:\s*\([^)\n]{{0,80}}\))?"
    r"(?P<rest>(?:,?\s*(?:\(\s*)?round\s+\d+\s*\)?)?[ \t*_\]]*(?::|\n))"
)


def names_of(role: str, chain: Iterable[ModelCard] = ()) -> list[str]:
    """Return what a speaker may call itself: its role, and the names of the models that may play it."""
    models = [name for card in chain for name in (card.name, *card.aliases, card.id, card.id.rpartition("/")[2])]
    return list(dict.fromkeys((role, re.sub(r"[_-]", " ", role), *models)))


def without_announcement(text: str, names: Iterable[str], alias: str) -> str:
    r"""Return a text in which the alias stands where the speaker announces itself at its beginning.

    >>> without_announcement("**Pro, round 2:** Yes.", ["pro"], "Speaker A")
    '**Speaker A, round 2:** Yes.'
    >>> without_announcement("Pro and con: both matter.", ["pro"], "Speaker A")
    'Pro and con: both matter.'
    """
    longest_first = sorted(names, key=len, reverse=True)
    pattern = _ANNOUNCED.format(names="|".join(map(re.escape, longest_first)))
    return re.sub(pattern, lambda found: f"{found['marks']}{alias}{found['rest']}", text, count=1, flags=re.IGNORECASE)


def hidden(
    texts: Mapping[str, str],
    turns: Mapping[str, PlannedTurn],
    aliases: Mapping[str, str],
    cast: Mapping[str, tuple[ModelCard, ...]],
) -> Mapping[str, str]:
    """Return the texts as a turn with aliases is shown them; as they are where it has none.

    Args:
        texts: turn id to text.
        turns: of the plan, by id.
        aliases: role to what it is called instead.
        cast: role to its models.
    """
    if not aliases:
        return texts
    return {
        turn: without_announcement(text, names_of(role, cast.get(role, ())), aliases[role])
        if (role := turns[turn].role) in aliases
        else text
        for turn, text in texts.items()
    }

"""The dialogue that every contestant holds: two roles, in turn, each shown the topic and what the other has just said.

No turn is shown more than one earlier turn, so that a turn costs the same wherever it stands.
"""

from __future__ import annotations

from typing import Any, Final

TOPIC: Final = "Cities should ban private cars from their centres within ten years."
PIECES: Final = tuple(f"piece number {n} of the answer, " for n in range(20))
ANSWER: Final = "".join(PIECES)
ROLES: Final = {
    "pro": "You argue for the motion. Be brief, and answer what was said last.",
    "con": "You argue against the motion. Be brief, and answer what was said last.",
}
_PROMPT: Final = "The motion: {topic}\n\nWhat was said last: {previous}"


def role(number: int) -> str:
    """Return who speaks in a turn, counted from 0."""
    return tuple(ROLES)[number % len(ROLES)]


def messages(number: int, previous: str) -> list[dict[str, str]]:
    """Return what a turn's model is sent."""
    prompt = _PROMPT.replace("{topic}", TOPIC).replace("{previous}", previous)
    return [{"role": "system", "content": ROLES[role(number)]}, {"role": "user", "content": prompt}]


def sequence(turns: int) -> dict[str, Any]:
    """Return the mode of a dialogue of so many turns, one after the other."""
    return {
        "name": "bench",
        "roles": {name: {"system": system} for name, system in ROLES.items()},
        "turns": [{"role": role(number), "id": f"t{number}", "template": _PROMPT} for number in range(turns)],
    }


def parallel(width: int) -> dict[str, Any]:
    """Return the mode of a dialogue of so many turns at the same time."""
    return {
        "name": "bench-parallel",
        "structure": "parallel",
        "roles": {name: {"system": system} for name, system in ROLES.items()},
        "turns": [{"role": role(0), "id": f"t{number}", "template": _PROMPT} for number in range(width)],
    }

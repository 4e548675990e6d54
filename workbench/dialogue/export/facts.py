"""The few words that stand around a text in every format: who spoke, what it took, how it ended."""

from __future__ import annotations

import re
from typing import Final

from workbench.dialogue.casting.persons import PERSON
from workbench.dialogue.planning.plan import PlannedTurn
from workbench.dialogue.prompts.context import with_round
from workbench.dialogue.transcript import Metrics, Transcript, Turn, measure
from workbench.events import Status

_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
_LONE: Final = re.compile("[\ud800-\udfff]")
_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def visible(text: str) -> str:
    r"""Return the text without ANSI escapes, control characters, and marks that reorder or hide what one reads.

    Half a surrogate pair, which no file can hold, becomes a replacement character.

    >>> visible("a\x1b[31mb\u202ec")
    'abc'
    """
    return _LONE.sub("\ufffd", _INVISIBLE.sub("", _ANSI.sub("", text)))


def title(turn: Turn | PlannedTurn) -> str:
    """Return who speaks: `Pro, round 2`."""
    return with_round(visible(turn.role).replace("_", " ").capitalize(), turn.role, turn.round)


def speaker(turn: Turn) -> str:
    """Return the model that spoke, and the one asked for where it was another; or that a person did."""
    if turn.model == PERSON.name:
        return "a person"
    if turn.served and turn.served != turn.model:
        return visible(f"{turn.served} for {turn.model}")
    return visible(turn.served or turn.model)


def money(cost: float | None) -> str:
    """Return USD with the digits that matter; unknown is not zero."""
    if cost is None:
        return "cost unknown"
    cost = round(cost, 12)  # or the order in which a sum was added up would show
    return "free" if cost == 0 else f"${cost:.2f}" if cost >= 1 else f"${cost:.4g}"


def seconds(value: float | None) -> str:
    """Return a duration."""
    if value is None:
        return "not timed"
    return f"{value:.1f} s" if value < 60 else f"{value // 60:.0f} min {value % 60:.0f} s"  # noqa: PLR2004 - a minute


def facts(turn: Turn) -> str:
    """Return tokens, cost and time of a turn; while it is spoken nobody knows them, and what is copied took nothing."""
    if turn.waits:
        return f"waits for {'an answer' if turn.waits == 'answer' else turn.waits}"
    if turn.status is Status.RUNNING:
        return "speaking"
    if turn.copied_from is not None:
        return f"copied from {visible(turn.copied_from)}"
    metrics = measure([turn], turn.latency)
    if not metrics.calls:
        return "no call"
    edited = ", edited by a person" if turn.edited else ""
    return f"{metrics.tokens:,} tokens, {money(metrics.cost)}, {seconds(metrics.latency)}{edited}"


def sub_dialogues(transcript: Transcript, turn: Turn) -> list[str]:
    """Return a line for each sub-dialogue that a turn opened: what it is about, how it ended, and its id."""
    outcomes = outcomes_of(transcript)
    opened = [spawned for spawned in transcript.children.values() if spawned.turn == turn.id]
    return [
        visible(
            f"{each.topic} ({each.mode}, {outcomes.get(each.child, 'not finished').replace('_', ' ')}, dialogue {each.child})"
        )
        for each in opened
    ]


def outcomes_of(transcript: Transcript) -> dict[str, str]:
    """Return how sub-dialogues ended, by their ids, as far as the turns that opened them say."""
    given = [data.get("dialogues") for data in transcript.data.values() if isinstance(data, dict)]
    found = [each for entries in given if isinstance(entries, list) for each in entries if isinstance(each, dict)]
    known = {str(each.get("dialogue")): str(each.get("status")) for each in found}
    return {name: known[name] for name in transcript.children if known.get(name) in set(Status)}


def totals(metrics: Metrics) -> str:
    """Return turns, tokens, cost and time in one line."""
    lost = f" ({metrics.lost_calls} without an answer)" if metrics.lost_calls else ""
    calls = f"{metrics.calls} call{'s' * (metrics.calls != 1)}{lost}"
    turns = f"{metrics.turns} turn{'s' * (metrics.turns != 1)}"
    spent = f"{metrics.tokens:,} tokens, {money(metrics.cost)}, " if metrics.calls else ""
    return f"{turns}, {calls}, {spent}{seconds(metrics.latency)}"


def warnings_of(transcript: Transcript) -> list[str]:
    """Return what the run was warned of before it began."""
    given = transcript.run.get("warnings")
    return [visible(str(warning)) for warning in given] if isinstance(given, list | tuple) else []


def ending(transcript: Transcript) -> str:
    """Return how the dialogue stands, and why."""
    status = transcript.status.replace("_", " ")
    if transcript.status is Status.RUNNING:
        return status
    return f"{status}: {visible(transcript.reason)}" if transcript.reason else status

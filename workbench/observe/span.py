"""The nouns of a trace: what a span is, and how it is told apart from all others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.events import Usage

Kind = Literal["dialogue", "run", "turn", "call", "wait", "evaluation"]
"""`run` is a dialogue that goes on after a stop, `wait` the time that a turn waited for a person. `evaluation` is a word on
another span, for services that know words only as spans; no trace has one of itself."""
Standing = Literal["ok", "failed", "cancelled", "skipped", "interrupted"]
"""`interrupted`: its process ended before it did."""
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which something was done.

    Attributes:
        key: what tells it apart from every other span; its ids are made of it, see `digest`.
        parent: key of the span that it is part of; None for the dialogue itself.
        kind: what it is.
        name: what people see: the mode, the turn's id, or the model card's name.
        started_at: Unix seconds, like `ended_at` and `first_token_at`.
        dialogue: id of the dialogue that it belongs to, which may be a sub-dialogue.
        turn: id of the turn that it is or belongs to.
        role: that speaks.
        speaker: who speaks a turn: `model`, `person`, `hook`, `vote` or `sub-dialogues`.
        status: how it ended; `outcome` is the record's own word for it.
        error: the redacted reason of a failure, or why something was stopped or skipped.
        error_kind: its class, an `ErrorKind` or the limit that was reached.
        input: the topic of a dialogue, the messages of a turn or call, as role and content; None where none are known.
        output: the text that came of it.
        data: the structured answer.
        reasoning: the model's thinking.
        asked: name of the card that was asked for.
        model: name of the card that this call went to.
        model_id: what LiteLLM calls that card.
        served: the model that the provider says answered.
        cost: USD; None is unknown. Only calls have costs and usage, so that sums count each once.
        saved: USD that the provider's cache took off the cost.
        parameters: how the answer was drawn.
        queue: seconds that it waited for a free slot before it began.
        attempt: 1 for the first try at `model`.
        purpose: what a call was for where its text is not the turn's answer.
        metadata: what else is known, as JSON values.
    """

    key: Key
    parent: Key | None
    kind: Kind
    name: str
    started_at: float
    ended_at: float
    dialogue: str
    turn: str | None = None
    role: str | None = None
    speaker: str | None = None
    status: Standing = "ok"
    outcome: str = ""
    error: str | None = None
    error_kind: str | None = None
    hint: str | None = None
    input: str | list[dict[str, str]] | None = None
    output: str | None = None
    data: Any = None
    reasoning: str = ""
    asked: str | None = None
    model: str | None = None
    model_id: str | None = None
    served: str | None = None
    provider: str | None = None
    usage: Usage | None = None
    cost: float | None = None
    saved: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    finish_reason: str | None = None
    first_token_at: float | None = None
    queue: float | None = None
    attempt: int | None = None
    fallback_reason: str | None = None
    purpose: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def digest(self, size: int) -> bytes:
        """Return so many bytes that stand for the span: the same ones in every process."""
        return digest(self.key, size)


@dataclass(frozen=True, slots=True)
class Trace:
    """The spans of a dialogue, or of what a resume added to it.

    Attributes:
        dialogue: id of the root.
        session: what belongs together: the oldest known ancestor of a fork, the run of an observation, else the dialogue.
        status: of the dialogue, in the record's words, or `interrupted`.
        spans: parents before their children.
    """

    dialogue: str
    mode: str
    topic: str
    tags: tuple[str, ...]
    session: str
    started_at: float
    ended_at: float
    status: str
    spans: tuple[Span, ...]


def digest(key: Key, size: int) -> bytes:
    """Return so many bytes that stand for a key.

    >>> digest(("3f9a", "turn", "con_2", "7"), 8).hex()
    '6f449752abb07ae1'
    """
    return hashlib.sha256("/".join(key).encode(errors="surrogatepass")).digest()[:size]

"""One request to one model, as it is remembered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, as the provider counted them.

    `cached` is the part of `prompt` that the provider read from its cache, `cache_write` the part that it wrote there and
    charges for; `reasoning` is the part of `completion` that the model spent thinking.
    """

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0
    cache_write: int = 0

    @property
    def total(self) -> int:
        """Prompt and completion together."""
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds. `queue` is the wait for a free slot, the others count from the end of that wait.

    `first_token` is None where nothing was streamed before the answer was whole.
    """

    queue: float
    first_token: float | None
    total: float


@dataclass(frozen=True, slots=True)
class Call:
    """One request to one model: what was asked for, what served it, and what came of it.

    Attributes:
        id: unique in the record.
        asked: the model card's name that the role was bound to.
        model: the card that this attempt went to; differs from `asked` when a fallback served.
        served: the model that the provider says answered; None if it never did.
        attempt: 1 for the first try at `model`, 2 for its first retry, and so on.
        outcome: `ok`, `cancelled`, or an `ErrorKind`.
        started_at: Unix time in seconds.
        usage: None when the provider did not say.
        cost: USD; None rather than zero when prices or usage are unknown.
        saved: USD that the provider's cache took off the cost, less what writing to it added; None where nothing was cached,
            or prices are unknown.
        text: the answer; of a broken or cancelled call, the part that arrived.
        reasoning: the model's thinking, where the provider shows it.
        error: the redacted reason of a failure.
        fallback_reason: why the model asked for did not serve; None when it did.
        purpose: what it was for where its text is not the turn's answer: `summary` and which.
    """

    id: str
    asked: str
    model: str
    provider: str
    attempt: int
    outcome: str
    started_at: float
    timings: Timings
    served: str | None = None
    usage: Usage | None = None
    cost: float | None = None
    finish_reason: str | None = None
    text: str = ""
    reasoning: str = ""
    error: str | None = None
    fallback_reason: str | None = None
    purpose: str = ""
    saved: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the call brought a whole answer."""
        return self.outcome == "ok"

    @property
    def unpriced(self) -> bool:
        """Whether it may have cost something that nobody knows: it brought text or was counted, and has no cost."""
        return self.cost is None and bool(self.ok or self.usage or self.text or self.reasoning)

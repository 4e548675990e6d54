"""What can go wrong, said so that a person can act on it.

Two families. `WorkbenchError` is for the user: its text names the cause, its `hint` the way out. `ModelError` is one of
them, raised by a call to a model, and carries an `ErrorKind`: the only classification of provider failures, on which
retries, fallbacks and circuit breakers decide.

Secrets end here: every text that came from outside passes `redact` before it becomes part of an error.
"""

from __future__ import annotations

import math
import re
from enum import StrEnum

_SECRETS: set[str] = set()
_SHAPES = re.compile(
    r"(?:sk|pk|rk|xai|gsk|hf|lsv2)[-_][A-Za-z0-9_\-*]{8,}"
    r"|AIza[A-Za-z0-9_\-]{20,}"
    r"|(?<=[Bb]earer )[A-Za-z0-9._\-]{8,}"
    r"|(?<=[?&]key=)[^&\s\"']+"
)


def register_secret(value: str) -> None:
    """Remember an API key, so that `redact` blanks it wherever it turns up."""
    if len(value) >= 6:  # noqa: PLR2004 - shorter values would blank ordinary words
        _SECRETS.add(value)


def redact(text: str) -> str:
    """Blank registered secrets and everything shaped like a provider's key.

    >>> redact("Incorrect API key provided: sk-abcdefgh1234")
    'Incorrect API key provided: [redacted]'
    """
    for secret in _SECRETS:
        text = text.replace(secret, "[redacted]")
    return _SHAPES.sub("[redacted]", text)


class WorkbenchError(Exception):
    """A problem that the user can understand and mend.

    Args:
        message: what happened, naming the thing that it happened to.
        hint: what to do about it; shown on a line of its own.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class SettingsError(WorkbenchError):
    """`workbench.toml` or an option is wrong."""


class ModeError(WorkbenchError):
    """A mode does not load: the text names file, line, field and fix."""


class UnknownModelError(WorkbenchError):
    """No model card has this name, and LiteLLM does not know it either."""


class RecordError(WorkbenchError):
    """The record cannot be read or written (disk full, locked, corrupt, unknown id)."""


class ExportError(WorkbenchError):
    """A dialogue cannot be written in the format asked for."""


class WeightsError(WorkbenchError):
    """A local model's weights are missing, broken or could not be fetched."""


class ErrorKind(StrEnum):
    """Why a call failed. The only classification of provider failures."""

    AUTHENTICATION = "authentication"
    RATE_LIMIT = "rate_limit"
    CAPACITY = "capacity"
    TIMEOUT = "timeout"
    CONTEXT_TOO_LONG = "context_too_long"
    CONTENT_FILTER = "content_filter"
    BAD_REQUEST = "bad_request"
    MALFORMED_ANSWER = "malformed_answer"

    @property
    def transient(self) -> bool:
        """Whether the same request to the same model may succeed a little later."""
        return self in _TRANSIENT


_TRANSIENT = frozenset({ErrorKind.RATE_LIMIT, ErrorKind.CAPACITY, ErrorKind.TIMEOUT, ErrorKind.MALFORMED_ANSWER})
UNCHARGED = frozenset({ErrorKind.RATE_LIMIT, ErrorKind.CAPACITY, ErrorKind.AUTHENTICATION, ErrorKind.BAD_REQUEST})
"""Failures that no provider charges for, as long as nothing was said."""


class ModelError(WorkbenchError):
    """A call to a model failed.

    Args:
        kind: the class of the failure.
        message: the provider's words; redacted here.
        model: the model that was asked.
        retry_after: seconds that the provider asked us to wait; None if it did not say.
        hint: the way out.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        model: str,
        retry_after: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(f"{model}: {redact(message)}", hint=hint)
        self.kind = kind
        self.model = model
        self.retry_after = retry_after


class CapacityError(ModelError):
    """A model does not fit into this machine's memory. Waiting does not help, so it is not tried again; a fallback serves.

    Args:
        message: what does not fit, and where.
        model: that was asked.
        need: bytes that it takes.
        free: bytes that there are.
    """

    def __init__(self, message: str, *, model: str, need: int, free: int) -> None:
        super().__init__(
            ErrorKind.CAPACITY,
            message,
            model=model,
            retry_after=math.inf,
            hint="Close other programs and kernels, take a smaller model or coarser weights, or name a fallback. "
            "If you know that it needs less, say so: `min_memory` on its card.",
        )
        self.need = need
        self.free = free


class BudgetExceededError(WorkbenchError):
    """The next call would pass a ceiling; it was not made.

    Args:
        limit: the ceiling's name: `max_cost`, `max_call_cost`, `max_tokens`, `max_turns`, `max_calls` or `timeout` of the
            dialogue, `budget.day` or `budget.workspace`.
        message: what it would pass, and what is spent.
        hint: the way out; by default a resume with a higher ceiling.
    """

    def __init__(self, limit: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or f"Resume with a higher {limit} to go on from here.")
        self.limit = limit

"""What a provider's failure means: LiteLLM's exceptions, HTTP statuses and words to one `ErrorKind`.

The only place that settles it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, Final

import httpx

from workbench.errors import ErrorKind, ModelError, redact, register_secret
from workbench.models.provider import Request
from workbench.models.providers.quiet import library

_BY_NAME: Final = {
    "ContextWindowExceededError": ErrorKind.CONTEXT_TOO_LONG,
    "ContentPolicyViolationError": ErrorKind.CONTENT_FILTER,
    "AuthenticationError": ErrorKind.AUTHENTICATION,
    "PermissionDeniedError": ErrorKind.AUTHENTICATION,
    "RateLimitError": ErrorKind.RATE_LIMIT,
    "Timeout": ErrorKind.TIMEOUT,
    "JSONSchemaValidationError": ErrorKind.MALFORMED_ANSWER,
    "APIResponseValidationError": ErrorKind.MALFORMED_ANSWER,
}
_BY_STATUS: Final = {
    401: ErrorKind.AUTHENTICATION,
    402: ErrorKind.AUTHENTICATION,
    403: ErrorKind.AUTHENTICATION,
    408: ErrorKind.TIMEOUT,
    413: ErrorKind.CONTEXT_TOO_LONG,
    429: ErrorKind.RATE_LIMIT,
}
_NOT_JSON: Final = re.compile(
    r"Expecting value|Unable to get json|JSONDecodeError|valid response block|Unterminated string|Expecting '",
    re.IGNORECASE,
)
_BAD_KEY: Final = re.compile(r"API key not valid|invalid api key|API_KEY_INVALID|credit balance is too low", re.IGNORECASE)
_NO_MONEY: Final = "insufficient_quota"
"""The code of a 429 that no waiting helps against."""
_TOO_LONG: Final = re.compile(r"context.?length|maximum context|too long|token count.*exceeds|context window", re.IGNORECASE)
_PREFIX: Final = re.compile(r"^(litellm\.)?((Timeout )?\w*Error|Timeout|\w+Exception)( \w+Error)?\s*[:-]\s*")
_SUFFIX: Final = re.compile(r"\s*(Traceback \(most recent call last\)|\.? ?Handle with `litellm\.).*$")
_FILTERED: Final = re.compile(r"content.?(policy|filter|management)|safety|blocked", re.IGNORECASE)
_HINTS: Final = {
    ErrorKind.AUTHENTICATION: "Check the API key: `workbench doctor` shows which are set.",
    ErrorKind.CONTEXT_TOO_LONG: "Let the turn see less (`sees`), or use a model with a larger window.",
    ErrorKind.BAD_REQUEST: "Check the model's id and parameters; `workbench models` lists the cards.",
}


def classify(error: Exception, request: Request) -> ModelError:
    """Return what an exception means.

    Args:
        error: what LiteLLM, its HTTP client or the JSON parser raised.
        request: the request that it answers.
    """
    if isinstance(error, ModelError):
        return error
    if request.api_key is None:
        register_found_keys()
    if isinstance(error, LookupError):  # an answer that lacks what its protocol promises
        return ModelError(ErrorKind.MALFORMED_ANSWER, f"the answer has no {error}", model=request.model)
    known = _as_litellm_error(error, request)
    kind = ErrorKind.TIMEOUT if isinstance(error, TimeoutError | httpx.TimeoutException) else kind_of(known, _status(error))
    return ModelError(
        kind,
        words_of(known),
        model=request.model,
        retry_after=retry_after_of(known),
        hint=_HINTS.get(kind),
    )


def register_found_keys() -> None:
    """Have the keys blanked that LiteLLM finds in the environment by itself, for providers that no card names."""
    for name, value in os.environ.items():
        if name.endswith(("_API_KEY", "_TOKEN", "_SECRET")):
            register_secret(value)


def _status(error: Exception) -> int | None:
    """Return what the provider itself answered with: LiteLLM's exceptions may say another."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def kind_of(error: Exception, status: int | None) -> ErrorKind:  # noqa: PLR0911 - one line for each rule, in order
    """Return the class of a failure by its exception's name, its words and its HTTP status, given or its own."""
    name, text = type(error).__name__, str(error)
    status = status or _status(error)
    if name == "RateLimitError" and _NO_MONEY in text:
        return ErrorKind.AUTHENTICATION
    if name in _BY_NAME:
        return _BY_NAME[name]
    if isinstance(error, json.JSONDecodeError) or _NOT_JSON.search(text):
        return ErrorKind.MALFORMED_ANSWER
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status and 400 <= status < 500:  # noqa: PLR2004 - HTTP's own bounds
        return _refused(text)
    if status or isinstance(error, OSError) or "onnect" in name:
        return ErrorKind.CAPACITY
    return ErrorKind.BAD_REQUEST if isinstance(error, ValueError | TypeError) else ErrorKind.CAPACITY


def _refused(text: str) -> ErrorKind:
    if _BAD_KEY.search(text):
        return ErrorKind.AUTHENTICATION
    if _TOO_LONG.search(text):
        return ErrorKind.CONTEXT_TOO_LONG
    return ErrorKind.CONTENT_FILTER if _FILTERED.search(text) else ErrorKind.BAD_REQUEST


def _as_litellm_error(error: Exception, request: Request) -> Exception:
    """Let LiteLLM name a provider's raw exception, as `acompletion` would have."""
    litellm = library()
    if isinstance(error, (TimeoutError, *getattr(litellm.exceptions, "LITELLM_EXCEPTION_TYPES", ()))):
        return error
    try:
        _, provider, _, _ = litellm.get_llm_provider(request.model, api_base=request.api_base)
        litellm.exception_type(
            model=request.model,
            custom_llm_provider=provider,
            original_exception=error,
            completion_kwargs={},
            extra_kwargs={},
        )
    except Exception as named:  # noqa: BLE001 - it always raises: that is how it answers
        return named
    return error


def words_of(error: Exception) -> str:
    """Return the provider's own words, without LiteLLM's stack of prefixes, in one line."""
    text = _SUFFIX.sub("", " ".join(str(error).split()))
    while (shorter := _PREFIX.sub("", text)) != text:
        text = shorter
    if found := re.search(r'"message": ?"((?:[^"\\]|\\.)*)"', text):
        text = _unescaped(found[1])
    return redact(text)[:500] or type(error).__name__


def _unescaped(text: str) -> str:
    with contextlib.suppress(ValueError):
        return str(json.loads(f'"{text}"'.replace("\\'", "'")))
    return text


def retry_after_of(error: Exception) -> float | None:
    """Return the seconds of a Retry-After header, which may be a number or a date."""
    for headers in (
        getattr(error, "litellm_response_headers", None),
        getattr(getattr(error, "response", None), "headers", None),
    ):
        if (value := _header(headers)) is not None and (seconds := _seconds(value)) is not None:
            return max(seconds, 0.0)
    return None


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        try:
            return parsedate_to_datetime(value).timestamp() - time()
        except ValueError:
            return None
    return None if math.isnan(seconds) else seconds


def _header(headers: Any) -> str | None:
    try:
        value = headers.get("retry-after") or headers.get("Retry-After")
    except AttributeError:
        return None
    return str(value) if value is not None else None

"""Spans in Langfuse's words: the attributes of OTLP by which it makes traces and observations.

What is true of a trace stands on every span, because Langfuse looks for it there. Tokens are given as Langfuse adds them up:
each counted once, cached and reasoning tokens apart from the others. A cost that is not known is not given; Langfuse then
reckons one itself where it knows the model.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from workbench.events import Usage
from workbench.observe.span import Span, Trace
from workbench.observe.sync.otlp.protobuf import Value, as_json, trace_id

_OBSERVATION: Final = "langfuse.observation."
_KINDS: Final[dict[str, str]] = {"dialogue": "chain", "run": "chain", "turn": "agent", "call": "generation"}
_SPEAKERS: Final = {"hook": "tool", "vote": "evaluator", "person": "span", "sub-dialogues": "chain"}
_LEVELS: Final = {"failed": "ERROR", "interrupted": "ERROR", "cancelled": "WARNING", "skipped": "DEBUG"}
_LONGEST: Final = 200
"""Letters of a session's id, a user's, a tag or a name."""


def trace_attributes(trace: Trace, environment: str | None) -> dict[str, Value | None]:
    """Return what stands on every span of a trace."""
    name = f"{trace.mode}: {trace.topic}" if trace.topic else trace.mode
    return {
        "langfuse.trace.name": " ".join(name.split())[:_LONGEST],
        "langfuse.trace.tags": [tag[:_LONGEST] for tag in trace.tags],
        "langfuse.trace.metadata.dialogue": trace.dialogue,
        "langfuse.trace.metadata.mode": trace.mode,
        "langfuse.trace.metadata.status": trace.status,
        "session.id": trace.session[:_LONGEST],
        "langfuse.environment": environment,
    }


def observation_attributes(span: Span) -> dict[str, Value | None]:
    """Return what a span is as an observation."""
    data = {"text": span.output, "data": span.data} if span.data is not None else span.output
    facts: dict[str, Value | None] = {
        f"{_OBSERVATION}type": _SPEAKERS.get(span.speaker or "", _KINDS.get(span.kind, "span")),
        f"{_OBSERVATION}level": _level(span),
        f"{_OBSERVATION}status_message": _status(span),
        f"{_OBSERVATION}input": _text(span.input),
        f"{_OBSERVATION}output": _text(data),
    }
    if span.kind == "call":
        facts |= _of_call(span)
    return facts | {f"{_OBSERVATION}metadata.{name}": _text(value) for name, value in _metadata(span).items()}


def usage_details(usage: Usage) -> dict[str, int]:
    """Return tokens as Langfuse adds them up.

    >>> usage_details(Usage(prompt=100, completion=20, cached=60, reasoning=5))
    {'input': 40, 'output': 15, 'input_cached_tokens': 60, 'output_reasoning_tokens': 5, 'total': 120}
    """
    apart = {
        "input_cached_tokens": usage.cached,
        "input_cache_creation": usage.cache_write,
        "output_reasoning_tokens": usage.reasoning,
    }
    return {
        "input": max(usage.prompt - usage.cached - usage.cache_write, 0),
        "output": max(usage.completion - usage.reasoning, 0),
        **{name: count for name, count in apart.items() if count},
        "total": usage.total,
    }


def iso(seconds: float) -> str:
    """Return Unix seconds as Langfuse reads times."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _of_call(span: Span) -> dict[str, Value | None]:
    return {
        f"{_OBSERVATION}model.name": span.served or span.model,
        f"{_OBSERVATION}model.parameters": as_json(dict(span.parameters)) if span.parameters else None,
        f"{_OBSERVATION}usage_details": as_json(usage_details(span.usage)) if span.usage else None,
        f"{_OBSERVATION}cost_details": as_json({"total": span.cost}) if span.cost is not None else None,
        f"{_OBSERVATION}completion_start_time": None if span.first_token_at is None else iso(span.first_token_at),
    }


def _level(span: Span) -> str:
    if span.status == "ok" and span.fallback_reason:
        return "WARNING"
    return _LEVELS.get(span.status, "DEFAULT")


def _status(span: Span) -> str | None:
    kind = f"{span.error_kind}: " if span.error_kind and span.error else ""
    return f"{kind}{span.error}" if span.error else span.error_kind or span.fallback_reason


def _metadata(span: Span) -> dict[str, Any]:
    """Return what Langfuse has no field for; nothing of it is None."""
    facts = {
        "kind": span.kind,
        "dialogue": span.dialogue,
        "turn": span.turn,
        "role": span.role,
        "speaker": span.speaker,
        "outcome": span.outcome or None,
        "error_kind": span.error_kind,
        "hint": span.hint,
        "reasoning": span.reasoning or None,
        "model_asked": span.asked,
        "model": span.model,
        "model_id": span.model_id,
        "provider": span.provider,
        "finish_reason": span.finish_reason,
        "attempt": span.attempt,
        "fallback_reason": span.fallback_reason,
        "purpose": span.purpose or None,
        "queue_seconds": span.queue,
        "saved_usd": span.saved,
        **span.metadata,
    }
    if origin := span.metadata.get("copied_from"):
        facts["copied_from_trace"] = trace_id(str(origin)).hex()
    return {name: value for name, value in facts.items() if value is not None}


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else as_json(value)

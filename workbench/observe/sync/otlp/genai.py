"""Spans in the words of OpenTelemetry's semantic conventions for generative AI, and the workbench's own where there are none.

The conventions are in development; the names here are those of opentelemetry-semantic-conventions 0.66b2. What they have no
name for stands under `workbench.`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from workbench.observe.span import Span, Trace
from workbench.observe.sync.otlp.protobuf import Value, as_json

_OPERATIONS: Final = {"dialogue": "invoke_workflow", "run": "invoke_workflow", "turn": "invoke_agent", "call": "chat"}
_REQUEST: Final = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "max_tokens",
    "seed": "seed",
    "stop": "stop_sequences",
}
_PROVIDERS: Final = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "cohere_chat": "cohere",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""LiteLLM's word to the conventions', where they differ."""


def genai_name(span: Span) -> str:
    """Return the name that the conventions want: the operation, and what it is done to."""
    operation = _operation(span)
    return f"{operation} {span.name}" if operation else span.name


def genai_attributes(span: Span, trace: Trace) -> dict[str, Value | None]:
    """Return a span's attributes; None where something is not known."""
    facts: dict[str, Value | None] = {
        "gen_ai.operation.name": _operation(span),
        "gen_ai.conversation.id": trace.session,
        "session.id": trace.session,
        "error.type": span.error_kind or (span.outcome if span.status in ("failed", "interrupted") else None),
        "workbench.dialogue": span.dialogue,
        "workbench.mode": trace.mode,
        "workbench.kind": span.kind,
        "workbench.turn": span.turn,
        "workbench.role": span.role,
        "workbench.speaker": span.speaker,
        "workbench.status": span.outcome or span.status,
    }
    if span.kind == "call":
        facts |= _of_call(span)
    else:
        name = {"turn": "gen_ai.agent.name", "dialogue": "gen_ai.workflow.name", "run": "gen_ai.workflow.name"}.get(span.kind)
        facts |= {name: span.role or span.name} if name else {}
        facts |= {"workbench.data": None if span.data is None else as_json(span.data)}
        if span.parent is None:
            facts |= {"workbench.tags": list(trace.tags)}
    return facts | _messages(span) | {f"workbench.{name}": plain(value) for name, value in span.metadata.items()}


def evaluation_attributes(name: str, value: float, comment: str, by: str) -> dict[str, Value | None]:
    """Return what somebody's word on a span is, as a span of its own below it: OTLP cannot add to what was sent."""
    return {
        "gen_ai.evaluation.name": name,
        "gen_ai.evaluation.score.value": value,
        "gen_ai.evaluation.explanation": comment or None,
        "workbench.kind": "evaluation",
        "workbench.by": by or None,
    }


def request_model(span: Span) -> str | None:
    """Return the model of a request by the name that its provider knows: without the provider that LiteLLM puts before it.

    Services know prices by these names.
    """
    if not span.model_id:
        return span.model
    return span.model_id.partition("/")[2] or span.model_id


def plain(value: Any) -> Value | None:
    """Return a value as an attribute can hold it: anything but text, numbers and truth as JSON."""
    return value if value is None or isinstance(value, (str, bool, int, float)) else as_json(value)


def _operation(span: Span) -> str | None:
    return "execute_tool" if span.speaker in ("hook", "vote") else _OPERATIONS.get(span.kind)


def _of_call(span: Span) -> dict[str, Value | None]:
    first = None if span.first_token_at is None else max(span.first_token_at - span.started_at, 0.0)
    facts: dict[str, Value | None] = {
        "gen_ai.provider.name": _PROVIDERS.get(span.provider or "", span.provider),
        "gen_ai.request.model": request_model(span),
        "gen_ai.response.model": span.served,
        "gen_ai.response.finish_reasons": [span.finish_reason] if span.finish_reason else None,
        "gen_ai.response.time_to_first_chunk": first,
        "workbench.model.asked": span.asked,
        "workbench.model": span.model,
        "workbench.model.id": span.model_id,
        "workbench.attempt": span.attempt,
        "workbench.fallback_reason": span.fallback_reason,
        "workbench.purpose": span.purpose or None,
        "workbench.queue_seconds": span.queue,
        "workbench.cost_usd": span.cost,
        "workbench.saved_usd": span.saved,
    }
    facts |= {f"gen_ai.request.{_REQUEST[name]}": value for name, value in span.parameters.items() if name in _REQUEST}
    if span.usage is not None:
        facts |= {
            "gen_ai.usage.input_tokens": span.usage.prompt,
            "gen_ai.usage.output_tokens": span.usage.completion,
            "gen_ai.usage.cache_read.input_tokens": span.usage.cached,
            "gen_ai.usage.cache_creation.input_tokens": span.usage.cache_write,
            "gen_ai.usage.reasoning.output_tokens": span.usage.reasoning,
        }
    return facts


def _messages(span: Span) -> dict[str, Value | None]:
    """Return prompt and answer, system prompts apart."""
    given = span.input if isinstance(span.input, list) else [{"role": "user", "content": span.input}] if span.input else []
    system = [_text(message["content"]) for message in given if message.get("role") == "system"]
    asked = [{"role": m.get("role", "user"), "parts": [_text(m["content"])]} for m in given if m.get("role") != "system"]
    parts = [{"type": "reasoning", "content": span.reasoning}] if span.reasoning else []
    parts += [_text(span.output)] if span.output else []
    said: Mapping[str, Any] = {"role": "assistant", "parts": parts}
    said = {**said, "finish_reason": span.finish_reason} if span.finish_reason else said
    return {
        "gen_ai.system_instructions": as_json(system) if system else None,
        "gen_ai.input.messages": as_json(asked) if asked else None,
        "gen_ai.output.messages": as_json([said]) if parts else None,
    }


def _text(content: str) -> dict[str, str]:
    return {"type": "text", "content": content}

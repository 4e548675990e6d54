"""What Phoenix reads besides: the attributes of OpenInference, by which it shows kinds, messages, tokens and scores.

Phoenix makes such attributes out of OpenTelemetry's too, where a span has none of that name. So what is said here is said
whole, or it is mixed with what Phoenix makes of the rest. Costs it reckons by its own prices, whatever it is told.
"""

from __future__ import annotations

import json
from typing import Final

from workbench.observe.span import Span, Trace
from workbench.observe.sync.otlp.genai import request_model
from workbench.observe.sync.otlp.protobuf import Event, Value, as_json

_KINDS: Final = {
    "dialogue": "CHAIN",
    "run": "CHAIN",
    "turn": "AGENT",
    "call": "LLM",
    "wait": "CHAIN",
    "evaluation": "EVALUATOR",
}
_SPEAKERS: Final = {"hook": "TOOL", "vote": "EVALUATOR"}
_PROVIDERS: Final = {
    "azure_ai": "azure",
    "bedrock": "aws",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "mistral": "mistralai",
    "ollama_chat": "ollama",
    "together_ai": "together",
    "vertex_ai": "google",
}
"""LiteLLM's word to OpenInference's, where they differ."""


def openinference_attributes(span: Span, trace: Trace) -> dict[str, Value | None]:
    """Return a span's attributes in OpenInference's words."""
    facts: dict[str, Value | None] = {
        "openinference.span.kind": _SPEAKERS.get(span.speaker or "", _KINDS[span.kind]),
        "session.id": trace.session,
        **_shown("input", _asked(span)),
        **_shown("output", span.output),
        "metadata": as_json(dict(span.metadata)) if span.metadata else None,
        "tag.tags": list(trace.tags) if span.parent is None else None,
    }
    return facts | _of_call(span) if span.kind == "call" else facts


def openinference_word(value: float, comment: str, by: str) -> dict[str, Value | None]:
    """Return what somebody's word on a span shows; Phoenix reads no score from spans."""
    said = f"{value:g}" + (f" ({by})" if by else "") + (f": {comment}" if comment else "")
    return {"openinference.span.kind": _KINDS["evaluation"], **_shown("output", said)}


def exceptions(span: Span) -> list[Event]:
    """Return what went wrong as the event by which Phoenix counts failures by their kind."""
    if span.status not in ("failed", "interrupted"):
        return []
    facts = {"exception.type": span.error_kind or span.outcome or span.status, "exception.message": span.error or span.outcome}
    return [(span.ended_at, "exception", facts)]


def _asked(span: Span) -> str | None:
    """Return what a span was asked: of a turn the last message, because its calls show them all."""
    if not isinstance(span.input, list):
        return span.input
    return span.input[-1].get("content") if span.kind == "turn" and span.input else as_json(span.input)


def _shown(name: str, text: str | None) -> dict[str, Value | None]:
    """Return a text and what it is: Phoenix takes text whose type is not told for JSON where a response's model is known."""
    return {f"{name}.value": text, f"{name}.mime_type": _type(text) if text is not None else None}


def _type(text: str) -> str:
    if text.lstrip()[:1] in ("{", "["):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            return "application/json"
    return "text/plain"


def _of_call(span: Span) -> dict[str, Value | None]:
    facts: dict[str, Value | None] = {
        "llm.model_name": span.served or request_model(span),
        "llm.provider": _PROVIDERS.get(span.provider or "", span.provider),
        "llm.invocation_parameters": as_json(dict(span.parameters)),
        "llm.cost.total": span.cost,
    }
    for number, message in enumerate(span.input if isinstance(span.input, list) else []):
        for name in ("role", "content"):
            facts[f"llm.input_messages.{number}.message.{name}"] = message.get(name)
    if span.usage is not None:
        facts |= {
            "llm.token_count.prompt": span.usage.prompt,
            "llm.token_count.completion": span.usage.completion,
            "llm.token_count.total": span.usage.total,
            "llm.token_count.prompt_details.cache_read": span.usage.cached,
            "llm.token_count.prompt_details.cache_write": span.usage.cache_write,
            "llm.token_count.completion_details.reasoning": span.usage.reasoning,
        }
    return facts | _answer(span)


def _answer(span: Span) -> dict[str, Value | None]:
    """Return an answer as a message, behind the thinking that led to it."""
    if not span.output and not span.reasoning:
        return {}
    answer = "llm.output_messages.0.message"
    facts: dict[str, Value | None] = {f"{answer}.role": "assistant"}
    if not span.reasoning:
        return facts | {f"{answer}.content": span.output}
    for number, (kind, text) in enumerate((("reasoning", span.reasoning), ("text", span.output))):
        if text:
            part = f"{answer}.contents.{number}.message_content"
            facts |= {f"{part}.type": kind, f"{part}.text": text}
    return facts

"""What Phoenix reads besides: the attributes of OpenInference, by which it shows messages, tokens and costs."""

from __future__ import annotations

from typing import Final

from workbench.observe.span import Span, Trace
from workbench.observe.sync.otlp.protobuf import Value, as_json

_KINDS: Final = {
    "dialogue": "CHAIN",
    "run": "CHAIN",
    "turn": "AGENT",
    "call": "LLM",
    "wait": "CHAIN",
    "evaluation": "EVALUATOR",
}
_SPEAKERS: Final = {"hook": "TOOL", "vote": "EVALUATOR"}


def openinference_attributes(span: Span, trace: Trace) -> dict[str, Value | None]:
    """Return a span's attributes in OpenInference's words."""
    facts: dict[str, Value | None] = {
        "openinference.span.kind": _SPEAKERS.get(span.speaker or "", _KINDS[span.kind]),
        "session.id": trace.session,
        "input.value": as_json(span.input) if isinstance(span.input, list) else span.input,
        "input.mime_type": "application/json" if isinstance(span.input, list) else None,
        "output.value": span.output,
        "metadata": as_json(dict(span.metadata)) if span.metadata else None,
        "tag.tags": list(trace.tags) if span.parent is None else None,
    }
    if span.kind != "call":
        return facts
    given = span.input if isinstance(span.input, list) else []
    for number, message in enumerate(given):
        for name in ("role", "content"):
            facts[f"llm.input_messages.{number}.message.{name}"] = message.get(name)
    facts |= {
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": span.output,
        "llm.model_name": span.served or span.model_id or span.model,
        "llm.provider": span.provider,
        "llm.invocation_parameters": as_json(dict(span.parameters)),
        "llm.cost.total": span.cost,
    }
    if span.usage is not None:
        facts |= {
            "llm.token_count.prompt": span.usage.prompt,
            "llm.token_count.completion": span.usage.completion,
            "llm.token_count.total": span.usage.total,
            "llm.token_count.prompt_details.cache_read": span.usage.cached,
            "llm.token_count.prompt_details.cache_write": span.usage.cache_write,
            "llm.token_count.completion_details.reasoning": span.usage.reasoning,
        }
    return facts

"""Run trees: a dialogue is a run with its turns below it, each with its calls, and with sub-dialogues below their turns.

Only calls are runs of the type `llm`, with tokens and costs, so that LangSmith's sums count each once. Every run carries the
thread (`thread_id`) and what the record calls it (`workbench_dialogue`, `workbench_turn`), by which `%pull` finds it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from workbench.observe.span import Key, Span, Trace
from workbench.observe.sync.langsmith.ids import run_ids
from workbench.observe.sync.langsmith.times import Fit, dotted, iso

Body = dict[str, Any]
DIALOGUE: Final = "workbench_dialogue"
TURN: Final = "workbench_turn"
_FAILED: Final = ("failed", "cancelled", "interrupted")


@dataclass(frozen=True, slots=True)
class Place:
    """Where runs go.

    Attributes:
        session: `session_name` of a project, or `session_id` of an experiment.
        root: fields of the trace's first run that are not its span's.
        metadata: of all runs.
    """

    session: Mapping[str, str]
    root: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


def bodies(trace: Trace, whole: Trace, place: Place) -> list[Body]:
    """Return the runs of a trace, parents first.

    Args:
        trace: what is sent.
        whole: the same with all that earlier parts have, for their ids.
        place: where they go.
    """
    ids, paths = run_ids(whole.spans), paths_of(whole.spans)
    common = {"thread_id": trace.session, **place.metadata}
    return [
        _body(span, ids, paths[span.key], common, trace) | {**place.session, **(place.root if span.parent is None else {})}
        for span in trace.spans
    ]


def paths_of(spans: Iterable[Span]) -> dict[Key, list[Span]]:
    """Return the way to each span from the trace's first one, itself included."""
    found: dict[Key, list[Span]] = {}
    for span in spans:
        found[span.key] = [*(found.get(span.parent, []) if span.parent else []), span]
    return found


def rendered(body: Body, fit: Fit) -> Body:
    """Return a run as it is sent."""
    run = {name: value for name, value in body.items() if name not in ("path", "first_token")}
    start, end = body["start_time"], body["end_time"]
    run |= {"start_time": iso(fit(start)), "end_time": iso(fit(end)), "dotted_order": dotted(body["path"], fit)}
    if body.get("first_token") is not None:
        run["events"] = [{"name": "new_token", "time": iso(fit(body["first_token"]))}]
    if fit.moved:
        extra = run["extra"]
        moved = {"workbench_started_at": iso(start), "workbench_ended_at": iso(end)}
        run["extra"] = extra | {"metadata": extra["metadata"] | moved}
        run["tags"] = [*run.get("tags", []), "times moved"]
    return run


def _body(span: Span, ids: Mapping[Key, str], path: list[Span], common: Mapping[str, Any], trace: Trace) -> Body:
    llm = span.kind == "call"
    return {
        "id": ids[span.key],
        "trace_id": ids[path[0].key],
        "parent_run_id": ids[span.parent] if span.parent else None,
        "path": [[each.started_at, ids[each.key]] for each in path],
        "name": span.name,
        "run_type": "llm" if llm else "chain",
        "start_time": span.started_at,
        "end_time": span.ended_at,
        "first_token": span.first_token_at,
        "inputs": _inputs(span),
        "outputs": _outputs(span),
        "error": _error(span),
        "tags": list(trace.tags) if span.parent is None else [],
        "extra": {"metadata": {**_metadata(span), **common}} | ({"invocation_params": _invocation(span)} if llm else {}),
    }


def _inputs(span: Span) -> Body:
    if isinstance(span.input, str):
        return {"topic": span.input}
    return {"messages": span.input} if span.input else {}


def _outputs(span: Span) -> Body:
    found: Body = {}
    if span.kind == "call":
        if span.output or span.reasoning or span.status == "ok":
            message = {"role": "assistant", "content": span.output or ""}
            found["messages"] = [message | ({"reasoning": span.reasoning} if span.reasoning else {})]
        if usage := _usage(span):
            found["usage_metadata"] = usage
        return found
    if span.output is not None:
        found["output"] = span.output
    if span.data is not None:
        found["data"] = span.data
    if span.reasoning:
        found["reasoning"] = span.reasoning
    return found


def _usage(span: Span) -> Body:
    """Return tokens and costs in LangSmith's words. Unknown ones are left out: they are not zero."""
    found: Body = {}
    if usage := span.usage:
        found = {"input_tokens": usage.prompt, "output_tokens": usage.completion, "total_tokens": usage.total}
        details = {"cache_read": usage.cached, "cache_creation": usage.cache_write}
        found["input_token_details"] = {name: count for name, count in details.items() if count}
        found["output_token_details"] = {"reasoning": usage.reasoning} if usage.reasoning else {}
    if span.cost is not None:
        found["total_cost"] = span.cost
    return found


def _error(span: Span) -> str | None:
    if span.status not in _FAILED:
        return None
    return ": ".join(dict.fromkeys(word for word in (span.error_kind or span.outcome or span.status, span.error) if word))


def _metadata(span: Span) -> Body:
    facts = {
        DIALOGUE: span.dialogue,
        TURN: span.turn,
        "status": span.outcome or span.status,
        "role": span.role,
        "speaker": span.speaker,
        "purpose": span.purpose or None,
        "asked": span.asked,
        "served": span.served,
        "attempt": span.attempt,
        "fallback_reason": span.fallback_reason,
        "finish_reason": span.finish_reason,
        "queue_seconds": span.queue,
        "saved_usd": span.saved,
        "hint": span.hint,
    }
    if span.kind == "call":
        facts |= {"ls_provider": span.provider, "ls_model_name": span.served or span.model_id or span.model}
        facts |= {"ls_model_type": "chat", "model_card": span.model}
        facts |= {f"ls_{name}": span.parameters[name] for name in ("temperature", "max_tokens") if name in span.parameters}
        facts["ls_stop"] = span.parameters.get("stop")
    return {name: value for name, value in {**span.metadata, **facts}.items() if value is not None}


def _invocation(span: Span) -> Body:
    return {"model": span.model_id or span.model} | dict(span.parameters)

"""What a page is told about a dialogue, as JSON values. The front end's types in `widgets/src/protocol.ts` say the same."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any, Final

from workbench.dialogue.context import label
from workbench.dialogue.export.facts import title
from workbench.dialogue.run import RunSpec
from workbench.dialogue.transcript import Transcript, Turn, measure
from workbench.events import Call, Status

ACTIONS: Final = ("stop", "pause", "unpause", "resume")


def snapshot(
    transcript: Transcript, *, live: bool = False, number: int = 0, can: Mapping[str, bool] | None = None
) -> dict[str, Any]:
    """Return everything about a dialogue.

    Args:
        transcript: a copy that nobody changes meanwhile.
        live: whether it runs now, here or in another process.
        number: of the last update that this includes.
        can: which of `ACTIONS` would do something.
    """
    facts = dialogue_facts(transcript, live=live, can=can or {}) | plan_facts(transcript.run, transcript.skipped)
    return {"n": number, "dialogue": facts, "turns": [turn_facts(turn, live=live) for turn in transcript.turns]}


def dialogue_facts(transcript: Transcript, *, live: bool, can: Mapping[str, bool]) -> dict[str, Any]:
    """Return the facts of the whole: how it stands and what it took."""
    metrics = transcript.metrics.to_dict()
    return {
        "id": transcript.id,
        "mode": transcript.mode,
        "topic": transcript.topic,
        "status": _status(transcript.status, live=live),
        "reason": transcript.reason,
        "live": live,
        "paused": live and transcript.paused,
        "ran": metrics.pop("latency") or 0.0,
        "now": time.time() if live else transcript.last_at,
        "can": {action: bool(can.get(action)) for action in ACTIONS},
        **metrics,
    }


def plan_facts(run: Mapping[str, Any], skipped: Collection[str] = ()) -> dict[str, Any]:
    """Return the turns that a run makes, without those skipped, and who plays in them; nothing for a run not recorded yet."""
    if not run:
        return {"planned": [], "speakers": []}
    spec = RunSpec.model_validate(run)
    plan = spec.plan()
    planned = [
        {"id": t.id, "index": t.index, "role": t.role, "title": title(t), "round": t.round}
        for t in plan.turns
        if t.id not in skipped
    ]
    first = {turn.role: turn for turn in reversed(plan.turns)}
    speakers = [
        {
            "role": role,
            "title": label(first[role]).partition(", round ")[0],
            "model": spec.cast[role][0].name if role in spec.cast else "counted",
        }
        for role in dict.fromkeys(turn.role for turn in plan.turns)
    ]
    return {"planned": planned, "speakers": speakers}


def turn_facts(turn: Turn, *, live: bool) -> dict[str, Any]:
    """Return the facts of one turn, its text included."""
    metrics = measure([turn], turn.latency)
    return {
        "id": turn.id,
        "index": turn.index,
        "role": turn.role,
        "title": title(turn),
        "round": turn.round,
        "model": turn.model,
        "served": turn.served,
        "status": _status(turn.status, live=live),
        "copied_from": turn.copied_from,
        "text": turn.text,
        "reasoning": turn.reasoning,
        "error": turn.error,
        "hint": turn.hint,
        "started_at": turn.started_at,
        "latency": turn.latency,
        "tokens": metrics.tokens if turn.ended_at is not None else None,
        "cost": metrics.cost,
        "calls": [_call(call) for call in turn.calls],
    }


def _call(call: Call) -> dict[str, Any]:
    return {
        "model": call.model,
        "attempt": call.attempt,
        "outcome": str(call.outcome),
        "error": call.error,
        "fallback_reason": call.fallback_reason,
        "started_at": call.started_at,
        "queue": call.timings.queue,
        "first_token": call.timings.first_token,
        "total": call.timings.total,
        "tokens": call.usage.total if call.usage else None,
        "cost": call.cost,
    }


def _status(status: Status, *, live: bool) -> str:
    """Return a status; what counts as running without a process behind it is interrupted."""
    return "interrupted" if status is Status.RUNNING and not live else str(status)

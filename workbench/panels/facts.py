"""What a page is told about a dialogue, as JSON values. The front end's types in `widgets/src/protocol.ts` say the same."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from workbench.dialogue.casting.persons import PERSON
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.export.facts import title
from workbench.dialogue.prompts.context import label
from workbench.dialogue.rules.structured import instruction
from workbench.dialogue.transcript import Transcript, Turn, measure
from workbench.events import Call, DialogueSpawned, Status
from workbench.panels.form import fields_of
from workbench.records.summary import standing

ACTIONS: Final = ("stop", "pause", "unpause", "resume", "interject", "call_on", "skip", "fork")
Facts = dict[str, Any]


def snapshot(
    transcript: Transcript,
    *,
    live: bool = False,
    number: int = 0,
    can: Mapping[str, bool] | None = None,
    children: Sequence[Facts] = (),
) -> Facts:
    """Return everything about a dialogue.

    Args:
        transcript: a copy that nobody changes meanwhile.
        live: whether it runs now, here or in another process.
        number: of the last update that this includes.
        can: which of `ACTIONS` would do something.
        children: cards of its sub-dialogues, see `card_facts`.
    """
    facts = dialogue_facts(transcript, live=live, can=can or {}, children=children)
    facts |= plan_facts(transcript.run, transcript.skipped)
    turns = [turn_facts(turn, live=live) for turn in transcript.turns]
    return {"n": number, "dialogue": facts, "turns": turns}


def dialogue_facts(transcript: Transcript, *, live: bool, can: Mapping[str, bool], children: Sequence[Facts] = ()) -> Facts:
    """Return the facts of the whole: how it stands and what it took."""
    metrics = transcript.metrics.to_dict()
    return {
        "id": transcript.id,
        "mode": transcript.mode,
        "topic": transcript.topic,
        "status": standing(transcript.status, live=live),
        "reason": transcript.reason,
        "live": live,
        "paused": live and transcript.paused,
        "waits": live and any(turn.waits for turn in transcript),
        "ran": metrics.pop("latency") or 0.0,
        "now": time.time() if live else transcript.last_at,
        "can": {action: bool(can.get(action)) for action in ACTIONS},
        "children": list(children),
        **metrics,
    }


def card_facts(
    spawned: DialogueSpawned, transcript: Transcript | None, *, live: bool, waits: bool, planned: int, known: str | None = None
) -> Facts:
    """Return what the card of a sub-dialogue shows.

    Args:
        spawned: by whom and about what.
        transcript: of the sub-dialogue; None where it has not begun, or is not in this record.
        live: whether it runs now, or is about to begin.
        waits: whether it, or one below it, waits for a person.
        planned: how many turns it may have.
        known: how it ended, where only its parent knows that.
    """
    speaking = [turn for turn in transcript or () if turn.status is Status.RUNNING and not turn.waits] if live else []
    metrics = transcript.metrics if transcript else None
    status = known or standing(transcript.status if transcript else Status.RUNNING, live=live)
    return {
        "id": spawned.child,
        "turn": spawned.turn,
        "mode": spawned.mode,
        "topic": spawned.topic,
        "status": status,
        "live": live,
        "paused": live and transcript is not None and transcript.paused,
        "waits": waits,
        "turns": metrics.turns if metrics else 0,
        "planned": planned,
        "cost": metrics.cost if metrics else None,
        "speaker": title(speaking[-1]) if speaking else None,
    }


def schema_of(run: Mapping[str, Any], turn: str) -> Mapping[str, Any] | None:
    """Return the schema of the answer that a turn of a run asks for, if it asks for data."""
    planned = RunSpec.model_validate(run).plan().by_id.get(turn) if run else None
    return planned.output_schema if planned else None


def plan_facts(run: Mapping[str, Any], skipped: Collection[str] = ()) -> Facts:
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
    # Who only adds to it, or opens sub-dialogues, has no column.
    speaking = [turn for turn in plan.turns if turn.spawn is None and (turn.role in spec.cast or not turn.added)]
    first = {turn.role: turn for turn in reversed(speaking)}
    speakers = [
        {
            "role": role,
            "title": label(first[role]).partition(", round ")[0],
            "model": _plays(spec, role),
            "speaks": role in spec.cast,
        }
        for role in dict.fromkeys(turn.role for turn in speaking)
    ]
    return {"planned": planned, "speakers": speakers}


def _plays(spec: RunSpec, role: str) -> str:
    if role in spec.routes:
        return f"routed: {spec.routes[role].policy}"
    return spec.cast[role][0].name if role in spec.cast else "counted"


def turn_facts(turn: Turn, *, live: bool, schema: Mapping[str, Any] | None = None) -> Facts:
    """Return the facts of one turn, its text included; `schema` of its answer matters while a person is to give it."""
    waits = turn.waits if live else None
    metrics = measure([turn], turn.latency)
    return {
        "id": turn.id,
        "index": turn.index,
        "role": turn.role,
        "title": title(turn),
        "round": turn.round,
        "model": turn.model,
        "served": turn.served,
        "status": standing(turn.status, live=live),
        "routed": {"policy": turn.choice["policy"], "reason": turn.choice["reason"]} if turn.choice else None,
        "copied_from": turn.copied_from,
        "waits": waits,
        "edited": turn.edited,
        "person": turn.model == PERSON.name,
        "asked": _asked(turn, schema) if waits == "answer" else None,
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


def _asked(turn: Turn, schema: Mapping[str, Any] | None) -> Facts:
    """Return what a person is asked. Of a prompt that asks for data, what it says about JSON is left to the fields."""
    prompt = turn.messages[-1]["content"] if turn.messages else ""
    return {"prompt": prompt.removesuffix(instruction(schema)) if schema else prompt, "fields": schema and fields_of(schema)}


def _call(call: Call) -> Facts:
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

"""A mode as a LangGraph `StateGraph`: one node for each planned turn, and an edge wherever one waits for another.

A node does what the engine does with a turn, by the same functions: its gates decide whether it is skipped, `Taking` builds the
prompt, asks, checks, counts or opens sub-dialogues. The graph only says when. So the same answers give the same transcript;
what the engine has beside it (the record, resuming, budgets, people who are waited for) is not in the graph. The calls run on
the engine's loop, whoever runs the graph.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Final, TypedDict

from langchain_core.runnables import RunnableLambda
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph

from workbench.dialogue.casting.persons import is_person
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.planning.gates import SKIPPED_BEFORE, shut
from workbench.dialogue.planning.plan import Plan, PlannedTurn
from workbench.dialogue.rules.mode import LimitsSpec
from workbench.dialogue.running.engine import Engine
from workbench.dialogue.running.floor import Floor, Relayed
from workbench.dialogue.running.progress import Progress
from workbench.dialogue.running.taking import Taking
from workbench.errors import ErrorKind, ModeError, ModelError
from workbench.events import Event, TurnCancelled, TurnCompleted, TurnFailed, TurnSkipped, event_to_dict
from workbench.loop import drain, iterate
from workbench.models import Client

_FINAL: Final = (TurnCompleted, TurnFailed, TurnCancelled, TurnSkipped)


def _merged(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    return before | now


class State(TypedDict, total=False):
    """What the graph remembers. `topic` is all that it is given.

    `said` is turn id to text, `data` to the structured answer of those that have one, and `skipped` to the condition that
    decided it. `converged` says why the dialogue was settled before its end. `summaries` are those that were asked for.
    """

    topic: str
    said: Annotated[dict[str, str], _merged]
    data: Annotated[dict[str, Any], _merged]
    skipped: Annotated[dict[str, str], _merged]
    converged: Annotated[str, lambda before, now: before or now]
    summaries: Annotated[dict[str, str], _merged]


def graph_of(spec: RunSpec, client: Client) -> StateGraph[State]:
    """Return the graph of a run, not compiled yet: `graph_of(…).compile(checkpointer=…)`.

    Args:
        spec: what is run; its topic comes with the state.
        client: makes the calls.

    Raises:
        ModeError: the run has ceilings, or waits for a person.
    """
    plan = spec.plan()
    _check(spec, plan)
    turns = _Turns(spec, client)
    graph = StateGraph(State)
    last = _last(plan)
    for turn in plan.turns:
        graph.add_node(_node(turn.id), turns.node(turn))
        graph.add_edge([_node(before) for before in sorted(last[turn.id])] or START, _node(turn.id))
    for ending in plan.by_id.keys() - set().union(*last.values()):
        graph.add_edge(_node(ending), END)
    return graph


class _Turns:
    """Takes the turns of a graph.

    Args:
        spec: what is run.
        client: makes the calls.
    """

    def __init__(self, spec: RunSpec, client: Client) -> None:
        self._spec, self._client = spec, client

    def node(self, turn: PlannedTurn) -> RunnableLambda[State, State]:
        """Return what takes a turn, synchronously or awaited; it streams the turn's events (mode `custom`)."""

        def take(state: State) -> State:
            write = get_stream_writer()
            floor, last = self._floor(state), None
            for event in drain(self._events(turn, floor)):
                write(event_to_dict(event))
                last = event
            return _outcome(turn, floor, last)

        async def take_async(state: State) -> State:
            write = get_stream_writer()
            floor, last = self._floor(state), None
            async with aclosing(iterate(self._events(turn, floor))) as events:  # type: ignore[type-var]
                async for event in events:
                    write(event_to_dict(event))
                    last = event
            return _outcome(turn, floor, last)

        return RunnableLambda(take, afunc=take_async, name=turn.id)

    def _floor(self, state: State) -> Floor:
        """Return the state as the engine knows it."""
        spec = self._spec.model_copy(update={"topic": state["topic"]})
        floor = Floor(spec.mode.name, spec, self._client, None, None, None)
        for turn, text in state.get("said", {}).items():
            floor.settle(floor.event(TurnCompleted, turn=turn, text=text, data=state.get("data", {}).get(turn)))
        floor.results |= dict.fromkeys(state.get("skipped", {}))
        floor.summaries = dict(state.get("summaries", {}))
        return floor

    async def _events(self, turn: PlannedTurn, floor: Floor) -> AsyncIterator[Event]:
        """Yield the events of a turn, to its last one."""
        if (skipped := await _skipped(turn, floor)) is not None:
            yield skipped
            return
        taking = asyncio.create_task(Taking(floor, self._child).take(turn))
        try:
            last: Event | None = None
            while not isinstance(last, _FINAL):
                told = await floor.events.get()
                if isinstance(told, Relayed):
                    told.taken.set_result(None)
                    yield told.event
                elif told is not None:
                    yield told
                    last = told
        finally:
            floor.desert()
            taking.cancel()
            await asyncio.wait([taking])

    def _child(self, dialogue: str, spec: RunSpec, progress: Progress | None) -> Engine:
        return Engine(dialogue, spec, self._client, progress=progress)


async def _skipped(turn: PlannedTurn, floor: Floor) -> TurnSkipped | None:
    if turn.spawn is not None and turn.role not in floor.spec.spawns:
        return floor.event(TurnSkipped, turn=turn.id, reason="max_depth: sub-dialogues go no deeper")
    for gate in turn.gates:
        why = await asyncio.to_thread(shut, gate, floor.results, floor.plan.parameters)
        if why is not None:
            converged = gate.kind == "converge" and why != SKIPPED_BEFORE
            return floor.event(TurnSkipped, turn=turn.id, reason=why, converged=converged)
    return None


def _outcome(turn: PlannedTurn, floor: Floor, last: Event | None) -> State:
    """Return what a turn changes.

    Raises:
        ModelError: it failed.
    """
    if isinstance(last, TurnCompleted):
        data = {} if last.data is None else {turn.id: last.data}
        return State(said={turn.id: last.text}, data=data, summaries=floor.summaries)
    if isinstance(last, TurnSkipped):
        return State(skipped={turn.id: last.reason}, converged=last.reason if last.converged else "")
    assert isinstance(last, TurnFailed)  # without ceilings nobody else stops a turn
    model = next((card.name for card in floor.spec.cast.get(turn.role, ())), turn.role)
    said = last.error.removeprefix(f"{model}: ").removeprefix(f"{turn.id}: ")
    raise ModelError(ErrorKind(last.kind), f"{turn.id}: {said}", model=model, hint=last.hint)


def _check(spec: RunSpec, plan: Plan) -> None:
    limits = {name for name in LimitsSpec.model_fields if getattr(spec.limits, name) is not None} - {"max_depth", "downgrade"}
    if limits:
        raise ModeError(
            f"mode {plan.mode.name}: a LangGraph graph keeps no ceilings: {', '.join(sorted(limits))}",
            hint="Leave them out, or run the mode with an Orchestrator.",
        )
    if spec.routes:
        raise ModeError(
            f"mode {plan.mode.name}: a LangGraph graph does not choose models: {', '.join(sorted(spec.routes))}",
            hint="Name a model for each role, or run the mode with an Orchestrator.",
        )
    for turn in plan.spoken:
        if spec.approves(turn) or is_person(spec.cast[turn.role][0]):
            raise ModeError(
                f"mode {plan.mode.name}: {turn.id} waits for a person, which a LangGraph graph of ours does not",
                hint="Give the role a model and approve nothing, or run the mode with an Orchestrator.",
            )


def _last(plan: Plan) -> dict[str, set[str]]:
    """Return for each turn those that it waits for, without those that these wait for themselves."""
    before: dict[str, set[str]] = {}
    last: dict[str, set[str]] = {}
    for turn in plan.turns:
        earlier = set().union(*(before[name] for name in turn.depends_on))
        before[turn.id] = earlier.union(turn.depends_on)
        last[turn.id] = set(turn.depends_on) - earlier
    return last


def _node(turn: str) -> str:
    """Return the name of a turn's node; LangGraph reserves those of the state."""
    return f"turn {turn}" if turn in State.__annotations__ else turn

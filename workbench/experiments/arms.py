"""What an arm does with a case: a dialogue of one turn, a dialogue in a mode, or a call of a Python function.

A model by itself is a dialogue of one turn, so that calls, costs and budgets are kept by one mechanism. It costs about three
milliseconds of processor time. The id of a dialogue follows from the run, the case, the arm, the repeat and the attempt: after
a crash it is found again, and what was paid for is not asked twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

from workbench.dialogue.agreement.votes import written
from workbench.dialogue.baselines.answers import answer_of
from workbench.dialogue.baselines.spend import spend_of
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.fallbacks import fallbacks_of
from workbench.dialogue.money.budget import Amount, Budget
from workbench.dialogue.orchestrator import Orchestrator
from workbench.dialogue.rules.template import fill
from workbench.errors import ModelError, redact
from workbench.events import Status
from workbench.experiments.definition import ArmSpec, Definition
from workbench.experiments.functions import Functions
from workbench.experiments.lanes import CONGESTED
from workbench.models import ModelCard
from workbench.models.completion import Completion
from workbench.records.experiments import RUN_LENGTH

Case = Mapping[str, Any]
FUNCTIONS: Final = "functions"
"""Lane of arms that are Python functions."""
_SOMETHING: Final = Amount(cost=1e-9, tokens=1, calls=1)
"""The least that an observation takes."""
FUNCTIONS_AT_ONCE: Final = 8
"""Calls of functions at once, where the experiment does not say."""


@dataclass(slots=True)
class Unit:
    """One observation to be made.

    Attributes:
        run: id.
        number: of the case, from 0.
        case_id: of the case.
        case: its columns.
        arm: name.
        repeat: from 0.
        attempt: from 1.
        seed: for whoever draws.
        there: whether the record has its dialogue already.
    """

    run: str
    number: int
    case_id: str
    case: Case
    arm: str
    repeat: int
    attempt: int
    seed: int
    there: bool = False

    @property
    def dialogue(self) -> str:
        """Id of its dialogue."""
        return dialogue_id(self.run, self.number, self.arm, self.repeat, self.attempt)


def dialogue_id(run: str, *what: object) -> str:
    """Return the id of a dialogue of a run; it begins with the run's."""
    return run + hashlib.sha256(json.dumps(what).encode()).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an arm did.

    Attributes:
        ok: whether it gave an output.
        output: as text.
        error: why it did not.
        fallback: whether another model answered than the one asked for.
        dialogue: id; None where none was held.
        started_at: Unix seconds.
        latency: seconds from the first call to the end of the last one; waiting for a seat of ours is not part of it.
        cost: USD; None is unknown.
        tokens: prompt and completion.
        congested: whether a provider complained.
        stopped: why the run cannot go on; such an outcome is no observation.
    """

    ok: bool
    started_at: float
    output: str | None = None
    error: str | None = None
    fallback: bool = False
    dialogue: str | None = None
    latency: float | None = None
    cost: float | None = None
    tokens: int | None = None
    congested: bool = False
    stopped: bool = False


class Arm(Protocol):
    """What is asked."""

    lane: str
    """The provider whose seats it takes."""
    cards: tuple[ModelCard, ...]
    """The models that it asks first; each says how many may ask it at once."""

    async def take(self, unit: Unit, budget: Budget) -> Outcome:
        """Do it once. Cancelling it stops its calls."""
        ...


@dataclass(slots=True)
class DialogueArm:
    """A dialogue about a case.

    Args:
        orchestrator: runs it.
        run: settled but for the topic.
        template: of the topic.
    """

    orchestrator: Orchestrator
    run: RunSpec
    template: str
    lane: str = field(init=False)
    cards: tuple[ModelCard, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Find out whom it asks first."""
        self.cards = tuple(card for chain in self.run.cast.values() for card in chain[:1])
        self.lane = "+".join(sorted({card.provider for card in self.cards}))

    async def take(self, unit: Unit, budget: Budget) -> Outcome:
        """Hold the dialogue, or go on with it, and return what came of it."""
        topic = filled(self.template, unit.case)
        dialogue = await held(self.orchestrator, self.run.model_copy(update={"topic": topic, "seed": unit.seed}), unit, budget)
        return await outcome_of(dialogue, self.orchestrator)


@dataclass(slots=True)
class FunctionArm:
    """A Python function of the case, and of the seed where it takes one; plain ones run on threads.

    Args:
        function: returns the output: text or what JSON can hold, a `Completion`, or a `Dialogue`.
        orchestrator: whose dialogues it may return.
        at_once: calls at once.
        timeout: seconds; None for no end.
    """

    function: Callable[..., Any]
    orchestrator: Orchestrator
    at_once: int
    timeout: float | None = None
    lane: str = FUNCTIONS
    cards: tuple[ModelCard, ...] = ()
    _threads: ThreadPoolExecutor = field(init=False)
    _seeded: bool = field(init=False)

    def __post_init__(self) -> None:
        """Make room for plain functions."""
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="workbench-arm")
        self._seeded = "seed" in inspect.signature(self.function).parameters

    async def take(self, unit: Unit, budget: Budget) -> Outcome:
        """Call the function, and return what came of it. What it spends is known only afterwards.

        Raises:
            BudgetExceededError: nothing is left.
        """
        budget.passed(_SOMETHING)
        began, clock = time.time(), time.perf_counter()
        options = {"seed": unit.seed} if self._seeded else {}
        try:
            async with asyncio.timeout(self.timeout):
                found = await called(self.function, dict(unit.case), threads=self._threads, **options)
        except TimeoutError:
            return Outcome(ok=False, started_at=began, error=f"nothing came for {self.timeout:g} s", congested=True)
        except Exception as error:  # noqa: BLE001 - whatever a function raises is what its observation is
            congested = isinstance(error, ModelError) and error.kind in CONGESTED
            return Outcome(ok=False, started_at=began, error=redact(f"{type(error).__name__}: {error}"), congested=congested)
        seconds = time.perf_counter() - clock
        if isinstance(found, Dialogue):
            return await outcome_of(await found, self.orchestrator)
        if isinstance(found, Completion):
            fell, tokens = found.fallback_reason is not None, found.usage.total if found.usage else None
            budget.spent += Amount(found.cost or 0.0, tokens or 0, found.attempts)
            return Outcome(
                ok=True, started_at=began, output=found.text, fallback=fell, latency=seconds, cost=found.cost, tokens=tokens
            )
        return Outcome(ok=True, started_at=began, output=as_text(found), latency=seconds)


async def called(function: Callable[..., Any], *given: Any, threads: ThreadPoolExecutor | None = None, **options: Any) -> Any:
    """Call a function, sync on a thread or async here, and return what it gives."""
    if inspect.iscoroutinefunction(function):
        return await function(*given, **options)
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(threads, lambda: function(*given, **options))
    return await found if isinstance(found, Awaitable) and not isinstance(found, Dialogue) else found


async def held(orchestrator: Orchestrator, run: RunSpec, unit: Unit, budget: Budget) -> Dialogue:
    """Hold a dialogue to its end: as the record has it, resumed, or begun now."""
    return await held_as(orchestrator, run, unit.dialogue, budget, there=unit.there)


async def held_as(orchestrator: Orchestrator, run: RunSpec, dialogue: str, budget: Budget, *, there: bool) -> Dialogue:
    """Hold a dialogue under an id to its end; `there` says that the record has it already."""
    if there:
        found = await asyncio.to_thread(orchestrator.load, dialogue)
        if found.status.succeeded:
            return found
        return await (await asyncio.to_thread(orchestrator.restart, dialogue, within=budget))
    begin = partial(orchestrator.begin, run, dialogue=dialogue, within=budget, part_of=dialogue[:RUN_LENGTH])
    return await (await asyncio.to_thread(begin) if run.routes else begin())  # what a policy has learned lies in the record


async def outcome_of(dialogue: Dialogue, orchestrator: Orchestrator) -> Outcome:
    """Return what came of a dialogue that has ended."""
    transcript = dialogue.snapshot()
    calls = [call for turn in transcript for call in turn.calls]
    spend = spend_of(dialogue, orchestrator.load) if not transcript.children else await asyncio.to_thread(
        spend_of, dialogue, orchestrator.load
    )  # fmt: skip
    began = min((call.started_at for call in calls), default=time.time())
    seconds = max((call.started_at - began + call.timings.total for call in calls), default=None)
    ok = dialogue.status.succeeded
    return Outcome(
        ok=ok,
        started_at=began,
        output=(answer_of(dialogue) or dialogue.text) if ok else None,
        error=None if ok else dialogue.reason or str(dialogue.status),
        fallback=any(each.served for each in fallbacks_of(transcript)),
        dialogue=dialogue.id,
        latency=seconds,
        cost=spend.cost,
        tokens=spend.tokens if calls else None,
        congested=complained(dialogue),
        stopped=dialogue.status is Status.CANCELLED,
    )


def complained(dialogue: Dialogue) -> bool:
    """Whether a provider said in a dialogue that too much was asked of it."""
    return any(call.outcome in CONGESTED for turn in dialogue.snapshot() for call in turn.calls)


def filled(template: str, case: Case) -> str:
    """Return a template with columns of a case in the place of their names; every other brace stays.

    >>> filled("{question} {0} {no}", {"question": "{no}?"})
    '{no}? {0} {no}'
    """
    return fill(template, case.keys(), lambda name: as_text(case[name]) or "")


def as_text(value: Any) -> str | None:
    """Return a value as text: text as it is, else as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return written(value)
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)


def arms_of(definition: Definition, orchestrator: Orchestrator, functions: Functions) -> dict[str, Arm]:
    """Return the arms of a definition, with everything about them settled and nothing called.

    Raises:
        WorkbenchError: a mode, a model or a function is wrong, or a price that a ceiling needs is not known.
    """
    found: dict[str, Arm] = {}
    for name, spec in definition.arms.items():
        if spec.call is None:
            found[name] = _dialogue_arm(orchestrator, spec, definition)
        else:
            at_once, timeout = definition.concurrency or FUNCTIONS_AT_ONCE, definition.limits.observation.timeout
            found[name] = FunctionArm(functions.arm(name, spec.call), orchestrator, at_once, timeout)
    return found


def _dialogue_arm(orchestrator: Orchestrator, spec: ArmSpec, definition: Definition) -> DialogueArm:
    if spec.model is not None:
        role = {"system": spec.system, "sampling": spec.sampling.model_dump(exclude_defaults=True)}
        turn = {"id": "answer", "role": "model", "template": "{topic}"}
        mode: Any = {"name": "direct", "roles": {"model": role}, "turns": [turn]}
        options: dict[str, Any] = {"participants": {"model": spec.model}}
    else:
        mode, drawn = spec.mode, spec.sampling.model_dump(exclude_defaults=True)
        options = {"participants": spec.participants, "models": spec.models, "judge": spec.judge, "parameters": spec.parameters}
        options |= {"sampling": {"all": drawn}} if drawn else {}
    ceilings, most = definition.limits.observation.model_dump(exclude_defaults=True), definition.limits.max_cost
    if most is not None:
        ceilings["max_cost"] = min(most, ceilings.get("max_cost", most))
    run, _ = orchestrator.prepare(
        mode,
        "settled for each case",
        limits=ceilings,
        candidates=spec.candidates,
        api_base=spec.api_base,
        fallbacks=definition.fallbacks,
        stream=False,
        **options,
    )
    return DialogueArm(orchestrator, run, spec.template)

"""Runs a comparison: on each case the debate, then the baselines at its spend, then the referee, where one is needed.

The case's chain of thought runs before the other baselines, and tells how long answers are and how far estimates are off; for
the consultancy the debate does. The first case runs alone: what its baselines took beside what was expected of them corrects
the sizes for the other cases, which then run several at once. All that was decided follows from the record, so a comparison
that goes on after a stop takes the same decisions again, and asks only what has no answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Final, NamedTuple

from workbench.dialogue.baselines.answers import answer_of, came_to_an_end
from workbench.dialogue.baselines.approaches import PILOT, size_of
from workbench.dialogue.baselines.referee import ORDERS, Winner, referee_run, winner_of
from workbench.dialogue.baselines.setup import DEBATE, Part, Setup, begin
from workbench.dialogue.baselines.sizing import Lengths, forecast, sized
from workbench.dialogue.baselines.spend import Spend, Unit, spend_of, unit_of
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.orchestrator import Orchestrator
from workbench.events import Status

Limits = Mapping[str, float | int | None]
_ARGUES: Final = "consultancy"
"""The baseline whose turns are as long as the debate's."""


@dataclass(frozen=True, slots=True)
class Run:
    """One approach to one case.

    Attributes:
        case: its number, from 0.
        approach: `debate`, or the name of a baseline.
        dialogue: its id.
        status: how it ended.
        reason: why, where it did not complete.
        answer: as text; None if it gave none.
        counts: whether it says something about the approach; a run that was cancelled, or that a provider failed, does not.
        spend: what it took.
        size: samples or rounds; None where it has none.
    """

    case: int
    approach: str
    dialogue: str
    status: str
    reason: str | None
    answer: str | None
    counts: bool
    spend: Spend
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The referee's comparison of two answers to a case.

    `winner` is None where the referee gave no answer; `dialogues` has both orders, and is empty where nobody was asked,
    because the answers were the same or a side had none.
    """

    case: int
    approach: str
    number: int
    winner: Winner | None
    dialogues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What happens in a comparison: a dialogue begins (`status` is `running`) or has ended.

    `done` of `total` counts approaches and judgements; `comparison` is what a resume asks for.
    """

    comparison: str
    part: Part
    dialogue: str
    status: str
    done: int
    total: int

    def __str__(self) -> str:
        judged = f", judgement {self.part.judgement} ({self.part.order})" if self.part.judgement else ""
        what = f"case {self.part.case + 1}, {self.part.approach}{judged}"
        return f"{self.done} of {self.total}: {what}: {self.status.replace('_', ' ')} ({self.dialogue})"


class Scale(NamedTuple):
    """What one run tells of others: how long answers are, and what is taken for every 1 that is expected."""

    lengths: Lengths
    factor: float


@dataclass(slots=True)
class Runner:
    """Runs one comparison.

    Args:
        orchestrator: runs the dialogues.
        setup: what is compared.
        debate: the run of the first debate; those of other cases differ in the topic alone.
        root: id of the first debate, and of the comparison; empty until it is in the record.
        known: dialogues that are in the record already.
        notify: is told what happens, on the loop that runs the comparison.
    """

    orchestrator: Orchestrator
    setup: Setup
    debate: RunSpec
    root: str = ""
    known: dict[Part, str] = field(default_factory=dict)
    notify: Callable[[Step], None] = lambda _step: None
    runs: list[Run] = field(default_factory=list, init=False)
    judgements: list[Judgement] = field(default_factory=list, init=False)
    _own: dict[str, float] = field(default_factory=dict, init=False)
    _done: int = field(default=0, init=False)

    async def run(self) -> None:
        """Bring all of it to its end.

        Raises:
            WorkbenchError: something could not be begun or kept; what is complete stays, and can be resumed.
        """
        await self._case(0)
        seats = asyncio.Semaphore(self.setup.at_once)

        async def one(case: int) -> None:
            async with seats:
                await self._case(case)

        await _all(one(case) for case in range(1, len(self.setup.cases)))
        places = {name: number for number, name in enumerate(dict.fromkeys((DEBATE, *self.setup.baselines, PILOT)))}
        self.runs.sort(key=lambda run: (run.case, places[run.approach]))
        self.judgements.sort(key=lambda found: (found.case, places[found.approach], found.number))

    @property
    def unit(self) -> Unit:
        """In which spends are equal."""
        return unit_of(card for chain in self.debate.cast.values() for card in chain)

    async def _case(self, case: int) -> None:
        topic = self.setup.cases[case].topic
        debate = await self._run(Part(case, DEBATE), self.debate.model_copy(update={"topic": topic}))
        if not debate.counts:
            return
        await self._baseline(Part(case, PILOT), debate, Scale(Lengths(), 1.0))
        alone, argued = [await asyncio.to_thread(self._scale, Part(case, name)) for name in (PILOT, DEBATE)]
        scales = {name: argued if name == _ARGUES else alone for name in self.setup.baselines if name != PILOT}
        await _all(self._baseline(Part(case, name), debate, scale) for name, scale in scales.items())

    def _scale(self, part: Part) -> Scale:
        """Return what a run tells of its case: how long answers are, and how far the estimate is off."""
        dialogue = self.orchestrator.load(self.known[part])
        transcript = dialogue.snapshot()
        run = RunSpec.model_validate(transcript.run)
        planned = run.plan().by_id
        spoken = [(turn, call.usage.completion) for turn in transcript for call in turn.calls if call.usage]
        words = [tokens for turn, tokens in spoken if planned[turn.id].output_schema is None]
        data = [tokens for turn, tokens in spoken if planned[turn.id].output_schema is not None]
        lengths = Lengths(_mean(words), _mean(data))
        expected, _ = forecast(run, self.unit, lengths)
        taken = spend_of(dialogue, self.orchestrator.load).amount(self.unit)
        return Scale(lengths, taken / expected if expected and taken else 1.0)

    async def _baseline(self, part: Part, debate: Run, scale: Scale) -> None:
        topic, target = self.setup.cases[part.case].topic, debate.spend.amount(self.unit)
        factor = scale.factor * self._own.get(part.approach, 1.0)
        fit = await asyncio.to_thread(sized, self.debate, part.approach, topic, target, self.unit, scale.lengths, factor)
        run = await self._run(part, fit.run, fit.wider)
        if part.case == 0 and run.status == Status.COMPLETED and part.approach != PILOT and fit.expected:
            self._own[part.approach] = run.spend.amount(self.unit) / (fit.expected * scale.factor) or 1.0
        if not self.setup.keyed and run.counts and part.approach in self.setup.baselines:
            await self._judge(part.case, part.approach, debate, run)

    async def _run(self, part: Part, spec: RunSpec, wider: Limits | None = None) -> Run:
        dialogue = await self._ended(part, spec)
        if wider is not None and await asyncio.to_thread(_stopped_short, dialogue, wider):
            dialogue = await self.orchestrator.resume_async(dialogue.id, limits=wider)
        self._done += 1
        self._tell(part, dialogue)
        run = Run(
            case=part.case,
            approach=part.approach,
            dialogue=dialogue.id,
            status=dialogue.status.value,
            reason=dialogue.reason,
            answer=await asyncio.to_thread(answer_of, dialogue),
            counts=came_to_an_end(dialogue),
            spend=await asyncio.to_thread(spend_of, dialogue, self.orchestrator.load),
            size=size_of(dialogue, part.approach),
        )
        self.runs.append(run)
        return run

    async def _judge(self, case: int, name: str, debate: Run, baseline: Run) -> None:
        """Compare two answers; where there are not two different ones, that settles it."""
        if debate.answer is None or baseline.answer is None or debate.answer.strip() == baseline.answer.strip():
            winner: Winner = "tie"
            if (debate.answer is None) != (baseline.answer is None):
                winner = "baseline" if debate.answer is None else "debate"
            for number in range(1, self.setup.judgements + 1):
                self._done += 1
                self.judgements.append(Judgement(case, name, number, winner))
            return
        answers = debate.answer, baseline.answer
        await _all(self._judgement(case, name, answers, number) for number in range(1, self.setup.judgements + 1))

    async def _judgement(self, case: int, name: str, answers: tuple[str, str], number: int) -> None:
        topic, both = self.setup.cases[case].topic, []
        for order in ORDERS:
            part = Part(case, name, number, order)
            dialogue = await self._ended(part, referee_run(self.setup, self.debate, topic, answers, order, number))
            self._done += order == ORDERS[-1]
            self._tell(part, dialogue)
            both.append(dialogue)
        winner = winner_of((both[0], both[1])) if all(dialogue.status.succeeded for dialogue in both) else None
        self.judgements.append(Judgement(case, name, number, winner, tuple(dialogue.id for dialogue in both)))

    async def _ended(self, part: Part, spec: RunSpec) -> Dialogue:
        """Return the dialogue of a part at its end: as the record has it, resumed, or begun now."""
        known = self.known.get(part)
        if known is not None:
            dialogue = await self._load(known)
            if came_to_an_end(dialogue):
                return dialogue
        else:
            setup = None if self.root else self.setup
            known = await begin(self.orchestrator, spec, part, self.root or None, setup)
            self.root, self.known[part] = self.root or known, known
        self.notify(Step(self.root, part, known, "running", self._done, self._total))
        return await self.orchestrator.resume_async(known)

    def _tell(self, part: Part, dialogue: Dialogue) -> None:
        self.notify(Step(self.root, part, dialogue.id, dialogue.status.value, self._done, self._total))

    @property
    def _total(self) -> int:
        each = 1 if self.setup.keyed else 1 + self.setup.judgements
        return len(self.setup.cases) * (1 + len(self.setup.baselines) * each + (PILOT not in self.setup.baselines))

    async def _load(self, dialogue: str) -> Dialogue:
        return await asyncio.to_thread(self.orchestrator.load, dialogue)


def _stopped_short(dialogue: Dialogue, wider: Limits) -> bool:
    """Whether a ceiling left a dialogue without an answer, and it has not been widened yet."""
    limits = dialogue.snapshot().run.get("limits", {})
    narrow = all((limits.get(name) or 0) < ceiling for name, ceiling in wider.items() if ceiling is not None)
    return dialogue.status is Status.COST_LIMITED and narrow and answer_of(dialogue) is None


async def _all(tasks: Iterable[Any]) -> None:
    """Run all at once; the first that fails stops the others, and what it raised is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _mean(tokens: Sequence[int]) -> int | None:
    return round(fmean(tokens)) if tokens else None

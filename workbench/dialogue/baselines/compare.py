"""The way in: run a comparison, go on with one that stopped, or read one again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from workbench.dialogue.baselines.approaches import BASELINES, contestant, with_answer
from workbench.dialogue.baselines.cases import as_cases
from workbench.dialogue.baselines.comparison import Comparison
from workbench.dialogue.baselines.intervals import scipy_stats
from workbench.dialogue.baselines.referee import REFEREE_MODE, choose_referee, doubts
from workbench.dialogue.baselines.runner import Runner, Step
from workbench.dialogue.baselines.setup import Setup, found
from workbench.dialogue.casting.cast import Speaker, Wishes, cast_roles, check_ready
from workbench.dialogue.casting.persons import is_person
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.orchestrator import ModeLike, Orchestrator
from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.rules.loader import ModeLoader
from workbench.errors import WorkbenchError
from workbench.loop import run
from workbench.models import ModelCard


def compare(orchestrator: Orchestrator, mode: ModeLike, cases: object, **options: Any) -> Comparison:
    """Run a debate and the baselines at its spend, and return what the debate added. Options and errors as for `compare_async`.

    An interrupt stops the calls, keeps what is complete, and is raised again; `resume` goes on.

    >>> compare(Orchestrator(), "debate", [("Is 91 a prime number?", "no")], models=["local"]).verdict  # doctest: +SKIP
    """
    return run(compare_async(orchestrator, mode, cases, **options))


async def compare_async(
    orchestrator: Orchestrator,
    mode: ModeLike,
    cases: object,
    *,
    baselines: Sequence[str] = tuple(BASELINES),
    referee: Speaker | None = None,
    judgements: int = 1,
    margin: float = 0.05,
    confidence: float = 0.95,
    at_once: int = 4,
    notify: Callable[[Step], None] | None = None,
    **options: Any,
) -> Comparison:
    """Run a debate and the baselines at its spend without blocking the caller's loop, and return what the debate added.

    Args:
        orchestrator: runs the dialogues and keeps them.
        mode: of the debate, any.
        cases: a topic, a `Case`, a pair of topic and expected answer, or a list of them.
        baselines: names, of `BASELINES`.
        referee: the model that compares answers where none are expected; by default the best outside the debate's families.
        judgements: how often it compares two answers.
        margin: the smallest difference that matters, as a share: 0.05 is five points.
        confidence: of intervals.
        at_once: cases that run at the same time.
        notify: is told what happens, on the engine's loop or the caller's.
        options: of `Orchestrator.prepare`, for the debate: models, participants, parameters, limits, seed and so on.

    Raises:
        WorkbenchError: before anything is called: a case, a baseline or a model is wrong, or SciPy is missing; later, that
            the record cannot keep up. What is complete stays, and `resume` goes on.
    """
    setup, debate = await asyncio.to_thread(
        _prepare, orchestrator, mode, cases, baselines, referee, judgements, margin, confidence, at_once, options
    )
    return await _finished(Runner(orchestrator, setup, debate, notify=notify or _silent))


def resume(orchestrator: Orchestrator, comparison: str, **options: Any) -> Comparison:
    """Go on with a comparison that stopped, or read one that is complete. Arguments and errors as for `resume_async`."""
    return run(resume_async(orchestrator, comparison, **options))


async def resume_async(
    orchestrator: Orchestrator, comparison: str, *, notify: Callable[[Step], None] | None = None
) -> Comparison:
    """Go on with a comparison that stopped: what has come to an end is not asked again. One that is complete is only read.

    Args:
        orchestrator: whose record has it.
        comparison: its id, that of its first debate; the beginning of it will do.
        notify: as for `compare_async`.

    Raises:
        RecordError: there is no such dialogue.
        WorkbenchError: it does not begin a comparison.
    """
    scipy_stats()
    root, setup, debate, known = await asyncio.to_thread(found, orchestrator, comparison)
    return await _finished(Runner(orchestrator, setup, debate, root, known, notify or _silent))


def _prepare(
    orchestrator: Orchestrator,
    mode: ModeLike,
    given: object,
    baselines: Sequence[str],
    referee: Speaker | None,
    judgements: int,
    margin: float,
    confidence: float,
    at_once: int,
    options: dict[str, Any],
) -> tuple[Setup, RunSpec]:
    """Settle everything and call nothing."""
    scipy_stats()
    cases = as_cases(given)
    _check(baselines, judgements, margin, confidence, at_once)
    whole = orchestrator.modes.load(mode)
    asked = with_answer(whole, compile_mode(whole, options.get("parameters")))
    limits = {"downgrade": ["stop"], **(options.get("limits") or {})}  # a debate that cheaper models finish is another one
    debate, _ = orchestrator.prepare(asked, cases[0].topic, **options | {"limits": limits})
    if any(is_person(card) for chain in debate.cast.values() for card in chain) or debate.approve:
        raise WorkbenchError(
            "a person takes part in the debate, and no baseline can be as large as that", hint="Give each role to a model."
        )
    keyed = cases[0].expected is not None
    judge = () if keyed else _referee(orchestrator, referee, debate, options.get("api_base"))
    setup = Setup(
        cases=cases,
        baselines=tuple(baselines),
        referee=judge,
        judgements=judgements,
        margin=margin,
        confidence=confidence,
        at_once=at_once,
    )
    return setup, debate


def _check(baselines: Sequence[str], judgements: int, margin: float, confidence: float, at_once: int) -> None:
    for name in baselines:
        if name not in BASELINES:
            raise WorkbenchError(f"there is no baseline called {name!r}", hint=f"There are: {', '.join(BASELINES)}.")
    if not baselines:
        raise WorkbenchError("there is no baseline to compare with", hint=f"There are: {', '.join(BASELINES)}.")
    if judgements < 1 or at_once < 1:
        raise WorkbenchError("judgements and cases at once are 1 or more")
    if not (0 < margin < 1 and 0 < confidence < 1):
        raise WorkbenchError("margin and confidence lie between 0 and 1", hint="A margin of five points is 0.05.")


def _referee(
    orchestrator: Orchestrator, wanted: Speaker | None, debate: RunSpec, api_base: str | None
) -> tuple[ModelCard, ...]:
    speaker = wanted or choose_referee(orchestrator.models, _speakers(debate))
    plan = compile_mode(ModeLoader.from_file(REFEREE_MODE))
    parts = cast_roles(plan, Wishes({"judge": speaker}, api_base=api_base), orchestrator.models)
    if orchestrator.settings.replay.asks_models:
        check_ready({"judge": parts["judge"].chain})
    return parts["judge"].chain


async def _finished(runner: Runner) -> Comparison:
    await runner.run()
    return Comparison(
        id=runner.root,
        mode=runner.debate.mode.name,
        setup=runner.setup,
        unit=runner.unit,
        runs=tuple(runner.runs),
        judgements=tuple(runner.judgements),
        doubts=tuple(_doubts(runner.setup, runner.debate)),
    )


def _doubts(setup: Setup, debate: RunSpec) -> list[str]:
    cards = _speakers(debate)
    found = doubts(setup.referee[0], cards) if setup.referee else []
    if len({card.name for card in cards}) > 1:
        alone = debate.cast[contestant(debate.plan())][0].name
        found.append(f"Several models debated; alone answered {alone}. Another of them may be the better baseline.")
    return found


def _speakers(debate: RunSpec) -> list[ModelCard]:
    return list({chain[0].name: chain[0] for chain in debate.cast.values()}.values())


def _silent(_step: Step) -> None:
    pass

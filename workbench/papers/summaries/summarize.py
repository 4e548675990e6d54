"""Summaries of papers at four lengths, kept by paper, model and length.

They are written in a dialogue (`summary_mode`), so they are recorded and budgeted like any other. Where it was stopped, asking
again goes on with it: its id follows from what is asked for. A summary that is too long goes back once with its count; what is
then still too long is cut where a sentence ends, and marked as cut.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import money
from workbench.errors import RecordError, WorkbenchError
from workbench.events import TurnCompleted
from workbench.papers.passages.marks import mark_of
from workbench.papers.summaries.lengths import LEVELS, Level, count_words, levels_named
from workbench.papers.summaries.mode import NAME, shorter_mode, summary_mode
from workbench.records.paper_summaries import SummaryRow

if TYPE_CHECKING:
    from workbench.dialogue import Dialogue, Orchestrator
    from workbench.dialogue.casting.run import RunSpec
    from workbench.dialogue.money.estimate import Estimate
    from workbench.models import ModelCard
    from workbench.papers.shelf import Shelf
    from workbench.records import Record
    from workbench.records.papers import PaperRow

Summary = SummaryRow
Tell = Callable[[str], None]
_ORDER: Final = {name: place for place, name in enumerate(LEVELS)}


@dataclass(frozen=True, slots=True)
class Summaries:
    """Summaries of a paper, as they were asked for.

    Attributes:
        kept: those that were there already.
        written: those that were written for this.
        planned: what was said before of what it would cost.
    """

    paper: PaperRow
    model: str
    kept: tuple[Summary, ...]
    written: tuple[Summary, ...]
    planned: str = ""

    @property
    def all(self) -> list[Summary]:
        """All of them, the shortest first."""
        return _sorted([*self.kept, *self.written])

    @property
    def cost(self) -> float | None:
        """USD that writing them took; None is unknown, and nothing was written for nothing."""
        return _sum([each.cost for each in self.written]) if self.written else 0.0


@dataclass(frozen=True, slots=True)
class SummaryPlan:
    """What it will take to write summaries of a paper.

    Attributes:
        kept: those that are there already.
        missing: the lengths that are to be written.
        run: the dialogue that writes them; None where nothing is missing.
        estimate: of that dialogue; None likewise.
    """

    paper: PaperRow
    card: ModelCard
    kept: tuple[Summary, ...]
    missing: tuple[Level, ...]
    run: RunSpec | None
    estimate: Estimate | None

    @property
    def text(self) -> str:
        """Calls, tokens and cost in a sentence."""
        if self.estimate is None:
            return "Nothing is to be asked: what is wanted is there."
        calls = len(self.estimate.turns)
        return f"{calls} {'call' if calls == 1 else 'calls'} to {self.card.name}. {self.estimate.total}"


def summaries_of(record: Record, paper_id: str) -> list[Summary]:
    """Return the summaries of a paper (its full id) that are kept, the shortest first, of a length the newest first."""
    return _sorted(record.paper_summaries.all(paper_id))


def facts_of(summary: Summary) -> str:
    """Return what is to be known of a summary, in a line: who wrote it, how long it is, and what it cost."""
    parts = [summary.served, f"{summary.words} words", money(summary.cost)]
    return ", ".join([*parts, *(["its end cut off"] if summary.cut else [])])


def plan_summaries(
    orchestrator: Orchestrator,
    shelf: Shelf,
    name: str,
    levels: str = "paragraph",
    *,
    models: Sequence[Any] = (),
    fresh: bool = False,
    limits: Mapping[str, float | None] | None = None,
    api_base: str | None = None,
) -> SummaryPlan:
    """Return what `summarize` would do and what that would cost; nothing is called. Arguments and errors as for it."""
    row, wanted = shelf.find(name), levels_named(levels)
    if not wanted:
        raise WorkbenchError("no level is named", hint=f"There are: {', '.join(LEVELS)}, and all.")
    if len(models) > 1:
        raise WorkbenchError("one model writes a summary", hint="Name one with -m, and ask again for another one's.")
    asked: dict[str, Any] = {"models": list(models), "limits": dict(limits or {}), "api_base": api_base}
    card = _writer(orchestrator, asked)
    there = {each.level: each for each in summaries_of(orchestrator.record, row.id) if each.model == card.name}
    kept = () if fresh else tuple(there[level.name] for level in wanted if level.name in there)
    missing = tuple(level for level in wanted if fresh or level.name not in there)
    if not missing:
        return SummaryPlan(row, card, kept, (), None, None)
    from workbench.dialogue.money.estimate import estimate_run, habits_in

    mode = summary_mode(shelf.paper(row.id), card, missing)
    run, _ = orchestrator.prepare(mode, f"{' and '.join(level.name for level in missing)} summary of {row.title!r}", **asked)
    return SummaryPlan(row, card, kept, missing, run, estimate_run(run, habits_in(orchestrator.record.url, NAME)))


def summarize(
    orchestrator: Orchestrator,
    shelf: Shelf,
    name: str,
    levels: str = "paragraph",
    *,
    models: Sequence[Any] = (),
    fresh: bool = False,
    tell: Tell = lambda _line: None,
    limits: Mapping[str, float | None] | None = None,
    api_base: str | None = None,
) -> Summaries:
    """Return summaries of a paper; those that are not kept yet are written.

    Args:
        orchestrator: runs the dialogues.
        shelf: that the paper is on.
        name: id of the paper, as `Shelf.find` takes it.
        levels: `sentence` (30 words at most), `paragraph` (150), `detailed` (500), `technical` (1,500), several of them with
            commas between them, or `all`.
        models: who writes; by default the model of the settings.
        fresh: write again what is kept.
        tell: is told what it will cost, and how far it is.
        limits: of everything that is spent here, as `Orchestrator.prepare` takes them.
        api_base: OpenAI-compatible endpoint for a model named by id.

    Raises:
        RecordError: there is no such paper.
        WorkbenchError: there is no such level, or the model cannot be asked.
    """
    options: dict[str, Any] = {"models": models, "limits": limits, "api_base": api_base}
    plan = plan_summaries(orchestrator, shelf, name, levels, fresh=fresh, **options)
    if plan.run is None:
        return Summaries(plan.paper, plan.card.name, plan.kept, ())
    tell(plan.text)
    dialogue = _written(orchestrator, plan, fresh=fresh, tell=tell, limits=limits, api_base=api_base)
    drafts = _drafts(dialogue, plan)
    long = {level: drafts[level.name].text for level in plan.missing if level.excess(drafts[level.name].text)}
    if long:
        drafts |= _shortened(orchestrator, long, plan, dialogue, tell, options)
    written = tuple(_fitting(level, drafts[level.name]) for level in plan.missing)
    for each in written:
        orchestrator.record.paper_summaries.put(each)
    return Summaries(plan.paper, plan.card.name, plan.kept, written, plan.text)


def _writer(orchestrator: Orchestrator, asked: Mapping[str, Any]) -> ModelCard:
    """Return the card of the model that will be asked."""
    mode = {"name": NAME, "roles": {"writer": {}}, "turns": [{"role": "writer", "template": "{topic}"}]}
    spec, _ = orchestrator.prepare(mode, "summary", **asked)
    if "writer" in spec.routes:
        raise WorkbenchError("a summary is kept by the model that wrote it", hint="Name a model instead of a policy.")
    return spec.cast["writer"][0]


def _written(
    orchestrator: Orchestrator,
    plan: SummaryPlan,
    *,
    fresh: bool,
    tell: Tell,
    limits: Mapping[str, float | None] | None,
    api_base: str | None,
) -> Dialogue:
    """Return the dialogue that writes the missing summaries, ended: a new one, or one that was stopped and now goes on."""
    assert plan.run is not None
    levels, total = ",".join(level.name for level in plan.missing), len(plan.run.plan().spoken)
    told = f"{plan.paper.sha256} {plan.card.name} {plan.card.id} {levels}"
    number = secrets.token_hex(6) if fresh else hashlib.sha256(told.encode()).hexdigest()[:12]
    try:
        before = orchestrator.load(number)
    except RecordError:
        return _followed(orchestrator.begin(plan.run, dialogue=number), total, tell)
    if before.status.succeeded:
        return before
    return _followed(orchestrator.restart(number, limits=limits, api_base=api_base), total, tell)


def _followed(dialogue: Dialogue, total: int, tell: Tell) -> Dialogue:
    """Tell of each turn until the dialogue has ended; an interrupt stops it."""
    done = 0
    try:
        for event in dialogue.events():
            if isinstance(event, TurnCompleted):
                done += 1
                tell(f"Summing up: {done} of {total} steps")
        dialogue.wait()
    except BaseException:
        dialogue.cancel()
        dialogue.wait()
        raise
    if not dialogue.status.succeeded:
        raise WorkbenchError(
            f"no summary: {dialogue.reason or dialogue.status}",
            hint=f"What was read is kept: ask again to go on. `workbench show {dialogue.id}` shows it.",
        )
    return dialogue


def _drafts(dialogue: Dialogue, plan: SummaryPlan) -> dict[str, Summary]:
    """Return each level's text as it was written; what the notes cost is shared by all."""
    transcript, spent = dialogue.snapshot(), dialogue.metrics_by_turn
    names = [level.name for level in plan.missing]
    shared = _sum([each.cost for turn, each in spent.items() if turn not in names])
    found = {}
    for name in names:
        turn = transcript[name]
        cost = _sum([spent[name].cost, shared / len(names) if shared else shared])
        found[name] = Summary(
            paper_id=plan.paper.id,
            model=plan.card.name,
            level=name,
            text=turn.text.strip(),
            words=count_words(turn.text),
            cut=turn.answer is not None and turn.answer.finish_reason == "length",
            served=turn.served or plan.card.name,
            cost=cost,
            created_at=time.time(),
            dialogues=(dialogue.id,),
        )
    return found


def _shortened(
    orchestrator: Orchestrator,
    long: Mapping[Level, str],
    plan: SummaryPlan,
    before: Dialogue,
    tell: Tell,
    options: Mapping[str, Any],
) -> dict[str, Summary]:
    """Ask once for shorter texts; where there is no money left for that, nothing is returned and the drafts stand."""
    limits = dict(options["limits"] or {})
    if (most := limits.get("max_cost")) is not None and (left := most - (before.metrics.cost or 0.0)) <= 0:
        return {}
    limits |= {"max_cost": left} if most is not None else {}
    tell(f"Too long: {', '.join(level.name for level in long)}. Asking for less …")
    mode = shorter_mode(long, plan.card, f"draft-{mark_of(*long.values())}")
    topic = f"{' and '.join(level.name for level in long)} summary of {plan.paper.title!r}, shorter"
    run, _ = orchestrator.prepare(mode, topic, models=list(options["models"]), limits=limits, api_base=options["api_base"])
    dialogue = orchestrator.begin(run)
    dialogue.wait()
    drafts, spent = _drafts(before, plan), dialogue.metrics_by_turn
    transcript = dialogue.snapshot()
    found = {}
    for level in long:
        turn = next(
            (turn for turn in transcript if turn.id == level.name and turn.answer is not None and turn.text.strip()), None
        )
        if turn is None:
            continue  # it failed, or stopped at a ceiling: the draft is cut instead
        draft = drafts[level.name]
        found[level.name] = replace(
            draft,
            text=turn.text.strip(),
            cut=turn.answer is not None and turn.answer.finish_reason == "length",
            served=turn.served or draft.served,
            cost=_sum([draft.cost, spent[level.name].cost]),
            dialogues=(*draft.dialogues, dialogue.id),
        )
    return found


def _fitting(level: Level, draft: Summary) -> Summary:
    """Return a summary that is as long as is allowed, and says whether it was cut for that."""
    if not draft.text:
        raise WorkbenchError(f"{draft.served} wrote nothing", hint="Ask again with --fresh, or ask another model.")
    long = level.excess(draft.text) is not None
    text = level.cut(draft.text) if long or draft.cut else draft.text
    return replace(draft, text=text, words=count_words(text), cut=long or draft.cut)


def _sorted(summaries: Sequence[Summary]) -> list[Summary]:
    return sorted(summaries, key=lambda each: (_ORDER.get(each.level, len(_ORDER)), -each.created_at))


def _sum(costs: Sequence[float | None]) -> float | None:
    """Return the sum of costs; None where one is unknown."""
    return None if None in costs else sum(cost for cost in costs if cost is not None)

"""The way in: start a dialogue, run it, resume it, find it again.

An orchestrator holds what dialogues share: settings, model cards, one client and one record. It drives each engine on the
engine's loop and writes every event to the record before anybody sees it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from workbench.dialogue.casting.cast import Part, Speaker, Wishes, parts_of
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.casting.sampling import SamplingWish
from workbench.dialogue.detached import Child, Following, spawn
from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.driving import drive, handle_of, one_handle, running_of, runs_here
from workbench.dialogue.fork import beginning, parse_point
from workbench.dialogue.learning import Learning
from workbench.dialogue.lineage import children
from workbench.dialogue.money.budget import Amount, Budget
from workbench.dialogue.purse import purse_for
from workbench.dialogue.rules.loader import ModeLoader
from workbench.dialogue.rules.mode import Mode
from workbench.dialogue.rules.parameters import Parameters
from workbench.dialogue.running.engine import Engine
from workbench.dialogue.running.hooks import Hooks, with_hooks
from workbench.dialogue.running.progress import Progress, runs_of
from workbench.dialogue.settling import Settling
from workbench.dialogue.transcript import Transcript
from workbench.errors import WorkbenchError
from workbench.events import DialogueResumed, DialogueStarted, Event, Status
from workbench.events.listening import flush
from workbench.loop import run, submit
from workbench.models import Client, ModelRegistry
from workbench.models.langchain.card import refuse_objects
from workbench.models.presets import SamplingPresets
from workbench.records import DialogueSummary, Record
from workbench.settings import Settings, load_settings, with_cassette

if TYPE_CHECKING:
    from workbench.routing.explained import Explanation
    from workbench.routing.router import Router

ModeLike = str | Path | dict[str, Any] | Mode


class Orchestrator:
    """Runs dialogues.

    Args:
        workspace: folder with `workbench.toml`; by default the nearest one.
        settings: instead of reading them from the workspace.
        models: the model cards; by default those of the settings.
        record: where everything is kept; by default the one that the settings name.
        client: makes the calls.
        cassette: answer from this file of recorded answers instead of the models.
        pace: of the cassette: 1 as fast as it once was, 0 at once.

    >>> with Orchestrator() as workbench:                                        # doctest: +SKIP
    ...     d = workbench.run("debate", "Tabs are better than spaces.", models=["local"], parameters={"rounds": 1})
    ...     d.status
    <Status.COMPLETED: 'completed'>
    """

    def __init__(
        self,
        workspace: Path | str | None = None,
        *,
        settings: Settings | None = None,
        models: ModelRegistry | None = None,
        record: Record | None = None,
        client: Client | None = None,
        cassette: Path | str | None = None,
        pace: float | None = None,
    ) -> None:
        self.settings = with_cassette(settings or load_settings(workspace), cassette, pace)
        self.models = models or ModelRegistry(self.settings)
        self.presets = SamplingPresets(self.settings)
        self.modes = ModeLoader(self.settings.mode_folders)
        self.client = client or Client(self.settings)
        self._record = record
        self._learning = Learning(self.models, lambda: self.record, self.settings.routing)

    @property
    def router(self) -> Router:
        """Chooses models for routed roles; what it has learned lies in the record."""
        return self._learning.router

    @property
    def _settling(self) -> Settling:
        return Settling(self.settings, self.models, self.modes, self.presets)

    @property
    def record(self) -> Record:
        """The record, opened on first use."""
        if self._record is None:
            self._record = Record.open(self.settings.record_url)
        return self._record

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the dialogues that still run, keeping what was said; then close the client's connections and the record."""
        mine = running_of(self)
        for dialogue in mine:
            dialogue.cancel()
        for dialogue in mine:
            with suppress(WorkbenchError):
                dialogue.wait()
        run(self.client.aclose())
        if self._record is not None:
            self._record.close()
        flush()  # or a log would be written into a folder that its owner has taken away

    def prepare(
        self,
        mode: ModeLike,
        topic: str,
        *,
        participants: Mapping[str, Speaker] | None = None,
        models: Sequence[Speaker] | Mapping[str, Speaker] = (),
        judge: Speaker | None = None,
        parameters: Parameters | None = None,
        limits: Mapping[str, float | int | None] | None = None,
        seed: int | None = None,
        api_base: str | None = None,
        stream: bool = True,
        approve: Sequence[str] = (),
        fallbacks: str = "allow",
        candidates: Sequence[str] = (),
        sampling: SamplingWish = None,
        background: str = "",
    ) -> tuple[RunSpec, dict[str, Part]]:
        """Settle everything about a run and call nothing: the run, and why each role has its model.

        Args:
            mode: name, file, mapping or `Mode`.
            topic: what it is about.
            participants: role to model (name, LiteLLM id, card, `ModelConfig`, `Model`, or a LangChain chat model).
            models: dealt out to the roles that `participants` leaves open; or a mapping, which means the same as that.
            judge: plays the role that decides.
            parameters: the mode's, such as `{"rounds": 2}`.
            limits: `max_cost`, `max_call_cost` (USD), `max_tokens`, `max_turns`, `max_calls`, `timeout` (seconds), `downgrade`.
            seed: makes the run repeatable where the models allow it.
            api_base: OpenAI-compatible endpoint for the models named by id.
            stream: whether answers come in pieces.
            approve: roles whose texts a person approves or edits before anybody else sees them; `all` for every role.
            fallbacks: `forbid` lets a turn fail rather than be served by another model than the one asked for.
            candidates: models that a policy may choose from, for roles whose model is `route` or `route:POLICY`; by default
                `[routing] models`, else all whose key is set.
            sampling: a preset for all roles, or a mapping of roles (`all` for every one) to presets or to fields of one.
            background: material that every turn is shown before anything else, as it is.

        Raises:
            ModeError, UnknownModelError, ModelError, WorkbenchError: before anything is called or recorded.
        """
        if not topic.strip():
            raise WorkbenchError("a dialogue needs a topic", hint="Say what it is about.")
        wishes = Wishes.of(participants, models, judge, api_base, candidates=candidates)
        return self._settling.settle(
            self.modes.load(mode),
            topic,
            wishes,
            parameters=parameters or {},
            limits=limits or {},
            seed=seed,
            stream=stream,
            approve=approve,
            fallbacks=fallbacks,
            sampling=sampling,
            background=background,
        )

    def start(self, mode: ModeLike, topic: str, *, hooks: Hooks | None = None, **options: Any) -> Dialogue:
        """Start a dialogue and return it at once, running. Options and errors as for `prepare`; `hooks` as for `begin`."""
        return self.begin(self.prepare(mode, topic, **options)[0], hooks=hooks)

    def begin(
        self,
        run: RunSpec,
        *,
        dialogue: str | None = None,
        within: Budget | None = None,
        hooks: Hooks | None = None,
        part_of: str | None = None,
    ) -> Dialogue:
        """Start a run that `prepare` has settled, and return its dialogue at once, running.

        Args:
            run: what to run.
            dialogue: its id; by default a new one.
            within: the budget that it is part of; by default what the day and the workspace may spend.
            hooks: functions that turns of the mode call by name.
            part_of: id of what it belongs to; a dialogue that is part of something is not `last`.

        Raises:
            RecordError: this process runs a dialogue with that id.
            WorkbenchError: the mode calls no hook of that name.
        """
        run = with_hooks(run, hooks)
        engine = Engine(dialogue or secrets.token_hex(6), run, self.client, hooks=hooks, **self._shared(run, within=within))
        handle = self._known(Dialogue(Transcript.of(engine.dialogue, run.mode.name, run.topic)))
        return self._drive(handle, engine, lambda engine: _opening(engine, run, part_of))

    def run(self, mode: ModeLike, topic: str, **options: Any) -> Dialogue:
        """Run a dialogue to its end and return it. Options and errors as for `start`."""
        return self.start(mode, topic, **options).wait()

    async def run_async(self, mode: ModeLike, topic: str, **options: Any) -> Dialogue:
        """Run a dialogue without blocking the caller's event loop. Options and errors as for `start`."""
        return await _finished(partial(self.start, mode, topic, **options))

    def detach(self, mode: ModeLike, topic: str, **options: Any) -> Dialogue:
        """Start a dialogue in a process of its own, which outlives this one, and return it at once, followed.

        It is seen turn by turn: pieces of an answer are not recorded. Options and errors as for `prepare`.
        """
        spec, _ = self.prepare(mode, topic, **options)
        for each in spec.family():
            refuse_objects(each.cast)
        engine = Engine(secrets.token_hex(6), spec, self.client, router=self._learning.router_for(spec))
        self.record.write([_opening(engine, spec)])
        return self.detach_resume(engine.dialogue)

    def detach_resume(self, dialogue: str, **options: Any) -> Dialogue:
        """Go on with a dialogue in a process of its own; return it at once, followed. Options and errors as for `restart`."""
        found = self._unfinished(self.record.find(dialogue))
        return self._follow(found, spawn(self.settings, found.id, options))

    def follow(self, dialogue: str) -> Dialogue:
        """Return a dialogue by its id, watching the record for more of it if another process runs it now.

        Raises:
            RecordError: there is none.
        """
        found = self.load(dialogue)
        elsewhere = found.status is Status.RUNNING and not found.running and not self.record.summary(found.id).interrupted
        return self._follow(found, None) if elsewhere else found

    def load(self, dialogue: str) -> Dialogue:
        """Return a stored dialogue by its id, the beginning of it, or `last`; one that runs here, as it runs.

        Raises:
            RecordError: there is none.
        """
        if runs_here(dialogue) and (here := handle_of(self.record, dialogue)) is not None:
            return here  # its first event may not be on disk yet
        dialogue = self.record.find(dialogue)
        handle = handle_of(self.record, dialogue)
        if handle is None:
            return self._known(Dialogue.stored(self.record.events(dialogue)))
        if not handle.running:
            handle._reload(self.record.events(dialogue))  # noqa: SLF001 - the handle's other half
        return self._known(handle)

    def restart(
        self,
        dialogue: str,
        *,
        participants: Mapping[str, Speaker] | None = None,
        models: Sequence[Speaker] | Mapping[str, Speaker] = (),
        judge: Speaker | None = None,
        limits: Mapping[str, float | int | None] | None = None,
        api_base: str | None = None,
        within: Budget | None = None,
        hooks: Hooks | None = None,
    ) -> Dialogue:
        """Go on with a dialogue that stopped, and return it at once, running. Complete turns are not asked again.

        Models, endpoints, parameters, seed and limits are those it began with, unless given here; `within` and
        `hooks` as for `begin`. What its turns still call is handed in again.

        Raises:
            RecordError: there is no such dialogue, or it is being run.
            WorkbenchError: it is complete already, or a hook is missing.
        """
        dialogue = self.record.find(dialogue)
        runs = runs_of(self._unfinished(dialogue).recorded_events())
        wishes = Wishes.of(participants, models, judge, api_base, parts_of(runs[-1].cast, runs[-1].routes))
        spec = self._settling.settle_again(runs[-1], wishes, limits or {})
        spec = with_hooks(spec, hooks, self.load(dialogue).transcript.said)
        self.record.claim(dialogue)
        found = self._unfinished(dialogue)  # again: whoever ran it until now may have left more
        progress = Progress.of(found.recorded_events(), self.record.events)
        spec = spec.model_copy(update={"added": progress.run.added})
        held = [self._taken_over(child.transcript.id) for child in progress.unfinished()]
        engine = Engine(
            found.id, spec, self.client, progress=progress, hooks=hooks, **self._shared(spec, progress.spent, within)
        )

        def first(engine: Engine) -> Event:
            held.clear()  # until now nobody else need hold the handles of its sub-dialogues
            return engine.event(DialogueResumed, run=spec.dump())

        return self._drive(found, engine, first)

    def resume(self, dialogue: str, **options: Any) -> Dialogue:
        """Go on with a dialogue that stopped, to its end. Options and errors as for `restart`."""
        return self.restart(dialogue, **options).wait()

    async def resume_async(self, dialogue: str, **options: Any) -> Dialogue:
        """Go on with a dialogue that stopped, without blocking the caller's event loop."""
        return await _finished(partial(self.restart, dialogue, **options))

    def fork(
        self,
        source: str,
        *,
        participants: Mapping[str, Speaker] | None = None,
        models: Sequence[Speaker] | Mapping[str, Speaker] = (),
        judge: Speaker | None = None,
        parameters: Parameters | None = None,
        limits: Mapping[str, float | int | None] | None = None,
        api_base: str | None = None,
        hooks: Hooks | None = None,
    ) -> Dialogue:
        """Go another way from a turn on: return a new dialogue at once, running, that begins with copies of all turns up to it.

        They are not asked again and cost nothing. `source` is `ID@TURN`, the turn by its id or number; without it, all that is
        complete now is taken over. Models, endpoints, parameters, seed and limits are those it had, unless given here.

        Raises:
            RecordError: there is no such dialogue.
            WorkbenchError: there is no such turn, or no dialogue can begin with it, or a hook is missing.
        """
        name, turn = parse_point(source)
        parent = self.load(name)
        taken = beginning(parent.id, parent.recorded_events(), turn, parameters or {})
        wishes = Wishes.of(participants, models, judge, api_base, parts_of(taken.run.cast, taken.run.routes))
        spec = self._settling.settle_again(taken.run, wishes, limits or {})
        events = taken.events(secrets.token_hex(6), with_hooks(spec, hooks, [each.id for each in taken.turns]))
        self.record.write(events)
        return self.restart(events[0].dialogue, hooks=hooks)

    def route(self, task: str, **asked: Any) -> Explanation:
        """Return which model a task should have, and what spoke for each; nothing is called.

        Args:
            task: what is to be done.
            asked: `policy` and `models` (by default those of `[routing]`), `kind` (by default found out), `willing_to_pay` (USD
                for a point of quality), `max_cost` (USD), `max_latency` (seconds), `local`, `prompt_tokens`, `output_tokens`.

        Raises:
            RoutingError: there is no such policy.
            UnknownModelError: there is no such model.
        """
        return self._learning.explain(task, **asked)

    def rate(self, dialogue: str, quality: float, turn: str | None = None, *, by: str = "", comment: str = "") -> int:
        """Keep what a person says of a turn (id, role or number), or of all turns, and return of how many turns.

        Routing learns from it. The same person's later word on a turn replaces the first.

        Args:
            dialogue: takes what `load` takes.
            quality: from 0 (useless) to 1 (perfect).
            turn: None rates every turn that a model spoke.
            by: who says so.
            comment: why.

        Raises:
            RecordError: there is no such dialogue, or the rating cannot be kept.
            WorkbenchError: there is no such turn.
        """
        return self._learning.rate_by_person(self.load(dialogue), quality, turn, by=by, comment=comment)

    def children(self, dialogue: str) -> list[DialogueSummary]:
        """Return what was forked from a dialogue or spawned by it, the oldest first. `lineage.Tree` has all generations."""
        return children(self.record, self.record.find(dialogue))

    def import_json(self, text: str) -> Dialogue:
        """Take a dialogue that was exported as JSON into the record.

        Raises:
            ExportError: the text is not such an export.
            RecordError: the record has it already.
        """
        from workbench.dialogue.export.as_json import read_json

        events = read_json(text)
        self.record.write(events)
        return self._known(Dialogue.stored(events))

    def _known(self, dialogue: Dialogue) -> Dialogue:
        """Return the one handle of a dialogue, this or an earlier one, resumed by this orchestrator."""
        handle = one_handle(self.record, dialogue)
        handle._home = self  # noqa: SLF001 - the handle's other half
        return handle

    def _adopt(self, transcript: Transcript) -> Dialogue:
        """Return the handle of a sub-dialogue that begins; on the engine's loop, so the record is not read."""
        return self._known(Dialogue(transcript))

    def _follow(self, dialogue: Dialogue, child: Child | None) -> Dialogue:
        following = Following(self.record, dialogue, child)
        dialogue._attach(submit(following.run()), following)  # noqa: SLF001 - the handle's other half
        return dialogue

    def _unfinished(self, dialogue: str) -> Dialogue:
        found = self.load(dialogue)
        if found.status.succeeded:
            raise WorkbenchError(f"dialogue {found.id} is complete", hint=f"`workbench show {found.id}` shows it.")
        return found

    def _shared(self, spec: RunSpec, spent: Amount | None = None, within: Budget | None = None) -> dict[str, Any]:
        """Return what a run shares with others: what may be spent besides its own ceilings, and who chooses models."""
        whole = within or purse_for(self.settings.budget, self.record)
        return {"budget": Budget(spec.limits, spent, whole), "router": self._learning.router_for(spec)}

    def _taken_over(self, dialogue: str) -> Dialogue:
        self.record.claim(dialogue)
        return self.load(dialogue)

    def _drive(self, dialogue: Dialogue, engine: Engine, first: Callable[[Engine], Event]) -> Dialogue:
        learn = partial(self._learning.rate, dialogue, self.load)
        drive(self, self.record, dialogue, engine, first, self._adopt, learn, self.settings)
        return dialogue


async def _finished(begin: Callable[[], Dialogue]) -> Dialogue:
    """Begin a dialogue on a thread and await its end; who stops waiting stops the dialogue, even one about to begin."""
    beginning = asyncio.ensure_future(asyncio.to_thread(begin))
    try:
        dialogue = await asyncio.shield(beginning)
    except asyncio.CancelledError:
        with suppress(WorkbenchError):
            dialogue = await beginning
            dialogue.cancel()
            await dialogue
        raise
    return await dialogue


def _opening(engine: Engine, spec: RunSpec, part_of: str | None = None) -> DialogueStarted:
    told = spec.dump() | ({"parent_id": part_of} if part_of else {})
    return engine.event(DialogueStarted, mode=spec.mode.name, topic=spec.topic, run=told)

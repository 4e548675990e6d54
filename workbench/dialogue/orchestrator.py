"""The way in: start a dialogue, run it, resume it, find it again.

An orchestrator holds what dialogues share: settings, model cards, one client and one record. It drives each engine on the
engine's loop and writes every event to the record before anybody sees it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from workbench.dialogue.budget import Amount, Budget, bound
from workbench.dialogue.cast import Part, Speaker, Wishes, cast_roles, check_priced, check_ready
from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.engine import Engine
from workbench.dialogue.loader import ModeLoader
from workbench.dialogue.mode import LimitsSpec, Mode
from workbench.dialogue.plan import compile_mode
from workbench.dialogue.run import RunSpec
from workbench.dialogue.transcript import Transcript
from workbench.errors import WorkbenchError
from workbench.events import DialogueResumed, DialogueStarted, Event, Status
from workbench.loop import run, submit
from workbench.models import Client, ModelRegistry
from workbench.records import Record
from workbench.settings import Settings, load_settings

ModeLike = str | Path | dict[str, Any] | Mode


class Orchestrator:
    """Runs dialogues.

    Args:
        workspace: folder with `workbench.toml`; by default the nearest one.
        settings: instead of reading them from the workspace.
        models: the model cards; by default those of the settings.
        record: where everything is kept; by default the one that the settings name.
        client: makes the calls.

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
    ) -> None:
        self.settings = settings or load_settings(workspace)
        self.models = models or ModelRegistry(self.settings)
        self.modes = ModeLoader(self.settings.mode_folders)
        self.client = client or Client(self.settings)
        self._record = record

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
        """Close the client's connections and the record."""
        run(self.client.aclose())
        if self._record is not None:
            self._record.close()

    def prepare(
        self,
        mode: ModeLike,
        topic: str,
        *,
        participants: Mapping[str, Speaker] | None = None,
        models: Sequence[Speaker] = (),
        judge: Speaker | None = None,
        parameters: Mapping[str, int] | None = None,
        limits: Mapping[str, float | int | None] | None = None,
        seed: int | None = None,
        api_base: str | None = None,
        stream: bool = True,
    ) -> tuple[RunSpec, dict[str, Part]]:
        """Settle everything about a run and call nothing: the run, and why each role has its model.

        Args:
            mode: name, file, mapping or `Mode`.
            topic: what it is about.
            participants: role to model (name, LiteLLM id, card, `ModelConfig` or `Model`).
            models: dealt out to the roles that `participants` leaves open.
            judge: plays the role that decides.
            parameters: the mode's, such as `{"rounds": 2}`.
            limits: `max_cost` (USD), `max_tokens`, `max_turns`, `max_calls`, `timeout` (seconds).
            seed: makes the run repeatable where the models allow it.
            api_base: OpenAI-compatible endpoint for the models named by id.
            stream: whether answers come in pieces.

        Raises:
            ModeError, UnknownModelError, ModelError, WorkbenchError: before anything is called or recorded.
        """
        if not topic.strip():
            raise WorkbenchError("a dialogue needs a topic", hint="Say what it is about.")
        whole = self.modes.load(mode)
        wishes = Wishes(participants or {}, tuple(models), judge, api_base)
        parts = cast_roles(compile_mode(whole, parameters), wishes, self.models, self.settings.defaults.model)
        spec = RunSpec(
            mode=whole,
            topic=topic,
            parameters=dict(parameters or {}),
            cast={role: part.chain for role, part in parts.items()},
            limits=merge_limits(whole.limits, limits or {}),
            seed=seed,
            max_output=self.settings.defaults.max_output,
            stream=stream,
        )
        self._check(parts, spec.limits)
        return spec, parts

    def start(self, mode: ModeLike, topic: str, **options: Any) -> Dialogue:
        """Start a dialogue and return it at once, running. Options and errors as for `prepare`."""
        spec, _ = self.prepare(mode, topic, **options)
        engine = Engine(secrets.token_hex(6), spec, self.client)
        started = {"mode": spec.mode.name, "topic": topic, "run": spec.dump()}
        dialogue = Dialogue(Transcript.of(engine.dialogue, spec.mode.name, topic))
        return self._drive(dialogue, engine, lambda engine: engine.event(DialogueStarted, **started))

    def run(self, mode: ModeLike, topic: str, **options: Any) -> Dialogue:
        """Run a dialogue to its end and return it. Options and errors as for `prepare`."""
        return self.start(mode, topic, **options).wait()

    async def run_async(self, mode: ModeLike, topic: str, **options: Any) -> Dialogue:
        """Run a dialogue without blocking the caller's event loop. Options and errors as for `prepare`."""
        return await (await asyncio.to_thread(self.start, mode, topic, **options))

    def load(self, dialogue: str) -> Dialogue:
        """Return a stored dialogue by its id, the beginning of it, or `last`.

        Raises:
            RecordError: there is none.
        """
        return Dialogue.stored(self.record.events(self.record.find(dialogue)))

    def restart(
        self,
        dialogue: str,
        *,
        participants: Mapping[str, Speaker] | None = None,
        models: Sequence[Speaker] = (),
        judge: Speaker | None = None,
        limits: Mapping[str, float | int | None] | None = None,
        api_base: str | None = None,
    ) -> Dialogue:
        """Go on with a dialogue that stopped, and return it at once, running. Complete turns are not asked again.

        Models, endpoints, parameters, seed and limits are those it began with, unless given here.

        Raises:
            RecordError: there is no such dialogue, or another process is running it.
            WorkbenchError: it is complete already.
        """
        found = self.load(dialogue)
        if found.status is Status.COMPLETED:
            raise WorkbenchError(f"dialogue {found.id} is complete", hint=f"`workbench show {found.id}` shows it.")
        self.record.claim(found.id)
        began = RunSpec.model_validate(found.transcript.run)
        wishes = Wishes(participants or {}, tuple(models), judge, api_base, kept=began.cast)
        spec = self._recast(began, wishes, limits or {})
        engine = Engine(
            found.id,
            spec,
            self.client,
            said=found.transcript.said,
            budget=Budget(spec.limits, spent(found.transcript, spec)),
            seq=found.transcript.seq,
        )
        return self._drive(found, engine, lambda engine: engine.event(DialogueResumed, run=spec.dump()))

    def resume(self, dialogue: str, **options: Any) -> Dialogue:
        """Go on with a dialogue that stopped, to its end. Options and errors as for `restart`."""
        return self.restart(dialogue, **options).wait()

    async def resume_async(self, dialogue: str, **options: Any) -> Dialogue:
        """Go on with a dialogue that stopped, without blocking the caller's event loop."""
        return await (await asyncio.to_thread(self.restart, dialogue, **options))

    def import_json(self, text: str) -> Dialogue:
        """Take a dialogue that was exported as JSON into the record.

        Raises:
            ExportError: the text is not such an export.
            RecordError: the record has it already.
        """
        from workbench.dialogue.export.as_json import read_json

        events = read_json(text)
        self.record.write(events)
        return Dialogue.stored(events)

    def _recast(self, spec: RunSpec, wishes: Wishes, limits: Mapping[str, float | int | None]) -> RunSpec:
        """Apply what a resume changes; roles that it does not name keep their models."""
        parts = cast_roles(spec.plan(), wishes, self.models)
        merged = merge_limits(spec.limits, limits)
        self._check(parts, merged)
        return spec.model_copy(update={"cast": {role: part.chain for role, part in parts.items()}, "limits": merged})

    def _check(self, parts: Mapping[str, Part], limits: LimitsSpec) -> None:
        check_priced(parts, limits.max_cost)
        if self.settings.replay.cassette is None or self.settings.replay.record:
            check_ready(parts)

    def _drive(self, dialogue: Dialogue, engine: Engine, first: Callable[[Engine], Event]) -> Dialogue:
        record = self.record

        async def drive() -> None:
            async with aclosing(engine.run(first)) as events:
                async for event in events:
                    if event.barrier:
                        await record.commit(event)
                    elif event.durable:
                        record.append(event)
                    dialogue._publish(event)  # noqa: SLF001 - the handle's other half

        dialogue._attach(submit(drive()), engine.stop)  # noqa: SLF001 - as above
        return dialogue


def merge_limits(limits: LimitsSpec, changes: Mapping[str, float | int | None]) -> LimitsSpec:
    """Return the limits with those given replaced.

    Raises:
        WorkbenchError: a limit does not exist or has no sense.
    """
    from pydantic import ValidationError

    given = {name: value for name, value in changes.items() if value is not None}
    try:
        return LimitsSpec.model_validate(limits.model_dump() | given)
    except ValidationError as error:
        first = error.errors()[0]
        raise WorkbenchError(
            f"limit {first['loc'][0]}: {first['msg']}", hint=f"Limits: {', '.join(LimitsSpec.model_fields)}."
        ) from None


def spent(transcript: Transcript, spec: RunSpec) -> Amount:
    """Return what a dialogue has spent at most: what is known, and the bound of each call whose usage was lost."""
    total = Amount()
    for call in (call for turn in transcript.turns for call in turn.calls):
        total += Amount(call.cost or 0.0, call.usage.total if call.usage else 0, 1)
    for turn, lost in transcript.lost_calls:
        chain = spec.cast[turn.role]
        card = next((card for card in chain if lost and card.name == lost.model), chain[0])
        most = bound(card, turn.messages, card.default_output or spec.max_output)
        total += Amount(most.cost, most.tokens, 0 if lost else 1)
    return total

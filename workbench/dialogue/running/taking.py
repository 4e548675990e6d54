"""One turn being taken: by a model, a person, a count, a hook, or sub-dialogues. Whatever happens, its last event is final."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from workbench.dialogue.casting.persons import Kind, is_person
from workbench.dialogue.casting.routed import Route, choose, with_those_behind
from workbench.dialogue.planning.gates import item_of, items_of
from workbench.dialogue.planning.plan import PlannedTurn
from workbench.dialogue.prompts.anonymous import hidden
from workbench.dialogue.prompts.arrangement import SummaryRequest
from workbench.dialogue.prompts.context import Message, label, part_of_larger, prompt_of
from workbench.dialogue.rules.judging import Contest
from workbench.dialogue.running.ballots import count_ballots
from workbench.dialogue.running.fitting import Asked, fitted
from workbench.dialogue.running.floor import Floor
from workbench.dialogue.running.hooks import HOOK, call_hook
from workbench.dialogue.running.spawning import SUB_DIALOGUES, Make, Spawning
from workbench.dialogue.running.verdicts import settle
from workbench.dialogue.running.voice import Voice
from workbench.errors import BudgetExceededError, ErrorKind, ModelError, WorkbenchError
from workbench.events import DialogueSpawned, Status, TurnCancelled, TurnCompleted, TurnStarted, TurnWaits
from workbench.models import ModelCard, Sampling
from workbench.models.answer_format import takes_schema
from workbench.routing.policy import RoutingError


@dataclass(frozen=True, slots=True)
class Taking:
    """Takes the turns of a run.

    Args:
        floor: what they share.
        make: makes the engine of a sub-dialogue.
    """

    floor: Floor
    make: Make

    async def take(self, turn: PlannedTurn) -> None:
        """Take one turn; it raises nothing."""
        floor, voice = self.floor, self._voice(turn)
        try:
            data = await self._done(voice)
        except asyncio.CancelledError:
            floor.tell(TurnCancelled, turn=turn.id, text=voice.text, reasoning=voice.reasoning)
        except BudgetExceededError as error:
            floor.ended = floor.ended or (Status.COST_LIMITED, f"{error.limit}: {error.message}")
            floor.tell(TurnCancelled, turn=turn.id, text=voice.text, reasoning=voice.reasoning)
        except WorkbenchError as error:
            kind = error.kind if isinstance(error, ModelError) else ErrorKind.BAD_REQUEST
            floor.fail(turn, kind, error.message, error.hint, voice.text)
        except Exception as error:  # noqa: BLE001 - a defect must end the turn in the record, not only in a log
            floor.fail(turn, ErrorKind.BAD_REQUEST, f"{type(error).__name__}: {error}", None, voice.text)
        else:
            said = {"text": voice.text, "reasoning": voice.reasoning, "data": data}
            floor.tell(TurnCompleted, turn=turn.id, edited=voice.edited, **said)

    def begin(self, turn: PlannedTurn, model: str, messages: list[Message], choice: dict[str, Any] | None = None) -> None:
        """Tell that a turn begins."""
        facts = {"index": turn.index, "role": turn.role, "model": model, "round": turn.round, "messages": messages}
        self.floor.tell(TurnStarted, turn=turn.id, choice=choice, **facts)

    def _voice(self, turn: PlannedTurn) -> Voice:
        spec, tell = self.floor.spec, partial(self.floor.tell, turn=turn.id)
        chain, reserve = spec.patient(turn, spec.cast.get(turn.role, ())), self.floor.saving.reserve_for(turn)
        return Voice(turn, chain, self.floor.client, self._sampling(turn, chain), spec.stream, reserve, tell)

    def _sampling(self, turn: PlannedTurn, chain: Sequence[ModelCard]) -> Sampling:
        spec, wish, schema = self.floor.spec, turn.sampling, turn.output_schema
        return Sampling(
            temperature=wish.temperature,
            top_p=wish.top_p,
            top_k=wish.top_k,
            max_tokens=spec.longest(turn, chain[0]) if chain else None,
            seed=None if spec.seed is None else spec.seed + turn.index,
            stop=tuple(wish.stop),
            schema=schema if schema and all(takes_schema(card, schema) for card in chain) else None,
        )

    async def _route(self, voice: Voice, route: Route) -> dict[str, Any]:
        """Let a policy choose who speaks; return the facts of the choice. One that was made before a stop still holds."""
        turn, floor = voice.turn, self.floor
        if floor.router is None:
            raise RoutingError(f"{turn.id}: nothing here chooses models", hint=f"Name a model for {turn.role}.")
        facts = floor.past[turn.id].choice if turn.id in floor.past else None
        if facts is None or facts["model"] not in {card.name for card in voice.chain}:
            facts = await choose(
                route,
                turn,
                floor.plan.roles[turn.role],
                topic=floor.spec.topic,
                messages=self._asked(voice).messages(),
                answer=turn.sampling.max_tokens or floor.spec.max_output,
                chain=voice.chain,
                client=floor.client,
                router=floor.router,
            )
        chain = with_those_behind(voice.chain, facts)
        voice.chain = floor.spec.patient(turn, chain if floor.spec.fallbacks == "allow" else chain[:1])
        voice.sampling = self._sampling(turn, voice.chain)
        return facts

    async def _done(self, voice: Voice) -> Any:
        """Bring a turn to its text, in the voice, and return its data."""
        turn = voice.turn
        if not turn.asks:
            return await self._unasked(voice)
        if is_person(voice.chain[0]):
            self.begin(turn, voice.chain[0].name, self._asked(voice).messages())
            return await self._person(voice, "answer")
        data = await self._speak(voice)
        if not self.floor.spec.approves(turn):
            return data
        before = voice.text
        approved = await self._person(voice, "approval")
        voice.edited = voice.text != before
        return approved if voice.edited else data

    async def _unasked(self, voice: Voice) -> Any:
        """Bring a turn that nobody is asked for to its text; return its data."""
        turn = voice.turn
        if turn.contest is not None:
            return await self._settle(voice, turn.contest)
        if turn.vote is not None:
            return self._count(voice)
        if turn.spawn is not None:
            return await self._spawn(voice)
        self.begin(turn, HOOK, [])
        voice.text, data = await call_hook(turn, self.floor.hooks, self.floor.results)
        return data

    async def _speak(self, voice: Voice) -> Any:
        """Ask a model for a turn, unless its answer is paid for already; return its data."""
        turn, paid, route = voice.turn, self.floor.answers.get(voice.turn.id), self.floor.spec.routes.get(voice.turn.role)
        choice = await self._route(voice, route) if route is not None else None
        card = voice.chain[0]
        asked, answer = self._asked(voice), self.floor.spec.longest(voice.turn, voice.chain[0])
        if paid is not None:
            return await voice.speak(asked.messages(), paid, self.floor.plan.parameters)
        try:
            messages, wanted = await fitted(asked, card, answer, self.floor.summaries)
        except WorkbenchError:
            self.begin(turn, card.name, asked.messages(), choice)  # so that the record shows what did not fit
            raise
        while wanted:
            self.begin(
                turn, card.name, asked.messages(), choice
            )  # again with what is really sent, once the summaries are there
            await self._sum_up(voice, wanted)
            messages, wanted = await fitted(asked, card, answer, self.floor.summaries)
        self.begin(turn, card.name, messages, choice)
        return await voice.speak(messages, None, self.floor.plan.parameters)

    def _asked(self, voice: Voice) -> Asked:
        """Return what a turn is asked: what the mode says, with what people have added before it."""
        plan, said, spec = self.floor.plan, self.floor.said, self.floor.spec
        added = {turn.id for turn in plan.turns if turn.added and turn.id in said} - {voice.turn.id}
        in_order = [each.id for each in plan.turns if each.id in added.union(voice.turn.sees)]
        judged = [*voice.turn.sees, *(i for i in in_order if i not in voice.turn.sees)]  # in the order that the judge looks at
        turn = replace(voice.turn, sees=tuple(judged if voice.turn.aliases else in_order))
        shown = [turn, *(plan.by_id[i] for i in turn.sees if i in said)]
        items = {each.id: item_of(each.item, self.floor.results, plan.parameters) for each in shown if each.item}
        models = {role: spec.models_of(role) for role in spec.cast}
        texts = dict(hidden(said, plan.by_id, turn.aliases, models))  # as it stands: others may end while this is measured
        return Asked(turn, plan, texts, spec.topic, items, spec.background, voice.asked)

    async def _sum_up(self, voice: Voice, wanted: Sequence[SummaryRequest]) -> None:
        """Ask for summaries, each once in a run, whoever wants it."""
        async with self.floor.summing:
            for request in wanted:
                if request.key not in self.floor.summaries:
                    self.floor.summaries[request.key] = await voice.sum_up(request)

    async def _person(self, voice: Voice, kind: Kind) -> Any:
        """Wait until a person gives the turn's text; return its data."""
        self.floor.tell(TurnWaits, turn=voice.turn.id, kind=kind)
        accept = partial(voice.accept, parameters=self.floor.plan.parameters)
        voice.text, data = await self.floor.waits.get(voice.turn.id, kind, voice.text, accept)
        return data

    def _count(self, voice: Voice) -> Any:
        """Count the votes that a turn is about; return the outcome."""
        turn, floor = voice.turn, self.floor
        self.begin(turn, "vote", [])
        assert turn.vote is not None
        given = [(number, result) for number, i in enumerate(turn.voters, 1) if (result := floor.results.get(i)) is not None]
        voice.text, data = count_ballots(turn.vote, given, floor.plan.parameters)
        return data

    async def _settle(self, voice: Voice, contest: Contest) -> Any:
        """Bring a judge's answers together; return the verdict."""
        self.begin(voice.turn, "vote", [])
        said, data = dict(self.floor.said), dict(self.floor.data)
        added = [turn for turn in self.floor.plan.turns if turn.added]
        voice.text, verdict = await asyncio.to_thread(settle, contest.with_turns(added), data, said)
        return verdict

    async def _spawn(self, voice: Voice) -> Any:
        """Open a turn's sub-dialogues and wait for them; return what they came to."""
        turn, floor, plan = voice.turn, self.floor, self.floor.plan
        self.begin(turn, SUB_DIALOGUES, [])
        topic = floor.spec.topic
        items = items_of(turn.over, floor.results, plan.parameters) if turn.over else [topic]
        seen = [f"{label(plan.by_id[i])}:\n{floor.said[i]}" for i in self._asked(voice).turn.sees if i in floor.said]
        larger = part_of_larger("\n\n".join(seen)) if seen else ""
        background = "\n\n".join(filter(None, [floor.spec.background, larger]))
        known = floor.progress.children if floor.progress else {}
        inherited = {name: getattr(floor.spec, name) for name in ("seed", "stream", "max_output")}
        announced = [spawned for spawned in floor.past.children.values() if spawned.turn == turn.id]
        spawning = floor.spawning[turn.id] = Spawning(
            turn=turn.id,
            parent=floor.dialogue,
            spec=floor.spec.spawns[turn.role].model_copy(update=inherited | {"background": background}),
            topics=[prompt_of(turn, plan, floor.said, topic, {turn.id: item}) for item in items],
            known={number: child for (name, number), child in known.items() if name == turn.id},
            ids={spawned.number: spawned.child for spawned in announced},
            make=self.make,
            announce=partial(floor.tell, DialogueSpawned, turn=turn.id),
            relay=floor.relay,
        )
        try:
            voice.text, data = await spawning.run()
        finally:
            del floor.spawning[turn.id]
        return data

"""One turn being spoken: asks the client, holds the answer to what the mode says of it, and tells what happens.

A turn with an output schema is asked for JSON; an answer that does not fit is mended once, with its problems named. A turn
with a check is asked again, with the mode's feedback, until its answer satisfies it or the attempts are used up. Whatever it
takes, the calls are all in the record, and the turn's text is the last answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Protocol

from workbench.dialogue.casting.persons import read_answer
from workbench.dialogue.planning.expressions import compile_expression
from workbench.dialogue.planning.plan import PlannedTurn
from workbench.dialogue.prompts.arrangement import SummaryRequest
from workbench.dialogue.prompts.context import Message
from workbench.dialogue.rules.parameters import Parameters
from workbench.dialogue.rules.structured import instruction, parse_answer, repair_prompt
from workbench.errors import ErrorKind, ModelError, WorkbenchError
from workbench.events import Call, CallEnded, CallStarted, Event, TextDelta
from workbench.models import Client, ModelCard, Sampling
from workbench.models.completion import Completion, Notice, Piece, Reserve, Started

_AGAIN: Final = "Your answer does not satisfy this yet: {condition}. Give a better one."


class Tell(Protocol):
    """Takes an event of the turn: its kind and its fields."""

    def __call__(self, kind: type[Event], /, **fields: Any) -> None: ...  # noqa: D102


@dataclass(slots=True)
class Voice:
    """Speaks one turn.

    Args:
        turn: as planned.
        chain: the model asked for, then its fallbacks.
        client: makes the calls.
        sampling: of the answers.
        stream: whether answers come in pieces.
        reserve: asks the budget before a call.
        tell: takes the turn's events.
    """

    turn: PlannedTurn
    chain: tuple[ModelCard, ...]
    client: Client
    sampling: Sampling
    stream: bool
    reserve: Reserve
    tell: Tell
    text: str = field(default="", init=False)
    edited: bool = field(default=False, init=False)
    reasoning: str = field(default="", init=False)

    async def speak(self, messages: list[Message], paid: Call | None, parameters: Parameters) -> Any:
        """Bring the turn to its answer, in `text` and `reasoning`, and return its data; None without an output schema.

        Args:
            messages: the prompt; `asked` says how it is sent.
            paid: an answer that is in the record already.
            parameters: of the mode, for its check.

        Raises:
            ModelError: every attempt and fallback failed, or no answer fitted.
        """
        if paid is not None:
            self.text, self.reasoning = paid.text, paid.reasoning
        else:
            await self._ask(messages)
        data = await self._structured(messages)
        check = self.turn.check
        for _ in range(1, check.attempts if check else 1):
            if self._satisfied(data, parameters):
                break
            assert check is not None
            feedback = check.feedback or _AGAIN.format(condition=check.condition)
            await self._ask([*messages, *self._said(feedback)])
            data = await self._structured(messages)
        if not self._satisfied(data, parameters):
            assert check is not None
            raise self._unfit(f"after {check.attempts} attempts the answer does not satisfy {check.condition!r}")
        return data

    def asked(self, messages: list[Message]) -> list[Message]:
        """Return the prompt with what the output schema asks for at its end."""
        if self.turn.output_schema is None:
            return messages
        *before, last = messages
        return [*before, {**last, "content": f"{last['content']}\n\n{instruction(self.turn.output_schema)}"}]

    async def sum_up(self, request: SummaryRequest) -> str:
        """Ask for the summary of a turn, as a call of its own.

        Raises:
            ModelError: every attempt and fallback failed.
        """
        messages = [dict(message) for message in request.messages]
        sampling = Sampling(max_tokens=request.most, seed=self.sampling.seed)
        notify = partial(self._noticed_aside, f"summary {request.key}")
        completion = await self.client.complete(
            self.chain, messages, sampling, stream=False, notify=notify, reserve=self.reserve
        )
        return completion.text

    def accept(self, text: str, parameters: Parameters) -> Any:
        """Return the data of what a person wrote for this turn. Blocks.

        Raises:
            WorkbenchError: it is not what the mode asks for.
        """
        data = read_answer(text, self.turn.output_schema)
        if not self._satisfied(data, parameters, text):
            assert self.turn.check is not None
            condition = self.turn.check.condition
            raise WorkbenchError(
                f"this does not satisfy {condition!r} yet", hint=self.turn.check.feedback or "Give another text."
            )
        return data

    async def _structured(self, messages: list[Message]) -> Any:
        schema = self.turn.output_schema
        if schema is None:
            return None
        answer = await asyncio.to_thread(parse_answer, self.text, schema)
        if answer.problems:
            await self._ask([*messages, *self._said(repair_prompt(self.text, answer.problems, schema))])
            answer = await asyncio.to_thread(parse_answer, self.text, schema)
        if answer.problems:
            raise self._unfit(f"the answer does not fit the schema: {'; '.join(answer.problems[:3])}")
        return answer.data

    def _said(self, reply: str) -> list[Message]:
        return [{"role": "assistant", "content": self.text}, {"role": "user", "content": reply}]

    def _satisfied(self, data: Any, parameters: Parameters, text: str | None = None) -> bool:
        check = self.turn.check
        if check is None:
            return True
        return bool(compile_expression(check.condition).evaluate(result_of(data, text or self.text) | dict(parameters)))

    def _unfit(self, message: str) -> ModelError:
        return ModelError(
            ErrorKind.MALFORMED_ANSWER,
            f"{self.turn.id}: {message}",
            model=self.chain[0].name,
            hint="Resume to ask again, with another model if this one cannot do it: -p ROLE=MODEL.",
        )

    async def _ask(self, messages: list[Message]) -> Completion:
        completion = await self.client.complete(
            self.chain, messages, self.sampling, stream=self.stream, notify=self._noticed, reserve=self.reserve
        )
        self.text, self.reasoning = completion.text, completion.reasoning
        return completion

    def _noticed_aside(self, purpose: str, notice: Notice) -> None:
        """Tell of a call whose text is not the turn's."""
        if isinstance(notice, Started):
            self.tell(CallStarted, call=notice.call, model=notice.card.name, attempt=notice.attempt)
        elif isinstance(notice, Call):
            self.tell(CallEnded, call=replace(notice, purpose=purpose))

    def _noticed(self, notice: Notice) -> None:
        if isinstance(notice, Piece):
            self.tell(TextDelta, call=notice.call, text=notice.text, reasoning=notice.reasoning)
        elif isinstance(notice, Started):
            self.tell(CallStarted, call=notice.call, model=notice.card.name, attempt=notice.attempt)
        elif isinstance(notice, Call):
            self.text, self.reasoning = notice.text, notice.reasoning
            self.tell(CallEnded, call=notice)


def result_of(data: Any, text: str) -> dict[str, Any]:
    """Return what an expression sees of a turn: the fields of its data, and its `text`."""
    fields = data if isinstance(data, dict) else {} if data is None else {"value": data}
    return {"text": text} | fields

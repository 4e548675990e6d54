"""One request, whatever it takes: limits, retries, circuit breakers and the fallback chain.

This is the only place that retries; LiteLLM's and the SDKs' own retries are off. A chain of cards is tried in order: each
card up to `attempts` times while its failures are transient, then the next. Every attempt is a `Call`, told to the caller
as it ends, so that the half answer of a broken stream is kept too.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from uuid import uuid4

from workbench.errors import CapacityError, ErrorKind, ModelError, redact
from workbench.events import Call, Timings
from workbench.events.listening import report
from workbench.models.breaker import CircuitBreaker, Passage
from workbench.models.card import ModelCard
from workbench.models.completion import Completion, Notify, Piece, Reserve, Settle, Started, TooDearError
from workbench.models.provider import Chunk, Request, Sampling
from workbench.models.providers import Providers
from workbench.settings import RetrySettings, Settings

_BREAKING = frozenset({ErrorKind.CAPACITY, ErrorKind.TIMEOUT, ErrorKind.MALFORMED_ANSWER})
"""Failures that say something about the provider's health; a rate limit says that it is well and busy."""
_TAKES_TOP_K = frozenset(
    {"anthropic", "gemini", "vertex_ai", "hosted_vllm", "ollama", "ollama_chat", "openrouter", "together_ai", "fireworks_ai"}
)
"""First parts of ids whose providers take `top_k`; OpenAI and those that copy it closely refuse what they do not know."""


def _ignore(_notice: object) -> None: ...


async def _allow(_card: ModelCard, request: Request) -> tuple[Request, Settle]:
    return request, _ignore


@dataclass(frozen=True, slots=True)
class _Job:
    """What stays the same over all attempts at one request."""

    chain: tuple[ModelCard, ...]
    messages: tuple[dict[str, str], ...]
    sampling: Sampling
    stream: bool
    notify: Notify
    reserve: Reserve
    calls: list[Call] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    """The models that were given up, each with the reason."""

    @property
    def asked(self) -> str:
        return self.chain[0].name

    @property
    def fallback_reason(self) -> str | None:
        return "; ".join(self.passed) or None


class Client:
    """Calls models. One per orchestrator, used on the engine's loop only.

    Args:
        settings: `retry` and `replay` are read.
        providers: who answers; by default what the settings say.
        seed: of the jitter, for tests.

    Attributes:
        queued: model card's name to how many calls wait for a free slot, or for their provider's rest to be over.
        in_flight: model card's name to how many calls are out.
    """

    def __init__(self, settings: Settings, providers: Providers | None = None, *, seed: int | None = None) -> None:
        self._settings = settings
        self.retry: RetrySettings = settings.retry
        self.providers = providers or Providers(settings)
        self.queued: Counter[str] = Counter()
        self.in_flight: Counter[str] = Counter()
        self._slots: dict[tuple[str, str | None], asyncio.Semaphore] = {}
        self._breakers: dict[str, CircuitBreaker] = {}
        self._random = random.Random(seed)  # noqa: S311 - jitter, not cryptography

    async def complete(
        self,
        chain: Sequence[ModelCard],
        messages: Sequence[dict[str, str]],
        sampling: Sampling | None = None,
        *,
        stream: bool = True,
        notify: Notify = _ignore,
        reserve: Reserve = _allow,
    ) -> Completion:
        """Return the answer of the first model of the chain that gives one.

        Args:
            chain: the model asked for, then its fallbacks.
            messages: oldest first.
            sampling: how to draw the answer.
            stream: whether `notify` is told pieces as they come.
            notify: told of every start, piece and end of a call.
            reserve: asked before each call.

        Raises:
            ModelError: the last failure, when the whole chain failed.
            BudgetExceededError: `reserve` forbade a call.
        """
        job = _Job(tuple(chain), tuple(messages), sampling or Sampling(), stream, notify, reserve)
        failure: ModelError | None = None
        to_ask = list(job.chain)
        while to_ask:
            card = to_ask.pop(0)
            try:
                return await self._with_retries(card, job)
            except TooDearError as dear:
                job.passed.append(f"{card.name}: budget")
                to_ask = [dear.instead, *(each for each in to_ask if each.name != dear.instead.name)]
            except ModelError as error:
                failure = error
                if earlier := job.fallback_reason:
                    error.hint = " ".join(filter(None, (error.hint, f"Tried before: {earlier}.")))
                job.passed.append(f"{card.name}: {error.kind}")
        raise failure or ValueError("an empty chain of models")

    async def aclose(self) -> None:
        """Close connections and free weights."""
        await self.providers.aclose()

    def breaker(self, provider: str) -> CircuitBreaker:
        """Return the provider's circuit breaker."""
        if provider not in self._breakers:
            self._breakers[provider] = CircuitBreaker(self.retry.breaker_failures, self.retry.breaker_seconds)
        return self._breakers[provider]

    @property
    def breakers(self) -> Mapping[str, CircuitBreaker]:
        """The circuit breakers that there are, by provider."""
        return dict(self._breakers)

    async def _with_retries(self, card: ModelCard, job: _Job) -> Completion:
        attempt = 1
        await self.providers.ready(card)
        while True:
            try:
                return await self._in_a_slot(card, job, attempt)
            except ModelError as error:
                delay = self._delay(attempt, error)
                if delay is None:
                    raise
            await asyncio.sleep(delay)
            attempt += 1

    def _delay(self, attempt: int, error: ModelError) -> float | None:
        """Return the seconds to wait before the next try (full jitter), None when there is none."""
        if not error.kind.transient or attempt >= self.retry.attempts:
            return None
        jittered = self._random.uniform(0, min(self.retry.cap, self.retry.base * 2 ** (attempt - 1)))
        if error.retry_after is None:
            return jittered
        return None if error.retry_after > self.retry.max_retry_after else error.retry_after + jittered / 10

    async def _in_a_slot(self, card: ModelCard, job: _Job, attempt: int) -> Completion:
        waiting_since, patience = time.perf_counter(), self.retry.max_retry_after
        slots = self._slots.setdefault((card.name, card.api_base), asyncio.Semaphore(card.concurrency))
        breaker = self.breaker(card.provider)
        while True:
            with _counted(self.queued, card.name):
                patience -= await self._rested(card, job, patience)
                await slots.acquire()
            try:
                if breaker.wait() > 0:
                    continue  # it opened while this call stood in line
                passage = breaker.enter()
                try:
                    request, settle = await job.reserve(card, self._request(card, job))
                    with _counted(self.in_flight, card.name):
                        queue = time.perf_counter() - waiting_since
                        return await self._call(card, job, request, settle, passage, attempt, queue)
                finally:
                    passage.abandoned()  # unless the call has said how it ended
            finally:
                slots.release()

    async def _rested(self, card: ModelCard, job: _Job, patience: float) -> float:
        """Wait for the provider's breaker and return the seconds; with another model to turn to, or too long a rest, fail."""
        breaker, waited = self.breaker(card.provider), 0.0
        while (rest := breaker.wait()) > 0:
            if card is not job.chain[-1] or waited + rest > patience:
                raise ModelError(
                    ErrorKind.CAPACITY,
                    f"{card.provider} failed {breaker.failures} times in a row and rests for {rest:.0f} s",
                    model=card.name,
                    retry_after=float("inf"),
                )
            await asyncio.sleep(rest)
            waited += rest
        return waited

    def _request(self, card: ModelCard, job: _Job) -> Request:
        return Request(
            model=card.id,
            messages=job.messages,
            sampling=_accepted(card, job.sampling),
            timeout=card.timeout,
            stream=job.stream,
            api_base=card.api_base,
            api_key=card.api_key() if self.providers.need_key(card) else None,
            extra=dict(card.extra),
            context_caching=card.context_caching and card.claude,
            min_memory=card.min_memory,
        )

    async def _call(
        self, card: ModelCard, job: _Job, request: Request, settle: Settle, passage: Passage, attempt: int, queue: float
    ) -> Completion:
        answer = _Answer(uuid4().hex, job.notify)
        error: BaseException | None = None
        try:
            job.notify(Started(answer.id, card, attempt))
            await answer.read(self.providers.of(card).stream(request), request.timeout)
        except TimeoutError:
            error = ModelError(ErrorKind.TIMEOUT, f"nothing came for {request.timeout:g} s", model=card.name)
        except (ModelError, asyncio.CancelledError, Exception) as caught:  # noqa: BLE001 - told and raised again below
            error = caught
        error = error or answer.refusal(card)
        call = answer.ended(card, job, attempt, queue, error)
        self._learn(card.provider, passage, error)
        job.calls.append(call)
        settle(call)
        job.notify(call)
        if error is not None:
            raise error from None
        return _completion(call, len(job.calls))

    def _learn(self, provider: str, passage: Passage, error: BaseException | None) -> None:
        breaker = self.breaker(provider)
        before = breaker.state
        if error is None:
            passage.succeeded()
        elif isinstance(error, ModelError) and error.kind in _BREAKING and not isinstance(error, CapacityError):
            passage.failed()
        else:
            passage.abandoned()
        if breaker.state == before:
            return
        if breaker.state == "open":
            rest = self.retry.breaker_seconds
            report("breaker_opened", settings=self._settings, provider=provider, error=str(error), rest_seconds=rest)
        elif breaker.state == "closed":
            report("breaker_closed", level="info", settings=self._settings, provider=provider)


@contextmanager
def _counted(counter: Counter[str], name: str) -> Iterator[None]:
    counter[name] += 1
    try:
        yield
    finally:
        counter[name] -= 1


class _Answer:
    """Adds up one call's chunks, and remembers when they came."""

    def __init__(self, call_id: str, notify: Notify) -> None:
        self.id, self.notify = call_id, notify
        self.started_at, self.clock = time.time(), time.perf_counter()
        self.first: float | None = None
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.last = Chunk()

    async def read(self, chunks: AsyncGenerator[Chunk, None], patience: float) -> None:
        loop = asyncio.get_running_loop()
        async with aclosing(chunks), asyncio.timeout(patience) as guard:
            async for chunk in chunks:
                guard.reschedule(loop.time() + patience)
                self.add(chunk)

    def add(self, chunk: Chunk) -> None:
        if chunk.text or chunk.reasoning:
            if self.first is None:
                self.first = time.perf_counter() - self.clock
            self.text.append(chunk.text)
            self.reasoning.append(chunk.reasoning)
            self.notify(Piece(self.id, chunk.text, chunk.reasoning))
        known = {k: v for k in ("finish_reason", "usage", "served", "timings") if (v := getattr(chunk, k)) is not None}
        if known:
            self.last = replace(self.last, **known)

    def refusal(self, card: ModelCard) -> ModelError | None:
        """Return what is wrong with an answer that came whole: a provider may stop it for its content."""
        if self.last.finish_reason != ErrorKind.CONTENT_FILTER:
            return None
        return ModelError(ErrorKind.CONTENT_FILTER, "the provider stopped the answer for its content", model=card.name)

    def ended(self, card: ModelCard, job: _Job, attempt: int, queue: float, error: BaseException | None) -> Call:
        total = time.perf_counter() - self.clock
        return Call(
            id=self.id,
            asked=job.asked,
            model=card.name,
            provider=card.provider,
            attempt=attempt,
            outcome=_outcome(error),
            started_at=self.started_at,
            timings=self.last.timings or Timings(queue, self.first if job.stream else None, total),
            served=self.last.served,
            usage=self.last.usage,
            cost=card.cost(self.last.usage),
            saved=card.saved(self.last.usage),
            finish_reason=self.last.finish_reason,
            text="".join(self.text),
            reasoning="".join(self.reasoning),
            error=str(error) if isinstance(error, ModelError) else redact(repr(error)) if error else None,
            fallback_reason=job.fallback_reason,
        )


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "ok"
    if isinstance(error, ModelError):
        return error.kind
    return "cancelled" if isinstance(error, asyncio.CancelledError) else ErrorKind.MALFORMED_ANSWER


def takes_top_k(card: ModelCard) -> bool:
    """Whether a model's provider takes `top_k`: Claude, Gemini, models in this process, and servers of open models do."""
    return card.sampling and (card.local or card.api_base is not None or card.id.partition("/")[0] in _TAKES_TOP_K)


def _accepted(card: ModelCard, sampling: Sampling) -> Sampling:
    """Leave out what the model refuses, and keep `max_tokens` within what it can produce."""
    changes: dict[str, object] = {}
    if not card.sampling:
        changes |= {"temperature": None, "top_p": None}
    if sampling.top_k is not None and not takes_top_k(card):
        changes["top_k"] = None
    if not card.seed:
        changes["seed"] = None
    if card.max_output and sampling.max_tokens and sampling.max_tokens > card.max_output:
        changes["max_tokens"] = card.max_output
    return replace(sampling, **changes) if changes else sampling  # type: ignore[arg-type]


def _completion(call: Call, attempts: int) -> Completion:
    return Completion(
        text=call.text,
        reasoning=call.reasoning,
        asked=call.asked,
        model=call.model,
        served=call.served,
        usage=call.usage,
        cost=call.cost,
        saved=call.saved,
        timings=call.timings,
        attempts=attempts,
        finish_reason=call.finish_reason,
        fallback_reason=call.fallback_reason,
    )

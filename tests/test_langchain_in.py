"""LangChain's chat models as speakers: what goes out, what comes back, and what their failures mean."""

import asyncio
import threading

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from pydantic import Field
from wire import Wire, first, words_for
from wired import Heard, ask, until

from workbench import ModelRegistry, Settings
from workbench.errors import ErrorKind, ModelError, UnknownModelError
from workbench.events import Usage
from workbench.loop import engine_loop, run
from workbench.models import Model, ModelConfig, Prices
from workbench.models.langchain import chat_card

KEY = "wb-secret-0123456789abcdef"
BOTH = pytest.mark.parametrize("kind", ["openai", "anthropic"])
HOW = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


def chat(kind, wire, **more):
    made = {"openai": ChatOpenAI, "anthropic": ChatAnthropic}[kind]
    return made(model="wire", base_url=getattr(wire, kind), api_key=KEY, **more)


class Echo(BaseChatModel):
    """Answers synchronously, on whichever thread it is asked."""

    style: str = "plain"
    threads: list = Field(default_factory=list)

    @property
    def _llm_type(self):
        return "echo"

    def _generate(self, messages, stop=None, run_manager: CallbackManagerForLLMRun | None = None, **kwargs):
        self.threads.append(threading.current_thread())
        message = AIMessage(content=f"{self.style}: {messages[-1].content}")
        return ChatResult(generations=[ChatGeneration(message=message)])


class Slow(Echo):
    """Streams from a thread, until it is let go."""

    gate: object = None

    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        yield ChatGenerationChunk(message=AIMessageChunk(content="one "))
        self.gate.wait(10)
        yield ChatGenerationChunk(message=AIMessageChunk(content="two"))


@BOTH
@HOW
def test_the_answer_comes_with_all_that_the_provider_says_about_it(wire, client, kind, stream):
    wire.cached_tokens = 4
    heard = Heard()
    answer = ask(client, chat_card(chat(kind, wire)), heard, stream=stream)
    assert answer.text == " ".join(words_for(wire.requests[0], 12))
    assert answer.usage == Usage(prompt=10, completion=12, cached=4)
    assert (answer.asked, answer.served, answer.finish_reason) == ("wire", "wire-model-1", "stop")
    assert len([piece for piece in heard.pieces if piece.text]) == (12 if stream else 1)
    assert wire.requests[0].body.get("stream", False) is stream


@HOW
def test_what_claude_writes_to_its_cache_is_counted(wire, client, stream):
    wire.cached_tokens, wire.written_tokens = 4, 3
    answer = ask(client, chat_card(chat("anthropic", wire)), stream=stream)
    assert answer.usage == Usage(prompt=10, completion=12, cached=4, cache_write=3)


def test_reasoning_is_told_apart_and_counted(wire, client):
    wire.reasoning = "hm hm"
    thinking = chat_card(chat("anthropic", wire, thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2048))
    answer = ask(client, thinking)
    assert answer.reasoning == "hm hm"
    assert answer.text == " ".join(words_for(wire.requests[0], 12))
    assert ask(client, chat_card(chat("openai", wire))).usage.reasoning == 2


@BOTH
def test_sampling_goes_out_and_the_model_itself_stays_as_it_was(wire, client, kind):
    model = chat(kind, wire, temperature=0.9, max_tokens=77)
    ask(client, chat_card(model), temperature=0.25, max_tokens=9, stop=("END",), seed=3)
    ask(client, chat_card(model))
    sent, then = (asked.body for asked in wire.requests)
    assert sent["temperature"] == 0.25
    assert 9 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))
    assert "END" in (sent.get("stop") or sent.get("stop_sequences"))
    assert sent.get("seed") == (3 if kind == "openai" else None)
    assert then["temperature"] == model.temperature == 0.9
    assert chat_card(model).default_output == 77


FAILURES = {
    "400": ErrorKind.BAD_REQUEST,
    "401": ErrorKind.AUTHENTICATION,
    "403": ErrorKind.AUTHENTICATION,
    "404": ErrorKind.BAD_REQUEST,
    "429": ErrorKind.RATE_LIMIT,
    "500": ErrorKind.CAPACITY,
    "529": ErrorKind.CAPACITY,
    "context": ErrorKind.CONTEXT_TOO_LONG,
    "filter": ErrorKind.CONTENT_FILTER,
    "filtered": ErrorKind.CONTENT_FILTER,
    "html": ErrorKind.CAPACITY,
    "cut": ErrorKind.CAPACITY,
    "short": ErrorKind.CAPACITY,
}


@pytest.mark.parametrize(
    ("kind", "fault", "outcome"),
    [
        *((kind, fault, outcome) for kind in ("openai", "anthropic") for fault, outcome in FAILURES.items()),
        ("openai", "quota", ErrorKind.AUTHENTICATION),
        ("anthropic", "overloaded", ErrorKind.CAPACITY),
    ],
)
def test_failures_are_told_as_what_they_are(make_client, kind, fault, outcome):
    with Wire(faults=lambda _asked: fault) as wire, pytest.raises(ModelError) as caught:
        ask(make_client(attempts=1), chat_card(chat(kind, wire)))
    assert caught.value.kind is outcome, caught.value
    assert len(wire.requests) == 1
    assert "langchain/wire" in str(caught.value) or outcome is ErrorKind.CONTENT_FILTER


def test_a_malformed_answer_is_told_as_one(make_client):
    with Wire(faults=lambda _asked: "malformed") as wire, pytest.raises(ModelError) as caught:
        ask(make_client(attempts=1), chat_card(chat("openai", wire)), stream=False)
    assert caught.value.kind is ErrorKind.MALFORMED_ANSWER


@BOTH
def test_every_retry_is_the_clients_and_is_told(client, kind):
    with Wire(faults=first(2, "500")) as wire:
        heard = Heard()
        answer = ask(client, chat_card(chat(kind, wire)), heard)
        assert [call.outcome for call in heard.calls] == ["capacity", "capacity", "ok"]
        assert answer.attempts == len(wire.requests) == 3


@BOTH
def test_a_provider_that_repeats_the_key_is_not_quoted(make_client, kind):
    with Wire(faults=lambda _asked: "says") as wire, pytest.raises(ModelError) as caught:
        ask(make_client(attempts=1), chat_card(chat(kind, wire)))
    assert "Incorrect key [redacted] (sic)." in str(caught.value)
    assert KEY not in repr(chat_card(chat(kind, wire)))


@BOTH
async def test_it_may_be_awaited_on_another_loop_meanwhile(client, kind):
    with Wire() as wire:
        model = chat(kind, wire, max_retries=0)
        ours = Model(model, client=client)
        for _ in range(2):
            here, there = await asyncio.gather(model.ainvoke("here"), ours.chat("there"))
            assert here.text
            assert there[0]
        assert len(wire.answered) == 2
        assert sum(wire.answered.values()) == len(wire.requests) == 4
        for sdk in (getattr(model, "root_async_client", None) or model._async_client,):
            await sdk.close()


@BOTH
async def test_a_cancelled_answer_hangs_up(client, kind):
    with Wire(delay=0.02, words=500) as wire:
        pieces = Model(chat(kind, wire), client=client).stream("Go on.")
        async for _ in pieces:
            break
        await pieces.aclose()
        await until(lambda: wire.dropped == 1)


def test_a_synchronous_model_answers_on_a_thread(client):
    echo = Echo()
    answer = ask(client, chat_card(echo))
    assert answer.text == "plain: Which weighs more?"
    assert (answer.usage, answer.cost) == (None, None)
    loop_thread = next(t for t in threading.enumerate() if t.name == "workbench-engine")
    assert engine_loop().is_running()
    assert echo.threads
    assert loop_thread not in echo.threads


def test_a_synchronous_stream_leaves_the_loop_free(client):
    gate = threading.Event()
    asking = asyncio.run_coroutine_threadsafe(
        client.complete([chat_card(Slow(gate=gate))], [{"role": "user", "content": "?"}], notify=lambda _n: None), engine_loop()
    )

    async def nothing():
        return "free"

    assert run(nothing()) == "free"
    gate.set()
    assert asking.result(10).text == "one two"


def test_a_fallback_stands_in(client):
    with Wire(faults=lambda asked: "500" if asked.protocol == "openai" else None) as wire:
        chain = ModelConfig(chat("openai", wire), fallbacks=[chat("anthropic", wire)]).chain(ModelRegistry())
        answer = ask(client, chain)
        assert answer.text
        assert answer.fallback_reason == "wire: capacity"


def test_each_object_answers_for_itself(client):
    one, two = chat_card(Echo(style="one")), chat_card(Echo(style="two"))
    assert one.id == two.id == "langchain/Echo"
    assert [ask(client, card).text.partition(":")[0] for card in (one, two, one)] == ["one", "two", "one"]


def test_what_is_declared_about_the_same_model_counts_at_its_own_provider(tmp_path):
    registry = ModelRegistry(Settings(workspace=tmp_path))
    known = next(card for card in registry if card.id.startswith("anthropic/") and card.prices)
    name = known.id.partition("/")[2]
    card = chat_card(ChatAnthropic(model=name, api_key=KEY), registry=registry)
    assert (card.prices, card.family, card.context_window) == (known.prices, known.family, known.context_window)
    assert (card.name, card.id, card.provider) == (name, f"langchain/{name}", "langchain:anthropic")
    elsewhere = chat_card(ChatAnthropic(model=name, api_key=KEY, base_url="http://proxy.test/v1"), registry=registry)
    assert (elsewhere.prices, elsewhere.family) == (None, known.family)
    assert elsewhere.provider == "langchain:anthropic@proxy.test"


def test_prices_are_given_with_the_card_or_in_the_settings(wire, client, tmp_path):
    priced = chat_card(chat("openai", wire), prices=Prices(input=1, output=2), name="mine")
    assert ask(client, priced).cost == pytest.approx((10 * 1 + 12 * 2) / 1e6)
    assert priced.name == "mine"
    declared = Settings(
        workspace=tmp_path, models={"w": {"id": "langchain/wire", "prices": {"input": 3, "output": 0}, "tags": ["x"]}}
    )
    card = chat_card(chat("openai", wire), registry=ModelRegistry(declared))
    assert (card.prices.input, card.tags[0], card.name) == (3, "x", "wire")


def test_what_is_no_model_is_refused_by_name(wire):
    with pytest.raises(UnknownModelError, match="Binding is no model") as caught:
        Model(chat("openai", wire).bind(stop=["x"]))
    assert "BaseChatModel" in caught.value.hint


def test_a_schema_is_refused(client, wire):
    with pytest.raises(ModelError, match="takes no schema"):
        ask(client, chat_card(chat("openai", wire)), schema={"type": "object"})
    assert not wire.requests

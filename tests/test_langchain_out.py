"""Our models in LangChain: invoked, awaited, streamed and chained, with the client's retries, fallbacks and prices."""

import asyncio

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from wire import Wire, first, words_for
from wired import card, until

from workbench.errors import ErrorKind, ModelError
from workbench.loop import bridge
from workbench.models import Model, ModelConfig, Prices
from workbench.models.langchain.chat import ChatWorkbench


@pytest.fixture
def model(wire, client):
    return Model(card(wire, prices=Prices(input=1, output=2)), client=client)


@pytest.fixture
def chat(model):
    return model.to_langchain()


def text_of(wire, number=0):
    return " ".join(words_for(wire.requests[number], 12))


def check(message, wire):
    assert message.text == text_of(wire)
    assert message.usage_metadata["input_tokens"] == 10
    assert message.usage_metadata["output_tokens"] == 12
    assert message.usage_metadata["total_tokens"] == 22
    assert message.usage_metadata["input_token_details"] == {"cache_read": 4}
    metadata = message.response_metadata
    assert (metadata["model_name"], metadata["model"], metadata["finish_reason"]) == ("wire-model-1", "openai", "stop")
    assert metadata["cost"] == pytest.approx((10 + 2 * 12) / 1e6)


def test_invoked_it_answers_with_usage_and_cost(chat, wire):
    wire.cached_tokens = 4
    check(chat.invoke("Which weighs more?"), wire)


async def test_awaited_it_answers_with_usage_and_cost(chat, wire):
    wire.cached_tokens = 4
    check(await chat.ainvoke("Which weighs more?"), wire)


def test_streamed_it_comes_in_pieces_that_add_up_to_the_same(chat, wire):
    wire.cached_tokens = 4
    pieces = list(chat.stream("Which weighs more?"))
    assert len([piece for piece in pieces if piece.text]) == 12
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += piece
    check(whole, wire)


async def test_streamed_on_an_event_loop_it_comes_in_pieces_too(chat, wire):
    wire.cached_tokens = 4
    whole = None
    async for piece in chat.astream("Which weighs more?"):
        whole = piece if whole is None else whole + piece
    check(whole, wire)


def test_messages_and_sampling_reach_the_model(model, wire):
    chat = model.to_langchain(temperature=0.25, max_tokens=9, seed=3, stop=["END"])
    chat.invoke(
        [
            SystemMessage("Be brief."),
            HumanMessage("Hello."),
            AIMessage("Yes?"),
            HumanMessage([{"type": "text", "text": "Now."}]),
        ]
    )
    sent = wire.requests[0].body
    roles = [(message["role"], message["content"]) for message in sent["messages"]]
    assert roles == [("system", "Be brief."), ("user", "Hello."), ("assistant", "Yes?"), ("user", "Now.")]
    assert (sent["temperature"], sent["max_tokens"], sent["seed"], sent["stop"]) == (0.25, 9, 3, ["END"])
    chat.invoke("Again.", temperature=0.5, stop=["HALT"])
    sent = wire.requests[1].body
    assert (sent["temperature"], sent["max_tokens"], sent["stop"]) == (0.5, 9, ["HALT"])


def test_in_a_chain_it_is_one_of_the_links(chat, wire):
    chain = ChatPromptTemplate.from_messages([("system", "You weigh."), ("human", "{question}")]) | chat | StrOutputParser()
    assert chain.invoke({"question": "Which?"}) == text_of(wire)
    assert set(chain.batch([{"question": "a"}, {"question": "b"}])) == {text_of(wire, 1), text_of(wire, 2)}


def test_reasoning_stands_apart(chat, wire):
    wire.reasoning = "first weigh"
    message = chat.invoke("?")
    assert [block["type"] for block in message.content_blocks] == ["reasoning", "text"]
    assert message.usage_metadata["output_token_details"] == {"reasoning": 2}


def test_the_client_retries_and_falls_back(wire, client):
    with Wire(faults=lambda _asked: "500") as broken:
        config = ModelConfig(card(broken, name="first"), fallbacks=[card(wire, name="second")])
        told = Model(config, client=client).to_langchain().invoke("?").response_metadata
    assert (told["asked"], told["model"], told["attempts"]) == ("first", "second", client.retry.attempts + 1)
    assert told["fallback_reason"] == "first: capacity"


def test_without_usage_or_prices_both_are_unknown(client):
    with Wire(tells_usage=False) as wire:
        message = Model(card(wire), client=client).to_langchain().invoke("?")
    assert message.usage_metadata is None
    assert message.response_metadata["cost"] is None


def test_a_stream_that_breaks_is_an_error_and_no_half_answer_twice(client):
    with Wire(faults=first(1, "cut")) as wire:
        chat, said = Model(card(wire), client=client).to_langchain(), []
        with pytest.raises(ModelError, match="a part of it is out already") as caught:
            said.extend(piece.text for piece in chat.stream("?"))
    assert caught.value.kind is ErrorKind.CAPACITY
    assert "".join(said) == " ".join(words_for(wire.requests[0], 12)[:6])
    assert len(wire.requests) == 1


def test_a_failure_before_the_first_word_is_retried(client):
    with Wire(faults=first(2, "500")) as wire:
        text = "".join(piece.text for piece in Model(card(wire), client=client).to_langchain().stream("?"))
        assert text == " ".join(words_for(wire.requests[2], 12))


async def test_who_leaves_a_stream_hangs_up(client):
    with Wire(delay=0.02, words=500) as wire:
        chat = Model(card(wire), client=client).to_langchain()
        pieces = chat.stream("?")
        next(pieces)
        pieces.close()
        await until(lambda: wire.dropped == 1)
        pieces = chat.astream("?")
        await anext(pieces)
        await pieces.aclose()
        await until(lambda: wire.dropped == 2)


def test_what_it_does_not_support_is_said_as_langchain_says_it(chat, wire):
    with pytest.raises(NotImplementedError):
        chat.with_structured_output({"title": "x", "type": "object", "properties": {}})
    with pytest.raises(NotImplementedError):
        chat.bind_tools([])
    with pytest.raises(NotImplementedError, match="tools"):
        chat.invoke("?", tools=[])
    with pytest.raises(NotImplementedError, match="'tool'"):
        chat.invoke([ToolMessage("4", tool_call_id="1")])
    with pytest.raises(NotImplementedError, match="image"):
        chat.invoke([HumanMessage([{"type": "image", "url": "http://x.test/a.png"}])])
    assert not wire.requests


def test_it_shows_its_model(model):
    chat = model.to_langchain(temperature=0.5)
    assert chat.asdict()["model"] == "openai"
    assert chat._llm_type == "workbench"
    assert "0.5" in repr(chat)


async def test_asked_synchronously_on_the_engines_loop_it_does_not_wait_for_itself(chat):
    async def ask():
        return chat.invoke("?")

    with pytest.raises(RuntimeError, match="await instead"):
        await asyncio.wait_for(bridge(ask()), 5)


def test_a_model_may_be_named(wire):
    chat = ChatWorkbench(model=card(wire))
    assert chat.invoke("?").text == text_of(wire)
    assert ChatWorkbench(model="local").model.chain[0].local

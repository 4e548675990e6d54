"""Each provider's protocol, streamed and whole: what goes out in the request, and what comes back of the answer."""

import asyncio
import traceback

import pytest
from wire import key_of, words_for
from wired import KEYS, PROTOCOLS, QUESTION, Heard, ask, card, quick, until

from workbench.dialogue.orchestrator import Orchestrator
from workbench.errors import ErrorKind, ModelError, redact
from workbench.events import Usage
from workbench.loop import run
from workbench.models import Client, Model, ModelConfig, Prices

pytestmark = pytest.mark.parametrize("protocol", PROTOCOLS)
streamed = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
DEEPSEEK = Prices(input=0.28, cached_input=0.028, output=0.42)


@streamed
def test_the_answer_comes_with_all_that_the_provider_says_about_it(wire, client, protocol, stream):
    wire.cached_tokens = 4
    answer = ask(client, card(wire, protocol), stream=stream)
    assert answer.text == " ".join(words_for(wire.requests[0], 12))
    assert answer.usage == Usage(prompt=10, completion=12, cached=4)
    assert (answer.asked, answer.model, answer.served, answer.finish_reason) == (protocol, protocol, "wire-model-1", "stop")
    assert (answer.attempts, answer.fallback_reason) == (1, None)
    assert answer.tokens == {"prompt": 10, "completion": 12, "total": 22, "cached": 4, "reasoning": 0}


@streamed
def test_thinking_is_kept_apart_from_the_answer_and_counted(wire, client, protocol, stream):
    wire.reasoning = "first weigh then speak"
    heard = Heard()
    answer = ask(client, card(wire, protocol), heard, stream=stream)
    assert answer.reasoning == "first weigh then speak"
    assert answer.text == " ".join(words_for(wire.requests[0], 12))
    assert heard.pieces[0].reasoning
    assert not heard.pieces[0].text or not stream
    if protocol != "anthropic":  # which does not count it apart
        assert answer.usage == Usage(prompt=10, completion=16, reasoning=4)


def test_a_stream_comes_in_pieces_and_a_whole_answer_in_one(wire, client, protocol):
    streamed, whole = Heard(), Heard()
    ask(client, card(wire, protocol), streamed)
    ask(client, card(wire, protocol), whole, stream=False)
    assert len([piece for piece in streamed.pieces if piece.text]) == 12
    assert len(whole.pieces) == 1
    assert streamed.calls[0].timings.first_token <= streamed.calls[0].timings.total
    assert whole.calls[0].timings.first_token is None


@streamed
def test_the_cost_follows_the_cards_prices_with_cached_input_apart(wire, client, protocol, stream):
    wire.prompt_tokens, wire.cached_tokens = 1_000_000, 600_000
    answer = ask(client, card(wire, protocol, prices=DEEPSEEK), stream=stream)
    assert answer.cost == pytest.approx(0.4 * 0.28 + 0.6 * 0.028 + 12e-6 * 0.42, rel=1e-12)


@streamed
def test_without_prices_the_cost_is_unknown_and_not_zero(wire, client, protocol, stream):
    assert ask(client, card(wire, protocol), stream=stream).cost is None


@streamed
def test_without_usage_tokens_and_cost_are_unknown_and_not_zero(wire, make_client, protocol, stream):
    wire.tells_usage = False
    heard, priced = Heard(), card(wire, protocol, prices=DEEPSEEK)
    if stream or protocol == "openai":
        assert set(ask(make_client(), priced, heard, stream=stream).tokens.values()) == {None}
    else:  # a whole answer without it breaks their protocol
        with pytest.raises(ModelError) as caught:
            ask(make_client(attempts=1), priced, heard, stream=False)
        assert caught.value.kind is ErrorKind.MALFORMED_ANSWER
    assert (heard.calls[0].usage, heard.calls[0].cost) == (None, None)


@streamed
def test_what_was_said_before_and_the_system_prompt_go_out(wire, client, protocol, stream):
    said = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Lead?"},
        {"role": "assistant", "content": "No."},
        {"role": "user", "content": "Feathers?"},
    ]
    ask(client, card(wire, protocol), messages=said, stream=stream)
    assert heard_by_provider(protocol, wire.requests[0].body) == [tuple(message.values()) for message in said]


@streamed
def test_sampling_goes_out_as_the_protocol_has_it(wire, client, protocol, stream):
    ask(client, card(wire, protocol), temperature=0.3, top_p=0.9, seed=5, max_tokens=77, stop=("END", "FIN"), stream=stream)
    wanted = {"temperature": 0.3, "top_p": 0.9, "max_tokens": 77, "stop": ["END", "FIN"]}
    has_seeds = {} if protocol == "anthropic" else {"seed": 5}
    assert sampling_of(protocol, wire.requests[0].body) == wanted | has_seeds


@streamed
def test_what_nobody_asked_for_does_not_go_out(wire, client, protocol, stream):
    ask(client, card(wire, protocol), stream=stream)
    sent = sampling_of(protocol, wire.requests[0].body)
    assert not sent.keys() & {"temperature", "top_p", "seed", "stop"}


def test_a_card_that_refuses_sampling_or_seeds_gets_none(wire, client, protocol):
    ask(client, card(wire, protocol, sampling=False, seed=False), temperature=0.3, top_p=0.9, seed=5, max_tokens=77)
    assert sampling_of(protocol, wire.requests[0].body) == {"max_tokens": 77}


def test_max_tokens_stays_within_what_the_model_can_produce(wire, client, protocol):
    ask(client, card(wire, protocol, max_output=50), max_tokens=77)
    assert sampling_of(protocol, wire.requests[0].body)["max_tokens"] == 50


@streamed
def test_the_key_goes_out_in_a_header_and_nowhere_else(wire, client, protocol, stream, monkeypatch):
    monkeypatch.setenv(KEYS[protocol], "quite-secret-4711")
    ask(client, card(wire, protocol, key=KEYS[protocol]), stream=stream)
    asked = wire.requests[0]
    assert key_of(asked) == "quite-secret-4711"
    assert "quite-secret-4711" not in asked.url
    assert "quite-secret-4711" not in str(asked.body)


@streamed
@pytest.mark.parametrize("key", ["quite-secret-4711", "sk-abcdefgh12345678"])
def test_a_key_that_the_provider_echoes_is_blanked_everywhere(wire, client, protocol, stream, key, monkeypatch):
    monkeypatch.setenv(KEYS[protocol], key)
    wire.faults = lambda _asked: "says"
    heard, asked = Heard(), card(wire, protocol, key=KEYS[protocol])
    with pytest.raises(ModelError) as caught:
        ask(client, asked, heard, stream=stream)
    frames = caught.value.__traceback__.tb_next  # without this one, which knows the key
    told = "".join(traceback.TracebackException(ModelError, caught.value, frames, capture_locals=True).format())
    assert "request = Request(" in told
    assert "redacted" in str(caught.value).lower()
    assert "redacted" in heard.calls[0].error.lower()
    for shown in (str(caught.value), repr(caught.value), told, repr(heard.notices), repr(asked), repr(client)):
        assert key not in shown


def test_a_key_is_blanked_before_a_long_message_is_cut(wire, client, protocol, monkeypatch):
    key = "quite-secret-4711"
    monkeypatch.setenv(KEYS[protocol], key)
    wire.faults, wire.says = lambda _asked: "says", (401, "x" * 484 + " {key} and so on")
    with pytest.raises(ModelError) as caught:
        ask(client, card(wire, protocol, key=KEYS[protocol]))
    assert "quite" not in str(caught.value)


def test_a_key_that_the_provider_echoes_never_reaches_the_record(wire, protocol, tmp_path, monkeypatch):
    key = "quite-secret-4711"
    monkeypatch.setenv(KEYS[protocol], key)
    wire.faults = lambda _asked: "says"
    with Orchestrator(settings=quick(tmp_path)) as workbench:
        dialogue = workbench.run("debate", "t", models=[card(wire, protocol, key=KEYS[protocol])], parameters={"rounds": 1})
        assert "[redacted]" in dialogue.reason
        assert redact(dialogue.export("json")) == dialogue.export("json")
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if key.encode() in path.read_bytes()]


@streamed
@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0), ("nan", None), ("soon", None)],
)
def test_the_providers_wish_to_wait_is_understood(wire, make_client, protocol, stream, header, seconds):
    wire.faults, wire.retry_after = lambda _asked: "429", header
    with pytest.raises(ModelError) as caught:
        ask(make_client(attempts=1), card(wire, protocol), stream=stream)
    assert (caught.value.kind, caught.value.retry_after) == (ErrorKind.RATE_LIMIT, seconds)


async def test_a_model_chats_and_streams_on_the_callers_own_loop(wire, client, protocol):
    model = Model(card(wire, protocol), client=client)
    text, tokens = await model.chat("Which weighs more?", context="Be brief.", temperature=0.3)
    pieces = [piece async for piece in model.stream("Which weighs more?", context="Be brief.", temperature=0.3)]
    assert (tokens["prompt"], tokens["completion"], tokens["total"]) == (10, 12, 22)
    assert len(pieces) == 12
    assert len("".join(pieces).split()) == len(text.split()) == 12
    for asked in wire.requests:
        assert heard_by_provider(protocol, asked.body) == [("system", "Be brief."), ("user", "Which weighs more?")]
        assert sampling_of(protocol, asked.body)["temperature"] == 0.3


async def test_a_context_may_be_the_messages_before_the_question(wire, client, protocol):
    before = [{"role": "user", "content": "Lead?"}, {"role": "assistant", "content": "No."}]
    await Model(card(wire, protocol), client=client).chat("Feathers?", context=before)
    said = heard_by_provider(protocol, wire.requests[0].body)
    assert said == [("user", "Lead?"), ("assistant", "No."), ("user", "Feathers?")]


async def test_many_ask_one_model_at_once_and_each_gets_its_own_answer(wire, client, protocol):
    wire.delay = 0.002
    model = Model(card(wire, protocol, concurrency=20), client=client)

    async def streamed(number):
        return "".join([piece async for piece in model.stream(f"Question {number}?")])

    answers = await asyncio.gather(*(model.chat(f"Question {n}?") for n in range(10)), *map(streamed, range(10)))
    texts = [answer if isinstance(answer, str) else answer[0] for answer in answers]
    asked = {heard_by_provider(protocol, one.body)[0][1] for one in wire.requests}
    assert len(asked) == 10
    assert sorted(texts) == sorted(" ".join(words_for(one, 12)) for one in wire.requests)
    assert wire.most_active > 1


async def test_a_stream_left_early_hangs_up(wire, client, protocol):
    wire.words, wire.delay = 500, 0.01
    pieces = Model(card(wire, protocol), client=client).stream("Which weighs more?")
    assert await anext(pieces)
    await pieces.aclose()
    await until(lambda: wire.dropped == 1)


async def test_a_failed_stream_raises_after_its_pieces(wire, make_client, protocol):
    wire.faults = lambda _asked: "cut"
    pieces = []
    with pytest.raises(ModelError) as caught:  # noqa: PT012 - the loop is what raises
        async for piece in Model(card(wire, protocol), client=make_client(attempts=1)).stream("Which weighs more?"):
            pieces.append(piece)  # noqa: PERF401 - what came before the failure counts too
    assert caught.value.kind is ErrorKind.CAPACITY
    assert pieces


@streamed
def test_closing_one_client_leaves_another_clients_answer_alone(wire, client, tmp_path, protocol, stream):
    wire.delay, wire.answer = 0.01, lambda asked: "brief" if "brief" in str(asked.body) else " ".join(["long"] * 30)
    other = Client(quick(tmp_path))

    async def both():
        asking = asyncio.ensure_future(client.complete([card(wire, protocol, timeout=5)], QUESTION, stream=stream))
        await until(lambda: wire.active)
        await other.complete([card(wire, protocol)], [{"role": "user", "content": "Be brief."}])
        await other.aclose()
        assert not asking.done()
        return await asking

    answer = run(both())
    assert (len(answer.text.split()), answer.attempts) == (30, 1)


def test_a_model_shows_its_chain_and_no_keys(wire, client, protocol, monkeypatch):
    monkeypatch.setenv(KEYS[protocol], "quite-secret-4711")
    chain = ModelConfig(card(wire, protocol, key=KEYS[protocol]), [card(wire, protocol, name="other")])
    assert repr(Model(chain, client=client)) == f"Model({protocol} -> other)"


def heard_by_provider(protocol, body):
    """Return role and text of each message, as the request has them, in one shape for all protocols."""
    if protocol == "openai":
        return [(message["role"], message["content"]) for message in body["messages"]]
    if protocol == "anthropic":
        said = [(message["role"], text_of(message["content"])) for message in body["messages"]]
        return [("system", text_of(body["system"])), *said] if "system" in body else said
    said = [("assistant" if content["role"] == "model" else "user", text_of(content["parts"])) for content in body["contents"]]
    system = body.get("system_instruction") or body.get("systemInstruction")
    return [("system", text_of(system["parts"])), *said] if system else said


def text_of(content):
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def sampling_of(protocol, body):
    """Return the sampling parameters of a request under the names that OpenAI uses."""
    fields = body.get("generationConfig", {}) if protocol == "gemini" else body
    names = {
        "max_tokens": ("max_tokens", "max_output_tokens", "maxOutputTokens"),
        "stop": ("stop", "stop_sequences", "stopSequences"),
        "temperature": ("temperature",),
        "top_p": ("top_p", "topP"),
        "seed": ("seed",),
    }
    return {name: fields[sent] for name, spellings in names.items() for sent in spellings if sent in fields}

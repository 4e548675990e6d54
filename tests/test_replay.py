"""What a model once said can be recorded, and played back alike without a key, a server or a bill."""

import asyncio
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import Wire
from wired import KEYS, PROTOCOLS, QUESTION, Heard, ask, card, quick

from workbench.dialogue.orchestrator import Orchestrator
from workbench.errors import ErrorKind, ModelError, SettingsError
from workbench.events import Status
from workbench.loop import run
from workbench.models import Client, Request, Sampling
from workbench.models.provider import Chunk
from workbench.models.providers.replay import Cassette, ReplayProvider, request_key
from workbench.settings import ReplaySettings

of_every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)
streamed = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def cassette(tmp_path):
    return tmp_path / "tapes" / "answers.jsonl"


def settings(tmp_path, cassette, **replay):
    return quick(tmp_path).model_copy(update={"replay": ReplaySettings(cassette=cassette, **replay)})


@pytest.fixture
def client_with(tmp_path, cassette):
    """Makes clients that answer from the cassette."""
    made = []

    def make(**replay):
        made.append(Client(settings(tmp_path, **{"cassette": cassette} | replay)))
        return made[-1]

    yield make
    for client in made:
        run(client.aclose())


def lines(cassette):
    return [json.loads(line) for line in cassette.read_text("utf-8").split("\n") if line]


@of_every_protocol
@streamed
def test_a_recorded_answer_plays_back_alike_without_key_and_server(client_with, cassette, monkeypatch, protocol, stream):
    with Wire(cached_tokens=4, reasoning="hm hm") as wire:
        monkeypatch.setenv(KEYS[protocol], "quite-secret-4711")
        live_card = card(wire, protocol, key=KEYS[protocol], prices={"input": 1.0, "output": 2.0})
        once = Heard()
        live = ask(client_with(record=True), live_card, once, stream=stream, temperature=0.3)
    monkeypatch.delenv(KEYS[protocol])
    again = Heard()
    played = ask(client_with(), live_card.model_copy(update={"api_base": None}), again, stream=stream, temperature=0.3)
    assert replace(played, timings=live.timings) == live
    assert (played.usage.cached, played.reasoning, played.cost) == (4, "hm hm", live.cost)
    assert [piece.text for piece in again.pieces if piece.text] == [piece.text for piece in once.pieces if piece.text]
    recorded = lines(cassette)[0]["answer"]["timings"]
    assert (played.timings.first_token, played.timings.total) == (recorded["first_token"], recorded["total"])
    assert 0 < played.timings.total <= live.timings.total + 0.001  # recorded to the millisecond, within the live call
    assert (played.timings.first_token is None) is not stream


def test_a_whole_dialogue_plays_back(tmp_path, cassette):
    with Wire() as wire, Orchestrator(settings=settings(tmp_path, cassette, record=True)) as workbench:
        once = workbench.run("debate", "t", models=[card(wire)], parameters={"rounds": 2})
    with Orchestrator(settings=settings(tmp_path, cassette)) as workbench:
        again = workbench.run("debate", "t", models=[card(wire, api_base=NOWHERE)], parameters={"rounds": 2})
    assert once.status is again.status is Status.COMPLETED
    assert [turn.text for turn in again.transcript.turns] == [turn.text for turn in once.transcript.turns]
    assert again.metrics.prompt_tokens == once.metrics.prompt_tokens


def test_equal_requests_get_the_answers_in_the_order_of_recording_and_then_from_the_first(wire, client_with):
    wire.answer = lambda asked: f"answer {asked.number}"
    recording = client_with(record=True)
    assert [ask(recording, card(wire)).text for _ in range(3)] == ["answer 1", "answer 2", "answer 3"]
    playing = client_with()
    texts = [ask(playing, card(wire)).text for _ in range(7)]
    assert texts == [f"answer {number}" for number in (1, 2, 3, 1, 2, 3, 1)]
    assert len(wire.requests) == 3


def test_recording_asks_only_for_what_the_cassette_lacks(wire, client_with, cassette):
    ask(client_with(record=True), card(wire), temperature=0.1)
    both = client_with(record=True)
    ask(both, card(wire), temperature=0.1)
    ask(both, card(wire), temperature=0.2)
    assert [asked.body["temperature"] for asked in wire.requests] == [0.1, 0.2]
    assert len(lines(cassette)) == 2


@pytest.mark.parametrize(
    "change", [{"temperature": 0.5}, {"seed": 1}, {"max_tokens": 5}, {"stop": ("x",)}, {"model": "openai/b"}]
)
def test_another_request_is_another_answer(change):
    request = Request(model="openai/a", messages=tuple(QUESTION))
    sampling = {key: value for key, value in change.items() if key != "model"}
    changed = replace(request, model=change.get("model", request.model), sampling=Sampling(**sampling))
    assert request_key(changed) != request_key(request)


def test_where_and_how_a_request_goes_is_no_part_of_it():
    request = Request(model="openai/a", messages=tuple(QUESTION))
    sent = replace(request, api_base=NOWHERE, api_key="k", timeout=1.0, stream=False)
    assert request_key(sent) == request_key(request)


def test_a_miss_names_the_cassette_and_says_how_to_record(wire, client_with, cassette):
    with pytest.raises(ModelError) as caught:
        ask(client_with(), card(wire))
    assert caught.value.kind is ErrorKind.BAD_REQUEST
    assert str(cassette) in str(caught.value)
    assert "WORKBENCH_CASSETTE_RECORD=1" in str(caught.value)
    assert wire.requests == []


def test_a_dialogue_that_misses_fails_and_says_how_to_record(wire, tmp_path, cassette):
    with Orchestrator(settings=settings(tmp_path, cassette)) as workbench:
        dialogue = workbench.run("debate", "t", models=[card(wire)], parameters={"rounds": 1})
    assert dialogue.status is Status.FAILED
    assert "WORKBENCH_CASSETTE_RECORD=1" in dialogue.transcript.turns[0].hint


GOOD = {
    "key": "k",
    "answer": {
        "text": "a",
        "reasoning": "",
        "finish_reason": "stop",
        "usage": None,
        "served": None,
        "timings": {"queue": 0.0, "first_token": None, "total": 0.1},
        "pieces": [[0.1, "text", 1]],
    },
}


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "[]",
        "null",
        '"x"',
        "{}",
        '{"key": "k"}',
        '{"key": "k", "answer": {}}',
        '{"key": "k", "answer": null}',
        "{'key': 1}",
    ],
)
def test_a_broken_line_is_named_with_its_file_and_number(wire, client_with, cassette, broken):
    cassette.parent.mkdir()
    cassette.write_text(f"{json.dumps(GOOD)}\n\n{broken}\n", encoding="utf-8")
    client = client_with()
    for _ in range(2):
        with pytest.raises(SettingsError) as caught:
            ask(client, card(wire))
        assert f"{cassette}:3" in str(caught.value)


def test_a_mended_cassette_plays_each_answer_once(wire, client_with, cassette):
    recording = client_with(record=True)
    wire.answer = lambda asked: f"answer {asked.number}"
    ask(recording, card(wire))
    ask(recording, card(wire))
    good = cassette.read_text("utf-8")
    other = cassette.with_name("other.jsonl")
    other.write_text(f"{good}{{", encoding="utf-8")
    client = client_with(cassette=other)
    with pytest.raises(SettingsError):
        ask(client, card(wire))
    other.write_text(good, encoding="utf-8")
    assert [ask(client, card(wire)).text for _ in range(3)] == ["answer 1", "answer 2", "answer 1"]


def test_a_cassette_that_is_no_text_is_named(wire, client_with, cassette):
    cassette.parent.mkdir()
    cassette.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"answers\.jsonl cannot be read"):
        ask(client_with(), card(wire))


def test_a_cassette_that_cannot_be_written_is_named(wire, client_with, cassette):
    cassette.parent.write_text("a file where the folder should be")
    with pytest.raises(SettingsError, match=r"answers\.jsonl cannot be written"):
        ask(client_with(record=True), card(wire))


def test_a_failed_or_cut_answer_is_not_recorded(wire, client_with, cassette):
    wire.faults = lambda asked: {1: "cut", 2: "500"}.get(asked.number)
    answer = ask(client_with(record=True), card(wire))
    assert answer.attempts == 3
    assert [line["answer"]["text"] for line in lines(cassette)] == [answer.text]
    assert ask(client_with(), card(wire)).text == answer.text


def test_the_cassette_holds_no_keys_and_no_addresses(wire, client_with, cassette, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "quite-secret-4711")
    ask(client_with(record=True), card(wire, key="OPENAI_API_KEY"))
    assert wire.requests[0].headers["Authorization"] == "Bearer quite-secret-4711"
    kept = cassette.read_text("utf-8")
    assert "quite-secret-4711" not in kept
    assert "127.0.0.1" not in kept


@pytest.mark.parametrize("text", ["a\u2028b\u2029c", "a\x85b\x0bc\x1ed", "ä 😀 \\ \" ' \t\r\n \x00", "\ud800 alone"])
def test_any_text_survives_the_cassette(tmp_path, text):
    request = Request(model="openai/a", messages=({"role": "user", "content": text},))
    path = tmp_path / "tape.jsonl"
    assert played(path, Spoken([text]), request) == text
    assert played(path, None, request) == text


@given(pieces=st.lists(st.tuples(st.sampled_from(["text", "reasoning"]), st.text()), max_size=6))
def test_any_pieces_come_back_as_they_came(tmp_path_factory, pieces):
    path = tmp_path_factory.mktemp("tape") / "tape.jsonl"
    request = Request(model="openai/a", messages=())
    wanted = [(field, piece) for field, piece in pieces if piece]
    for live in (Spoken(pieces), None):
        chunks = run(collect(ReplayProvider(Cassette(path), 0.0, live=live), request))
        assert [(f, getattr(c, f)) for c in chunks for f in ("reasoning", "text") if getattr(c, f)] == wanted


class Spoken:
    """A provider that says what it is told to."""

    def __init__(self, pieces):
        self.pieces = [piece if isinstance(piece, tuple) else ("text", piece) for piece in pieces]

    async def stream(self, _request):
        for field, piece in self.pieces:
            yield Chunk(**{field: piece})
        yield Chunk(finish_reason="stop")

    async def aclose(self):
        pass


async def collect(provider, request):
    return [chunk async for chunk in provider.stream(request)]


def played(path, live, request):
    return "".join(chunk.text for chunk in run(collect(ReplayProvider(Cassette(path), 0.0, live=live), request)))


def paced(tmp_path, count, seconds):
    """Write a cassette whose answer once took that long, and return it."""
    pieces = [[seconds * (number + 1) / count, "text", 1] for number in range(count)]
    request = Request(model="openai/a", messages=tuple(QUESTION))
    answer = GOOD["answer"] | {"text": "x" * count, "pieces": pieces}
    answer["timings"] = {"queue": 0.0, "first_token": pieces[0][0], "total": seconds}
    path = tmp_path / "paced.jsonl"
    path.write_text(json.dumps({"key": request_key(request), "answer": answer}), encoding="utf-8")
    return path, request


async def test_without_a_pace_a_slow_answer_comes_at_once(tmp_path):
    path, request = paced(tmp_path, 10, 3600.0)
    chunks = await asyncio.wait_for(collect(ReplayProvider(Cassette(path), 0.0), request), 10)
    assert "".join(chunk.text for chunk in chunks) == "x" * 10
    assert chunks[-1].timings.total == 3600.0


async def test_with_a_pace_it_comes_in_order_and_in_proportion(tmp_path):
    path, request = paced(tmp_path, 5, 5.0)
    clock, came = asyncio.get_running_loop().time, []
    began = clock()
    async for chunk in ReplayProvider(Cassette(path), 0.05).stream(request):
        came.append((clock() - began, chunk.text))  # noqa: PERF401 - the time is taken at each
    assert "".join(text for _, text in came) == "xxxxx"
    for number, (at, _) in enumerate(came[:5], start=1):
        assert at >= 0.05 * number - 0.005  # the clock of the event loop is a little coarse


def test_many_at_once_may_record_one_cassette(wire, client_with, cassette):
    client, one = client_with(record=True), card(wire, concurrency=20)

    async def many():
        asked = [[{"role": "user", "content": f"Question {number}?"}] for number in range(40)]
        return await asyncio.gather(*(client.complete([one], messages) for messages in asked))

    texts = {answer.text for answer in run(many())}
    assert {line["answer"]["text"] for line in lines(cassette)} == texts
    assert len(lines(cassette)) == 40

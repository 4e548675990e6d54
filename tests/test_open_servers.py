"""Ollama and vLLM by card: what goes over the wire, and what one is told when they cannot answer."""

import socket

import pytest
from wire import words_for
from wired import Heard, ask

from workbench.doctor import examine
from workbench.errors import ErrorKind, ModelError
from workbench.events import Usage
from workbench.models import ModelCard, ModelRegistry
from workbench.settings import Settings

streamed = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
BASES = {"hosted_vllm": "http://localhost:8000/v1", "ollama": "http://localhost:11434"}


def ollama(wire, **fields):
    return ModelCard(**{"name": "llama", "id": "ollama/llama3.2", "api_base": wire.ollama} | fields)


def vllm(wire, **fields):
    return ModelCard(**{"name": "qwen", "id": "hosted_vllm/Qwen/Qwen3-8B", "api_base": wire.openai} | fields)


@pytest.fixture
def nowhere():
    """An address that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(("server", "base"), BASES.items())
def test_a_server_on_this_machine_needs_no_address_and_no_key(tmp_path, monkeypatch, server, base):
    monkeypatch.delenv(f"{server.upper()}_API_BASE", raising=False)
    card = ModelRegistry(Settings(workspace=tmp_path)).get(f"{server}/some-model")
    assert (card.api_base, card.key, card.ready, card.local) == (base, None, True, False)
    monkeypatch.setenv(f"{server.upper()}_API_BASE", "http://gpu:1234")
    assert ModelCard(name="m", id=f"{server}/some-model").api_base == "http://gpu:1234"
    assert ModelCard(name="m", id=f"{server}/some-model", api_base="http://mine:1").api_base == "http://mine:1"


@streamed
def test_ollama_answers_in_its_own_protocol(wire, client, stream):
    said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Feathers?"}]
    heard = Heard()
    answer = ask(
        client, ollama(wire), heard, messages=said, stream=stream,
        temperature=0.3, top_p=0.9, seed=5, max_tokens=77, stop=("END",),
    )  # fmt: skip
    asked = wire.requests[0]
    assert (asked.protocol, asked.url) == ("ollama", f"{wire.ollama}/api/chat")
    assert asked.body["model"] == "llama3.2"
    assert [(each["role"], each["content"]) for each in asked.body["messages"]] == [tuple(each.values()) for each in said]
    wanted = {"temperature": 0.3, "top_p": 0.9, "seed": 5, "num_predict": 77, "stop": ["END"]}
    assert asked.body["options"] == wanted
    assert answer.text == " ".join(words_for(asked, 12))
    assert (answer.usage, answer.finish_reason) == (Usage(prompt=10, completion=12), "stop")
    assert len(heard.pieces) == (12 if stream else 1)


@streamed
def test_ollama_behind_its_openai_address_is_the_same_ollama(wire, client, stream):
    assert ask(client, ollama(wire, api_base=f"{wire.ollama}/v1/"), stream=stream).text
    assert wire.requests[0].url == f"{wire.ollama}/api/chat"


@streamed
def test_vllm_answers_in_openais_protocol(wire, client, stream):
    wire.cached_tokens = 4
    answer = ask(client, vllm(wire), stream=stream, temperature=0.3, seed=5, max_tokens=77)
    asked = wire.requests[0]
    assert (asked.protocol, asked.body["model"], asked.body["seed"]) == ("openai", "Qwen/Qwen3-8B", 5)
    assert answer.text == " ".join(words_for(asked, 12))
    assert answer.usage == Usage(prompt=10, completion=12, cached=4)


@streamed
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_vllms_thinking_is_kept_apart_under_either_name(wire, client, stream, field):
    wire.reasoning, wire.reasoning_field = "first weigh then speak", field
    answer = ask(client, vllm(wire), stream=stream)
    assert (answer.reasoning, answer.text) == ("first weigh then speak", " ".join(words_for(wire.requests[0], 12)))
    assert answer.usage == Usage(prompt=10, completion=16, reasoning=4)


@streamed
def test_ollamas_thinking_is_kept_apart(wire, client, stream):
    wire.reasoning = "first weigh then speak"
    answer = ask(client, ollama(wire), stream=stream)
    assert (answer.reasoning, answer.text) == ("first weigh then speak", " ".join(words_for(wire.requests[0], 12)))


@streamed
@pytest.mark.parametrize("make", [ollama, vllm])
def test_thinking_written_into_the_answer_is_taken_out_of_it(wire, client, stream, make):
    wire.answer = lambda _asked: "<think>first weigh then speak</think> Feathers do not."
    answer = ask(client, make(wire), stream=stream)
    assert (answer.reasoning.strip(), answer.text) == ("first weigh then speak", "Feathers do not.")


@streamed
@pytest.mark.parametrize(("make", "command"), [(ollama, "ollama serve"), (vllm, "vllm serve Qwen/Qwen3-8B")])
def test_a_server_that_does_not_run_is_told_with_the_command_that_starts_it(wire, make_client, nowhere, stream, make, command):
    with pytest.raises(ModelError) as caught:
        ask(make_client(attempts=1), make(wire, api_base=nowhere), stream=stream)
    assert caught.value.kind is ErrorKind.CAPACITY
    assert f"no server answers at {nowhere}" in caught.value.message
    assert command in caught.value.hint


@streamed
def test_a_model_that_is_not_pulled_is_told_with_the_command_that_pulls_it(wire, client, stream):
    wire.faults, wire.says = lambda _asked: "says", (404, 'model "llama3.2" not found, try pulling it first')
    with pytest.raises(ModelError) as caught:
        ask(client, ollama(wire), stream=stream)
    assert (caught.value.kind, caught.value.hint) == (ErrorKind.BAD_REQUEST, "Run: ollama pull llama3.2")
    assert "not found" in caught.value.message
    assert len(wire.requests) == 1


@streamed
def test_a_model_that_vllm_does_not_serve_is_told(wire, client, stream):
    wire.faults, wire.says = lambda _asked: "says", (404, "The model `Qwen/Qwen3-8B` does not exist.")
    with pytest.raises(ModelError) as caught:
        ask(client, vllm(wire), stream=stream)
    assert caught.value.kind is ErrorKind.BAD_REQUEST
    assert "vllm serve Qwen/Qwen3-8B" in caught.value.hint


@pytest.mark.parametrize("make", [ollama, vllm])
def test_a_server_that_fails_while_it_runs_is_not_told_to_be_started(wire, make_client, make):
    wire.faults = lambda _asked: "500"
    with pytest.raises(ModelError) as caught:
        ask(make_client(attempts=1), make(wire))
    assert (caught.value.kind, "Start it" in (caught.value.hint or "")) == (ErrorKind.CAPACITY, False)


@pytest.mark.parametrize("make", [ollama, vllm])
def test_a_stream_that_breaks_off_is_no_answer(wire, make_client, make):
    wire.faults = lambda _asked: "short"
    with pytest.raises(ModelError) as caught:
        ask(make_client(attempts=1), make(wire))
    assert caught.value.kind is ErrorKind.CAPACITY


def of_ollama(wire, folder):
    """Return what `doctor` says about an Ollama server's models."""
    settings = Settings(workspace=folder, models={"ollama": {"api_base": wire.ollama}})
    return next(each for each in examine(settings) if each.what == f"models of Ollama at {wire.ollama}")


def test_doctor_says_which_models_ollama_has(wire, tmp_path):
    wire.pulled = ("qwen3:8b", "llama3.2:latest")
    found = of_ollama(wire, tmp_path)
    assert (found.state, found.detail) == ("ok", "llama3.2:latest, qwen3:8b")


def test_doctor_says_that_ollama_has_none(wire, tmp_path):
    found = of_ollama(wire, tmp_path)
    assert (found.state, found.todo) == ("missing", "ollama pull llama3.2")


def test_an_entry_from_before_ollama_had_its_own_protocol_still_leads_there(tmp_path):
    card = ModelRegistry(Settings(workspace=tmp_path, models={"ollama": {"id": "openai/qwen3"}})).get("ollama")
    assert card.api_base == "http://localhost:11434/v1"


@pytest.mark.parametrize("name", ["ollama", "vllm", "ollama/some-model", "hosted_vllm/some-model"])
def test_another_address_can_be_given(tmp_path, name):
    assert ModelRegistry(Settings(workspace=tmp_path)).get(name, api_base="http://gpu:1").api_base == "http://gpu:1"


@streamed
def test_leaving_out_the_counts_is_no_count(wire, client, stream):
    wire.tells_usage = False
    assert ask(client, ollama(wire), stream=stream).usage is None


def test_doctor_looks_for_models_only_where_a_server_answers(nowhere, tmp_path):
    found = examine(Settings(workspace=tmp_path, models={"ollama": {"api_base": nowhere}}))
    assert [each.state for each in found if nowhere in each.what] == ["missing"]


def test_doctor_is_not_misled_by_another_server(wire, tmp_path):
    settings = Settings(workspace=tmp_path, models={"ollama": {"api_base": wire.anthropic}})
    found = {each.what: each for each in examine(settings)}
    assert found[f"models of Ollama at {wire.anthropic}"].detail == "no list of models (HTTPStatusError)"

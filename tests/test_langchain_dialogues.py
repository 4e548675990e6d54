"""LangChain's chat models in dialogues: who plays what, what the record keeps of them, and how a dialogue goes on with them."""

import json
import subprocess
import sys
import textwrap

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI
from stage import quick
from wire import Wire

from workbench import Model, Orchestrator
from workbench.errors import ModelError
from workbench.events import CallEnded, Status, TextDelta

KEY = "wb-secret-0123456789abcdef"


@pytest.fixture
def wire():
    with Wire() as wire:
        yield wire


@pytest.fixture
def orchestrator(tmp_path):
    with Orchestrator(settings=quick(tmp_path)) as orchestrator:
        yield orchestrator


def reasoner(wire, **more):
    return ChatOpenAI(model="reasoner", base_url=wire.openai, api_key=KEY, **more)


def critic(wire):
    return ChatAnthropic(model="critic", base_url=wire.anthropic, api_key=KEY)


def fail_second(asked):
    return "400" if asked.number == 2 else None


@pytest.mark.parametrize("option", ["models", "participants"])
def test_they_play_the_roles_that_they_are_given(orchestrator, wire, option):
    cast = {"pro": reasoner(wire), "con": critic(wire), "judge": Model(reasoner(wire))}
    d = orchestrator.start("debate", "T", parameters={"rounds": 1}, **{option: cast})
    pieces = [event for event in d.events() if isinstance(event, TextDelta)]
    assert d.wait().status is Status.COMPLETED
    assert [call.model for turn in d.transcript for call in turn.calls] == ["reasoner", "critic", "reasoner"]
    assert [asked.protocol for asked in wire.requests] == ["openai", "anthropic", "openai"]
    assert len(pieces) >= 3 * 12
    assert d.metrics.tokens == 3 * 22
    assert d.metrics.cost is None


def test_they_are_dealt_out_like_any_model(orchestrator, wire):
    d = orchestrator.run("parallel", "T", models=[reasoner(wire), "openai/named"], api_base=wire.openai)
    assert {call.model for turn in d.transcript for call in turn.calls} == {"reasoner", "openai/named"}


def test_a_ceiling_in_money_needs_their_prices(orchestrator, wire):
    with pytest.raises(Exception, match="the price of reasoner is unknown"):
        orchestrator.run("chat", "T", models=[reasoner(wire)], limits={"max_cost": 1})
    assert not wire.requests


def test_the_record_keeps_the_name_and_neither_object_nor_key(orchestrator, wire, tmp_path):
    d = orchestrator.run("chat", "T", models=[reasoner(wire)])
    orchestrator.record.flush()
    run = d.recorded_events()[0].run
    ((card,),) = run["cast"].values()
    assert card["id"] == "langchain/reasoner"
    assert json.dumps(run)
    for name in ("json", "html"):
        d.export(name, tmp_path / f"d.{name}")
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


def test_a_failure_reaches_the_dialogue_with_the_way_out(orchestrator, wire):
    wire.faults = lambda _asked: "401"
    d = orchestrator.run("chat", "T", models=[reasoner(wire)])
    assert d.status is Status.FAILED
    assert "langchain/reasoner" in d.reason
    failed = next(event.call for event in d.recorded_events() if isinstance(event, CallEnded))
    assert failed.outcome == "authentication"


def test_a_resume_in_this_process_goes_on_with_the_same_objects(orchestrator, wire):
    wire.faults = fail_second
    cast = {"pro": reasoner(wire), "con": critic(wire), "judge": critic(wire)}
    d = orchestrator.run("debate", "T", models=cast, parameters={"rounds": 1})
    assert d.status is Status.FAILED
    assert d.resume().wait().status is Status.COMPLETED
    assert [asked.protocol for asked in wire.requests] == ["openai", "anthropic", "anthropic", "anthropic"]
    fork = orchestrator.fork(f"{d.id}@pro").wait()
    assert fork.status is Status.COMPLETED
    assert wire.requests[-2].protocol == "anthropic"


def test_a_resume_elsewhere_says_by_name_who_must_be_given_again(orchestrator, wire, tmp_path):
    wire.faults = fail_second
    d = orchestrator.run("debate", "T", models={"pro": critic(wire), "con": reasoner(wire)}, judge="local")
    orchestrator.record.flush()
    code = f"""
        import sys
        sys.path.insert(0, {str(sys.path[0])!r})
        from workbench import Orchestrator, Settings, WorkbenchError
        with Orchestrator({str(tmp_path)!r}) as orchestrator:
            try:
                orchestrator.resume({d.id!r})
            except WorkbenchError as error:
                print(error)
    """
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True, text=True, timeout=60)
    assert "critic: langchain/critic is a LangChain model, and this process does not have it" in out.stdout
    assert "participants={'pro': <the chat model>}" in out.stdout
    again = {"pro": critic(wire), "con": reasoner(wire), "judge": reasoner(wire)}
    with Orchestrator(settings=quick(tmp_path)) as other:
        assert other.resume(d.id, participants=again).status is Status.COMPLETED


def test_a_detached_dialogue_refuses_them(orchestrator, wire):
    with pytest.raises(ModelError, match="cannot go to another one"):
        orchestrator.detach("chat", "T", models=[reasoner(wire)])
    assert len(orchestrator.record.dialogues()) == 0


def test_their_answers_are_recorded_and_replayed_without_them(tmp_path, wire):
    cassette = tmp_path / "answers.jsonl"
    settings = quick(tmp_path, replay={"cassette": cassette, "record": True})
    with Orchestrator(settings=settings) as recording:
        first = recording.run("chat", "T", models=[reasoner(wire)])
    wire.faults = lambda _asked: "500"
    with Orchestrator(settings=quick(tmp_path), cassette=cassette) as replaying:
        second = replaying.run("chat", "T", models=["langchain/reasoner"])
    assert second.text == first.text
    assert KEY not in cassette.read_text()

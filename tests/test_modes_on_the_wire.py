"""Every built-in mode runs to its end on the wire: over HTTP to a server that speaks OpenAI's protocol, streamed and whole."""

from collections import Counter

import pytest
from golden import RUNS, family
from scripted import USUAL, Script, schema_in
from wire import Wire
from wired import card, quick

from workbench.dialogue import ModeLoader, Orchestrator
from workbench.dialogue.rules.structured import instruction, parse_answer
from workbench.events import Status

MODES = sorted(mode.name for mode in ModeLoader().modes())


@pytest.fixture
def run(tmp_path):
    """Runs a mode as its golden run, but with what a script says; gives the dialogue and the server that was asked."""

    def run(mode, stream=True, json_schema=False, parameters=None, seed=None, **answers):
        script = Script(**answers)
        with (
            Wire(answer=lambda asked: script.say(asked.body["messages"][-1]["content"])) as wire,
            Orchestrator(settings=quick(tmp_path)) as workbench,
        ):
            models = [card(wire, name=name, json_schema=json_schema) for name in ("a", "b", "c")]
            golden = RUNS[mode]
            dialogue = workbench.run(
                mode,
                golden["topic"],
                models=models,
                parameters=parameters or golden.get("parameters", {}),
                stream=stream,
                seed=seed,
            )
            return dialogue, list(family(dialogue)), wire

    return run


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("mode", MODES)
def test_it_runs_to_its_end(run, mode, stream):
    dialogue, everyone, wire = run(mode, stream, **USUAL)
    assert dialogue.status in (Status.COMPLETED, Status.CONVERGED), dialogue.reason
    calls = [call for each in everyone for turn in each.transcript for call in turn.calls]
    assert Counter(call.ok for call in calls) == {True: len(wire.requests)}
    assert wire.requests[0].body.get("stream", False) is stream
    assert all(turn.text for each in everyone for turn in each.transcript if turn.calls)


@pytest.mark.parametrize("mode", MODES)
def test_any_answers_that_fit_their_schemas_will_do(run, mode):
    dialogue, everyone, wire = run(mode)
    assert dialogue.status.succeeded, dialogue.reason
    assert wire.answered.total() == len(wire.requests)
    wanted = [schema for asked in wire.requests if (schema := schema_in(asked.body["messages"][-1]["content"]))]
    asks_data = [turn for each in everyone for turn in each.transcript if turn.calls and turn.data is not None]
    assert len(wanted) == len(asks_data)
    assert all(not parse_answer(turn.text, {}).problems for turn in asks_data)


@pytest.mark.parametrize("mode", MODES)
def test_a_provider_that_can_is_told_the_schema(run, mode):
    dialogue, _, wire = run(mode, json_schema=True)
    assert dialogue.status.succeeded, dialogue.reason
    for asked in wire.requests:
        schema = schema_in(asked.body["messages"][-1]["content"])
        told = asked.body.get("response_format", {}).get("json_schema", {}).get("schema")
        assert told == schema


def test_the_least_answer_fits_its_schema():
    schemas = [turn.output_schema for mode in ModeLoader().modes() for turn in _turns(mode.turns) if turn.output_schema]
    assert len(schemas) > 5
    for schema in schemas:
        assert not parse_answer(Script().say(f"Hm?\n\n{instruction(schema)}"), schema).problems


def _turns(items):
    for item in items:
        yield from _turns(item.turns) if hasattr(item, "turns") else [item]


@pytest.mark.parametrize("structure", ["sequential", "parallel", "debate"])
def test_who_shakes_hands_last_is_shown_what_was_said(run, structure):
    dialogue, _, _ = run("triple_handshake", parameters={"structure": structure})
    shown = "\n".join(message["content"] for message in dialogue.transcript["handshake"].messages)
    said = [turn.text for turn in dialogue.transcript if turn.role != "third"]
    assert said
    assert [text for text in said if text not in shown] == []


def test_sub_dialogues_are_asked_as_the_run_says(run):
    _, _, wire = run("branching_debate", stream=False, seed=7)
    assert [asked.body.get("stream", False) for asked in wire.requests] == [False] * len(wire.requests)
    assert all("seed" in asked.body for asked in wire.requests)

"""Hooks: turns that call a function of the program, whose outcome is recorded like any other turn's."""

import json
import threading

import pytest
from scripted import Script
from stage import card, mode_of, orchestra

from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.rules.loader import ModeLoader
from workbench.dialogue.running.hooks import Hook
from workbench.errors import ModeError, WorkbenchError
from workbench.events import Status

QUOTES = {"type": "object", "required": ["quotes"], "properties": {"quotes": {"type": "array", "items": {"type": "string"}}}}
MODE = mode_of(
    {"id": "claims", "role": "reader", "template": "What matters? {topic}", "output_schema": QUOTES},
    {"id": "checked", "hook": {"name": "check", "of": "claims", "otherwise": "Nobody looked."}},
    {"id": "verdict", "role": "judge", "template": "Decide: {checked}"},
    {"id": "recheck", "hook": {"name": "check", "of": ["claims"]}},
)


class Check:
    """Says which quotes are missing, and keeps what it was given."""

    def __init__(self):
        self.given, self.threads = [], []

    def __call__(self, results):
        self.given.append(dict(results))
        self.threads.append(threading.current_thread())
        missing = [quote for quote in results["claims"]["quotes"] if "{" in quote]
        return f"missing: {missing}", {"bad": bool(missing), "missing": missing}


@pytest.fixture
def check():
    return Check()


@pytest.fixture
def play(tmp_path):
    script = Script(**{"What_matters?": {"quotes": ["as it is", "{claims} and {topic}"]}})
    orchestrator, actors = orchestra(tmp_path, script)
    with orchestrator:
        orchestrator.actors = actors
        yield orchestrator


def run(orchestrator, hooks=None, **options):
    return orchestrator.run(MODE, "It rains.", models=[card()], hooks=hooks, **options)


def test_what_it_returns_is_seen_and_recorded(play, check):
    dialogue = run(play, {"check": Hook(check, {"source": "rain.txt"})})
    assert dialogue.status is Status.COMPLETED
    assert check.given[0]["claims"]["quotes"] == ["as it is", "{claims} and {topic}"]
    assert json.loads(check.given[0]["claims"]["text"]) == {"quotes": ["as it is", "{claims} and {topic}"]}
    judge = dialogue.transcript["verdict"].messages[-1]["content"]
    assert judge == "Decide: missing: ['{claims} and {topic}']"
    stored = play.load(dialogue.id).transcript
    assert stored["checked"].data == {"bad": True, "missing": ["{claims} and {topic}"]}
    assert stored["checked"].calls == []
    assert stored.run["hooks"] == {"check": {"source": "rain.txt"}}
    assert threading.main_thread() not in check.threads
    assert not any("engine" in thread.name for thread in check.threads)


def test_without_a_function_the_turn_says_otherwise(play):
    dialogue = run(play)
    assert dialogue.status is Status.COMPLETED
    assert dialogue.transcript["verdict"].messages[-1]["content"] == "Decide: Nobody looked."
    assert dialogue.transcript["recheck"].text == ""


def test_conditions_speak_of_its_data(play, check):
    turns = [turn | ({"when": "len(checked.missing) > 1"} if turn["id"] == "verdict" else {}) for turn in MODE["turns"]]
    dialogue = play.run(mode_of(*turns), "It rains.", models=[card()], hooks={"check": Hook(check)})
    assert "verdict" in dialogue.transcript.skipped


def test_a_resume_calls_only_what_is_left(play, check):
    hooks = {"check": Hook(check)}
    stopped = run(play, hooks, limits={"max_turns": 2})
    assert stopped.status is Status.COST_LIMITED
    assert len(check.given) == 1
    with pytest.raises(WorkbenchError, match="a function for check, which is not at hand") as refused:
        play.resume(stopped.id)
    assert "hooks=" in refused.value.hint
    assert play.load(stopped.id).status is Status.COST_LIMITED
    ended = play.resume(stopped.id, hooks=hooks, limits={"max_turns": 9})
    assert ended.status is Status.COMPLETED
    assert len(check.given) == 2
    assert [call.ok for turn in ended.transcript for call in turn.calls] == [True, True]


def test_a_fork_needs_it_as_long_as_it_is_called(play, check):
    hooks = {"check": Hook(check, {"n": 1})}
    parent = run(play, hooks)
    before = len(play.record.summaries())
    with pytest.raises(WorkbenchError, match="not at hand"):
        play.fork(f"{parent.id}@checked")
    assert len(play.record.summaries()) == before
    fork = play.fork(f"{parent.id}@checked", hooks={"check": Hook(check, {"n": 2})}).wait()
    assert fork.transcript["checked"].data == parent.transcript["checked"].data
    assert fork.transcript.run["hooks"] == {"check": {"n": 2}}
    assert len(check.given) == 3


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda given: ("text", {"at": object()}), "hook check returned what JSON cannot hold"),
        (lambda given: ("text", float("nan")), "hook check returned what JSON cannot hold"),
        (lambda given: {}["quotes"], "KeyError"),
    ],
)
def test_a_function_that_fails_ends_its_turn(play, call, says):
    dialogue = run(play, {"check": Hook(call)})
    assert dialogue.status is Status.FAILED
    assert says in dialogue.reason
    assert dialogue.transcript["claims"].status is Status.COMPLETED


def test_one_that_the_mode_does_not_call_is_refused(play, check):
    with pytest.raises(WorkbenchError, match="calls no hook chekc") as refused:
        run(play, {"chekc": Hook(check)})
    assert refused.value.hint == "It calls check."
    assert play.record.summaries() == []


def test_a_sub_dialogue_has_the_hooks_of_its_parent(play, check):
    outer = mode_of({"id": "inner", "spawn": {"mode": MODE | {"name": "inside"}}})
    outer["turns"].append({"id": "own", "hook": {"name": "check", "of": "inner"}})

    def call(results):
        return check(results) if "claims" in results else ("outer", None)

    dialogue = play.run(outer, "It rains.", models=[card()], hooks={"check": Hook(call)})
    assert dialogue.status is Status.COMPLETED
    assert len(check.given) == 2
    assert dialogue.transcript["own"].text == "outer"


def test_a_hook_has_no_prompt():
    with pytest.raises(ModeError, match="asks no model, so template has no place"):
        ModeLoader().load(mode_of({"id": "x", "hook": {"name": "check", "of": "y"}, "template": "{topic}"}))
    with pytest.raises(ModeError, match="'y'"):
        compile_mode(ModeLoader().load(mode_of({"id": "x", "hook": {"name": "check", "of": "y"}})))


def test_background_stands_first_in_every_turn_as_it_is(play, check):
    run(play, {"check": Hook(check)}, background="Material with {topic} in it.")
    for asked in play.actors.asked:
        assert asked.messages[0]["content"].startswith("Material with {topic} in it.\n\n")

"""`%route`, `%rate` and their commands: who should have a task and why, and how good a turn was."""

import json

import pytest
from IPython.core.error import UsageError
from scripted import Script
from stage import orchestra
from typer.testing import CliRunner

from workbench.cli.app import app
from workbench.models import ModelRegistry
from workbench.notebook.routing import RoutingMagics
from workbench.settings import load_settings

CARDS = """
[models.dear]
id = "openai/dear"
api_base = "http://127.0.0.1:9/v1"
capabilities = {coding = 0.9, reasoning = 0.9}
prices = {input = 10.0, output = 40.0}
latency = 2.0

[models.cheap]
id = "openai/cheap"
api_base = "http://127.0.0.1:9/v1"
capabilities = {coding = 0.75, reasoning = 0.3}
prices = {input = 0.1, output = 0.4}

[models.unpriced]
id = "openai/unpriced"
api_base = "http://127.0.0.1:9/v1"

[routing]
models = ["dear", "cheap", "unpriced"]
policy = "capability"
seed = 1
"""
TASK = "Write a Python function that parses ISO dates."


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "workbench.toml").write_text(CARDS)
    return tmp_path


@pytest.fixture
def magics(workspace):
    from workbench.dialogue import Orchestrator

    with Orchestrator(workspace) as orchestrator:
        yield RoutingMagics(None, lambda: orchestrator)


def test_route_shows_all_candidates_the_chosen_one_first(magics):
    table = magics.route(f'--kind code "{TASK}"')
    frame = table.frame
    assert list(frame["model"]) == ["dear", "cheap", "unpriced"]
    assert list(frame["chosen"]) == [True, False, False]
    assert list(frame["probability"]) == [1.0, 0.0, 0.0]
    assert list(frame["declared"])[:2] == [0.9, 0.75]
    text = str(table)
    assert "dear: declares 0.9 for code" in text
    assert "kind code" in text


def test_route_says_why_a_model_is_out(magics):
    frame = magics.route(f'--kind code --max-cost 0.001 "{TASK}"').frame.set_index("model")
    assert frame.loc["dear", "out"] == "0.03 USD"
    assert frame.loc["unpriced", "out"] == "cost unknown"
    assert bool(frame.loc["cheap", "chosen"])


def test_route_without_a_candidate_left_shows_them_all_and_chooses_none(magics):
    table = magics.route(f'--local "{TASK}"')
    assert set(table.frame["out"]) == {"not on this machine"}
    assert "No model can be chosen" in str(table)


def test_route_shows_what_learning_expects(magics):
    frame = magics.route(f'--policy learned --willing-to-pay 0.05 --kind code "{TASK}"').frame
    assert frame["expected"].between(0, 1).all()
    assert (frame["uncertainty"] > 0).all()
    assert frame["probability"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("line", "says"),
    [("", "needs a task"), ("--policy lerned x", "learned"), ("-m deer x", "dear"), ('"x', "quotation")],
)
def test_what_route_cannot_do_it_says(magics, line, says):
    with pytest.raises(UsageError, match=says):
        magics.route(line)


def test_rate_keeps_a_word_on_all_turns_or_on_one(tmp_path, capsys):
    orchestrator, _ = orchestra(tmp_path, Script())
    with orchestrator:
        dialogue = orchestrator.run("debate", "Why?", models=["a", "b"], api_base="http://x", parameters={"rounds": 1})
        magics = RoutingMagics(None, lambda: orchestrator)
        magics.rate("last good")
        magics.rate('last@judge 7/10 --by Anna --comment "too short"')
        ratings = orchestrator.record.ratings()
        with pytest.raises(UsageError, match="no turn 'nobody'"):
            magics.rate("last@nobody 1")
        with pytest.raises(UsageError, match="is no rating"):
            magics.rate("last superb")
    assert [(rating.role, rating.quality, rating.by, rating.comment) for rating in ratings] == [
        ("pro", 1.0, "", ""),
        ("con", 1.0, "", ""),
        ("judge", 1.0, "", ""),
        ("judge", 0.7, "Anna", "too short"),
    ]
    out = capsys.readouterr().out
    assert f"3 turns of {dialogue.id} rated 1." in out
    assert f"1 turn of {dialogue.id} rated 0.7." in out


def test_the_command_chooses_as_the_cell_does(workspace):
    done = CliRunner().invoke(app, ["route", "choose", TASK, "--kind", "code", "-C", str(workspace), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["choice"]["model"] == "dear"
    assert [each["model"] for each in found["considered"]] == ["dear", "cheap", "unpriced"]
    plain = CliRunner().invoke(app, ["route", "choose", TASK, "--kind", "code", "--policy", "cheapest", "-C", str(workspace)])
    assert plain.stdout.startswith("cheap\tchosen\t100%")
    assert "the cheapest of 2 that declare 0.7 or more for code" in plain.stdout


def test_the_command_rates(tmp_path):
    (tmp_path / "workbench.toml").write_text("")
    orchestrator, _ = orchestra(tmp_path, Script())
    with orchestrator:
        dialogue = orchestrator.run("debate", "Why?", models=["a", "b"], api_base="http://x", parameters={"rounds": 1})
    done = CliRunner().invoke(app, ["rate", f"{dialogue.id[:6]}@pro", "80%", "-C", str(tmp_path)])
    assert done.stdout == f"1 turn of {dialogue.id} rated 0.8.\n"


def test_the_command_estimates_other_policies_from_what_was_routed_and_rated(tmp_path):
    (tmp_path / "workbench.toml").write_text(CARDS)
    alone = {
        "name": "alone",
        "description": "One turn.",
        "roles": {"speaker": {"system": "Speak."}},
        "turns": [{"role": "speaker", "template": "{topic}"}],
    }
    settings = load_settings(tmp_path)
    orchestrator, _ = orchestra(tmp_path, Script(), models=ModelRegistry(settings))
    with orchestrator:
        for number in range(260):
            names = ["dear", "cheap"]
            run = orchestrator.run(alone, f"Topic {number}", models=["route:random"], candidates=names, stream=False)
            orchestrator.rate(run.id, 0.9 if run.transcript["speaker"].served == "dear" else 0.3)
    command = ["route", "estimate", "--policy", "fixed:dear,fixed:cheap", "-C", str(tmp_path)]
    found = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert found["fixed:dear"]["snips"]["mean"] == pytest.approx(0.9)
    assert found["fixed:cheap"]["snips"]["mean"] == pytest.approx(0.3)
    plain = CliRunner().invoke(app, [*command, "--policy", "fixed:cheap"]).stdout
    assert plain.startswith("fixed:cheap\t")
    assert "260 turns were routed and rated" in plain


def test_an_estimate_without_a_log_says_what_to_do(workspace):
    done = CliRunner().invoke(app, ["route", "estimate", "-C", str(workspace)])
    assert "routed and rated" in str(done.exception)

"""A run on paper: who, by which model and why, the prompts, the cost, the flow; nothing is called and nothing recorded."""

import json
import re
import sys

import pytest
from record_examples import whole
from stage import card, line, mode_of, orchestra, yes

from workbench.cli import main
from workbench.cli.dry_run import show_dry_run
from workbench.notebook.dry_run import DryRun


@pytest.fixture
def stage(tmp_path):
    orchestrator, actors = orchestra(tmp_path, yes)
    with orchestrator:
        yield orchestrator, actors


def paper(stage, mode, topic="Tabs?", record=None, models=None, **options):
    return DryRun(*stage[0].prepare(mode, topic, models=models or [card()], **options), record)


def test_it_shows_who_speaks_by_which_model_and_why(stage):
    run = paper(stage, "debate", parameters={"rounds": 1}, judge=card("wise"))
    assert list(run.frame["turn"]) == ["pro", "con", "verdict"]
    assert list(run.frame["model"]) == ["actor", "actor", "wise"]
    assert list(run.frame["why"]) == ["dealt out from the models given"] * 2 + ["chosen as judge"]
    for form in run._repr_mimebundle_().values():
        assert "chosen as judge" in form


def test_it_has_three_forms(stage):
    run = paper(stage, "debate")
    bundle = run._repr_mimebundle_()
    assert bundle.keys() == {"text/plain", "text/markdown", "text/html"}
    assert bundle["text/html"].count("<details>") == 7
    assert "<svg" in bundle["text/html"]
    assert "7  Judge" in bundle["text/markdown"]
    assert bundle["text/plain"] == repr(run)


def test_it_calls_and_records_nothing(stage, tmp_path):
    orchestrator, actors = stage
    DryRun(*orchestrator.prepare("debate", "Tabs?", models=[card()]))._repr_mimebundle_()
    assert not actors.asked
    assert not (tmp_path / ".workbench").exists()


def test_prompts_are_those_that_a_run_sends(stage):
    orchestrator, actors = stage
    run = paper(stage, "debate", parameters={"rounds": 1})
    dialogue = orchestrator.run("debate", "Tabs?", models=[card()], parameters={"rounds": 1})
    said = {turn.id: turn.text for turn in dialogue.transcript.turns}
    for request, (turn, prompt) in zip(actors.asked, run.prompts.items(), strict=True):
        filled = [
            message | {"content": re.sub(r"\{(pro|con|verdict)\}", lambda found: said[found[1]], message["content"])}
            for message in prompt
        ]
        assert [dict(message) for message in request.messages] == filled, turn


def test_fallbacks_are_shown(stage):
    from workbench import ModelConfig

    chain = ModelConfig(card("first"), fallbacks=[card("second"), card("third")])
    run = paper(stage, "chat", models=[chain])
    assert run.frame["fallbacks"][0] == "second, third"
    assert "second, third" in run.html


def test_costs_that_nobody_knows_are_unknown(stage):
    run = paper(stage, "chat", models=[card(price=None)])
    assert run.frame["cost"].isna().all()
    assert "cost unknown" in run.text
    assert ">unknown<" in run.html
    assert "free" not in run.text


def test_the_record_tells_how_long_answers_are(stage):
    record = stage[0].record
    record.write(whole("one", turns=6))
    run = paper(stage, "debate", models=[card("small")], record=record)
    assert set(run.frame["completion_tokens"]) == {20}
    assert "the median of 6 recorded answers of small" in run.text


def test_what_is_counted_is_no_call_but_a_turn(stage):
    def notes(**limits):
        run, parts = stage[0].prepare("consensus", "Tabs?", models=[card()], limits=limits)
        return DryRun(run, parts).text

    assert "The ceiling of 7 turns will be reached" in notes(max_turns=7)
    assert "The ceiling of" not in notes(max_calls=7)
    assert "The ceiling of 6 calls will be reached" in notes(max_calls=6)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_cost": 0.0001}, "The budget of $0.0001 will probably be reached"),
        ({"max_tokens": 500}, "The ceiling of 500 tokens will probably be reached"),
        ({"max_turns": 2}, "The ceiling of 2 turns will be reached"),
        ({"max_calls": 6}, "The ceiling of 6 calls will be reached"),
    ],
)
def test_a_ceiling_that_will_be_reached_is_named(stage, limits, said):
    assert said in paper(stage, "debate", limits=limits).text
    assert "reached" not in paper(stage, "debate", limits=dict.fromkeys(limits, 10_000_000)).text


def test_two_hundred_turns_stay_a_page(stage):
    run = paper(stage, "debate", parameters={"rounds": 100})
    bundle = run._repr_mimebundle_()
    assert len(run.frame) == 201
    assert all(len(form) < 1_000_000 for form in bundle.values())
    assert "more prompts are not shown here" in bundle["text/html"]
    assert len(run.prompts) == 201


def test_topic_mode_and_models_are_text_and_nothing_else(stage):
    evil = '</pre></details><script>alert(1)</script><b onclick="x">\u202e\x1b[31m```'
    mode = mode_of({"role": "a", "template": evil + "{topic}"})
    model = card("<img src=x onerror=alert(1)>")
    run = paper(stage, mode, topic=evil, models=[model])
    assert not re.search(r"<script|<img|<b ", run.html)
    assert "\u202e" not in run.html + run.markdown + run.text
    assert "\x1b" not in run.html + run.markdown + run.text
    for block in re.findall(r"^(`{3,})text\n.*?^\1$", run.markdown, re.MULTILINE | re.DOTALL):
        assert len(block) >= 4 or "```" not in run.prompts
    outside = re.sub(r"^(`{3,})text\n.*?^\1$", "", run.markdown, flags=re.MULTILINE | re.DOTALL)
    assert "<script" not in outside
    assert "<img" not in outside


@pytest.fixture
def workbench(tmp_path, monkeypatch, capsys):
    """Run a command in a workspace of its own; return stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["workbench", *words])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
        out = capsys.readouterr()
        return out.out, out.err

    return run


def test_the_command_line_prints_the_same(stage, capsys, tmp_path):
    run, parts = stage[0].prepare(line(2), "Tabs?", models=[card()])
    show_dry_run(run, parts, stage[0].settings.record_url, as_json=False)
    out, err = capsys.readouterr()
    assert out.splitlines()[0].split("\t")[:4] == ["v1", "v1", "actor", "dealt out from the models given"]
    assert DryRun(run, parts).estimate.total in err
    assert "1  V1\n2  V2\n" in err
    assert not (tmp_path / ".workbench").exists()


def test_its_json_has_what_it_had_and_the_estimate(stage, capsys):
    run, parts = stage[0].prepare(line(2), "Tabs?", models=[card(price=None)])
    show_dry_run(run, parts, stage[0].settings.record_url, as_json=True)
    out, err = capsys.readouterr()
    shown = json.loads(out)
    assert err == ""
    assert {"mode", "topic", "turns", "estimate"} == shown.keys()
    assert shown["turns"][1] | {"turn": "v2", "role": "v2", "model": "actor", "after": ["v1"]} == shown["turns"][1]
    assert shown["turns"][1]["completion_tokens"] == 300
    assert shown["estimate"]["cost"] is None


def test_run_with_dry_run_prints_it(workbench, tmp_path):
    out, err = workbench("run", "debate", "Tabs?", "-m", "openai/x", "--api-base", "http://127.0.0.1:1/v1", "--dry-run")
    assert out.count("dealt out from the models given") == 7
    assert "cost unknown" in err
    assert "7  Judge" in err
    assert not (tmp_path / ".workbench").exists()


def test_validating_a_mode_shows_its_flow(workbench, tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\nturns:\n  - {role: a, template: x}\n  - {role: b, template: '{a}'}\n")
    out, err = workbench("mode", "validate", "mine.yaml")
    assert out == "a\ta\t\t\nb\tb\t\ta\n"
    assert "mine: 2 turns in 2 steps\n1  A\n2  B\n" in err

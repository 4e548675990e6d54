"""`workbench baselines`, `run --baselines` and `%%dialogue --baselines`: what they print, show, bind and refuse."""

import json
import re

import pytest
from command import in_shell
from minds import Mind

RIGHT = Mind(right=lambda approach, _case: approach == "debate")


@pytest.fixture
def answering(wire):
    wire.answer = lambda asked: RIGHT.say(asked.body["messages"][-1]["content"])
    return wire


@pytest.fixture
def workbench(tmp_path, monkeypatch, capsys):
    """Run a command in a workspace of its own; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workbench.toml").write_text("[retry]\nbase = 0.01\ncap = 0.02\n")

    return in_shell(monkeypatch, capsys)


def played_by(wire, *more):
    return ("-m", "openai/wire", "--api-base", wire.openai, "--rounds", "1", *more)


def test_a_file_of_cases_is_compared(workbench, answering, tmp_path):
    (tmp_path / "sums.csv").write_text("question,answer\nWhat is 6 times 7 in case 1?,42\nAnd 6 times 7 in case 2?,42\n")
    code, out, err = workbench("baselines", "debate", "sums.csv", *played_by(answering))
    assert code == 0, err
    assert out.startswith("Do not debate yet: 2 cases cannot tell. The debate was right in 100 %")
    assert "self consistency" in out
    assert "12 of 12: case 2" in err
    comparison = re.search(r"--resume (\w+)`", out)[1]
    before = len(answering.requests)
    code, again, _ = workbench("baselines", "--resume", comparison)
    assert (code, len(answering.requests)) == (0, before)
    assert again == out


def test_json_alone_is_on_stdout(workbench, answering):
    asked = ("--only", "single", "--only", "chain_of_thought", "--expected", "42", "--json")
    code, out, _ = workbench("baselines", "debate", "What is 6 times 7 in case 1?", *played_by(answering, *asked))
    found = json.loads(out)
    assert code == 0
    assert [row["approach"] for row in found["rows"]] == ["debate", "single", "chain_of_thought"]
    assert found["verdict"]["kind"] == "cannot_tell"


def test_a_run_may_bring_its_baselines(workbench, answering):
    answering_options = played_by(answering, "--baselines", "--referee", "openai/other", "--judgements", "2")
    code, out, err = workbench("run", "debate", "What is 6 times 7 in case 1?", *answering_options)
    assert code == 0, err
    assert "2 judgements cannot tell" in out
    assert "the interval speaks of the referee's noise on it" in out
    assert "Nobody knows to which family the referee, openai/other, belongs" in out
    assert {request.body["model"] for request in answering.requests} == {"wire", "other"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("baselines", "debate", "nowhere.csv"), "nowhere.csv cannot be read"),
        (("baselines", "debate", "Why?", "--only", "chat", "--expected", "1"), "no baseline called 'chat'"),
        (("baselines", "debate", "Why?"), "a referee has to compare the answers"),
        (("baselines", "debat", "Why?", "--expected", "1"), "no mode is called 'debat'"),
        (("baselines", "debate"), "give a mode and cases, or --resume ID"),
        (("baselines", "--resume", "feed"), "The record has no dialogues yet"),
    ],
)
def test_mistakes_are_explained_before_anything_is_asked(workbench, wire, monkeypatch, words, says):
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "DEEPSEEK_API_KEY", "XAI_API_KEY", "MISTRAL_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    options = () if "--resume" in words or len(words) < 3 else played_by(wire)
    code, _, err = workbench(*words, *options)
    assert code in (2, 4)
    assert says in err
    assert not wire.requests


@pytest.mark.slow
def test_a_cell_shows_the_comparison_and_binds_it(kernel, answering):
    options = f"-m openai/wire --api-base {answering.openai} --rounds 1 --baselines --expected 42 -o c"
    out = kernel.run(f"%%dialogue debate {options}\nWhat is 6 times 7 in case 1?")
    assert out.error is None
    assert out.displays[0]["text/plain"] == "The debate runs first."
    last = out.updates[-1]
    assert last.keys() == {"text/plain", "text/markdown", "text/html", "application/vnd.workbench.comparison.v1+json"}
    assert "Do not debate yet: 1 case cannot tell." in last["text/html"]
    assert kernel.run("print(c.verdict.kind, len(c.runs), c.frame.right.sum())").stdout == "cannot_tell 6 1\n"
    played, matter = f"-m openai/wire --api-base {answering.openai}", "---\nbaselines: true\nexpected: 42\nrounds: 1\n---"
    blocked = kernel.run(f"%%time\n%%dialogue debate {played}\n{matter}\nWhat is 6 times 7 in case 2?")
    assert blocked.error is None
    assert "case cannot tell" in blocked.updates[-1]["text/plain"]


@pytest.mark.slow
def test_an_interrupt_stops_the_comparison_and_says_how_to_go_on(kernel, answering):
    answering.delay = 0.02
    before = answering.written

    def interrupt(_outputs):
        if answering.written > before + 20:
            kernel.manager.interrupt_kernel()
            return True
        return False

    options = f"-m openai/wire --api-base {answering.openai} --rounds 1 --baselines --expected 42 -o c"
    out = kernel.run(f"%%dialogue debate {options}\nWhat is 6 times 7 in case 3?", meanwhile=interrupt)
    assert "stopped, and what is complete is kept" in out.error
    answering.delay = 0.0
    kernel.run("from workbench import Orchestrator; from workbench.dialogue.baselines import resume; import re")
    comparison = out.error.split("resume(…, '")[1].split("'")[0]
    assert kernel.run(f"print(len(resume(Orchestrator(), {comparison!r}).runs))").stdout == "6\n"


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--background", "--detach", "--dry-run"])
def test_what_does_not_go_together_is_refused(kernel, answering, option):
    out = kernel.run(f"%%dialogue debate -m openai/wire --api-base {answering.openai} --baselines {option}\nTabs?")
    assert f"UsageError: --baselines does not go with {option}" in out.stdout
    assert not answering.requests

"""`workbench paper assess` and what follows from it, from a shell."""

import json

import pytest
from command import in_shell
from paper_debate import TRUE, Debate
from paper_files import SAMPLES


@pytest.fixture
def workbench(tmp_path, monkeypatch, capsys, wire):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workbench.toml").write_text("[retry]\nbase = 0.01\ncap = 0.02\n")
    (tmp_path / "TEAM.md").write_text("Two people, one laptop.")
    wire.answer = Debate()
    run = in_shell(monkeypatch, capsys, "paper")
    assert run("add", SAMPLES / "revtex.pdf", "--offline")[0] == 0
    return run


def test_from_a_question_to_calibration(workbench, wire, tmp_path):
    models = ("-m", "openai/a,openai/b", "--api-base", wire.openai)
    code, out, err = workbench("assess", "last", "--context", "TEAM.md", *models, "--dry-run")
    assert (code, wire.requests) == (0, [])
    assert "position_3" in out
    assert "Expected:" in err

    wire.faults = lambda asked: "400" if "Decide:" in json.dumps(asked.body) else None
    code, out, err = workbench("assess", "last", "--context", "TEAM.md", *models)
    assert code == 2
    assert "no assessment: consensus" in err
    dialogue = err.rpartition("--resume ")[2].split("`")[0]
    assert "Two people, one laptop." in wire.requests[0].body["messages"][-1]["content"]

    wire.faults = lambda asked: None
    asked = len(wire.requests)
    code, out, err = workbench("assess", "--resume", dialogue, "--report", "made.html", "--json")
    assert (code, len(wire.requests) - asked) == (0, 1), err
    made = json.loads(out)
    quote = made["claims"][0]["quote"]
    assert (quote["quote"], quote["status"]) == (TRUE, "verified")
    assert (made["difficulty"], made["weeks"]) == (4, {"low": 2.0, "likely": 4.0, "high": 8.0})
    page = (tmp_path / "made.html").read_text("utf-8")
    assert "unverified: not found" in page
    assert "data:image/png;base64," in page

    _, out, _ = workbench("assessment", "last")
    assert "Probability that it works: 60%" in out
    assert "[unverified: not found]" in out
    code, out, _ = workbench("outcome", made["id"][:5], "--worked", "yes", "--weeks", "5", "--note", "Ice came.")
    assert code == 0
    assert "it worked, in 5 weeks: Ice came." in out
    _, out, _ = workbench("assessments", "--json")
    [row] = json.loads(out)
    assert (row["assessment"], row["outcome"][-9:]) == (made["id"], "Ice came.")
    _, out, _ = workbench("calibration", "--json")
    rows = {row["who"]: row for row in json.loads(out)}
    assert rows["consensus"]["brier"] == pytest.approx(0.16)
    assert all(row["verdict"].startswith("too few: 1 of 10") for row in rows.values())

    assert workbench("assess")[0] == workbench("assess", "last", "--context", "nowhere.md")[0] == 2
    assert workbench("assess", "last", "--resume", dialogue)[0] == 2
    assert workbench("outcome", "zz", "--worked", "no")[0] == 4
    assert workbench("outcome", "last", "--worked", "perhaps")[0] == 2

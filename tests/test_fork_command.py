"""`workbench fork` and `workbench diff`: the same in a terminal."""

import json

import pytest
from command import in_shell


@pytest.fixture
def workbench(tmp_path, monkeypatch, capsys):
    """Run a command in a workspace of its own; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    return in_shell(monkeypatch, capsys)


@pytest.fixture
def parent(workbench, wire):
    _, out, _ = workbench("run", "debate", "Tabs?", "-m", "openai/wire", "--api-base", wire.openai, "--rounds", "1", "--json")
    return json.loads(out)["id"]


def test_fork_with_another_model_for_a_role(workbench, wire, parent):
    code, out, _ = workbench("fork", f"{parent}@con", "-p", "judge=openai/other", "--api-base", wire.openai, "--json")
    fork = json.loads(out)
    assert (code, fork["status"], fork["metrics"]["calls"]) == (0, "completed", 1)
    assert [request.body["model"] for request in wire.requests] == ["wire", "wire", "wire", "other"]


def test_a_fork_is_watched_to_its_end(workbench, parent):
    code, out, _ = workbench("fork", f"{parent}@2")
    assert code == 0
    assert "completed. 3 turns, 1 call" in out


def test_limits_and_parameters(workbench, wire, parent):
    code, out, err = workbench("fork", f"{parent}@con", "--rounds", "2")
    assert (code, out) == (2, "")
    assert "with rounds=2 there is no such turn as pro was" in err
    assert workbench("fork", f"{parent}@pro", "--max-calls", "1", "--json")[0] == 3
    code, _, err = workbench("resume", "last", "--max-calls", "2", "--json")
    assert (code, len(wire.requests)) == (0, 5), err


@pytest.mark.parametrize(
    ("point", "code", "said"),
    [
        ("last@judg", 2, "Its turns: pro, con, verdict"),
        ("zzz@pro", 4, "No dialogue begins with 'zzz'"),
        ("last@", 2, "ID@TURN"),
    ],
)
def test_mistakes(workbench, parent, point, code, said):
    found, out, err = workbench("fork", point)
    assert (found, out) == (code, "")
    assert said in err


def test_diff_prints_where_two_differ(workbench, parent, wire):
    wire.answer = lambda asked: "Pro wins, for reasons that are its own."
    workbench("fork", f"{parent}@con")
    code, out, err = workbench("diff", parent, "last")
    assert (code, err) == (0, "")
    assert f"A  {parent}, debate" in out
    assert "The same up to Con (2 turns)." in out
    assert "{+Pro wins, for reasons that are its own.+}" in out
    assert workbench("diff", parent, "zzz")[0] == 4
    assert workbench("diff", parent)[0] == 2

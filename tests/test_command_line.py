"""The command line: the same jobs without a notebook, JSON alone on stdout, exit codes that mean something."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command import in_shell
from patience import wait_until
from wire import Wire, first

DATA = Path(__file__).parent / "data"
WORKBENCH = str(Path(sys.executable).with_name("workbench"))


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workbench.toml").write_text("[retry]\nbase = 0.01\ncap = 0.02\n")
    return tmp_path


@pytest.fixture
def workbench(workspace, monkeypatch, capsys):
    """Run a command in a workspace of its own; return exit code, stdout and stderr."""
    return in_shell(monkeypatch, capsys)


@pytest.fixture
def debate(workbench, wire):
    """Run a short debate against the local server, with further options."""

    def run(*options):
        return workbench("run", "debate", "Tabs?", "-m", "openai/wire", "--api-base", wire.openai, "--rounds", "1", *options)

    return run


def test_run_prints_json_alone_on_stdout(debate):
    code, out, _ = debate("--json")
    dialogue = json.loads(out)
    assert code == 0
    assert {"id", "status", "mode", "topic", "turns", "metrics"} <= dialogue.keys()
    assert (dialogue["status"], dialogue["mode"], dialogue["topic"]) == ("completed", "debate", "Tabs?")
    assert [turn["role"] for turn in dialogue["turns"]] == ["pro", "con", "judge"]
    assert all(turn["text"] for turn in dialogue["turns"])
    assert dialogue["metrics"]["cost"] is None


def test_without_json_each_turn_is_printed_whole(debate):
    code, out, _ = debate()
    assert code == 0
    assert "[Pro, round 1] openai/wire" in out or "[Pro] openai/wire" in out
    assert "completed. 3 turns, 3 calls" in out


def test_a_mode_file_and_roles_by_option(workbench, wire):
    roles = ["-p", "grok=openai/one", "-p", "evidence=two"]
    code, out, _ = workbench("run", DATA / "detective.json", "Who", "did", "it?", *roles, "--api-base", wire.openai, "--json")
    assert code == 0, out
    assert json.loads(out)["topic"] == "Who did it?"
    assert {request.body["model"] for request in wire.requests} == {"one", "two"}


def test_a_limit_is_an_exit_code_and_resume_goes_on_from_there(debate, workbench, wire):
    code, out, _ = debate("--max-turns", "1", "--json")
    stopped = json.loads(out)
    assert (code, stopped["status"]) == (3, "cost_limited")
    code, out, _ = workbench("resume", stopped["id"], "--max-turns", "9", "--json")
    assert (code, json.loads(out)["status"]) == (0, "completed")
    assert len(wire.requests) == 3


def test_a_failed_dialogue_exits_with_1_and_resumes_where_it_failed(debate, workbench, wire):
    wire.faults = lambda asked: "401" if asked.number == 2 else None
    code, out, _ = debate("--json")
    assert (code, json.loads(out)["status"]) == (1, "failed")
    assert "authentication" in out or "went wrong" in out
    code, out, _ = workbench("resume", "last", "--json")
    assert (code, json.loads(out)["status"]) == (0, "completed")
    assert len(wire.requests) == 4


def test_resume_may_change_a_model_and_its_endpoint(debate, workbench):
    with Wire() as other:
        _, out, _ = debate("--max-turns", "1", "--json")
        code, _, _ = workbench(
            "resume", json.loads(out)["id"], "--max-turns", "9", "-p", "judge=openai/b", "--api-base", other.openai
        )
        assert code == 0
        assert [request.body["model"] for request in other.requests][-1] == "b"


def test_dialogues_lists_the_newest_first(debate, workbench):
    ids = [json.loads(debate("--json")[1])["id"] for _ in range(3)]
    code, out, _ = workbench("dialogues", "--json")
    assert code == 0
    assert [row["id"] for row in json.loads(out)] == ids[::-1]
    assert len(json.loads(workbench("dialogues", "--json", "-n", "2")[1])) == 2
    assert workbench("dialogues")[1].splitlines()[0].startswith(ids[-1])


def test_show_and_export_and_import(debate, workbench, workspace, tmp_path_factory, monkeypatch):
    made = json.loads(debate("--json")[1])
    assert json.loads(workbench("show", made["id"][:6], "--json")[1])["turns"] == made["turns"]
    assert "completed. 3 turns" in workbench("show", "last")[1]
    for name in ("d.json", "d.md", "d.html", "d.pdf"):
        assert workbench("export", "last", "-o", workspace / name)[0] == 0
        assert (workspace / name).stat().st_size > 200
    assert workbench("export", "last", "-f", "markdown")[1].startswith("# Tabs?")
    monkeypatch.chdir(tmp_path_factory.mktemp("other"))
    assert workbench("import", workspace / "d.json")[1].strip() == made["id"]
    assert json.loads(workbench("show", made["id"], "--json")[1])["turns"] == made["turns"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run", "debat", "x"), 2, "Did you mean debate?"),
        (("run", "debate", "x", "-p", "jugde=local"), 2, "Did you mean judge?"),
        (("run", "debate", "x", "-p", "pro"), 2, "ROLE=MODEL"),
        (("run", "debate", "x", "-m", "claud"), 2, "Did you mean claude"),
        (("run", "debate", "x", "-p", "pro=claude", "-m", "local"), 2, "ANTHROPIC_API_KEY"),
        (("run", "debate", " ", "-m", "local"), 2, "needs a topic"),
        (("run", "debate", "x", "-m", "local", "--set", "round=2"), 2, "no parameter 'round'"),
        (("run", "debate", "x", "-m", "openai/x", "--api-base", "http://localhost:1", "--budget", "1"), 2, "price of openai/x"),
        (("show", "nope"), 4, "no dialogues yet"),
        (("export", "last", "-f", "docx"), 2, "There are: json, markdown, html, pdf"),
        (("mode", "validate", "nowhere.yaml"), 2, "nowhere.yaml cannot be read"),
        (("models", "pull", "no-such-weights"), 2, "no-such-weights"),
        (("frobnicate",), 2, "No such command"),
    ],
)
def test_mistakes_name_the_cause_and_the_way_out(workbench, words, code, said, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    got, out, err = workbench(*words)
    assert got == code
    assert said in err
    assert out == ""
    assert "Traceback" not in err


def test_wrong_settings_are_named(workbench, workspace):
    (workspace / "workbench.toml").write_text("[retry]\nattempt = 3\n")
    code, _, err = workbench("dialogues")
    assert code == 2
    assert "retry.attempt" in err


def test_dry_run_calls_nothing(debate, workbench, wire):
    code, out, _ = debate("--dry-run", "--json")
    assert code == 0
    assert [turn["turn"] for turn in json.loads(out)["turns"]] == ["pro", "con", "verdict"]
    assert not wire.requests
    assert json.loads(workbench("dialogues", "--json")[1]) == []


def test_mode_commands(workbench):
    assert "turn_5\thypothesis\tgrok" in workbench("mode", "validate", DATA / "detective.json")[1]
    assert json.loads(workbench("mode", "schema")[1])["title"] == "Workbench mode"
    assert "debate\tpro, con, judge" in workbench("mode", "list")[1]


def test_models_lists_cards_and_what_they_need(workbench, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    cards = {card["name"]: card for card in json.loads(workbench("models", "--json")[1])}
    assert not cards["claude-opus"]["ready"]
    prices = {"input": 0.28, "cached_input": 0.028, "cache_write": None, "output": 0.42}
    assert cards["deepseek-chat"]["prices"] == prices
    assert "ANTHROPIC_API_KEY" in workbench("models")[1]


def test_doctor_tells_what_is_missing_and_what_to_do(workbench, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-doctor-must-not-print-this")
    monkeypatch.delenv("XAI_API_KEY", raising=False)
    code, out, _ = workbench("doctor", "--json")
    findings = {finding["what"]: finding for finding in json.loads(out)}
    assert code == 0
    assert findings["OPENAI_API_KEY"]["state"] == "ok"
    assert findings["XAI_API_KEY"]["todo"]
    assert "must-not-print" not in out


def test_doctor_says_that_a_record_is_broken(workbench, workspace):
    (workspace / ".workbench").mkdir()
    (workspace / ".workbench" / "records.db").write_bytes(b"not a database at all" * 100)
    code, out, _ = workbench("doctor", "--json")
    assert code == 1
    assert next(f for f in json.loads(out) if f["what"] == "record")["state"] == "broken"


def test_init_lays_out_a_workspace_and_keeps_what_is_there(workbench, workspace):
    (workspace / "new").mkdir()
    (workspace / "new" / "workbench.toml").write_text("# mine\n")
    assert workbench("init", workspace / "new")[0] == 0
    assert (workspace / "new" / "workbench.toml").read_text() == "# mine\n"
    for name in ("modes", "papers", "experiments", "notebooks/quickstart.ipynb", "notebooks/quickstart.jsonl", ".gitignore"):
        assert (workspace / "new" / name).exists()
    assert ".env" in (workspace / "new" / ".gitignore").read_text()


def test_output_of_models_cannot_drive_the_terminal(debate, wire):
    wire.answer = lambda _asked: "\x1b]0;owned\x07\x1b[2Jclean\u202e"
    _, out, _ = debate()
    assert "clean" in out
    assert "\x1b" not in out
    assert "\u202e" not in out


@pytest.mark.slow
def test_ctrl_c_stops_the_calls_and_keeps_what_was_said(workspace):
    with Wire(words=2000, delay=0.01) as wire:
        command = [WORKBENCH, "run", "debate", "Tabs?", "-m", "openai/wire", "--api-base", wire.openai]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"CI": ""}
        )
        wait_until(lambda: wire.active)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "workbench resume" in err
        assert "cancelled" in out
        wait_until(lambda: not wire.active)


@pytest.mark.slow
def test_a_transient_failure_is_shown_and_survived(debate, wire):
    wire.faults = first(1, "503")
    code, out, _ = debate()
    assert code == 0
    assert "capacity, attempt 1" in out


@pytest.mark.slow
def test_on_a_terminal_the_transcript_streams(workspace):
    import pty

    with Wire(words=30, delay=0.02) as wire:
        primary, secondary = pty.openpty()
        command = [WORKBENCH, "run", "debate", "Tabs?", "-m", "openai/wire", "--api-base", wire.openai, "--rounds", "1"]
        process = subprocess.Popen(command, stdout=secondary, stderr=secondary, env=os.environ | {"TERM": "xterm-256color"})
        os.close(secondary)
        pieces = []
        while True:
            try:
                pieces.append(os.read(primary, 65536))
            except OSError:
                break
            if not pieces[-1]:
                break
        os.close(primary)
        assert process.wait(30) == 0
    text = b"".join(pieces).decode()
    assert len(pieces) > 10
    assert "Pro" in text
    assert "completed. 3 turns" in text


def test_half_a_character_is_still_json(debate, wire):
    wire.answer = lambda _asked: "half \ud83d of it, Ελλάδα"
    code, out, _ = debate("--json")
    assert code == 0
    assert json.loads(out)["turns"][0]["text"].endswith("Ελλάδα")
    assert out.isascii()
    assert debate()[0] == 0


@pytest.mark.slow
def test_a_killed_dialogue_is_listed_as_interrupted_and_resumes(workbench, workspace):
    with Wire(words=2000, delay=0.01) as wire:
        command = [WORKBENCH, "run", "chat", "Tabs?", "-m", "openai/wire", "--api-base", wire.openai]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: wire.active)
        process.kill()
        process.wait()
        assert "\tinterrupted\t" in workbench("dialogues")[1]
        assert json.loads(workbench("dialogues", "--json")[1])[0]["interrupted"] is True
        wire.words, wire.delay = 5, 0
        assert workbench("resume", "last")[0] == 0
        assert "\tcompleted\t" in workbench("dialogues")[1]

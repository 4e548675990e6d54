"""A person takes part from a terminal, by lines on stdin; where nobody is there the dialogue stops and can be resumed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

WORKBENCH = str(Path(sys.executable).with_name("workbench"))


@pytest.fixture
def run(tmp_path, wire):
    """Run a debate of one round in a process of its own with these lines on stdin."""

    def run(lines, *options, words=("run", "debate", "Tabs?", "--rounds", "1")):
        command = [WORKBENCH, *words, "-m", "openai/wire", "--api-base", wire.openai, *options]
        done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)
        return done.returncode, done.stdout, done.stderr

    return run


def test_they_are_asked_for_their_turn_and_heard(run):
    code, out, err = run("Spaces, always.\n", "-p", "con=person", "--json")
    assert code == 0, err
    turns = {turn["role"]: turn for turn in json.loads(out)["turns"]}
    assert (turns["con"]["text"], turns["con"]["model"]) == ("Spaces, always.", "person")
    assert "You are Con. You are asked:\n\nPro:" in err
    assert "Con> " in err


def test_an_empty_line_approves_and_a_text_replaces(run):
    code, out, _ = run("\nSpaces.\n", "--approve", "pro", "--approve", "con", "--json")
    assert code == 0
    texts = {turn["role"]: turn["text"] for turn in json.loads(out)["turns"]}
    assert texts["con"] == "Spaces." != texts["pro"]


def test_nobody_there_stops_it_and_a_resume_waits_again(run):
    code, out, err = run("", "-p", "con=person", "--json")
    stopped = json.loads(out)
    assert (code, stopped["status"]) == (1, "cancelled"), err
    assert "waits for a person, and nobody is here" in stopped["reason"]
    code, out, err = run("Spaces.\n", "--json", "-p", "con=person", words=("resume", stopped["id"]))
    assert code == 0, err
    assert json.loads(out)["turns"][1]["text"] == "Spaces."


def test_an_answer_that_does_not_fit_is_asked_for_again(run, tmp_path):
    (tmp_path / "choose.yaml").write_text(
        """
name: choose
roles: {lead: {}, pro: {}}
turns:
  - role: lead
    template: Who?
    output_schema: {type: object, required: [next], properties: {next: {enum: [pro, con]}}}
  - {role: pro, template: hm}
"""
    )
    words = ("run", "choose.yaml", "Tabs?")
    code, out, err = run("me\ncon\n", "-p", "lead=person", "--json", words=words)
    assert code == 0, err
    assert "next (pro or con)" in err
    assert json.loads(out)["turns"][0]["text"] == "con"

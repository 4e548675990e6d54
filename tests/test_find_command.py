"""`%find` and `workbench find`: what is typed, what is shown, and what opens."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from IPython.core.completer import CompletionContext
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from record_examples import START, ended, started, turn
from typer.testing import CliRunner

from workbench.cli.app import app
from workbench.dialogue import Orchestrator
from workbench.notebook import completion
from workbench.notebook.find import KINDS, SORTS, FindMagics, apart
from workbench.records.decisions import DecisionRow
from workbench.records.experiments import ExperimentRow
from workbench.records.paper_summaries import SummaryRow
from workbench.records.papers import ChunkRow, PaperRow
from workbench.records.search import finding, sources

HOSTILE = "Gold <img src=x onerror=alert(1)> \u202e \x1b[31mand [tin](javascript:x)"


@pytest.fixture
def orchestrator(tmp_path):
    (tmp_path / "workbench.toml").write_text("")
    with Orchestrator(tmp_path) as orchestrator:
        record = orchestrator.record
        *before, last = turn("d1", 1)
        record.write([started("d1"), *before, replace(last, text=HOSTILE), ended("d1", 1)])
        paper = PaperRow("p" * 12, "p" * 64, START, "On Gold", ("A. Smith",), 2024, None, None, "x.pdf", "x.pdf", 2)
        passage = {"number": 0, "heading": "Method", "body": {"text": "We melt gold in a crucible."}}
        record.papers.add(paper, "{}", [ChunkRow(paper.id, 0, json.dumps(passage))])
        about = {"words": 4, "cut": False, "served": "small", "cost": 0.5, "created_at": START, "dialogues": ()}
        record.paper_summaries.put(SummaryRow(paper.id, "small", "sentence", "It melts gold.", **about))
        record.decisions.add(DecisionRow("x1", paper.id, "reject", "gold is dear", START, "me"))
        definition = json.dumps({"plan": {"hypothesis": "gold beats tin"}, "arms": [{"prompt": "Melt it."}]})
        record.experiments.keep(ExperimentRow("e1", "melting", START, "0", "{}", definition), [])
        yield orchestrator


@pytest.fixture
def magics(orchestrator):
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    magics = FindMagics(shell, lambda: orchestrator)
    shell.register_magics(magics)
    yield magics
    InteractiveShell.clear_instance()


def test_all_kinds_are_found_shown_and_opened(magics, capsys):
    found = magics.find("gold")
    assert {each.kind for each in found} == {"turn", "paper", "summary", "decision", "experiment"}
    by_kind = {each.kind: each for each in found}
    assert by_kind["turn"].open().id == "d1"
    assert by_kind["decision"].open().because == "gold is dear"
    assert by_kind["decision"].command == f"%paper history {'p' * 12}"
    assert found[0] is found.finds[0]
    assert set(found.frame["kind"]) == set(by_kind)
    assert found.frame["at"].dt.tz is not None
    assert magics.find("crucible --kind paper")[0].text == "Method: We melt gold in a crucible."
    assert [each.id for each in magics.find("melt --status reject")] == []
    assert [each.id for each in magics.find("--status reject")] == ["x1"]
    assert [each.kind for each in magics.find("--model small -n 9")] == ["turn", "summary"]
    assert capsys.readouterr().out == ""


def test_what_models_wrote_is_text_with_marks(magics):
    html = magics.find("gold --kind turn").html
    assert "<mark>Gold</mark> &lt;img src=x" in html
    assert "<img" not in html
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert "<code" in html
    assert "%dialogue show d1 --turn turn_1" in html


def test_a_line_is_words_and_options():
    assert apart('"prompt cache" -slow --model "gpt 4" -n 5 x* --since=7d') == (
        '"prompt cache" -slow x*',
        ["--model", "gpt 4", "-n", "5", "--since=7d"],
    )
    assert apart("") == ("", [])


@pytest.mark.parametrize(
    "line", ['"half', "--bogus 1", "--kind turns x", "--since soon", "--cost-over much", "-n 0", "-x", "--sort"]
)
def test_what_cannot_be_looked_for_is_a_usage_error(magics, line):
    with pytest.raises(UsageError):
        magics.find(line)


def test_nothing_found_says_so(magics):
    found = magics.find("zzyzx")
    assert len(found) == 0
    assert "Nothing has all of these words" in repr(found)
    assert "Nothing is like that" in repr(magics.find("--role nobody"))


def test_options_complete(magics):
    def offered(text):
        context = CompletionContext(
            token=text.split(" ")[-1], full_text=text, cursor_position=len(text), cursor_line=0, limit=None
        )
        return [each.text for each in completion.complete(magics.shell, context)["completions"]]

    assert "--cost-over" in offered("%find gold --")
    assert offered("%find --kind deci") == ["decision"]
    assert offered("x = %find --sort rel") == ["relevance"]
    assert "interrupted" in offered("%find --status ")
    assert "debate" in offered("%find --mode ")


def test_the_notebooks_words_are_the_records():
    assert tuple(KINDS) == tuple(sources.KINDS)
    assert SORTS == finding.SORTS


def test_the_command_line_finds_the_same(orchestrator, tmp_path):
    place = ["-C", str(tmp_path)]
    rows = json.loads(CliRunner().invoke(app, ["find", "gold -tin", "--json", *place]).stdout)
    assert {row["kind"] for row in rows} == {"paper", "summary", "decision"}
    shown = CliRunner().invoke(app, ["find", '"melts gold"', "--model", "sm*", *place]).stdout
    assert shown.startswith("summary\tpppppppppppp\tsmall/sentence\t2023-11-14")
    wrong = CliRunner().invoke(app, ["find", "?!", *place])
    assert wrong.exit_code != 0


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("--cost-over 0.3", {"summary"}),
        ("--cost-over 0.6", set()),
        ("--mode debate", {"dialogue", "turn"}),
        ("--role pro", {"turn"}),
        ("--status completed --kind turn", {"turn"}),
        ("--status cost-limited", set()),
        ("--model small --kind turn,paper", {"turn"}),
        ("--since 2023-11-16", set()),
        ("gold --since 2023-11-01 --kind decision", {"decision"}),
        ("gold --sort relevance -n 2 --kind paper", {"paper"}),
    ],
)
def test_each_option_leaves_out_the_same_in_a_cell_and_in_a_terminal(magics, tmp_path, options, found):
    assert {each.kind for each in magics.find(options)} == found
    told = CliRunner().invoke(app, ["find", *options.split(), "--json", "-C", str(tmp_path)]).stdout
    assert {row["kind"] for row in json.loads(told)} == found

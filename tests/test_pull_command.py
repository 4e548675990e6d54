"""`workbench pull` and `%pull`, with LangSmith on the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from command import in_shell
from IPython.core.error import UsageError
from langsmith_server import KEY, LangSmith

from workbench.notebook.awaiting import _LINE
from workbench.notebook.pull import PullMagics

DATASET, NOW = str(uuid4()), "2026-11-01T00:00:00+00:00"


@pytest.fixture
def server(monkeypatch, tmp_path) -> Iterator[LangSmith]:
    with LangSmith() as server:
        monkeypatch.setenv("LANGSMITH_ENDPOINT", server.url)
        monkeypatch.setenv("LANGSMITH_API_KEY", KEY)
        monkeypatch.chdir(tmp_path)
        server.datasets[DATASET] = {"id": DATASET, "name": "small sums", "data_type": "kv", "created_at": NOW}
        for number in range(12):
            ident = str(uuid4())
            asked = {"inputs": {"q": f"{number} + 1?"}, "outputs": {"a": number + 1}}
            server.examples[ident] = {"id": ident, "dataset_id": DATASET, "created_at": NOW} | asked
        template = {"template": "Judge {question} {tone}", "template_format": "f-string"}
        manifest = {"lc": 1, "type": "constructor", "id": ["langchain", "PromptTemplate"], "kwargs": template}
        server.prompts["critic"] = {"commit_hash": "0123456789", "manifest": manifest}
        yield server


@pytest.fixture
def shell(monkeypatch, capsys):
    return in_shell(monkeypatch, capsys, "pull", "langsmith")


@pytest.fixture
def magics(tmp_path) -> Iterator[PullMagics]:
    from IPython.core.interactiveshell import InteractiveShell
    from stage import quick

    from workbench.dialogue import Orchestrator

    with Orchestrator(settings=quick(tmp_path)) as workbench:
        yield PullMagics(InteractiveShell(), lambda: workbench)


def test_the_command_line_says_what_came(server, shell, tmp_path):
    assert shell("dataset", "small sums") == (0, "12 cases, written: small-sums.jsonl\n", "")
    assert shell("dataset", "small sums")[1] == "12 cases, there already: small-sums.jsonl\n"
    code, out, _ = shell("prompt", "critic", "--as", "judge")
    assert code == 0
    assert out == f"Mode judge, written: {tmp_path / 'modes' / 'judge.yaml'}. Set its parameters: --set tone=….\n"
    assert shell("scores", "--since", "7d") == (0, "0 new scores kept as ratings, 0 known already.\n", "")
    told = json.loads(shell("dataset", "small sums", "--as", "c.jsonl", "--json")[1])
    assert (told["cases"], told["written"]) == (12, True)


@pytest.mark.parametrize(
    ("words", "cause", "way_out"),
    [
        (["dataset"], "Which dataset?", "pull SERVICE dataset NAME"),
        (["scores", "x"], "no name", "pull SERVICE scores"),
        (["traces", "x"], "'traces' cannot be pulled", "dataset, prompt, scores"),
        (["dataset", "small sums", "--as", "cases.csv"], "no file of cases", "--as cases.jsonl"),
        (["dataset", "none"], "no data set 'none'", "Its pages show"),
        (["scores", "--since", "yore"], "'yore' is no point in time", "7d"),
        (["dataset", "small sums", "--timeout", "0"], "above 0", "--timeout 120"),
    ],
)
def test_what_cannot_be_done_says_why_and_what_to_do(server, shell, words, cause, way_out):
    code, out, err = shell(*words)
    assert code
    assert not out
    assert cause in err
    assert way_out in err


def test_a_service_that_takes_too_long_changes_nothing(server, shell, tmp_path):
    server.wait = 1.5
    code, _, err = shell("dataset", "small sums", "--timeout", "0.2")
    server.wait = 0.0
    assert code
    assert "within 0.2 s" in err
    assert not list(tmp_path.glob("*.jsonl"))


def test_the_magic_gives_the_cases_as_a_table_with_all_in_its_frame(server, magics):
    table = magics.pull('langsmith dataset "small sums"')
    assert list(table.frame.columns) == ["id", "q", "a"]
    assert len(table.frame) == 12
    assert len(table.rows) == 10
    assert "12 cases, written: small-sums.jsonl" in table.html


def test_the_magic_says_what_it_did_and_errors_are_usage_errors(server, magics, capsys):
    assert magics.pull("langsmith prompt critic") is None
    assert "Mode critic, written" in capsys.readouterr().out
    with pytest.raises(UsageError, match="There are: langfuse, langsmith"):
        magics.pull("mlflow scores")


def test_a_cell_awaits_it(server, magics):
    assert _LINE.fullmatch("x = %pull langsmith scores")["magic"] == "pull"
    table = asyncio.run(magics.pull_async("langsmith dataset small sums --as in/c.jsonl"))
    assert table.path.read_text().count("\n") == 12

"""`workbench experiment …`, `%%experiment` and `%experiment`: what they print, show, bind, keep and refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command import in_shell
from experimenters import adder, careful, cases, workshop
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from wire import Wire

from workbench.dialogue import Orchestrator
from workbench.notebook.experiment import ExperimentMagics

BODY = """\
cases: cases.jsonl
arms:
  plain: {model: m, prompt: "What is {question}"}
  careful: {model: m, prompt: "With care: what is {question}"}
metrics:
  right: {kind: numeric, expected: answer}
  cost:
plan: {primary: right, control: plain, margin: 0.1, hypothesis: Care helps.}
"""


@pytest.fixture
def adding(tmp_path: Path) -> Iterator[Wire]:
    (tmp_path / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases(8)), encoding="utf-8")
    with Wire() as wire:
        wire.answer = adder(lambda prompt: careful(prompt) or " 3 + 1" in prompt)
        toml = f'[models.m]\nid = "openai/m"\napi_base = "{wire.openai}"\nprices = {{input = 1000.0, output = 1000.0}}\n'
        (tmp_path / "workbench.toml").write_text(toml, encoding="utf-8")
        yield wire


@pytest.fixture
def workbench(
    tmp_path: Path, adding: Wire, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[object, str, str]]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sums.yaml").write_text(f"name: sums\n{BODY}", encoding="utf-8")
    return in_shell(monkeypatch, capsys, "experiment")


def test_from_the_seal_to_the_report_on_the_command_line(workbench: Any, adding: Wire, tmp_path: Path) -> None:
    code, out, err = workbench("seal", "sums.yaml")
    assert (code, len(out.strip())) == (0, 64), err
    code, out, err = workbench("run", "sums.yaml", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["status"] == "completed"
    assert [arm["right"] for arm in found["arms"]] == [0.125, 1.0]
    assert "sums completed: 16 of 16 observations" in err
    with Orchestrator(tmp_path) as orchestrator:
        assert orchestrator.record.summaries(observations=False) == []  # observations are dialogues, and would hide all others
        assert len(orchestrator.record.dialogues()) == 16
    code, out, _ = workbench("list", "sums")
    assert out.split("\t")[:6] == ["sums", found["run"], "completed", "16", "0", "16"]
    assert workbench("list", "nothing-like-it")[1] == ""
    code, out, _ = workbench("power", "sums")
    assert "careful beside plain: 8 cases show a difference of" in out
    assert "A case in all arms costs $" in out
    code, out, _ = workbench("compare", "last")
    assert "careful" in out
    assert "right" in out
    code, _, err = workbench("report", found["run"], "-o", "sums.md")
    assert code == 0, err
    assert "Care helps" in (tmp_path / "sums.md").read_text(encoding="utf-8")
    code, out, _ = workbench("show", "sums", "--json")
    assert json.loads(out) == found
    asked = len(adding.requests)
    assert workbench("resume", "sums")[0] == 0
    assert len(adding.requests) == asked


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "nothing"), "There is no experiment 'nothing'"),
        (("run", "nothing.yaml"), "nothing.yaml cannot be read"),
        (("show", "last"), "There is no experiment 'last'"),
        (("report", "last", "-o", "x.doc"), "no report ends in '.doc'"),
        (("run", "sums.yaml", "--engine", "dask", "--workers", "2"), "needs a record in PostgreSQL"),
        (("run", "sums.yaml", "--workers", "2"), "--engine dask"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(workbench: Any, words: tuple[str, ...], said: str) -> None:
    code, out, err = workbench(*words)
    assert code in {2, 4}
    assert said in err
    assert out == ""


def test_a_limit_has_an_exit_code_of_its_own(workbench: Any, tmp_path: Path) -> None:
    (tmp_path / "sums.yaml").write_text(f"name: sums\n{BODY}limits: {{max_calls: 5}}\n", encoding="utf-8")
    code, _, err = workbench("run", "sums.yaml")
    assert code == 3
    assert "max_calls=5" in err


@pytest.fixture
def notebook(tmp_path: Path, adding: Wire) -> Iterator[tuple[ExperimentMagics, InteractiveShell, Orchestrator]]:
    shell = InteractiveShell()
    with workshop(tmp_path, adding) as orchestrator:
        yield ExperimentMagics(shell, lambda: orchestrator), shell, orchestrator


def test_a_cell_defines_a_line_runs(notebook: Any, tmp_path: Path) -> None:
    magics, shell, _ = notebook
    page = magics.define("sums", BODY)
    assert "not run yet" in page.text
    assert (tmp_path / "experiments" / "sums" / "experiment.yaml").read_text(encoding="utf-8") == f"name: sums\n{BODY}"
    page = magics.experiment("run sums -o exp")
    assert "completed" in page.html
    assert "Care helps" in page.html
    assert page.frame["right"].tolist() == [0.125, 1.0]
    assert shell.user_ns["exp"].results.shape[0] == 16
    assert len(magics.experiment("list")) == 1
    assert "Sealed" not in magics.experiment("list care").text
    assert "cases show" in repr(magics.experiment("power sums"))
    magics.experiment("compare sums -o found")
    assert shell.user_ns["found"].plan.primary == "right"
    assert "completed" in magics.experiment("show sums").text


def test_a_line_runs_on_a_cluster_where_the_record_can_be_shared(notebook: Any, adding: Wire) -> None:
    magics, _, _ = notebook
    magics.define("sums", BODY)
    with pytest.raises(UsageError, match="needs a record in PostgreSQL"):
        magics.experiment("run sums --engine dask --workers 2")
    with pytest.raises(UsageError, match="--engine dask"):
        magics.experiment("run sums --scheduler tcp://127.0.0.1:8786")
    assert adding.requests == []


def test_a_file_that_was_edited_since_is_what_runs(notebook: Any, tmp_path: Path) -> None:
    magics, _, _ = notebook
    magics.define("sums", BODY)
    path = tmp_path / "experiments" / "sums" / "experiment.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "repeats: 2\n", encoding="utf-8")
    assert len(magics.experiment("run sums").experiment.results) == 32


def test_cases_may_be_a_variable_of_the_notebook(notebook: Any, tmp_path: Path) -> None:
    import pandas as pd

    magics, shell, _ = notebook
    shell.user_ns["df"] = pd.DataFrame(cases(3))
    magics.define("small --cases df -o exp", BODY.partition("\n")[2])
    magics.experiment("run small")
    assert len(shell.user_ns["exp"].results) == 6
    assert not (tmp_path / "experiments").exists(), "a file could not name the variable"


@pytest.mark.parametrize(
    ("line", "cell", "said"),
    [
        ("sums", BODY.replace("numeric", "nummeric"), r"%%experiment sums:6: metrics\.right\.kind: .*\n.*numeric"),
        ("sums", BODY.replace("{question}", "{qestion}"), r"\{qestion\} is no column"),
        ("sums", BODY.replace("cases.jsonl", "nothing.csv"), "cannot be read"),
        ("sums --cases df", BODY, "no variable df"),
        ("../x", BODY, "name"),
        ("", BODY, "name"),
    ],
)
def test_a_mistake_in_a_cell_is_named_and_nothing_is_asked(
    notebook: Any, adding: Wire, tmp_path: Path, line: str, cell: str, said: str
) -> None:
    magics, _, orchestrator = notebook
    with pytest.raises(UsageError, match=said):
        magics.define(line, cell)
    assert not adding.requests
    assert orchestrator.record.experiments.all() == []
    assert not (tmp_path / "experiments").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [("", "which subcommand"), ("runn x", "Did you mean run"), ("run", "required"), ("show x", "no experiment")],
)
def test_a_mistake_in_a_line_is_one_line(notebook: Any, line: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        notebook[0].experiment(line)

"""The story of a paper, in the order of time, by `workbench paper` and by `%paper`."""

import json

import pytest
from command import in_shell
from git_places import IDENTITY, assessment_in, git, paper_in, repository_in

from workbench import Orchestrator
from workbench.experiments.experiment import Experiment
from workbench.papers.asking import MODE
from workbench.papers.deciding.branch import make_branch
from workbench.papers.history import history
from workbench.records.assessments import OutcomeRow
from workbench.settings import Settings

NAME = "experiment/attention-twice-as-fast"


@pytest.fixture
def repo(tmp_path, monkeypatch):
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    repository_in(tmp_path)
    (tmp_path / "workbench.toml").write_text("")
    return tmp_path


@pytest.fixture
def bench(repo):
    with Orchestrator(settings=Settings(workspace=repo)) as orchestrator:
        yield orchestrator


@pytest.fixture
def paper(bench):
    row = paper_in(bench.record)
    assessment_in(bench.record, row)
    return row


def ask(bench, wire, title):
    topic = f"What of it?\n\nThe paper is {title!r}. Its passages stand between passage-1 tags:\n\n…"
    plain = MODE | {"turns": [{"id": "answer", "role": "reader", "template": "{topic}"}]}
    return bench.run(plain, topic, models=["openai/wire"], api_base=wire.openai)


def compare(bench, name):
    cases = [{"n": n} for n in range(4)]
    arms = {"baseline": lambda case: case["n"], "technique": lambda case: case["n"] + 1}
    size = {"call": lambda output, case: output, "better": "higher"}
    return Experiment(name, cases=cases, arms=arms, metrics={"size": size}, orchestrator=bench).run()


def test_everything_that_happened_is_told_in_order_with_what_it_rests_on(bench, repo, paper, wire, monkeypatch, capsys):
    paper_in(bench.record, "Attention, Twice", 2)
    asked = ask(bench, wire, paper.title)
    ask(bench, wire, "Attention, Twice")
    made = make_branch(bench.record, repo, paper.id)
    experiment = compare(bench, made.row.slug)
    code, out, err = in_shell(monkeypatch, capsys, "paper")("decide", paper.id, "merge", "--because", "Better.", "--json")
    decision = json.loads(out)
    assert (code, err, decision["experiment"], decision["branch"]) == (0, "", experiment.id, NAME)
    assert f"run {experiment.run_id} completed; technique: " in git(repo, "show", f"{NAME}:{made.row.folder}/DECISION.md")
    entered = OutcomeRow("a55e55", decision["decided_at"] + 1, worked=True, weeks=3.0, note="Easy")
    bench.record.assessments.add_outcome(entered)
    told = history(bench.record, paper.id)
    assert [each.what for each in told] == ["added", "assessed", "asked", "branched", "run", "decided", "outcome"]
    assert [each.link for each in told] == [
        "papers/x.pdf",
        "a55e55",
        asked.id,
        NAME,
        experiment.run_id,
        decision["id"],
        "a55e55",
    ]
    assert (told[2].text, told[2].who, told[2].cost) == ("What of it?", "wire-model-1", asked.metrics.cost)
    assert told[4].text.endswith("completed, 8 of 8 observations")
    assert told[6].text == "worked in 3 weeks: Easy"


def test_the_definition_of_a_branch_runs_as_it_is(bench, repo, paper, wire, tmp_path):
    made = make_branch(bench.record, repo, paper.id, checkout=True)
    folder = made.place / made.row.folder
    cells = [cell for cell in json.loads((folder / "experiment.ipynb").read_text())["cells"] if cell["cell_type"] == "code"]
    wire.answer = lambda _asked: "42"
    bench = Orchestrator(
        settings=Settings(
            workspace=repo,
            defaults={"model": "wired"},
            models={"wired": {"id": "openai/x", "api_base": wire.openai, "provider": "openai", "family": "x"}},
        )
    )
    with bench:
        experiment = Experiment.from_file(folder / "experiment.yaml", bench)
        experiment.seal()
        experiment.run()
        assert list(experiment.results.groupby("arm")["right"].mean()) == [1 / 3, 1 / 3]
    for cell in cells[2:]:
        call = "".join(cell["source"]).partition("(")[0]
        assert hasattr(Experiment, call.removeprefix("experiment."))


def test_the_command_line_branches_decides_and_tells(repo, paper, bench, monkeypatch, capsys):
    workbench = in_shell(monkeypatch, capsys, "paper")
    code, out, err = workbench("branch", "2301.00001")
    assert (code, out) == (0, f"{NAME}\nexperiments/attention-twice-as-fast\n")
    assert f"Go on with: git switch {NAME}" in err
    assert workbench("branch", "last")[0] == 2
    code, out, err = workbench("decide", "last", "merge", "--because", "Better.")
    assert (code, out.splitlines()[0]) == (0, "# Put to use: Attention, Twice as Fast")
    assert "Decided: merge (" in err
    assert workbench("decide", "last", "perhaps", "--because", "x")[0] == 2
    told = json.loads(workbench("history", "last", "--json")[1])
    assert [each["what"] for each in told] == ["added", "assessed", "branched", "decided"]
    assert "\tdecided\tmerge: Better.\tAda\t" in workbench("history", "last")[1]


def test_the_magic_does_the_same(repo, paper, bench):
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.notebook.paper import PaperMagics

    shell = InteractiveShell()
    shell.register_magics(PaperMagics(shell, lambda: bench))
    made = shell.run_line_magic("paper", "branch last -o b")
    assert shell.user_ns["b"].name == NAME
    assert f"Go on with: git switch {NAME}" in repr(made)
    page = shell.run_line_magic("paper", 'decide last merge --because "It is <b>better</b>." -o d')
    assert "&lt;b&gt;better&lt;/b&gt;" in page._repr_mimebundle_()["text/html"]
    assert "<b>" not in page._repr_mimebundle_()["text/html"].replace("</b>", "")
    frame = shell.run_line_magic("paper", "history last").frame
    assert list(frame["what"]) == ["added", "assessed", "branched", "decided"]
    assert str(frame["at"].dtype) == "datetime64[us, UTC]"
    assert frame["cost"].isna().tolist() == [True, False, True, True]


@pytest.mark.parametrize("words", ["decide last merge", "branch", "history nobody"])
def test_a_line_that_is_wrong_is_a_usage_error(repo, bench, words):
    from IPython.core.error import UsageError
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.notebook.paper import PaperMagics

    shell = InteractiveShell()
    shell.register_magics(PaperMagics(shell, lambda: bench))
    with pytest.raises(UsageError):
        shell.run_line_magic("paper", words)

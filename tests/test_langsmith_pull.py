"""Pulling from LangSmith, through its own SDK from a local server: data sets, prompts, people's scores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from langsmith_desk import deliver, dialogue_source, target
from langsmith_server import KEY, TENANT, LangSmith
from record_examples import whole
from stage import quick

from workbench.dialogue import Orchestrator
from workbench.dialogue.rules.loader import ModeLoader
from workbench.dialogue.rules.template import fill, placeholders
from workbench.errors import SettingsError, WorkbenchError
from workbench.experiments.cases import read_cases, spooled
from workbench.observe.pull.asking import service_named
from workbench.observe.pull.langsmith import LangSmithService
from workbench.observe.pull.pulling import pull_dataset, pull_prompt, pull_scores
from workbench.observe.pull.service import PullError
from workbench.observe.pull.templates import Piece, filled, pieces


@pytest.fixture
def server() -> Iterator[LangSmith]:
    with LangSmith() as server:
        yield server


@pytest.fixture
def service(server: LangSmith) -> Iterator[LangSmithService]:
    service = LangSmithService(server.url, KEY)
    yield service
    service.close()


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Orchestrator]:
    with Orchestrator(settings=quick(tmp_path)) as workbench:
        yield workbench


def dataset(server: LangSmith, name: str, examples: list[dict[str, Any]]) -> None:
    ident = str(uuid4())
    server.datasets[ident] = {"id": ident, "name": name, "data_type": "kv", "created_at": "2026-11-01T00:00:00+00:00"}
    for each in examples:
        one = {"id": str(uuid4()), "dataset_id": ident, "created_at": "2026-11-01T00:00:00+00:00"} | each
        server.examples[one["id"]] = one


def chat(*messages: tuple[str, str], style: str = "f-string") -> dict[str, Any]:
    """A chat prompt as LangChain writes it down."""

    def template(kind: str, text: str) -> dict[str, Any]:
        inner = made("PromptTemplate", template=text, template_format=style, input_variables=[])
        return made(f"{kind}MessagePromptTemplate", prompt=inner)

    return made("ChatPromptTemplate", messages=[template(kind, text) for kind, text in messages])


def made(kind: str, **given: Any) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": ["langchain", "prompts", kind], "kwargs": given}


def prompt(server: LangSmith, name: str, manifest: dict[str, Any]) -> None:
    server.prompts[name] = {"commit_hash": "0123456789abcdef", "manifest": manifest}


def test_a_data_set_becomes_cases_that_an_experiment_reads(server, service, tmp_path):
    examples = [{"inputs": {"question": f"{n} + 1?"}, "outputs": {"answer": n + 1}, "metadata": {"n": n}} for n in range(230)]
    dataset(server, "Sums / 2026", examples)
    found = pull_dataset(service, "Sums / 2026", tmp_path)
    assert (found.name, found.written, found.columns) == ("Sums-2026.jsonl", True, ["id", "question", "answer", "metadata"])
    with spooled(read_cases(found.name, tmp_path)) as cases:
        rows = [json.loads(row.data) for row in cases.rows()]
    assert [(row["question"], row["answer"]) for row in rows] == [(f"{n} + 1?", n + 1) for n in range(230)]
    assert [row["id"] for row in rows] == list(server.examples)


def test_what_was_sent_comes_back_as_the_cases_that_it_was(server, service, tmp_path):
    dataset(server, "d", [{"inputs": {"id": "c1", "q": "1?"}, "outputs": {"a": 1}}, {"inputs": {"id": "c2", "q": "2?"}}])
    cases = pull_dataset(service, "d", tmp_path).cases
    assert [(case["id"], case["q"], case.get("a")) for case in cases] == [("c1", "1?", 1), ("c2", "2?", None)]


def test_a_second_pull_writes_nothing_and_no_file_is_lost_without_force(server, service, tmp_path):
    dataset(server, "d", [{"inputs": {"q": "1?"}}])
    assert pull_dataset(service, "d", tmp_path, target="in/cases.jsonl").written
    assert not pull_dataset(service, "d", tmp_path, target="in/cases.jsonl").written
    mine = tmp_path / "in" / "cases.jsonl"
    mine.write_text('{"mine": 1}\n')
    with pytest.raises(PullError, match="--force"):
        pull_dataset(service, "d", tmp_path, target="in/cases.jsonl")
    assert mine.read_text() == '{"mine": 1}\n'
    assert pull_dataset(service, "d", tmp_path, target="in/cases.jsonl", force=True).written
    assert [path.name for path in mine.parent.iterdir()] == ["cases.jsonl"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/cron.d/x", "..", "a\0b", "x" * 500, "\u202egnp.exe", "~/.ssh/id"])
def test_a_hostile_name_stays_in_the_workspace(server, service, tmp_path, name):
    dataset(server, name, [{"inputs": {"q": "1?"}}])
    try:
        found = pull_dataset(service, name, tmp_path / "w")
    except PullError as error:
        assert error.hint  # noqa: PT017 - both ways are right
    else:
        assert found.path.resolve().parent == (tmp_path / "w").resolve()


def test_a_chat_prompt_becomes_a_mode_that_runs(server, service, workbench, tmp_path):
    prompt(server, "critic", chat(("System", "Judge {question} harshly.\nNo {{braces}}."), ("Human", "{question} In {tone}.")))
    found = pull_prompt(service, "critic", tmp_path)
    mode = ModeLoader([tmp_path / "modes"]).load("critic")
    assert (found.name, found.written) == ("critic", True)
    assert mode.roles["speaker"].system == "Judge {topic} harshly.\nNo {braces}."
    assert mode.turns[0].template == "{topic} In {tone}."
    assert mode.parameters == {"tone": "<tone>"}
    assert "critic of LangSmith, version 01234567" in mode.description
    assert not pull_prompt(service, "critic", tmp_path).written


def test_a_prompt_with_its_model_brings_its_sampling(server, service, tmp_path):
    model = made("ChatOpenAI", model="gpt-5", temperature=0.2, max_tokens=100, openai_api_key={"type": "secret"})
    chain = made("RunnableSequence", first=chat(("Human", "Say {{what}}"), style="mustache"), last=model)
    prompt(server, "sayer", chain)
    pull_prompt(service, "sayer", tmp_path, target="say-it")
    mode = ModeLoader([tmp_path / "modes"]).load("say-it")
    assert mode.turns[0].template == "Say {topic}"
    assert (mode.roles["speaker"].sampling.temperature, mode.roles["speaker"].sampling.max_tokens) == (0.2, 100)
    assert "written for gpt-5" in mode.description


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (chat(("AI", "Yes."), ("Human", "{q}")), "assistant"),
        (chat(("Human", "{{#each}}{{q}}{{/each}}"), style="mustache"), "loops"),
        (chat(("Human", "{q.name}")), "plain name"),
        (chat(("Human", "{q!r}")), "formats"),
        (chat(("Human", "{q")), "no template"),
        (chat(("Human", "{first} {second}")), "--topic"),
        (chat(("Human", "{topic} {previous}")), "something else in a mode"),
        (chat(("System", "{tone}"), ("Human", "{topic}")), "system message"),
        (chat(("Human", "{{topic}} {q}")), "plain text"),
        (made("ChatPromptTemplate", messages=[made("MessagesPlaceholder", variable_name="history")]), "MessagesPlaceholder"),
        (made("FewShotPromptTemplate"), "FewShotPromptTemplate"),
        ({"lc": 1}, "The prompt is a"),
    ],
)
def test_what_a_mode_cannot_say_is_named_and_nothing_is_written(server, service, tmp_path, manifest, words):
    prompt(server, "p", manifest)
    with pytest.raises(PullError) as told:
        pull_prompt(service, "p", tmp_path)
    assert words in str(told.value)
    assert told.value.hint
    assert not (tmp_path / "modes").exists()


def human(server: LangSmith, run: str, key: str, score: Any, by: str = "Ada", kind: str = "app") -> None:
    """What somebody says in LangSmith's pages."""
    ident, now = str(uuid4()), "2026-11-20T00:00:00+00:00"
    source = {"type": kind, "user_name": by, "metadata": {}}
    said = {"id": ident, "run_id": run, "trace_id": run, "key": key, "score": score, "comment": "well"}
    server.feedback[ident] = said | {"created_at": now, "modified_at": now, "feedback_source": source}


def run_named(server: LangSmith, name: str) -> str:
    return next(str(run["id"]) for run in server.runs.values() if run["name"] == name)


def test_peoples_feedback_becomes_ratings_once(server, service, workbench):
    record = workbench.record
    record.write(whole("d1", turns=2))
    deliver(target(server), record, [dialogue_source(record, "d1")])
    server.configs["stars"] = {
        "feedback_key": "stars",
        "feedback_config": {"type": "continuous", "min": 1, "max": 5},
        "tenant_id": TENANT,
        "modified_at": "2026-11-20T00:00:00+00:00",
    }
    human(server, run_named(server, "turn_1"), "stars", 4)
    human(server, run_named(server, "debate"), "helpful", True, by="Ben")
    human(server, run_named(server, "turn_1"), "stars", 1, by="a program", kind="api")
    human(server, run_named(server, "turn_1"), "length", 4000)
    human(server, str(uuid4()), "helpful", 1)
    kept = pull_scores(workbench, service)
    assert (kept.new, kept.known, sum(kept.left.values())) == (2, 0, 2)
    said = {(rating.turn, rating.by, rating.quality, rating.comment) for rating in record.ratings()}
    assert said == {
        ("turn_1", "Ada: stars via LangSmith", 0.75, "well"),
        ("turn_1", "Ben: helpful of the dialogue via LangSmith", 1.0, "well"),
        ("turn_2", "Ben: helpful of the dialogue via LangSmith", 1.0, "well"),
    }
    assert {rating.source for rating in record.ratings()} == {"person"}
    again = pull_scores(workbench, service)
    assert (again.new, again.known) == (0, 2)
    assert pull_scores(workbench, service, "2026-11-21").new == 0


def test_errors_name_the_cause_and_the_way_out(server, service, tmp_path, monkeypatch):
    with pytest.raises(PullError, match="no data set 'none'"):
        pull_dataset(service, "none", tmp_path)
    with pytest.raises(PullError, match="no prompt 'none'"):
        pull_prompt(service, "none", tmp_path)
    wrong = LangSmithService(server.url, "lsv2_pt_wrong_wrong")
    with pytest.raises(PullError, match="LANGSMITH_API_KEY"):
        pull_dataset(wrong, "d", tmp_path)
    wrong.close()
    away = LangSmithService("http://127.0.0.1:9", KEY)
    with pytest.raises(PullError, match="LANGSMITH_ENDPOINT"):
        pull_dataset(away, "d", tmp_path)
    away.close()
    monkeypatch.delenv("LANGSMITH_API_KEY", raising=False)
    with pytest.raises(SettingsError, match="Set LANGSMITH_API_KEY"):
        service_named("langsmith")
    with pytest.raises(WorkbenchError, match="There are: langfuse, langsmith"):
        service_named("mlflow")


@given(st.lists(st.one_of(st.text(max_size=8), st.sampled_from([Piece("who", variable=True), Piece("how", variable=True)]))))
def test_a_template_says_in_a_mode_what_it_said_before(parts):
    text = "".join(f"{{{p.text}}}" if isinstance(p, Piece) else p.replace("{", "{{").replace("}", "}}") for p in parts)
    values = {"who": "{how}", "how": "{{who}}"}
    read = pieces(text, "f-string")
    plain = "".join("\0" if piece.variable else piece.text for piece in read)
    assume(not set(placeholders(plain)) & values.keys())  # these are refused
    assert fill(filled(read, str), values, values.__getitem__) == text.format(**values)

"""Pulling from Langfuse, through its own SDK from a local server: data sets, prompts, people's scores."""

import json

import pytest
from langfuse_desk import sync, target
from langfuse_server import SECRET, Langfuse
from stage import card, line, orchestra, yes

from workbench.dialogue.rules.loader import ModeLoader
from workbench.errors import SettingsError
from workbench.observe.pull.asking import service_named
from workbench.observe.pull.langfuse import LangfuseService
from workbench.observe.pull.pulling import pull_dataset, pull_prompt, pull_scores
from workbench.observe.pull.service import PullError
from workbench.observe.spans import turn_key


@pytest.fixture
def server():
    with Langfuse() as server:
        yield server


@pytest.fixture
def service(server):
    service = LangfuseService(server.url, server.public, SECRET)
    yield service
    service.close()


@pytest.fixture
def workbench(tmp_path):
    made, _ = orchestra(tmp_path, yes)
    with made:
        yield made


def dataset(server, name, items):
    server._take_dataset({"name": name})
    for number, item in enumerate(items):
        server._take_item({"datasetName": name, "id": f"{name}-{number}"} | item)


def prompt(server, name, text, *, version=1, labels=("production", "latest"), **config):
    kind = "text" if isinstance(text, str) else "chat"
    facts = {"type": kind, "config": config, "labels": list(labels), "tags": []}
    server.prompts.setdefault(name, []).append({"name": name, "version": version, "prompt": text, **facts})


def annotate(server, name, value, kind="NUMERIC", **more):
    """A person's score, given in Langfuse's pages."""
    facts = {"name": name, "value": value, "dataType": kind, "source": "ANNOTATION", "timestamp": "2026-11-20T00:00:00.000Z"}
    number = len(server.scores)
    server.scores[f"s{number}", name, "2026-11-20"] = {"id": f"s{number}", "authorUserId": "Ada", **facts, **more}


def test_a_data_set_becomes_cases_page_by_page_without_what_is_archived(server, service, tmp_path):
    items = [{"input": {"question": f"{n} + 1?"}, "expectedOutput": {"answer": n + 1}} for n in range(230)]
    dataset(server, "Sums/2026", [*items, {"input": {"question": "old?"}, "status": "ARCHIVED"}])
    found = pull_dataset(service, "Sums/2026", tmp_path)
    assert [(case["question"], case["answer"]) for case in found.cases] == [(f"{n} + 1?", n + 1) for n in range(230)]
    assert not pull_dataset(service, "Sums/2026", tmp_path).written


def test_a_prompt_becomes_a_mode_by_version_or_label_or_as_it_is_in_production(server, service, tmp_path):
    prompt(server, "critic", "Judge {{question}}.", version=1)
    prompt(server, "critic", "Judge {{question}} well.", version=2, labels=("latest", "staging"))
    assert "".join(m.text for m in service.prompt("critic").messages) == "Judge {{question}}."
    assert service.prompt("critic", "2").version == service.prompt("critic", "staging").version == "2"
    pull_prompt(service, "critic", tmp_path)
    assert ModeLoader([tmp_path / "modes"]).load("critic").turns[0].template == "Judge {topic}."


def test_a_chat_prompt_brings_its_system_prompt_and_its_sampling(server, service, tmp_path):
    messages = [{"role": "system", "content": "Be {{tone}}."}, {"role": "user", "content": "{{question}}"}]
    prompt(server, "team/sayer", messages, model="gpt-5", temperature=0.2, labels=("latest",))
    found = service.prompt("team/sayer")
    assert (found.model, found.config, found.style) == ("gpt-5", {"temperature": 0.2}, "mustache")
    assert [(message.role, message.text) for message in found.messages] == [
        ("system", "Be {{tone}}."),
        ("user", "{{question}}"),
    ]


def test_a_prompt_with_a_place_for_other_messages_is_refused(server, service):
    prompt(server, "p", [{"type": "placeholder", "name": "history"}, {"role": "user", "content": "{{q}}"}])
    with pytest.raises(PullError, match="history"):
        service.prompt("p")


def test_peoples_scores_become_ratings_and_do_not_go_back(server, service, workbench):
    dialogue = workbench.run(line(2), "Tabs?", models=[card()])
    sync(workbench.record, target(server))
    trace = next(iter(server.seen.values()))["traceId"]
    spoken = turn_key(workbench.record, dialogue.id, "v2")
    turn = next(each for each in server.seen.values() if each["name"] == "v2" and each["type"] == "AGENT")["id"]
    assert spoken
    server.configs["c"] = {"id": "c", "name": "helpful", "dataType": "NUMERIC", "minValue": 1, "maxValue": 5} | config()
    marks = [{"value": 0, "label": "bad"}, {"value": 10, "label": "good"}]
    server.configs["d"] = {"id": "d", "name": "style", "dataType": "CATEGORICAL", "categories": marks} | config()
    annotate(server, "helpful", 4, traceId=trace, observationId=turn, configId="c", comment="clear")
    annotate(server, "style", "good", "CATEGORICAL", traceId=trace, observationId=turn, configId="d")
    annotate(server, "right", 1, "BOOLEAN", traceId=trace)
    annotate(server, "elsewhere", 1, "BOOLEAN", traceId="0" * 32)
    found = pull_scores(workbench, service)
    assert found.left.total() == 1
    said = {(rating.turn, rating.by): rating.quality for rating in workbench.record.ratings(dialogue=dialogue.id)}
    assert said["v2", "Ada: helpful via Langfuse"] == 0.75
    assert said["v2", "Ada: style via Langfuse"] == 1.0
    assert any(by == "Ada: right of the dialogue via Langfuse" for _, by in said)
    before = len(server.scores)
    sync(workbench.record, target(server))
    assert len(server.scores) == before


def config():
    return {"createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z", "projectId": "p", "isArchived": False}


def test_what_is_not_there_or_does_not_answer_is_told(server, service, monkeypatch):
    with pytest.raises(PullError, match="has no data set 'nowhere'"):
        service.dataset("nowhere")
    other = LangfuseService(server.url, "pk-lf-other", SECRET)
    with pytest.raises(PullError, match="LANGFUSE_PUBLIC_KEY"):
        other.dataset("d")
    other.close()
    monkeypatch.delenv("LANGFUSE_SECRET_KEY", raising=False)
    with pytest.raises(SettingsError, match="LANGFUSE_SECRET_KEY"):
        service_named("langfuse")
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", server.public)
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", SECRET)
    monkeypatch.setenv("LANGFUSE_BASE_URL", server.url)
    dataset(server, "d", [{"input": "1?", "metadata": {"n": 1}}])
    found = service_named("langfuse")
    assert json.dumps([item.input for item in found.dataset("d").items]) == '["1?"]'
    found.close()

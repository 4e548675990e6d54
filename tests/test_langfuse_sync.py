"""What Langfuse's own SDK reads back is what the record has: traces, scores, data sets, and runs that it can compare."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from experimenters import adder, careful, sums, workshop
from google.protobuf.json_format import MessageToDict
from langfuse import Langfuse as Client
from langfuse_desk import FIELDS, check, client, parcels, sync, target
from langfuse_server import Langfuse
from record_examples import whole
from stage import card, line, mode_of, orchestra, yes
from wired import card as wired_card

from workbench.errors import WorkbenchError
from workbench.models import ModelRegistry
from workbench.observe.spans import trace_of
from workbench.observe.sync.langfuse import LangfuseTarget
from workbench.observe.sync.langfuse.experiments import run_id
from workbench.observe.sync.otlp.protobuf import unpacked
from workbench.records import Record
from workbench.records.assessments import AssessmentRow, OutcomeRow
from workbench.records.papers import PaperRow
from workbench.records.rating import Rating

DATA = Path(__file__).parent / "data"


@pytest.fixture
def server():
    with Langfuse() as server:
        yield server


@pytest.fixture
def stage(tmp_path):
    made, _ = orchestra(tmp_path, yes)
    with made:
        yield made


def read(server, dialogue):
    """All observations of a dialogue's trace, by name, as the SDK reads them."""
    with client(server) as sdk:
        page = sdk.api.observations.get_many(trace_id=Client.create_trace_id(seed=dialogue), fields=FIELDS, limit=1000)
    return {each.name: each for each in page.data}


def test_a_trace_as_the_sdk_reads_it(tmp_path, wire, server):
    from wired import quick

    from workbench.dialogue import Orchestrator

    wire.cached_tokens, wire.reasoning = 3, "let me think"
    wire.faults = lambda asked: "500" if asked.body["model"] == "first" else None
    models = ModelRegistry(quick(tmp_path))
    models.register(wired_card(wire, name="a", id="openai/first"))
    models.register(wired_card(wire, name="b", id="openai/second", prices={"input": 1, "output": 2}))
    with Orchestrator(settings=quick(tmp_path), models=models) as orchestrator:
        mode = mode_of({"role": "model", "template": "{topic}", "id": "answer"})
        mode["roles"] = {"model": {"sampling": {"temperature": 0.3, "fallbacks": ["b"]}}}
        done = orchestrator.run(mode, "Tabs?", participants={"model": "a"})
        assert sync(orchestrator.record, target(server, environment="lab")) == []
        spans = trace_of(orchestrator.record, done.id).spans
    found = read(server, done.id)
    assert server.arrived == dict.fromkeys((span.digest(8).hex() for span in spans), 1)
    root, turn, answer, lost = found["stage"], found["answer"], found["b"], found["a"]
    assert (root.type, root.input, root.output, root.trace_name) == ("CHAIN", "Tabs?", done.text, "stage: Tabs?")
    assert {each.session_id for each in found.values()} == {done.id}
    assert {each.environment for each in found.values()} == {"lab"}
    assert (turn.type, turn.parent_observation_id, json.loads(turn.input)) == (
        "AGENT",
        root.id,
        [{"role": "user", "content": "Tabs?"}],
    )
    assert (answer.type, answer.model, answer.parent_observation_id) == ("GENERATION", "wire-model-1", turn.id)
    assert answer.usage_details == {
        "input": 7,
        "output": 12,
        "input_cached_tokens": 3,
        "output_reasoning_tokens": 3,
        "total": 25,
    }
    assert answer.total_cost == pytest.approx(done.metrics.cost)
    assert answer.model_parameters["temperature"] == 0.3
    assert answer.level == "WARNING"
    assert answer.metadata["reasoning"] == "let me think"
    assert answer.metadata["model_asked"] == "a"
    assert answer.start_time <= answer.completion_start_time <= answer.end_time
    assert (lost.level, lost.cost_details, lost.usage_details) == ("ERROR", None, None)
    assert lost.status_message.startswith("capacity: ")


def test_a_trace_is_encoded_as_it_always_was(tmp_path):
    with Record.open(f"sqlite:///{tmp_path}/r.db") as record:
        record.write(whole("0123456789ab", 2))
        where = LangfuseTarget("https://langfuse.example", "pk", "sk", "lab")
        (parcel,) = parcels(where, record, "dialogue", "0123456789ab@0-10")
    told = in_json(unpacked(parcel.body))
    assert told == json.loads((DATA / "langfuse_trace.json").read_text())


def in_json(request):
    """A request as OTLP has it in JSON, where ids are hexadecimal; attributes by their names, so that it can be read."""
    told = MessageToDict(request)["resourceSpans"]
    for span in told[0]["scopeSpans"][0]["spans"]:
        span |= {name: base64.b64decode(span[name]).hex() for name in span if name.endswith("Id")}
        span["attributes"] = {each["key"]: each["value"] for each in span["attributes"]}
    return told


def test_a_rating_and_its_later_word_are_one_score_on_its_turn(stage, server):
    dialogue = stage.run(line(2), "Tabs?", models=[card()])
    first = Rating(dialogue.id, "v2", "v2", "actor", 0.25, "person", by="Ada", comment="thin", at=1.7e9)
    stage.record.rate([first])
    sync(stage.record, target(server))
    later = Rating(dialogue.id, "v2", "v2", "actor", 0.75, "person", by="Ada", comment="on second thoughts", at=1.8e9)
    stage.record.rate([later, Rating(dialogue.id, "v1", "v1", "actor", 1.0, "person", by="Bo: x via Langfuse", at=1.8e9)])
    assert sync(stage.record, target(server)) == []
    turn = read(server, dialogue.id)["v2"]
    with client(server) as sdk:
        (score,) = sdk.api.scores.get_many(trace_id=turn.trace_id, fields="details,subject").data
    assert (score.name, score.value, score.comment, score.subject.id) == (
        "person_quality",
        0.75,
        "on second thoughts",
        turn.id,
    )
    assert score.metadata["by"] == "Ada"


def test_an_assessment_and_its_outcome_are_scores_on_the_debate(stage, server):
    dialogue = stage.run(line(1), "Worth it?", models=[card()])
    data = {"implementable": True, "confidence": 0.7, "difficulty": "high", "weeks": {"likely": 3}, "reasoning": "So."}
    paper = PaperRow("p1", "0" * 64, 1.7e9, "On Tabs", (), 2026, None, None, "p1.pdf", "papers/p1.pdf", 3)
    stage.record.papers.add(paper, "{}", [])
    row = stage.record.assessments.add(AssessmentRow("a1", "p1", dialogue.id, 1.7e9, "Worth it?", "", data))
    stage.record.assessments.add_outcome(OutcomeRow(row.id, 1.8e9, worked=False))
    stage.record.assessments.add_outcome(OutcomeRow(row.id, 1.81e9, worked=True, weeks=5.0, note="in the end"))
    assert sync(stage.record, target(server)) == []
    with client(server) as sdk:
        found = {each.name: each.value for each in sdk.api.scores.get_many(limit=100).data}
    assert found == {
        "paper_implementable": True,
        "paper_confidence": 0.7,
        "paper_difficulty": "high",
        "paper_weeks": 3.0,
        "paper_worked": True,
        "paper_weeks_spent": 5.0,
    }


def test_an_experiment_can_be_compared_there_with_its_repeats_apart(tmp_path, wire, server):
    wire.answer = adder(careful)
    beginning = datetime(2020, 1, 1, tzinfo=UTC)
    with workshop(tmp_path, wire) as orchestrator:
        arms = {
            "plain": {"model": "m", "prompt": "What is {question}"},
            "careful": {"model": "m", "prompt": "With care: what is {question}"},
        }
        experiment = sums(orchestrator, 3, repeats=2, arms=arms)
        experiment.run()
        assert sync(orchestrator.record, target(server)) == []
        (run,) = orchestrator.record.experiments.runs()
        rows = orchestrator.record.experiments.observations(run.id)
    name = next(iter(server.datasets))
    with client(server) as sdk:
        dataset = sdk.get_dataset(name)
        runs = sdk.api.experiments.list(from_start_time=beginning, fields="core,metadata,scores").data
        items = {
            each.id: sdk.api.experiments.list_items(
                from_start_time=beginning, experiment_id=each.id, fields="core,dataset,io,scores"
            ).data
            for each in runs
        }
    assert {item.metadata["case"]: (item.input, item.expected_output) for item in dataset.items} == {
        f"c{n}": ({"id": f"c{n}", "question": f"{n} + 1?"}, n + 1) for n in range(3)
    }
    assert {each.id for each in runs} == {run_id(run.id, arm, repeat) for arm in arms for repeat in (0, 1)}
    assert len({each.name for each in runs}) == 4
    assert {each.dataset_id for each in runs} == {dataset.id}
    assert {each.item_count for each in runs} == {3}
    ids = {item.id for item in dataset.items}
    for each in runs:
        of_run = items[each.id]
        assert {item.experiment_item_id for item in of_run} == ids
        right = 1.0 if each.metadata["arm"] == "careful" else 0.0
        assert {score.name: float(score.value) for item in of_run for score in item.scores} == {"right": right}
        assert {score.name: score.value for score in each.scores} == {"mean_right": right, "mean_answered": 1.0}
    outputs = {item.output for of_run in items.values() for item in of_run}
    assert outputs == {row.output for row in rows}
    assert all(count == 1 for count in server.arrived.values())


def test_an_arm_that_is_a_function_has_a_trace_and_a_failure_says_so(tmp_path, wire, server):
    def twice(case):
        if case["id"] == "c1":
            raise ValueError("too hard")
        return str(case["answer"])

    with workshop(tmp_path, wire) as orchestrator:
        sums(orchestrator, 2, arms={"plain": {"call": twice}, "careful": {"call": twice}}).run()
        assert sync(orchestrator.record, target(server)) == []
    assert len(server.seen) == 4
    assert {each["level"]: each.get("output") for each in server.seen.values()} == {"DEFAULT": "1", "ERROR": None}


def test_a_server_that_is_too_old_or_does_not_let_us_in_is_told(server):
    assert check(target(server)) == "Langfuse 4.60.1, project lab"
    server.version = "3.99.0"
    with pytest.raises(WorkbenchError, match=r"3\.99\.0.*\n.*Upgrade it to 4\.59"):
        check(target(server))
    server.version = "4.60.0"
    with pytest.raises(WorkbenchError, match="LANGFUSE_PUBLIC_KEY"):
        check(LangfuseTarget(server.url, "pk-lf-other", "sk-lf-verysecret"))

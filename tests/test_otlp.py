"""Spans by OTLP: in the words of OpenTelemetry's conventions, for whoever understands them, and each at least once."""

import json

import pytest
from experimenters import adder, careful, sums, workshop
from google.protobuf.json_format import MessageToDict
from langfuse_desk import check, parcels, sync
from langfuse_server import Langfuse, failing, first
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from record_examples import call, started, turn, whole

from workbench.errors import WorkbenchError
from workbench.events import CallEnded, CallStarted, DialogueEnded, Status, TurnCompleted, TurnStarted
from workbench.observe.spans import trace_of
from workbench.observe.sync.otlp import OtlpTarget
from workbench.observe.sync.otlp.protobuf import unpacked
from workbench.records import Record
from workbench.records.rating import Rating

KNOWN = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_") and isinstance(value, str)}


@pytest.fixture
def server():
    with Langfuse() as server:
        yield server


@pytest.fixture
def record(tmp_path):
    with Record.open(f"sqlite:///{tmp_path}/r.db") as record:
        yield record


def told(where, record, dialogue):
    """The spans of a dialogue as they are sent: resource, and by name each span with its attributes."""
    (parcel,) = parcels(where, record, "dialogue", f"{dialogue}@0-{record.events(dialogue)[-1].seq}")
    resource = MessageToDict(unpacked(parcel.body))["resourceSpans"][0]
    spans = resource["scopeSpans"][0]["spans"]
    return plain(resource["resource"]["attributes"]), {s["name"]: s | {"attributes": plain(s["attributes"])} for s in spans}


def plain(attributes):
    return {each["key"]: next(iter(each["value"].values())) for each in attributes}


def asked(dialogue):
    """A dialogue of one turn with a system prompt, thinking, and an answer."""
    begun = TurnStarted(
        dialogue=dialogue,
        seq=2,
        at=1.7e9,
        turn="a",
        index=1,
        role="pro",
        model="small",
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Wet?"}],
    )
    answer = call(dialogue, 1)
    return [
        started(dialogue),
        begun,
        CallStarted(dialogue=dialogue, seq=3, at=1.7e9, turn="a", call=answer.id, model="small", attempt=1),
        CallEnded(dialogue=dialogue, seq=4, at=1.7e9 + 2, turn="a", call=answer),
        TurnCompleted(dialogue=dialogue, seq=5, at=1.7e9 + 2, turn="a", text="Answer 1", data={"wet": True}),
        DialogueEnded(dialogue=dialogue, seq=6, at=1.7e9 + 3, status=Status.COMPLETED),
    ]


def test_calls_are_told_in_the_conventions_own_words(record):
    record.write(asked("d"))
    resource, spans = told(OtlpTarget("http://collector:4318"), record, "d")
    chat = spans["chat small"]["attributes"]
    assert resource == {"service.name": "dialogue-workbench"}
    assert set(spans) == {"invoke_workflow debate", "invoke_agent a", "chat small"}
    assert spans["chat small"]["kind"] == "SPAN_KIND_CLIENT"
    assert {name for name in chat if name.startswith("gen_ai.")} <= KNOWN
    assert json.loads(chat["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    assert json.loads(chat["gen_ai.input.messages"]) == [{"role": "user", "parts": [{"type": "text", "content": "Wet?"}]}]
    assert json.loads(chat["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Answer 1"}], "finish_reason": "stop"}
    ]
    usage = {name.removeprefix("gen_ai.usage."): int(chat[name]) for name in chat if name.startswith("gen_ai.usage.")}
    assert usage == {
        "input_tokens": 100,
        "output_tokens": 20,
        "cache_read.input_tokens": 5,
        "cache_creation.input_tokens": 0,
        "reasoning.output_tokens": 3,
    }
    assert (chat["gen_ai.request.model"], chat["gen_ai.response.model"]) == ("small", "small-2026")
    assert chat["gen_ai.response.time_to_first_chunk"] == 0.125
    assert chat["workbench.cost_usd"] == 0.25
    assert json.loads(spans["invoke_agent a"]["attributes"]["workbench.data"]) == {"wet": True}
    assert "openinference.span.kind" not in chat


def test_a_model_goes_by_the_name_that_its_provider_knows(tmp_path, wire):
    with workshop(tmp_path, wire) as orchestrator:
        dialogue = orchestrator.run("chat", "Wet?", models=["other"])
        chat = told(OtlpTarget("http://collector:4318"), orchestrator.record, dialogue.id)[1]["chat other"]["attributes"]
    assert (chat["gen_ai.request.model"], chat["workbench.model.id"]) == ("n", "openai/n")


def test_everything_arrives_at_least_once_whatever_breaks(record, server):
    names = [f"d{number}" for number in range(12)]
    for name in names:
        record.write(whole(name, 2))
    breaks = failing(0.35, 3)
    server.faults = lambda asked: breaks(asked) if asked.size else None  # an empty request asks whether anybody is there
    assert sync(record, OtlpTarget(server.url)) == []
    assert set(server.arrived) == {span.digest(8).hex() for name in names for span in trace_of(record, name).spans}
    assert server.heads[-1]["content-encoding"] == "gzip"
    assert server.heads[-1]["content-type"] == "application/x-protobuf"
    assert "at least once" in OtlpTarget(server.url).title


def test_a_lost_answer_is_sent_again_because_nobody_can_be_asked(record, server):
    record.write(whole("d", 1))
    server.faults = lambda asked: "lost" if asked.number == 2 else None  # the first request asks whether anybody is there
    assert sync(record, OtlpTarget(server.url)) == []
    assert set(server.arrived.values()) == {2}


def test_spans_that_a_service_refuses_are_told(record, server):
    record.write(whole("d", 2))
    server.faults = lambda asked: "partial"
    assert sync(record, OtlpTarget(server.url + "/v1/traces")) == ["spans: 1 of 5 spans refused: one was too odd"]
    assert len(server.arrived) == 4


def test_observations_go_with_their_judges(tmp_path, wire, server):
    wire.answer = adder(careful)
    with workshop(tmp_path, wire) as orchestrator:
        sums(orchestrator, 2).run()
        assert sync(orchestrator.record, OtlpTarget(server.url)) == []
        rows = orchestrator.record.calls()
    names = [span.name for request in server.requests for span in spans_in(request)]
    assert names.count("chat m") == len(rows) == 4
    assert names.count("evaluate right") == 4


def test_a_rating_is_an_evaluation_below_the_turn_that_it_is_about(record, server):
    record.write(whole("d", 1))
    record.rate([Rating("d", "turn_1", "pro", "small", 0.25, "person", by="Ada", comment="thin", at=1.7e9)])
    sync(record, OtlpTarget(server.url))
    record.rate([Rating("d", "turn_1", "pro", "small", 0.75, "person", by="Ada", comment="no, good", at=1.8e9)])
    assert sync(record, OtlpTarget(server.url)) == []
    said = [span for request in server.requests for span in spans_in(request) if span.name == "evaluate person_quality"]
    about = [plain(MessageToDict(span)["attributes"]) for span in said]
    assert [facts["gen_ai.evaluation.score.value"] for facts in about] == [0.25, 0.75]
    assert {facts["gen_ai.evaluation.name"] for facts in about} == {"person_quality"}
    assert len({span.span_id for span in said}) == 2, "a later word is another span"
    (turn,) = [span for span in trace_of(record, "d").spans if span.kind == "turn"]
    assert {span.parent_span_id for span in said} == {turn.digest(8)}


def spans_in(request):
    return [span for whole in request.resource_spans for scope in whole.scope_spans for span in scope.spans]


def test_hostile_texts_times_and_numbers_are_encoded(record):
    record.write([started("d", seed=2**70, parameters={"loss": 10**30, "odd\ud800": "\ud800"}), *turn("d", 1)])
    _, spans = told(OtlpTarget("http://collector"), record, "d")
    assert spans["invoke_workflow debate"]["attributes"]["workbench.seed"] == str(2**70)


def test_a_service_that_is_not_there_or_does_not_let_us_in_is_told(server):
    assert "at least once" in check(OtlpTarget(server.url))
    server.faults = first(9, "401")
    with pytest.raises(WorkbenchError, match="OTEL_EXPORTER_OTLP_HEADERS"):
        check(OtlpTarget(server.url))
    server.faults = lambda asked: None
    with pytest.raises(WorkbenchError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        check(OtlpTarget(server.url + "/nowhere"))

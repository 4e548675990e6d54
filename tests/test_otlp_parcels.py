"""What goes over OTLP in which parcel, and what a service says of it: parts, what a resume adds, judges, refusals."""

import httpx
import pytest
from langfuse_desk import parcels, sync
from langfuse_server import Langfuse
from record_examples import START, whole
from sync_experiment import judged_experiment

from workbench.events import DialogueEnded, DialogueResumed, Status
from workbench.observe.spans import trace_of
from workbench.observe.sync.otlp import OtlpTarget
from workbench.observe.sync.otlp.protobuf import unpacked
from workbench.observe.sync.otlp.target import partly
from workbench.observe.sync.target import Dead, Sent
from workbench.records import Record


@pytest.fixture
def server():
    with Langfuse() as server:
        yield server


@pytest.fixture
def record(tmp_path):
    with Record.open(f"sqlite:///{tmp_path}/r.db") as record:
        yield record


def test_what_is_too_large_goes_in_halves_and_none_of_it_twice(record, server):
    record.write(whole("d", 30))
    server.most_bytes = 1500
    assert sync(record, OtlpTarget(server.url)) == []
    assert server.arrived == dict.fromkeys((span.digest(8).hex() for span in trace_of(record, "d").spans), 1)
    assert len(server.requests) > 2


def test_what_a_resume_adds_goes_without_what_went_before(record, server):
    record.write(whole("d", 2))
    sync(record, OtlpTarget(server.url))
    first = dict(server.arrived)
    seq = record.events("d")[-1].seq
    record.write(
        [
            DialogueResumed(dialogue="d", seq=seq + 1, at=START + 90, run={}),
            DialogueEnded(dialogue="d", seq=seq + 2, at=START + 91, status=Status.COMPLETED),
        ]
    )
    (part,) = parcels(OtlpTarget(server.url), record, "dialogue", f"d@{seq}-{seq + 2}")
    assert not set(part.things) & set(first)


def test_judges_go_with_an_observation_and_scores_that_are_no_numbers_do_not(record, server):
    run = judged_experiment(record)
    assert sync(record, OtlpTarget(server.url)) == []
    judged = {span.digest(8).hex() for span in trace_of(record, f"{run.id}-judge").spans}
    assert judged <= set(server.arrived)
    assert set(server.arrived.values()) == {1}
    names = [
        span.name for request in server.requests for whole in request.resource_spans for span in whole.scope_spans[0].spans
    ]
    assert names.count("evaluate right") == 2
    assert "evaluate odd" not in names


def test_projects_of_one_service_are_targets_of_their_own_and_no_password_is_in_a_name():
    projects = ["lab", "home", None]
    made = [
        OtlpTarget("http://ann:secretly@there:4318", None, None, {"wandb.project": name} if name else {}) for name in projects
    ]
    assert len({each.id for each in made}) == 3
    assert "secretly" not in "".join(each.id + each.title for each in made)


@pytest.mark.parametrize(
    ("told", "means"),
    [
        ({"partialSuccess": {"rejectedSpans": "2", "errorMessage": "odd"}}, Dead("2 of 5 spans refused: odd", "The others were taken.")),
        ({"partialSuccess": {"rejectedSpans": 5}}, Dead("every span refused: no reason given", "")),
        ({"partialSuccess": {"rejectedSpans": 0, "errorMessage": "only a warning"}}, Sent()),
        ({"partialSuccess": None}, Sent()),
        ({}, Sent()),
        (["nonsense"], Sent()),
    ],
)  # fmt: skip
def test_a_refusal_in_json_is_understood(told, means):
    assert partly(httpx.Response(200, json=told), 5) == means


def test_an_answer_that_is_no_protobuf_is_a_yes():
    assert partly(httpx.Response(200, content=b"\xff\xff", headers={"content-type": "application/x-protobuf"}), 5) == Sent()


def test_a_part_of_a_parcel_has_only_its_own_spans(record):
    record.write(whole("d", 2))
    where = OtlpTarget("http://nowhere")
    (parcel,) = parcels(where, record, "dialogue", f"d@0-{record.events('d')[-1].seq}")
    part = where.part(parcel, parcel.things[1:3], "part")
    spans = unpacked(part.body).resource_spans[0].scope_spans[0].spans
    assert tuple(span.span_id.hex() for span in spans) == part.things == parcel.things[1:3]

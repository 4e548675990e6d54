"""Whatever goes wrong on the way to Langfuse: every span arrives once, every score is there, and what is refused is told."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langfuse_desk import check, parcels, sync, target
from langfuse_server import Langfuse, failing, first
from record_examples import whole

from workbench.errors import WorkbenchError
from workbench.loop import run
from workbench.observe.spans import trace_of
from workbench.observe.sync.langfuse import LangfuseTarget
from workbench.observe.sync.target import Dead, Later, Sent, TooLarge, Unsure
from workbench.records import Record
from workbench.records.rating import Rating


@pytest.fixture
def server():
    with Langfuse() as server:
        yield server


@pytest.fixture
def record(tmp_path):
    with Record.open(f"sqlite:///{tmp_path}/r.db") as record:
        yield record


def spans_of(record, *dialogues):
    return {span.digest(8).hex() for name in dialogues for span in trace_of(record, name).spans}


def answer_of(server, record, fault):
    """What a target makes of one fault."""
    server.faults = lambda asked: fault
    where = target(server)
    (parcel,) = parcels(where, record, "dialogue", "d@0-10")

    async def send():
        try:
            return await where.send(parcel)
        finally:
            await where.aclose()

    return run(send())


@pytest.mark.parametrize("seed", [1, 2])
def test_with_a_third_of_requests_failing_every_span_arrives_once_and_every_score_is_there(record, server, seed):
    names = [f"d{number}" for number in range(20)]
    for name in names:
        record.write(whole(name, 3))
        record.rate([Rating(name, f"turn_{n}", "pro", "small", n / 4, "check", at=1.7e9) for n in (1, 2, 3)])
    server.faults = failing(0.35, seed)
    assert sync(record, target(server)) == []
    assert server.arrived == dict.fromkeys(spans_of(record, *names), 1)
    assert len(server.scores) == 60
    assert {score["observationId"] for score in server.scores.values()} <= server.seen.keys()
    requests = len(server.asked)
    assert sync(record, target(server)) == []
    assert len(server.asked) == requests, "a second sync sends nothing"


def test_each_fault_is_what_it_is(record, server):
    record.write(whole("d", 2))
    assert isinstance(answer_of(server, record, "reset"), Unsure)
    assert isinstance(answer_of(server, record, "500"), Unsure)
    assert isinstance(answer_of(server, record, "lost"), Unsure)
    assert isinstance(answer_of(server, record, "429"), Later)
    assert isinstance(answer_of(server, record, "413"), TooLarge)
    denied = answer_of(server, record, "401")
    assert isinstance(denied, Dead)
    assert "LANGFUSE_SECRET_KEY" in denied.remedy
    assert isinstance(answer_of(server, record, None), Sent)
    partial = answer_of(server, record, "partial")
    assert isinstance(partial, Dead)
    assert "1 of 5 spans refused" in partial.reason


def test_a_lost_answer_is_looked_up_page_by_page_and_after_the_lag(record, server):
    record.write(whole("d", 12))
    server.faults, server.lag, server.most_per_page = first(1, "lost"), 0.3, 5
    assert sync(record, target(server, lag=0.35)) == []
    assert server.arrived == dict.fromkeys(spans_of(record, "d"), 1)


def test_what_is_too_large_is_halved_and_nothing_is_lost_of_it(record, server):
    record.write(whole("d", 30))
    server.most_bytes = 900
    assert sync(record, target(server)) == []
    assert server.arrived == dict.fromkeys(spans_of(record, "d"), 1)
    assert len(server.requests) > 3


def test_a_score_that_is_refused_is_named_and_the_others_arrive(record, server):
    record.write(whole("d", 4))
    record.rate([Rating("d", f"turn_{n}", "pro", "small", n / 4, "check", at=1.7e9) for n in (1, 2, 3, 4)])
    server.faults = lambda asked: "partial" if asked.path.endswith("/scores") and len(server.scores) == 2 else None
    lost = sync(record, target(server))
    assert lost == ["scores: one was too odd"]
    assert len(server.scores) < 4


def test_one_bad_score_of_many_is_found_by_halving(record, server):
    where = target(server)
    scores = [score_named(f"s{n}" if n != 5 else "odd") for n in range(8)]
    body = json.dumps([{**score, "id": f"i{n}"} for n, score in enumerate(scores)]).encode()

    async def send():
        from workbench.observe.sync.target import Parcel

        waiting, dead = [Parcel("scores", "k", tuple(f"i{n}" for n in range(8)), body)], []
        while waiting:
            parcel = waiting.pop()
            answer = await where.send(parcel)
            if isinstance(answer, Dead):
                dead.append(parcel.things)
            elif isinstance(answer, TooLarge):
                middle = len(parcel.things) // 2
                waiting += [where.part(parcel, parcel.things[:middle], "a"), where.part(parcel, parcel.things[middle:], "b")]
        await where.aclose()
        return dead

    assert run(send()) == [("i5",)]
    assert len(server.scores) == 7


def score_named(name):
    return {"name": name, "value": 1.0, "dataType": "NUMERIC", "traceId": "t", "timestamp": "2026-01-01T00:00:00.000Z"}


def test_a_service_that_is_gone_leaves_everything_in_the_outbox_until_it_is_back(record):
    record.write(whole("d", 2))
    with Langfuse() as gone:
        where = target(gone)
    with pytest.raises(WorkbenchError, match="cannot be reached"):
        sync(record, where)
    assert record.outbox.standing(where.id).pending == 1


def test_keys_stay_out_of_what_is_told(server):
    with pytest.raises(WorkbenchError) as caught:
        check(LangfuseTarget(server.url, "pk-lf-other", "sk-lf-verysecret"))
    assert "verysecret" not in str(caught.value)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=st.integers(1, 6), cut=st.integers(0, 30))
def test_parts_of_a_parcel_hold_together_what_it_held_and_the_bytes_never_change(tmp_path_factory, turns, cut):
    where = LangfuseTarget("http://nowhere", "pk", "sk")
    with Record.open(f"sqlite:///{tmp_path_factory.mktemp('parts')}/r.db") as record:
        record.write(whole("d", turns))
        (parcel,) = parcels(where, record, "dialogue", f"d@0-{4 * turns + 2}")
        (again,) = parcels(where, record, "dialogue", f"d@0-{4 * turns + 2}")
    assert (again.key, again.things, again.body) == (parcel.key, parcel.things, parcel.body)
    cut = min(cut, len(parcel.things))
    parts = [where.part(parcel, things, key) for key, things in (("a", parcel.things[:cut]), ("b", parcel.things[cut:]))]
    assert [span for part in parts for span in held(part)] == held(parcel)
    assert [tuple(span.span_id.hex() for span in held(part)) for part in parts] == [part.things for part in parts]


def held(parcel):
    from workbench.observe.sync.otlp.protobuf import unpacked

    return [span for whole in unpacked(parcel.body).resource_spans for scope in whole.scope_spans for span in scope.spans]

"""Where it is not clear what Langfuse has, or what it refused: no span comes twice, and no refusal is kept quiet."""

import json

import pytest
from langfuse_desk import check, parcels, sync, target
from langfuse_server import Langfuse, first
from record_examples import whole
from sync_experiment import judged_experiment, observation

from workbench.loop import run
from workbench.observe.spans import trace_of
from workbench.observe.sync.target import Dead, Later, Parcel
from workbench.records import Record
from workbench.records.experiments import RunRow


@pytest.fixture
def server():
    with Langfuse() as server:
        yield server


@pytest.fixture
def record(tmp_path):
    with Record.open(f"sqlite:///{tmp_path}/r.db") as record:
        yield record


def after(count, kind, path):
    """A fault of the first reads of a path."""
    met = []

    def fault(asked):
        if path not in asked.path or len(met) >= count:
            return None
        met.append(asked)
        return kind

    return fault


def sent(where, parcel):
    async def send():
        try:
            return await where.send(parcel)
        finally:
            await where.aclose()

    return run(send())


@pytest.mark.parametrize("kind", ["503", "html"])
def test_while_langfuse_does_not_say_what_it_has_nothing_is_sent_again(record, server, kind):
    """A page in front of the service answers 200 as well."""
    record.write(whole("d", 2))
    server.faults, server.reads = first(1, "lost"), after(3, kind, "/observations")
    assert sync(record, target(server)) == []
    assert server.arrived == dict.fromkeys((span.digest(8).hex() for span in trace_of(record, "d").spans), 1)


def test_spans_of_an_experiment_do_not_come_twice_either(record, server):
    judged_experiment(record)
    server.faults = lambda asked: "lost" if asked.path.endswith("/traces") and len(server.requests) < 4 else None
    assert sync(record, target(server)) == []
    assert set(server.arrived.values()) == {1}


def test_a_data_set_that_cannot_be_asked_for_keeps_its_observations_waiting(record, server):
    judged_experiment(record)
    server.reads = after(2, "503", "/datasets/")
    assert sync(record, target(server)) == []
    roots = [each for each in server.seen.values() if "experiment" in each and not each.get("parentObservationId")]
    assert len(roots) >= 2
    assert {each["experiment"]["dataset.id"] for each in server.seen.values() if each.get("experiment")} == {"ds-1"}


def test_that_a_data_set_cannot_be_asked_for_says_that_no_span_was_sent(record, server):
    run_row = judged_experiment(record)
    where = target(server)
    made = parcels(where, record, "observation", f"{run_row.id}/1/plain/short/0/1")
    server.reads = after(1, "503", "/datasets/")
    assert isinstance(sent(where, made[0]), Later)


def test_a_data_set_that_somebody_has_deleted_is_made_again(record, server):
    run_row = judged_experiment(record)
    where = target(server)
    (first_parcel, *_) = parcels(where, record, "observation", f"{run_row.id}/1/plain/short/0/1")
    sent(where, first_parcel)
    assert list(server.datasets) == ["sums-ffffffff"]
    assert len(server.seen) == 1


@pytest.mark.parametrize("kind", ["413", "odd"])
def test_an_item_that_is_refused_is_told_and_the_others_arrive(record, server, kind):
    judged_experiment(record, 3)
    where = target(server)
    (parcel,) = [each for each in parcels(where, record, "experiment", "e0123456789") if each.kind == "items"]
    if kind == "odd":
        bodies = json.loads(parcel.body)
        bodies[1]["datasetName"] = 7
        parcel = Parcel(parcel.kind, parcel.key, parcel.things, json.dumps(bodies).encode())
    server._take_dataset({"name": "sums-ffffffff"})
    items = []

    def fault(asked):
        items.append(asked)
        return "413" if kind == "413" and len(items) == 2 else None

    server.faults = fault
    answer = sent(where, parcel)
    assert [thing for thing, _ in answer.refused] == [parcel.things[1]]
    assert set(server.items) == {parcel.things[0], parcel.things[2]}


def test_an_item_is_not_blamed_where_we_are_not_let_in(record, server):
    judged_experiment(record)
    where = target(server)
    (parcel,) = [each for each in parcels(where, record, "experiment", "e0123456789") if each.kind == "items"]
    server.faults = first(1, "401")
    answer = sent(where, parcel)
    assert isinstance(answer, Dead)
    assert answer.denied


def test_parcels_have_so_many_things_and_bytes_as_langfuse_takes(record):
    judged_experiment(record, 230)
    with Langfuse() as server:
        made = parcels(target(server), record, "experiment", "e0123456789")
        assert [len(each.things) for each in made] == [1, 100, 100, 30]
        assert len({thing for each in made[1:] for thing in each.things}) == 230


def test_large_items_go_in_parcels_of_their_own(record, server):
    judged_experiment(record, 3, filling="x" * 300_000)
    assert [len(each.things) for each in parcels(target(server), record, "experiment", "e0123456789")] == [1, 1, 1, 1]


def test_a_run_has_scores_when_it_has_ended(record, server):
    ended = judged_experiment(record)
    assert [each.kind for each in parcels(target(server), record, "run", ended.id)] == ["scores"]
    running = RunRow.new("e0123456789", 2, "{}")
    record.experiments.begin(running)
    record.experiments.observe(running.id, [observation(running, 1)])
    assert parcels(target(server), record, "run", running.id) == []
    record.experiments.end(running.id, "completed", None)
    assert [each.kind for each in parcels(target(server), record, "run", running.id)] == ["scores"]


def test_the_judge_of_an_observation_goes_once_and_one_that_is_gone_does_not(record, server):
    run_row = judged_experiment(record)
    assert sync(record, target(server, environment="lab")) == []
    judged = {span.digest(8).hex() for span in trace_of(record, f"{run_row.id}-judge").spans}
    assert judged <= set(server.arrived)
    assert set(server.arrived.values()) == {1}
    assert {score["name"] for score in server.scores.values()} >= {"right"}
    assert "odd" not in {score["name"] for score in server.scores.values()}
    assert {score["environment"] for score in server.scores.values()} == {"lab"}


def test_the_oldest_version_that_will_do_will_do(server):
    server.version = "4.59.0"
    assert "4.59.0" in check(target(server))

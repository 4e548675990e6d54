"""Metrics: what Prometheus scrapes is what the record has, from any process, again and again, with few labels."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import wait_until
from prometheus_client.parser import text_string_to_metric_families
from stage import line, quick
from wire import Wire, failing, first

from workbench.dialogue import Orchestrator
from workbench.errors import WorkbenchError
from workbench.events import CallEnded, DialogueEnded, DialogueStarted, Status, TurnCompleted, TurnStarted
from workbench.events.calls import Call, Timings, Usage
from workbench.observe.metrics import dashboard, exposition, serve
from workbench.observe.metrics.names import MODELS, Names
from workbench.observe.metrics.readings import Readings
from workbench.records.metering import Metering

HOUR = 3600.0


def samples(text):
    """Name and labels to value."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(found, name, **labels):
    """The sum of the samples that have these labels."""
    return sum(value for (each, *its), value in found.items() if each == name and labels.items() <= dict(its).items())


def scrape(address):
    with urllib.request.urlopen(address, timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        return samples(answer.read().decode())


def call(number, at, **fields):
    made = Call(f"c{number}", "m", "m", "p", 1, "ok", at, Timings(0.0, 0.2, 0.7), usage=Usage(10, 5, 4, 2), cost=0.5, text="x")
    return replace(made, **fields)


def keep(record, dialogue, calls):
    """Put a dialogue with these calls into the record."""
    began = DialogueStarted(dialogue=dialogue, seq=1, at=calls[0].started_at, mode="one", topic="Tabs?", run={})
    turn = TurnStarted(dialogue=dialogue, seq=2, at=began.at, turn="t", index=1, role="r", model="m")
    ended = [CallEnded(dialogue=dialogue, seq=3 + n, at=began.at, turn="t", call=each) for n, each in enumerate(calls)]
    last = TurnCompleted(dialogue=dialogue, seq=3 + len(calls), at=began.at, turn="t", text="x")
    over = DialogueEnded(dialogue=dialogue, seq=4 + len(calls), at=began.at, status=Status.COMPLETED)
    record.write([began, turn, *ended, last, over])


def test_a_scrape_tells_what_dialogues_took(tmp_path):
    with Wire(faults=failing(1, 1, ("500",))) as bad, Wire(cached_tokens=4, faults=first(1, "429")) as good:
        cards = {
            "shaky": {"id": "openai/shaky", "api_base": bad.openai},
            "steady": {"id": "openai/steady", "api_base": good.openai, "prices": {"input": 1.0, "output": 2.0}},
        }
        with Orchestrator(settings=quick(tmp_path, models=cards, defaults={"fallback": "steady"})) as workbench:
            dialogue = workbench.run(line(2), "Tabs?", models=["shaky"])
            serving = serve(workbench.record, 0, client=workbench.client)
            found = scrape(serving.address)
            serving.stop()
            calls = dialogue.calls
    assert total(found, "workbench_calls_total") == len(calls) == len(bad.requests) + len(good.requests)
    assert total(found, "workbench_calls_total", outcome="ok", model="steady") == 2
    assert total(found, "workbench_call_errors_total", error_class="rate_limit") == 1
    assert total(found, "workbench_call_errors_total", error_class="capacity") == len(bad.requests)
    assert total(found, "workbench_fallback_calls_total", asked="shaky", model="steady") == len(good.requests)
    assert total(found, "workbench_tokens_total", kind="prompt") == 20
    assert total(found, "workbench_tokens_total", kind="cached") == 8
    assert total(found, "workbench_tokens_total", kind="completion") == 24
    assert total(found, "workbench_cost_usd_total") == pytest.approx(calls.cost.sum())
    assert ("workbench_cost_usd_total", "shaky") not in {(name, dict(its).get("model")) for name, *its in found}
    assert total(found, "workbench_call_seconds_count", outcome="ok") == 2
    assert total(found, "workbench_call_seconds_sum", outcome="ok") == pytest.approx(calls[calls.outcome == "ok"].total.sum())
    assert total(found, "workbench_first_token_seconds_count", model="steady") == 2
    assert total(found, "workbench_dialogues_active") == 0
    assert total(found, "workbench_record_up") == 1
    states = {state: total(found, "workbench_breaker_state", state=state) for state in ("closed", "half_open", "open")}
    assert sum(states.values()) == len({dict(its)["provider"] for name, *its in found if name == "workbench_breaker_state"}) > 0
    assert total(found, "workbench_calls_in_flight") == total(found, "workbench_calls_queued") == 0


def test_what_runs_and_waits_is_seen_meanwhile(tmp_path):
    with Wire(faults=lambda asked: "hang") as wire:
        card = {"id": "openai/slow", "api_base": wire.openai, "concurrency": 1}
        with Orchestrator(settings=quick(tmp_path, models={"slow": card})) as workbench:
            running = [workbench.start(line(1), "Tabs?", models=["slow"]) for _ in range(3)]
            wait_until(lambda: workbench.client.queued["slow"] == 2 and wire.active == 1)
            workbench.record.flush()
            serving = serve(workbench.record, 0, client=workbench.client)
            found = scrape(serving.address)
            serving.stop()
            for each in running:
                each.cancel()
    assert total(found, "workbench_dialogues_active") == 3
    assert total(found, "workbench_calls_in_flight", model="slow") == 1
    assert total(found, "workbench_calls_queued", model="slow") == 2


def test_a_restart_and_another_process_tell_the_same(open_record):
    now = time.time()
    here, there = open_record(), open_record()
    keep(here, "d1", [call(1, now - 400 * 24 * HOUR), call(2, now - 30 * HOUR, outcome="timeout", cost=None), call(3, now)])
    counted = [
        {
            key: value
            for key, value in samples(exposition(record)).items()
            if "reading" not in key[0] and "listener" not in key[0]
        }
        for record in (here, there, open_record())
    ]
    assert counted[0] == counted[1] == counted[2]
    assert total(counted[0], "workbench_calls_total") == 3
    assert total(counted[0], "workbench_call_seconds_bucket", le="0.5", outcome="ok") == 0
    assert total(counted[0], "workbench_call_seconds_bucket", le="1.0", outcome="ok") == 2
    assert total(counted[0], "workbench_first_token_seconds_bucket", le="0.2") == 2


class Clock:
    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


TIMES = st.lists(
    st.tuples(
        st.floats(0, 72 * HOUR),
        st.sampled_from(["ok", "failed", "cancelled"]),
        st.floats(0, 1000),
        st.one_of(st.none(), st.floats(0, 70)),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=15, deadline=None)
@given(rounds=st.lists(st.tuples(TIMES, st.floats(0, 30 * HOUR)), min_size=2, max_size=5), restart=st.booleans())
def test_reading_little_by_little_is_reading_all(tmp_path_factory, rounds, restart):
    """Whatever comes in, old or new, and however time passes between readings."""
    from workbench.records import Record

    clock = Clock(1_800_000_000.0)
    with Record.open(f"sqlite:///{tmp_path_factory.mktemp('r') / 'records.db'}") as record:
        little = Metering(record._engine, "here", clock)
        for number, (calls, later) in enumerate(rounds):
            kept = [
                call(
                    f"{number}-{n}",
                    clock.now - ago,
                    outcome="timeout" if outcome == "failed" else outcome,
                    timings=Timings(0, first_token, seconds),
                )
                for n, (ago, outcome, seconds, first_token) in enumerate(calls)
            ]
            keep(record, f"d{number}", kept)
            if restart and number == 1:
                record.rebuild()
            mine, whole = little.read().durations, Metering(record._engine, "here", clock).read().durations
            assert {k: h.counts for k, h in mine.seconds.items() if any(h.counts)} == {
                k: h.counts for k, h in whole.seconds.items()
            }
            assert {k: h.counts for k, h in mine.first_token.items()} == {k: h.counts for k, h in whole.first_token.items()}
            for key, histogram in whole.seconds.items():
                assert mine.seconds[key].total == pytest.approx(histogram.total)
            clock.now += later


def test_both_databases_count_into_the_same_buckets(open_record):
    now = time.time()
    record = open_record()
    edges = [0.05, 0.1, 0.1000001, 600.0, 601.0]
    keep(record, "d1", [call(n, now - 3 * 24 * HOUR, timings=Timings(0, None, seconds)) for n, seconds in enumerate(edges)])
    found = samples(exposition(record))
    at_most = {le: total(found, "workbench_call_seconds_bucket", le=le) for le in ("0.1", "0.25", "300.0", "600.0", "+Inf")}
    assert at_most == {"0.1": 2, "0.25": 3, "300.0": 3, "600.0": 4, "+Inf": 5}
    assert total(found, "workbench_first_token_seconds_count") == 0


def test_a_flood_of_models_becomes_other(sqlite_url):
    from workbench.records import Record

    now = time.time()
    with Record.open(sqlite_url) as record:
        keep(record, "d0", [call("first", now - 48 * HOUR, model="known", asked="known")])
        many = MODELS + 50
        keep(
            record,
            "d1",
            [call(n, now, model=f"m{n:04}", asked=f"m{n:04}", outcome=f"odd{n}", provider=f"p{n}") for n in range(many)],
        )
        found = samples(exposition(record))
    series = [dict(its) for name, *its in found if name == "workbench_calls_total"]
    assert len({its["model"] for its in series}) == MODELS + 1
    assert {its["outcome"] for its in series} == {"ok", "other"}
    assert len({its["provider"] for its in series}) == 41
    assert total(found, "workbench_calls_total") == many + 1
    assert total(found, "workbench_calls_total", model="other") == 51
    assert total(found, "workbench_calls_total", model="known") == 1


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 9)), max_size=30), st.integers(1, 5))
def test_a_name_keeps_its_label_when_others_come_later(seen, most):
    later = [(f"later {n}", 10 + n) for n in range(3)]
    before, after = Names(seen, most), Names(seen + later, most)
    kept = {name for name, _ in seen if before[name] != "other" and name}
    assert all(after[name] == before[name] for name in kept)


def test_a_record_that_cannot_be_read_is_told_and_the_last_reading_kept(tmp_path):
    from workbench.records import Record

    now = Clock(0.0)
    with Record.open(f"sqlite:///{tmp_path / 'records.db'}") as record:
        keep(record, "d1", [call(1, time.time())])
        readings = Readings(record, clock=now)
        assert readings.newest().meters.counts[0].calls == 1
        with record._engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE usage RENAME TO elsewhere")
        assert readings.newest().meters.counts[0].calls == 1
        assert readings.trouble is None
        now.now = 100.0
        assert readings.newest().meters.counts[0].calls == 1
        assert "usage" in readings.trouble
        with record._engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO usage")
        keep(record, "d2", [call(2, time.time())])
        now.now = 200.0
        assert readings.newest().meters.counts[0].calls == 2
        assert readings.trouble is None


def test_a_port_that_is_taken_is_an_error_that_says_so(record):
    serving = serve(record, 0)
    port = int(re.search(r":(\d+)/", serving.address)[1])
    with pytest.raises(WorkbenchError, match=f"{port}"):
        serve(record, port)
    serving.stop()


def test_addresses_with_passwords_are_no_labels(sqlite_url):
    from workbench.records import Record

    with Record.open(sqlite_url) as record:
        keep(record, "d1", [call(1, time.time(), provider="openai@http://anna:hunter2@host/v1", model="sk-abcdefgh12345678")])
        text = exposition(record)
    assert "hunter2" not in text
    assert "sk-abc" not in text
    assert 'provider="openai@http://host/v1"' in text


def test_the_command_prints_them_serves_them_and_has_the_dashboard(tmp_path):
    workbench = [sys.executable, "-c", "from workbench.cli import main; main()"]
    (tmp_path / "workbench.toml").write_text("")
    options = {"cwd": tmp_path, "text": True, "timeout": 60, "capture_output": True}
    assert "workbench_record_up 1.0" in subprocess.run([*workbench, "metrics"], check=True, **options).stdout
    assert (
        json.loads(subprocess.run([*workbench, "metrics", "--dashboard"], check=True, **options).stdout)["title"]
        == "Dialogue workbench"
    )
    serving = subprocess.Popen([*workbench, "metrics", "--port", "0"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://\S+/metrics", serving.stderr.readline())[0]
        assert total(scrape(address), "workbench_record_up") == 1
    finally:
        serving.terminate()
        serving.wait(30)
        serving.stderr.close()


METRIC = re.compile(r"\bworkbench_[a-z_]+")


def queries():
    board = json.loads(dashboard())
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"]


def test_the_dashboard_asks_for_metrics_and_labels_that_there_are(tmp_path):
    with Wire(faults=first(1, "500")) as wire, Orchestrator(settings=quick(tmp_path)) as workbench:
        workbench.record.outbox.switch_on("target", "A target", ["dialogue"])
        workbench.run(line(1), "Tabs?", models=["openai/wire"], api_base=wire.openai)
        serving = serve(workbench.record, 0, client=workbench.client)
        with urllib.request.urlopen(serving.address, timeout=30) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        serving.stop()
    labels = {sample.name: set(sample.labels) for family in families for sample in family.samples}
    declared = {f"{f.name}_total" if f.type == "counter" else f.name for f in families}
    asked = set()
    for title, query in queries():
        names = set(METRIC.findall(query))
        assert names, title
        assert names <= labels.keys() | declared, title
        asked |= names
        for name, selector in re.findall(r"(workbench_[a-z_]+)\{([^}]*)\}", query):
            wanted = set(re.findall(r"(\w+)\s*[!=]~?", selector))
            assert name not in labels or wanted <= labels[name], (title, name)
    shown = {name for name in declared if any(each.startswith(name.removesuffix("_total")) for each in asked)}
    assert shown == declared


def test_the_dashboard_can_be_imported():
    board = json.loads(dashboard())
    assert board["schemaVersion"] >= 38
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == "${datasource}"
    assert {each["name"] for each in board["templating"]["list"]} == {"datasource", "model"}


def test_every_query_of_the_dashboard_is_promql():
    for title, query in queries():
        if not query.startswith("label_values"):
            whole = query.replace("$__rate_interval", "5m").replace("$__range", "6h")
            assert promql_parser.parse(whole), title

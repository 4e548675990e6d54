"""Listeners hear of everything after the record has it; one that fails or sleeps is no dialogue's business."""

import subprocess
import sys
import threading

import pytest
from patience import wait_until
from stage import line

from workbench.dialogue import Orchestrator
from workbench.errors import RecordError
from workbench.events import CallEnded, DialogueEnded, DialogueStarted, Status, TextDelta
from workbench.events.listening import CAPACITY, Incident, flush, hearings, listen, report
from workbench.records import Record
from workbench.settings import Settings


@pytest.fixture
def orchestrator(tmp_path):
    with Orchestrator(settings=Settings(workspace=tmp_path, log={"level": "off"})) as made:
        yield made


@pytest.fixture
def hear():
    """Begins to listen with a function; what listens is stopped at the end."""
    stops = []

    def begin(listener, name="test"):
        stops.append(listen(listener, name=name))

    yield begin
    for stop in stops:
        stop()


def hearing(name="test"):
    return next(each for each in hearings() if each.name == name)


def a_dialogue(orchestrator, wire, turns=2):
    return orchestrator.run(line(turns), "Tabs?", models=["openai/wire"], api_base=wire.openai)


def test_a_listener_hears_in_order_what_the_record_has_and_no_deltas(orchestrator, wire, hear):
    heard = []
    hear(lambda told: heard.append((told, {event.seq for event in orchestrator.record.events(told.what.dialogue)})))
    dialogue = a_dialogue(orchestrator, wire)
    assert flush()
    events = [told.what for told, _ in heard]
    assert events == dialogue.recorded_events()
    assert isinstance(events[0], DialogueStarted)
    assert isinstance(events[-1], DialogueEnded)
    assert not any(isinstance(event, TextDelta) for event in events)
    assert all(told.what.seq in stored for told, stored in heard)
    assert {told.correlation for told, _ in heard} == {dialogue.id}
    assert {told.settings.workspace for told, _ in heard} == {orchestrator.settings.workspace}


def test_one_that_fails_hears_the_next_and_nobody_else_notices(orchestrator, wire, hear):
    heard = []

    def fails(told):
        raise ValueError("sk-abcdefgh1234 went wrong")

    hear(fails, "fails")
    hear(heard.append)
    dialogue = a_dialogue(orchestrator, wire)
    assert dialogue.status is Status.COMPLETED
    assert flush()
    assert len(heard) == hearing("fails").failed == len(dialogue.recorded_events())
    assert hearing("fails").error == "ValueError('[redacted] went wrong')"


def test_one_that_sleeps_holds_nobody_up_and_what_it_misses_is_counted(orchestrator, wire, hear):
    go, heard = threading.Event(), []

    def slow(told):
        go.wait(30)
        heard.append(told.what)

    hear(slow)
    dialogue = a_dialogue(orchestrator, wire)
    assert dialogue.status is Status.COMPLETED
    assert not flush(0.01)
    for number in range(CAPACITY + 100):
        report("noise", number=number)
    missed = hearing().dropped
    assert missed >= 100
    assert hearing().waiting <= CAPACITY
    go.set()
    assert flush(30)
    assert sum(isinstance(what, CallEnded) for what in heard) == 2
    assert [what.fields["count"] for what in heard if isinstance(what, Incident) and what.name == "events_dropped"] == [missed]


def test_who_stops_hears_what_was_told_before_and_nothing_after(hear):
    heard = []
    stop = listen(heard.append)
    report("before")
    stop()
    report("after")
    wait_until(lambda: not any(thread.name.endswith("append") for thread in threading.enumerate()))
    assert [told.what.name for told in heard] == ["before"]


def test_a_process_that_ends_lets_its_listeners_finish(tmp_path):
    code = f"""
import time
from workbench.events.listening import listen, report
def hear(told):
    time.sleep(0.02)
    open({str(tmp_path / "heard")!r}, "a").write(told.what.name + "\\n")
listen(hear)
for name in ("one", "two", "three"):
    report(name)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert (tmp_path / "heard").read_text().split() == ["one", "two", "three"]


def test_what_hears_in_every_process_is_an_entry_point():
    code = """
from workbench.events.listening import hearings, install
install(); install()
print([each.name for each in hearings()])
import sys
print("structlog" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["['logs']", "False"]


def test_a_record_that_cannot_be_written_is_an_incident(tmp_path, hear):
    heard = []
    hear(heard.append)
    record = Record.open(f"sqlite:///{tmp_path / 'records.db'}")
    (tmp_path / "records.db").unlink()
    began = DialogueStarted(dialogue="d", seq=1, at=0.0, mode="debate", topic="Tabs?", run={})
    with pytest.raises(RecordError, match="removed"):
        record.write([began])
    with pytest.raises(RecordError, match="could not be stored"):
        record.close()
    assert flush()
    incident = next(told.what for told in heard if isinstance(told.what, Incident))
    assert (incident.name, incident.level, incident.fields["waiting"]) == ("record_not_written", "error", 1)

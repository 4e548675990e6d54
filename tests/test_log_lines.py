"""The log: a JSON line for each event with the fields that everybody looks for, one id for what belongs together, no secrets."""

import asyncio
import json
import logging
import subprocess
import sys
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import line, quick
from wire import Wire, failing

from workbench import errors
from workbench.dialogue import Orchestrator
from workbench.errors import SettingsError, register_secret
from workbench.events import CallEnded, DialogueStarted
from workbench.events.calls import Call, Timings
from workbench.events.listening import Incident, Told, flush
from workbench.observe import correlate
from workbench.observe.logs import hear, logger
from workbench.observe.logs.files import LogFile
from workbench.observe.logs.foreign import quiet_others
from workbench.observe.sync.deliver import Pace
from workbench.observe.sync.syncing import sync
from workbench.observe.sync.targets import targets_from_environment
from workbench.settings import LogSettings, Settings, load_settings

FIRST = ["timestamp", "level", "event", "correlation_id", "dialogue", "turn", "call", "model", "provider"]
OUTER = {
    "name": "outer",
    "description": "Opens one.",
    "roles": {"speaker": {"system": "Speak."}},
    "turns": [
        {"id": "first", "role": "speaker", "template": "{topic}"},
        {"id": "inside", "sees": ["first"], "spawn": {"mode": line(1)}},
    ],
}


def lines(folder):
    assert flush()
    path = folder / ".workbench" / "logs" / "workbench.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def workbench(folder, **log):
    return Orchestrator(settings=Settings(workspace=folder, log=LogSettings(**log), retry={"base": 0.01, "cap": 0.02}))


def ended(folder, event="call_ended"):
    return [entry for entry in lines(folder) if entry["event"] == event]


def options(wire):
    return {"models": ["openai/wire"], "api_base": wire.openai}


def test_each_call_has_a_line_with_the_fields_that_all_lines_have(tmp_path, wire, capfd):
    with workbench(tmp_path) as w:
        dialogue = w.run(line(2), "A topic that stays out?", **options(wire))
        recorded = list(w.record.calls(dialogue.id).itertuples())
    first, *_, last = lines(tmp_path)
    assert (first["event"], last["event"], last["status"]) == ("dialogue_started", "dialogue_ended", "completed")
    calls = ended(tmp_path)
    assert len(calls) == len(wire.requests) == 2
    for entry, call in zip(calls, recorded, strict=True):
        assert list(entry)[: len(FIRST)] == FIRST
        assert entry["dialogue"] == entry["correlation_id"] == dialogue.id
        assert (entry["call"], entry["turn"], entry["outcome"]) == (call.id, call.turn, "ok")
        assert entry["timestamp"].endswith("Z")
        assert (entry["prompt_tokens"], entry["completion_tokens"]) == (10, 12)
        assert 0 <= entry["first_token_seconds"] <= entry["seconds"]
    text = (tmp_path / ".workbench/logs/workbench.jsonl").read_text()
    assert "A topic that stays out?" not in text
    assert "the case rests" not in text
    assert capfd.readouterr().err == ""


def test_a_failure_says_what_went_wrong_and_who_stood_in(tmp_path):
    with Wire(faults=failing(1, 1, ("500",))) as bad, Wire() as good:
        cards = {
            "shaky": {"id": "openai/shaky", "api_base": bad.openai},
            "steady": {"id": "openai/steady", "api_base": good.openai},
        }
        made = quick(tmp_path, models=cards, defaults={"fallback": "steady"})
        with Orchestrator(settings=made) as w:
            w.run(line(1), "Tabs?", models=["shaky"])
    *failed, served = ended(tmp_path)
    assert {(entry["level"], entry["error_class"]) for entry in failed} == {("warning", "capacity")}
    assert [entry["attempt"] for entry in failed] == [1, 2, 3, 4]
    assert (served["model"], served["asked"], served["fallback"]) == ("steady", "shaky", "shaky: capacity")


def test_level_and_prompts_are_chosen(tmp_path, wire):
    with workbench(tmp_path / "all", level="debug", prompts=True) as w:
        w.run(line(1), "Tabs?", **options(wire))
    said = lines(tmp_path / "all")
    assert {"turn_started", "call_started", "turn_completed"} <= {entry["event"] for entry in said}
    assert said[0]["topic"] == "Tabs?"
    (call,) = ended(tmp_path / "all")
    assert len(call["text"].split()) == 12
    assert any("turn 1" in message["content"] for entry in said for message in entry.get("messages", []))
    for level, expected in (("error", []), ("off", [])):
        with workbench(tmp_path / level, level=level) as w:
            w.run(line(1), "Tabs?", **options(wire))
        assert lines(tmp_path / level) == expected
    assert not (tmp_path / "off" / ".workbench" / "logs").exists()


def test_lines_go_to_stderr_where_that_is_asked_for(tmp_path, wire, capsys):
    with workbench(tmp_path, stderr=True, format="json", file="off") as w:
        w.run(line(1), "Tabs?", **options(wire))
    assert flush()
    told = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert [entry["event"] for entry in told] == ["dialogue_started", "call_ended", "dialogue_ended"]
    assert not (tmp_path / ".workbench" / "logs").exists()


def test_one_id_follows_sub_dialogues_tasks_and_threads(tmp_path, wire):
    with workbench(tmp_path, level="debug") as w:
        alone = w.run(OUTER, "Tabs?", **options(wire))
        with correlate("nightly"):
            w.run(line(1), "One?", **options(wire))

        async def several():
            with correlate("together"):
                await asyncio.gather(*(w.run_async(line(1), "Two?", **options(wire)) for _ in range(2)))
                await asyncio.to_thread(w.run, line(1), "Three?", **options(wire))

        asyncio.run(several())
    by_id = {}
    for entry in lines(tmp_path):
        by_id.setdefault(entry["correlation_id"], set()).add(entry["dialogue"])
    assert {name: len(ids) for name, ids in by_id.items()} == {alone.id: 2, "nightly": 1, "together": 3}
    assert alone.id in by_id[alone.id]


def test_a_word_that_is_no_id_is_refused():
    for name in ("", "  ", "two\nlines", "x" * 201):
        with pytest.raises(ValueError, match="correlation id"), correlate(name):
            pass


@pytest.mark.slow
def test_one_id_follows_into_another_process(tmp_path, wire):
    with workbench(tmp_path) as w, correlate("from-afar"):
        w.detach(line(1), "Tabs?", **options(wire)).wait(60)
    (call,) = ended(tmp_path)
    assert call["correlation_id"] == "from-afar"
    assert lines(tmp_path)[-1]["event"] == "dialogue_ended"


def test_a_provider_that_keeps_failing_leaves_a_line(tmp_path):
    with Wire(faults=failing(1, 1, ("500",))) as wire:
        made = Settings(workspace=tmp_path, retry={"base": 0.01, "cap": 0.01, "breaker_failures": 2, "max_retry_after": 0})
        with Orchestrator(settings=made) as w:
            w.run(line(1), "Tabs?", **options(wire))
    (opened,) = ended(tmp_path, "breaker_opened")
    assert (opened["level"], opened["rest_seconds"]) == ("warning", 30.0)
    assert "provider" in opened


def test_own_lines_go_to_the_same_log(tmp_path, wire):
    with workbench(tmp_path) as w:
        with correlate("mine"):
            logger("notebook", w.settings).info("cleaned", rows=3)
        (own,) = ended(tmp_path, "cleaned")
        assert (own["level"], own["logger"], own["rows"], own["correlation_id"]) == ("info", "notebook", 3, "mine")


@pytest.fixture
def no_secrets_yet():
    """What a test registers is forgotten after it."""
    known = set(errors._SECRETS)
    yield
    errors._SECRETS.clear()
    errors._SECRETS.update(known)


@pytest.mark.usefixtures("no_secrets_yet")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(secret=st.text(min_size=8, max_size=40), before=st.text(max_size=20), form=st.sampled_from(["json", "console"]))
def test_secrets_never_reach_a_line(tmp_path, capsys, secret, before, form):
    capsys.readouterr()  # what others left, who had other secrets
    register_secret(secret)
    made = Settings(workspace=tmp_path, log=LogSettings(prompts=True, stderr=True, format=form, file=f"{form}.jsonl"))
    text = f"{before}{secret}!"
    call = Call("c", "m", "m", text, 1, "capacity", 0.0, Timings(0, None, 1), error=text, text=text)
    hear(Told(DialogueStarted(dialogue="d", seq=1, at=0.0, mode="debate", topic=text, run={}), text, made))
    hear(Told(CallEnded(dialogue="d", seq=2, at=0.0, turn="t", call=call), "d", made))
    hear(Told(Incident("odd", "error", 0.0, {secret: {secret: [text, {secret}]}, "error": ValueError(text)}), "d", made))
    file = tmp_path / f"{form}.jsonl"
    written = file.read_text(errors="surrogateescape")
    file.unlink()
    entries = [json.loads(text) for text in written.split("\n")[:-1]]
    assert len(entries) == 3
    assert not any(secret in str(value) for entry in entries for value in walk(entry))
    if secret.isascii() and secret.isprintable():
        assert secret not in capsys.readouterr().err


def walk(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)
    else:
        yield value


def test_patterns_of_ones_own_are_blanked(tmp_path, wire):
    with workbench(tmp_path, prompts=True, redact=[r"[\w.]+@[\w.]+"]) as w:
        w.run(line(1), "Write to anna@example.org.", **options(wire))
    assert lines(tmp_path)[0]["topic"] == "Write to [redacted]"
    assert "anna@" not in (tmp_path / ".workbench/logs/workbench.jsonl").read_text()


def test_settings_come_from_file_and_environment(tmp_path, monkeypatch):
    (tmp_path / "workbench.toml").write_text('[log]\nlevel = "WARNING"\nprompts = true\n')
    assert (load_settings(tmp_path).log.level, load_settings(tmp_path).log.prompts) == ("warning", True)
    monkeypatch.setenv("WORKBENCH_LOG", "debug")
    monkeypatch.setenv("WORKBENCH_LOG_STDERR", "1")
    made = load_settings(tmp_path)
    assert (made.log.level, made.log.stderr) == ("debug", True)
    (tmp_path / "workbench.toml").write_text('[log]\nredact = ["("]\n')
    with pytest.raises(SettingsError, match="no regular expression"):
        load_settings(tmp_path)


@pytest.mark.usefixtures("no_secrets_yet")
def test_other_packages_are_quiet_and_tell_no_keys(caplog):
    register_secret("k-very-secret-indeed")
    quiet_others()
    talkative = logging.getLogger("httpx")
    with caplog.at_level(logging.DEBUG):
        talkative.info("Request to https://x/k-very-secret-indeed")
        talkative.warning("Request to %s", "https://x/k-very-secret-indeed")
    assert [record.getMessage() for record in caplog.records] == ["Request to https://x/[redacted]"]


def test_processes_that_write_at_once_lose_no_line(tmp_path):
    code = """
import sys
from pathlib import Path
from workbench.observe.logs.files import LogFile
file = LogFile(Path(sys.argv[1]), 20_000, 50)
for number in range(600):
    file.append(f"{sys.argv[2]} {number:04} " + "x" * 100)
"""
    path = tmp_path / "logs" / "shared.jsonl"
    running = [subprocess.Popen([sys.executable, "-c", code, path, str(n)]) for n in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    found = LogFile(path, 20_000, 50).all
    assert len(found) > 3
    written = [text for each in found for text in each.read_text().splitlines()]
    assert sorted(text[:6] for text in written) == sorted(f"{n} {number:04}" for n in range(3) for number in range(600))
    assert {len(text) for text in written} == {107}


def test_only_so_many_files_are_kept(tmp_path):
    file = LogFile(tmp_path / "log", 1000, 3)
    for number in range(200):
        file.append(f"{number:03} " + "x" * 50)
    assert len(file.all) == 3
    assert sum(path.stat().st_size for path in file.all) < 3 * 1100
    newest = [text for path in file.all[:2] for text in path.read_text().splitlines()]
    assert any(text.startswith("199") for text in newest)


def test_threads_of_one_process_write_whole_lines(tmp_path):
    file = LogFile(tmp_path / "log", 5000, 100)
    threads = [threading.Thread(target=lambda n=n: [file.append(f"{n}" * 80) for _ in range(100)]) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    written = [text for path in file.all for text in path.read_text().splitlines()]
    assert sorted(written) == sorted(f"{n}" * 80 for n in range(4) for _ in range(100))


def test_what_goes_wrong_with_a_copy_is_in_the_log(tmp_path, wire, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with workbench(tmp_path) as w:
        w.run(line(1), "Tabs?", **options(wire))
        w.record.flush()
        targets = targets_from_environment(w.settings, ["otlp"])
        asyncio.run(sync(w.record, targets, since="1h", pace=Pace(base=0.01, patience=0.05)))
    trouble = ended(tmp_path, "sync_troubled")[0]
    assert (trouble["level"], trouble["target"]) == ("warning", targets[0].title)
    assert trouble["reason"]

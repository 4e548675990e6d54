"""Looking at the log and serving metrics, in a notebook and in a terminal."""

import json
import re
import subprocess
import sys
import urllib.request

import pytest
from command import in_shell
from stage import line, quick

from workbench.dialogue import Orchestrator
from workbench.events.listening import flush
from workbench.settings import LogSettings


@pytest.mark.slow
def test_a_notebook_shows_the_log_and_serves_metrics(kernel, said):
    table = kernel.run("log = %workbench log --level info\nprint(log)\nprint(list(log.frame.columns))").stdout
    assert said in table
    assert "call ended" in table
    frame = kernel.run("print(log.frame[log.frame.event == 'call ended'].tokens.tolist())").stdout
    assert frame == "[22, 22, 22]\n"
    assert "no such lines" in kernel.run("%workbench log --dialogue nowhere").displays[0]["text/plain"]
    assert "there is no level 'loud'" in kernel.run("%workbench log --level loud").stdout
    began = kernel.run("%workbench metrics --port 0").stdout
    address = re.search(r"http://\S+/metrics", began)[0]
    with urllib.request.urlopen(address, timeout=30) as answer:
        assert 'workbench_calls_in_flight{model="openai/wire"} 0.0' in answer.read().decode()
    assert address in kernel.run("%workbench metrics").stdout
    assert "are served at" in kernel.run("%workbench metrics --port 0").stdout
    assert "no longer" in kernel.run("%workbench metrics --stop").stdout
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address, timeout=5)


@pytest.mark.slow
def test_following_in_a_notebook_ends_with_the_interrupt(kernel, said):
    kernel.run("from workbench.observe.logs import logger\nimport threading")
    tell = "threading.Timer(0.3, lambda: logger('cell').warning('from_elsewhere', number=7)).start()"
    message = kernel.send(f"{tell}\n%workbench log --follow --level warning")
    out = kernel.gather(message, lambda seen: "from elsewhere" in seen.stdout and not kernel.manager.interrupt_kernel())
    assert (out.error, out.status) == (None, "ok")
    assert "number 7" in out.stdout


@pytest.fixture
def logged(tmp_path, wire, monkeypatch, capsys):
    """A workspace with two dialogues in its log, the command line in it, and their ids."""
    (tmp_path / "workbench.toml").write_text("")
    with Orchestrator(settings=quick(tmp_path, log=LogSettings(level="debug"))) as workbench:
        options = {"models": ["openai/wire"], "api_base": wire.openai}
        ids = [workbench.run(line(1), "Tabs?", **options).id for _ in range(2)]
    assert flush()
    monkeypatch.chdir(tmp_path)
    return in_shell(monkeypatch, capsys, "log"), ids


def test_a_terminal_shows_the_newest_lines_that_are_wanted(logged):
    log, (one, two) = logged
    _, out, _ = log()
    assert out.index(one) < out.index(two)
    assert len(out.splitlines()) == 12
    _, out, _ = log("--dialogue", one[:6], "--level", "info", "--json")
    entries = [json.loads(each) for each in out.splitlines()]
    assert [entry["event"] for entry in entries] == ["dialogue_started", "call_ended", "dialogue_ended"]
    assert {entry["dialogue"] for entry in entries} == {one}
    _, out, _ = log("-n", "1", "--json")
    assert json.loads(out)["dialogue"] == two
    assert log("--since", "2999-01-01")[1] == ""
    assert len(log("--since", "1h")[1].splitlines()) == 12


def test_what_is_wrong_is_said(logged, tmp_path):
    log, _ = logged
    assert log("--level", "loud")[0] == 2
    code, _, err = log("--since", "yesterday")
    assert "no point in time" in err
    assert code == 4
    (tmp_path / "workbench.toml").write_text('[log]\nlevel = "off"\n')
    code, _, err = log()
    assert (code, "keeps no log" in err) == (2, True)


def test_a_line_that_is_cut_or_hostile_harms_nobody(logged, tmp_path):
    log, _ = logged
    with (tmp_path / ".workbench/logs/workbench.jsonl").open("ab") as file:
        file.write(b'{"timestamp": "2026\n[1, 2]\n\xff\xfe\n')
        file.write(
            json.dumps({"event": "\x1b[31mred", "level": "error", "timestamp": "2999", "error": "\x1b]0;title\x07"}).encode()
            + b"\n"
        )
    code, out, _ = log("-n", "1")
    assert code == 0
    assert "red" in out
    assert "\x1b" not in out


def test_a_terminal_follows_through_a_new_file(logged, tmp_path):
    path = tmp_path / ".workbench" / "logs" / "workbench.jsonl"
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "log", "--follow", "--json", "-n", "1"]
    following = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        following.stdout.readline()  # the last line that was there
        wanted = [{"timestamp": f"2999-{n}", "level": "info", "event": f"later_{n}"} for n in range(6)]
        seen = []
        for number, entry in enumerate(wanted):
            if number == 3:
                path.rename(path.with_name("workbench.jsonl.1"))
            with path.open("a") as file:
                file.write(json.dumps(entry) + "\n")
            seen.append(json.loads(following.stdout.readline())["event"])
        assert seen == [entry["event"] for entry in wanted]
    finally:
        following.terminate()
        following.wait(30)
        following.stdout.close()

"""`%sync` and `workbench sync`: what they say, what they need, and what they leave alone."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import langsmith_server
import pytest
from command import in_shell
from IPython.core.completer import CompletionContext
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from patience import wait_until
from record_examples import whole
from stage import quick
from traitlets.config import Config

from workbench.dialogue import Orchestrator
from workbench.errors import SettingsError
from workbench.loop import run
from workbench.notebook.awaiting import _LINE
from workbench.notebook.completion import complete
from workbench.notebook.sync import SyncInterrupted, SyncMagics, begin_watching
from workbench.observe.sync.targets import targets_from_environment
from workbench.settings import Settings, SyncSettings, load_settings

VARIABLES = (
    "LANGFUSE_HOST", "LANGFUSE_BASE_URL", "LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY", "LANGFUSE_TRACING_ENVIRONMENT",
    "LANGSMITH_ENDPOINT", "LANGSMITH_API_KEY", "LANGSMITH_PROJECT", "LANGSMITH_WORKSPACE_ID",
    "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_RESOURCE_ATTRIBUTES",
)  # fmt: skip
Shell = Callable[..., tuple[object, str, str]]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[langsmith_server.LangSmith]:
    """A LangSmith that the environment names."""
    with langsmith_server.LangSmith() as running:
        monkeypatch.setenv("LANGSMITH_ENDPOINT", running.url)
        monkeypatch.setenv("LANGSMITH_API_KEY", langsmith_server.KEY)
        monkeypatch.setenv("LANGSMITH_PROJECT", "lab")
        yield running


@pytest.fixture
def orchestrator(tmp_path: Path) -> Iterator[Orchestrator]:
    with Orchestrator(settings=quick(tmp_path)) as opened:
        opened.record.write([*whole("d1"), *whole("d2")])
        yield opened


@pytest.fixture
def magics(orchestrator: Orchestrator) -> SyncMagics:
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    made = SyncMagics(shell, lambda: orchestrator)
    shell.register_magics(made)
    return made


@pytest.fixture
def sync(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    shell = in_shell(monkeypatch, capsys, "sync")
    return lambda *words: shell(*words, "-C", tmp_path)


def test_a_cell_copies_and_doing_it_again_does_not(magics: SyncMagics, server: langsmith_server.LangSmith) -> None:
    planned = magics.sync("langsmith --dry-run --since 2000-01-01")
    [row] = [row for row in planned.rows if row["kind"] == "dialogue"]
    assert (row["would_go"], row["sent"], len(server.requests)) == (2, 0, 0)
    first = magics.sync("langsmith")
    assert first.rows[0]["sent"] == 0
    assert "goes with `--since 7d`" in first.text
    table = magics.sync("langsmith --since 2000-01-01")
    assert [(row["pending"], row["sent"], row["dead"], row["copies"]) for row in table.rows] == [(0, 2, 0, "once")]
    assert "LangSmith" in table.text
    arrived = dict(server.arrived)
    assert asyncio.run(magics.sync_async("langsmith --since 2000-01-01")).rows[0]["sent"] == 2
    assert server.arrived == arrived
    assert set(arrived.values()) == {1}
    assert list(table.frame.columns)[:2] == ["target", "pending"]


def test_nothing_set_up_says_what_to_set(magics: SyncMagics) -> None:
    with pytest.raises(UsageError, match="LANGFUSE_PUBLIC_KEY") as caught:
        magics.sync("")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in str(caught.value)
    with pytest.raises(UsageError, match="langsmith is not set up"):
        magics.sync("langsmith")
    with pytest.raises(UsageError, match="There is no target 'langfuze'"):
        magics.sync("langfuze")
    assert "copied nowhere" in magics.sync("status").text


def test_an_unreachable_service_is_told_and_raises_nothing(magics: SyncMagics, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline is a normal state: a notebook that is run as a whole goes on."""
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("LANGSMITH_API_KEY", langsmith_server.KEY)
    table = magics.sync("--since 2000-01-01")
    assert table.rows[0]["pending"] == 2
    assert "cannot be reached" in table.text
    assert langsmith_server.KEY not in table.text


def test_a_watch_goes_on_until_it_is_stopped(
    magics: SyncMagics, server: langsmith_server.LangSmith, orchestrator: Orchestrator
) -> None:
    assert "kept up" in magics.sync("langsmith --watch --since 2000-01-01").text
    wait_until(lambda: len(server.arrived) >= 10)
    orchestrator.record.write(whole("d3"))
    wait_until(lambda: orchestrator.record.outbox.standings()[0].sent == 3)
    assert "Stopped langsmith." in magics.sync("--stop").text
    assert "Nothing is kept up" in magics.sync("--stop").text
    assert set(server.arrived.values()) == {1}


def test_the_settings_name_what_a_notebook_keeps_up(
    magics: SyncMagics, server: langsmith_server.LangSmith, tmp_path: Path
) -> None:
    settings = quick(tmp_path, sync=SyncSettings(watch=["langsmith"]))
    with Orchestrator(settings=settings) as orchestrator:
        begin_watching(orchestrator)
        wait_until(orchestrator.record.outbox.targets)
        orchestrator.record.write(whole("d9"))
        wait_until(lambda: server.arrived)
        magics.sync("--stop")


def test_an_interrupt_stops_it_and_the_next_one_goes_on(
    magics: SyncMagics, server: langsmith_server.LangSmith, orchestrator: Orchestrator
) -> None:
    server.wait = 0.05

    async def interrupt() -> None:
        task = asyncio.create_task(magics.sync_async("langsmith --since 2000-01-01"))
        while not server.requests:
            await asyncio.sleep(0.005)
        task.cancel()
        await task

    with pytest.raises(SyncInterrupted):
        asyncio.run(interrupt())
    [target] = orchestrator.record.outbox.targets()
    wait_until(lambda: orchestrator.record.outbox.target(target.id).owner is None)
    assert magics.sync("langsmith").rows[0]["sent"] == 2
    assert set(server.arrived.values()) == {1}


def test_a_target_that_is_off_gathers_nothing(
    magics: SyncMagics, server: langsmith_server.LangSmith, orchestrator: Orchestrator
) -> None:
    magics.sync("langsmith")
    magics.sync("langsmith --off")
    orchestrator.record.write(whole("d3"))
    assert orchestrator.record.outbox.standings()[0].left == 0


def test_the_command_line(sync: Shell, server: langsmith_server.LangSmith, orchestrator: Orchestrator) -> None:
    code, out, _ = sync("--dry-run", "--since", "2000-01-01", "--json")
    assert code == 0
    assert {row["kind"]: row["would_go"] for row in json.loads(out)}["dialogue"] == 2
    code, out, _ = sync("langsmith", "--since", "2000-01-01", "--json")
    [row] = json.loads(out)
    assert (code, row["sent"], row["dead"], row["lost"]) == (0, 2, 0, [])
    code, out, _ = sync("status")
    assert out.splitlines()[0].split("\t")[:6] == ["LangSmith (" + row["target"].split("(")[1], "0", "0", "0", "2", "0"]
    server.faults = lambda _asked: None
    assert sync("langfuze")[0] == 2
    assert set(server.arrived.values()) == {1}


def test_the_command_line_fails_where_a_service_lets_nobody_in(
    sync: Shell, server: langsmith_server.LangSmith, orchestrator: Orchestrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGSMITH_API_KEY", "lsv2_pt_wrong_and_secret")
    code, _, err = sync("langsmith", "--since", "2000-01-01")
    assert code == 1
    assert "LANGSMITH_API_KEY" in err
    assert "lsv2_pt_wrong" not in err


def test_targets_come_from_the_vendors_own_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "LANGFUSE_PUBLIC_KEY=pk-lf-1\nLANGFUSE_SECRET_KEY=sk-lf-1\nLANGFUSE_HOST=https://lf.example\n"
    )
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc,x=1")
    monkeypatch.setenv("LANGSMITH_API_KEY", "lsv2_pt_0")
    try:
        targets = targets_from_environment(load_settings(tmp_path))
    finally:
        for name in ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY", "LANGFUSE_HOST"):
            monkeypatch.delenv(name)
    ids = [target.id for target in targets]
    assert ids[0].startswith("langfuse:lf.example")
    assert "api.smith.langchain.com" in ids[1]
    assert ids[2].startswith("otlp:collector:4318/v1/traces")
    assert not any("sk-lf" in id_ or "lsv2" in id_ or "abc" in id_ for id_ in ids)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "nonsense")
    with pytest.raises(SettingsError, match="key=value"):
        targets_from_environment(Settings(workspace=tmp_path), ["otlp"])


def test_what_is_offered_while_one_types(magics: SyncMagics) -> None:
    def offers(text: str) -> list[str]:
        context = CompletionContext(token="", full_text=text, cursor_position=len(text), cursor_line=0, limit=None)
        return [each.text for each in complete(magics.shell, context)["completions"]]

    assert offers("%sync ")[:4] == ["langfuse", "langsmith", "otlp", "status"]
    assert offers("%sync langfuse lang") == ["langsmith"]
    assert "--retry-dead" in offers("%sync langfuse --")
    assert _LINE.fullmatch("x = %sync langsmith --since 7d")["magic"] == "sync"  # a cell with it awaits


def test_it_does_not_keep_the_dialogues_loop_busy(magics: SyncMagics, server: langsmith_server.LangSmith) -> None:
    """While the service takes its time, what runs on the loop of the dialogues goes on."""
    server.wait = 0.05
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(magics.sync("langsmith --since 2000-01-01")))
    thread.start()

    async def beats() -> int:
        count = 0
        while thread.is_alive():
            await asyncio.sleep(0.001)
            count += 1
        return count

    assert run(beats()) > 20
    assert done[0].rows[0]["sent"] == 2

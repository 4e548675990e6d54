"""What the doctor looks at, what it says to do, and what it keeps to itself."""

import contextlib
import json
import shutil
import socket
import sys
import threading

import pytest

from workbench.cli import main
from workbench.doctor import examine, readiness
from workbench.models import ModelCard
from workbench.settings import Settings


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    for name in ("ANTHROPIC", "GEMINI", "DEEPSEEK", "OPENAI", "XAI", "MISTRAL", "GROQ"):
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)


@contextlib.contextmanager
def crowd(count):
    """Servers that answer once all of them were asked, and not before; yields their addresses."""
    everybody = threading.Barrier(count)

    def serve(server):
        connection, _ = server.accept()
        with connection, contextlib.suppress(threading.BrokenBarrierError, OSError):
            connection.recv(65536)
            everybody.wait(30)
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        threads = [threading.Thread(target=serve, args=(server,)) for server in servers]
        for thread in threads:
            thread.start()
        yield [f"http://127.0.0.1:{server.getsockname()[1]}/v1" for server in servers]
        everybody.abort()
        for thread in threads:
            thread.join()


def nobody():
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/v1"


def mine(folder, *addresses, **more):
    cards = {f"mine-{n}": {"id": f"openai/m{n}", "api_base": address} for n, address in enumerate(addresses)}
    return Settings(workspace=folder, models=cards, **more)


def found(settings, **options):
    return {finding.what: finding for finding in examine(settings, **options)}


def test_versions_and_what_panels_need(tmp_path):
    seen = found(mine(tmp_path), network=False)
    for name in ("python", "litellm", "jupyterlab", "ipykernel", "ipywidgets", "anywidget", "plotly"):
        assert seen[name].state == "ok"
        assert seen[name].detail
    assert seen["JupyterLab's widgets"].state == "ok"
    assert seen["anywidget in JupyterLab"].state == "ok"


def test_an_endpoint_that_answers_is_ok_whatever_it_answers(tmp_path, wire):
    wire.faults = lambda _asked: "401"
    finding = found(mine(tmp_path, wire.openai))[f"endpoint {wire.openai}"]
    assert (finding.state, finding.detail) == ("ok", "answers, for mine-0")
    assert not wire.requests


def test_an_endpoint_where_nobody_listens_is_missing_and_says_what_to_do(tmp_path):
    address = nobody()
    finding = found(mine(tmp_path, address))[f"endpoint {address}"]
    assert finding.state == "missing"
    assert finding.detail == "no connection, for mine-0"
    assert "[models.mine-0]" in finding.todo


def test_endpoints_are_asked_all_at_once(tmp_path):
    with crowd(6) as addresses:
        seen = found(mine(tmp_path, *addresses))
    assert {seen[f"endpoint {address}"].state for address in addresses} == {"ok"}


def test_an_endpoint_that_takes_too_long_is_missing(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        finding = found(mine(tmp_path, address))[f"endpoint {address}"]
    assert (finding.state, finding.detail) == ("missing", "no answer in 2 s, for mine-0")


def test_a_hosted_provider_is_asked_only_when_its_key_is_set(tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", nobody().removesuffix("/v1"))
    assert not [what for what in found(mine(tmp_path)) if "groq" in what]
    monkeypatch.setenv("GROQ_API_KEY", "gsk_this_must_not_be_shown")
    seen = found(mine(tmp_path))
    assert seen["endpoint https://api.groq.com"].todo == "check network and proxy"
    assert seen["GROQ_API_KEY"].state == "ok"
    assert "must_not_be_shown" not in str(seen)


def test_one_address_is_asked_once_for_all_its_models(tmp_path, wire):
    seen = found(mine(tmp_path, wire.openai, wire.openai))
    assert seen[f"endpoint {wire.openai}"].detail == "answers, for mine-0, mine-1"


def test_without_network_nothing_is_asked(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        seen = found(mine(tmp_path, f"http://127.0.0.1:{server.getsockname()[1]}/v1"), network=False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert not [what for what in seen if what.startswith("endpoint")]


def test_the_callers_event_loop_is_left_alone(tmp_path, wire):
    """In a notebook the caller's thread has a loop that runs; a second one cannot be run there."""
    import asyncio

    async def cell():
        return found(mine(tmp_path, wire.openai))

    assert asyncio.run(cell())[f"endpoint {wire.openai}"].state == "ok"


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:99999/v1", "not a url", "http://token@127.0.0.1:1/v1?key=secret", "ftp://127.0.0.1/x"]
)
def test_an_odd_address_is_a_finding_and_shows_no_secret(tmp_path, address):
    seen = examine(mine(tmp_path, address))
    finding = next(each for each in seen if "mine-0" in each.detail)
    assert finding.state == "missing"
    assert "token" not in finding.what + finding.detail
    assert "secret" not in finding.what + finding.detail


def test_the_disk_of_the_record_is_looked_at(tmp_path, monkeypatch):
    settings = mine(tmp_path)
    assert found(settings, network=False)["disk"].state == "ok"
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=10_000_000))
    finding = found(settings, network=False)["disk"]
    assert (finding.state, finding.detail) == ("broken", "10 MB free where the record is")
    assert finding.todo


def test_a_record_that_is_no_database_is_broken(tmp_path):
    (tmp_path / ".workbench").mkdir()
    (tmp_path / ".workbench" / "records.db").write_bytes(b"no database" * 500)
    assert found(mine(tmp_path), network=False)["record"].state == "broken"


def test_every_finding_that_is_not_ok_says_what_to_do(tmp_path):
    for finding in examine(mine(tmp_path, nobody())):
        assert finding.state in ("ok", "missing", "broken")
        assert finding.todo or finding.state == "ok", finding


@pytest.mark.parametrize(
    ("fields", "lacking", "todo"),
    [
        ({"id": "groq/x", "key": "GROQ_API_KEY"}, "the key GROQ_API_KEY", "set GROQ_API_KEY in the environment or in .env"),
        ({"id": "groq/x", "key": "GROQ_API_KEY", "api_base": "http://x/v1"}, None, None),
        ({"id": "local/no-such"}, "the weights no-such", "workbench models pull no-such"),
        ({"id": "local/here"}, None, None),
        (
            {"id": "openai/x", "api_base": "http://u@h:1/v1", "tags": ["endpoint"]},
            "a server at http://h:1/v1",
            "start it, or set api_base under [models.mine] in workbench.toml",
        ),
        ({"id": "openai/x"}, None, None),
    ],
)
def test_what_a_model_lacks(fields, lacking, todo, monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "here.gguf").touch()
    assert readiness([ModelCard(name="mine", **fields)]) == {"mine": {"ready": lacking is None, "lacks": lacking, "todo": todo}}


def test_the_command_prints_what_is_found(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["workbench", "doctor", "--json", "--no-network"])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    findings = json.loads(capsys.readouterr().out)
    assert {"what", "state", "detail", "todo"} == findings[0].keys()
    assert not [finding for finding in findings if finding["what"].startswith("endpoint")]

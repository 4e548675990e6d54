"""Fixtures that several files share: a record on SQLite and on a real PostgreSQL, a provider on the wire and its clients, and
kernel, JupyterLab and browser, each one for all tests of a file.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from postgres_server import PostgresServer, PostgresUnavailableError
from wire import Wire
from wired import quick

from workbench.cli.workspace import init_workspace
from workbench.loop import run
from workbench.models import Client
from workbench.records import Record

if TYPE_CHECKING:
    from kernels import Kernel
    from playwright.sync_api import Browser
    from sync_service import Service


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give what needs a browser a second try, which the summary tells: page, kernel and server share the machine's cores."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why a test needed its second try: nobody would look for the cause of what passed in the end."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"first try of {report.nodeid} ({report.when})")
        terminalreporter.write_line(report.longreprtext)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test run; without one, tests that need it are skipped, but fail where CI=true."""
    server = PostgresServer()
    try:
        server.start()
    except PostgresUnavailableError as error:
        server.remove()
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"PostgreSQL does not start here: {error}")
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """URL of an empty PostgreSQL database of this test's own."""
    name = f"test_{secrets.token_hex(6)}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of an SQLite file that does not exist yet, in a folder that does not exist yet."""
    return f"sqlite:///{tmp_path / 'workspace' / 'records.db'}"


@pytest.fixture
def service() -> Iterator[Service]:
    """The smallest service that a record is copied to."""
    from sync_service import Service

    with Service() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def record_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty database, once for each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def open_record(record_url: str) -> Iterator[Callable[[], Record]]:
    """Opens the record at `record_url`, as often as asked, and closes what is still open at the end."""
    opened: list[Record] = []

    def open_one() -> Record:
        opened.append(Record.open(record_url))
        return opened[-1]

    yield open_one
    for record in opened:
        record.close()


@pytest.fixture
def record(open_record: Callable[[], Record]) -> Record:
    """An empty record, once for each kind of database."""
    return open_record()


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A provider that answers twelve words to everything."""
    with Wire() as wire:
        yield wire


@pytest.fixture
def make_client(tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Makes clients with quick retries (or those given), and closes them at the end."""
    made: list[Client] = []

    def make(**retry: Any) -> Client:
        made.append(Client(quick(tmp_path, **retry), seed=1))
        return made[-1]

    yield make
    for client in made:
        run(client.aclose())


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    """A client with quick retries and a patient circuit breaker."""
    return make_client()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder for the tests of a file."""
    return tmp_path_factory.mktemp("folder")


@pytest.fixture(scope="module")
def kernel(folder: Path) -> Iterator[Kernel]:
    """A kernel in `folder`, with the extension loaded."""
    from kernels import kernel_in

    with kernel_in(folder) as kernel:
        yield kernel


@pytest.fixture
def said(kernel: Kernel, wire: Wire) -> str:
    """A dialogue that has ended, bound to `d` in the kernel; its id."""
    out = kernel.run(f"%%dialogue debate -m openai/wire --api-base {wire.openai} --rounds 1 -o d\nTabs?")
    assert out.error is None, out.error
    return kernel.run("print(d.id)").stdout.strip()


@pytest.fixture(scope="module")
def workspace(folder: Path) -> Path:
    """A workspace in `folder`."""
    init_workspace(folder)
    return folder


@pytest.fixture(scope="module")
def lab(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and token of a JupyterLab in `workspace`."""
    from lab import lab_server

    with lab_server(workspace, tmp_path_factory.mktemp("home")) as (base, token):
        yield base, token


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; where there is none, tests that need it are skipped, but fail where CI=true."""
    from lab import chromium

    with chromium() as browser:
        yield browser

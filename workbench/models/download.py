"""Fetching one large file so that a cut line costs nothing.

Bytes go into a `.part`; only a whole file with the right hash gets its name. A cut connection is taken up again where it
broke, within one run and across runs. When nobody told us the hash, the server's ETag vouches that the rest belongs to
the part that is already here.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from workbench.errors import WeightsError, redact

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and the bytes that there will be (None: unknown)."""

ATTEMPTS: Final = 4
"""Failures in a row, without a byte gained, after which a download is given up."""
_TIMEOUT: Final = httpx.Timeout(60.0, connect=15.0)
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
MORE_ROOM: Final = "Make room, or point WORKBENCH_CACHE at a folder on a larger disk, and pull again."
_LATER: Final = "Check the network (proxy and certificate settings included) and pull again: it goes on from here."


@dataclass(frozen=True, slots=True)
class Remote:
    """A file that lies elsewhere.

    Attributes:
        sha256: hexadecimal; None if nobody told us.
        headers: sent along, and dropped by redirects to another host if they authorise.
    """

    url: str
    sha256: str | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class _Part:
    path: Path

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def tag(self) -> Path:
        return self.path.with_name(self.path.name + ".etag")

    def etag(self) -> str | None:
        return self.tag.read_text("ascii") if self.tag.exists() else None

    def remember(self, etag: str | None) -> None:
        if etag and etag.startswith('"') and etag.isascii():  # a weak one (W/"…") does not promise equal bytes
            self.tag.write_text(etag, "ascii")
        else:
            self.tag.unlink(missing_ok=True)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.tag.unlink(missing_ok=True)


class _CutError(Exception):
    """The line broke, or the server asks us to come back; worth another try."""


def fetch(remote: Remote, target: Path, progress: Progress | None = None) -> Path:
    """Download a file to `target`, going on from an earlier `target.part`.

    Returns:
        `target`, whole and checked.

    Raises:
        WeightsError: unreachable, refused, wrong hash (the part is deleted), or no room (the part is kept).
        OSError: the part cannot be written; it is kept.
    """
    part = _Part(target.with_name(target.name + ".part"))
    if remote.sha256 is None and part.etag() is None:
        part.discard()
    told = _persist(remote, part, progress or (lambda _done, _total: None))
    _check(part, remote.sha256 or told, remote.url)
    part.path.replace(target)
    part.discard()
    return target


def _persist(remote: Remote, part: _Part, report: Progress) -> str | None:
    """Transfer until the file is whole; return the hash that the server told, if it did."""
    failures = 0
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as client:
        while True:
            before = part.size
            try:
                return _transfer(client, remote, part, report)
            except (httpx.TransportError, _CutError) as error:
                failures = 1 if part.size > before else failures + 1
                if failures >= ATTEMPTS:
                    raise WeightsError(f"{_host(remote.url)}: {redact(str(error))}", hint=_LATER) from error
                time.sleep(0.25 * 2**failures)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
                raise WeightsError(f"{redact(remote.url)}: {error}") from error


def _transfer(client: httpx.Client, remote: Remote, part: _Part, report: Progress) -> str | None:
    with client.stream("GET", remote.url, headers=remote.headers | _range(remote, part)) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _past_the_end(response, part)
        _refuse(response)
        start = part.size if response.status_code == httpx.codes.PARTIAL_CONTENT else 0
        length = response.headers.get("content-length")
        total = start + int(length) if length else None
        _make_room(part.path.parent, (total or start) - start)
        if start == 0:
            part.remember(response.headers.get("etag"))
        _write(response, part, start, total, report)
        if total is not None and part.size != total:
            raise _CutError(f"{part.size} of {total} bytes arrived")
        return _told_hash(response)


def _range(remote: Remote, part: _Part) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if remote.sha256 is None and (etag := part.etag()):
            headers["If-Range"] = etag
    return headers


def _write(response: httpx.Response, part: _Part, start: int, total: int | None, report: Progress) -> None:
    with part.path.open("ab" if start else "wb") as file:
        done = start
        report(done, total)
        for block in response.iter_raw():
            file.write(block)
            done += len(block)
            report(done, total)
        file.flush()
        os.fsync(file.fileno())  # the rename must not outlive the bytes when the power goes


def _past_the_end(response: httpx.Response, part: _Part) -> str | None:
    """Settle a 416: either everything is here already, or the part is longer than the file and worthless."""
    if response.headers.get("content-range", "").rpartition("/")[2] == str(part.size):
        return _told_hash(response)
    part.discard()
    raise _CutError("the file has changed at its source")


def _told_hash(response: httpx.Response) -> str | None:
    """Return the SHA-256 that the Hugging Face hub sends along with large files."""
    for answer in (*response.history, response):
        etag = answer.headers.get("x-linked-etag", "").strip('"')
        if re.fullmatch(r"[0-9a-f]{64}", etag):
            return str(etag)
    return None


def _refuse(response: httpx.Response) -> None:
    if response.is_success:
        return
    status, host = response.status_code, _host(str(response.url))
    if status in _PASSING:
        raise _CutError(f"answered {status} {response.reason_phrase}")
    if status in {401, 403}:
        raise WeightsError(
            f"{host} refuses {response.url.path} ({status})",
            hint="If the repository is gated, accept its terms and set HF_TOKEN.",
        )
    raise WeightsError(
        f"{host} has no {response.url.path} ({status} {response.reason_phrase})",
        hint="Check the spelling of owner, repository and file.",
    )


def _make_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise WeightsError(
            f"The disk of {folder} is full: {needed / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free",
            hint=MORE_ROOM,
        )


def _check(part: _Part, expected: str | None, url: str) -> None:
    if expected is None:
        return
    found = file_sha256(part.path)
    if found != expected.lower():
        part.discard()
        raise WeightsError(
            f"What {_host(url)} sent is not the file that was asked for: SHA-256 {found}, expected {expected}",
            hint="It was deleted. Pull again; if that does not help, the file changed at its source.",
        )


def file_sha256(path: Path) -> str:
    """Return a file's SHA-256, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _host(url: str) -> str:
    return httpx.URL(url).host or url

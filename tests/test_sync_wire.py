"""What each way in which a request can fail means for what was sent."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import register_secret
from workbench.observe.sync.http import LONGEST_WAIT, Wire, answered, retry_after
from workbench.observe.sync.target import Answer, Dead, Later, TooLarge, Unsure

SECRET = "pk-and-sk-in-base64=="
PLAIN = "correct horse battery staple and more"
"""One that does not look like a key."""


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """A server that gives each connection the next answer, byte by byte as it stands, and hangs up; nothing for an empty one."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(10)


def asked(url: str, **options: Any) -> httpx.Response | Answer:
    async def ask() -> httpx.Response | Answer:
        wire = Wire(url, {"Authorization": f"Basic {SECRET}"}, credentials="THE_KEY", address="THE_URL", timeout=0.5)
        try:
            return await wire.ask("POST", "/things", json={"a": 1}, **options)
        finally:
            await wire.aclose()

    return asyncio.run(ask())


def http(status: int, body: str = "", *heads: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *heads, "", body]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        (http(429, "", "Retry-After: 7"), lambda a: a == Later("429: Too Many Requests", 7.0)),
        (http(500, "oops"), lambda a: isinstance(a, Unsure) and "oops" in a.reason),
        (http(503, "", "Retry-After: 9"), lambda a: isinstance(a, Unsure) and a.seconds == 9),
        (http(408), lambda a: isinstance(a, Unsure)),
        (http(413), lambda a: isinstance(a, TooLarge)),
        (http(401, '{"message": "no"}'), lambda a: a == Dead("401: no", "Check THE_KEY.", denied=True)),
        (http(403), lambda a: isinstance(a, Dead) and a.denied),
        (http(404), lambda a: a == Dead("404: Not Found", "Check THE_URL.")),
        (http(302, "", "Location: http://elsewhere/"), lambda a: isinstance(a, Dead) and a.denied),
        (http(400, '{"detail": [{"loc": 1}]}'), lambda a: isinstance(a, Dead) and not a.denied and "loc" in a.reason),
        (http(422, f"you said {SECRET}"), lambda a: isinstance(a, Dead) and SECRET not in a.reason),
        (b"", lambda a: isinstance(a, Unsure)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", lambda a: isinstance(a, Unsure)),
        (b"no http at all\r\n\r\n", lambda a: isinstance(a, Unsure)),
    ],
)
def test_an_answer_means_one_thing(answer: bytes, means: Callable[[Answer], bool]) -> None:
    with answering(answer) as url:
        found = asked(url)
    assert not answered(found)
    assert means(found), found


@pytest.mark.parametrize("body", [f"{'x' * 270} {PLAIN}", f'{{"errors": ["{"x" * 265}", "{PLAIN}"]}}'])
def test_a_secret_is_blanked_before_the_words_are_cut(body: str) -> None:
    register_secret(PLAIN)
    with answering(http(400, body)) as url:
        found = asked(url)
    assert not answered(found)
    assert PLAIN[:8] not in found.reason
    assert len(found.reason) <= 300


def test_keys_in_an_address_are_not_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = asked(f"http://someone:secretly@127.0.0.1:{port}")
    assert not answered(found)
    assert "secretly" not in found.reason
    assert f"127.0.0.1:{port}" in found.reason


def test_an_answer_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.observe.sync.http.MOST_BYTES", 1000)
    with answering(http(200, "x" * 1001), http(200, "x" * 1000)) as url:
        found = asked(url)
        assert isinstance(found, Unsure)
        assert answered(asked(url))


def test_an_answer_is_handed_over_read() -> None:
    with answering(http(207, '{"ok": true}'), http(409)) as url:
        found = asked(url)
        assert answered(found)
        assert found.json() == {"ok": True}
        assert answered(asked(url, accept=(409,)))


def test_nobody_there_has_nothing_of_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert isinstance(asked(f"http://127.0.0.1:{port}"), Later)
    assert isinstance(asked("http://no-such-host.invalid"), Later)


def test_silence_may_have_taken_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert isinstance(asked(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.05), Unsure)


def test_an_address_that_is_none_names_its_variable() -> None:
    for url in ("ftp://there", "nonsense"):
        found = asked(url)
        assert isinstance(found, Dead)
        assert found.denied
        assert found.remedy == "Check THE_URL."


@given(st.one_of(st.text(max_size=20), st.floats().map(str), st.integers().map(str)))
def test_any_retry_after_is_a_wait_that_ends(value: str) -> None:
    response = httpx.Response(429, headers=[(b"retry-after", value.encode("ascii", "replace"))])
    seconds = retry_after(response)
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT


def test_a_date_is_read_by_the_services_own_clock() -> None:
    heads = {"date": "Thu, 01 Jan 1970 00:00:00 GMT", "retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}
    assert retry_after(httpx.Response(429, headers=heads)) == 60.0
    assert retry_after(httpx.Response(429, headers={"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"})) == 0.0, "it has passed"

"""One request to a service and what came of it: the only place that tells what a failed request means for a parcel.

Nothing is tried twice here. Whether the service can have taken what was sent decides everything else: a refused connection
or 429 cannot have been taken (`Later`), a time-out, a lost connection and any 5xx may have been (`Unsure`).
"""

from __future__ import annotations

import asyncio
import json as jsons
import math
import time
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import httpx

from workbench.errors import redact, register_secret
from workbench.observe.sync.target import Dead, Later, TooLarge, Unsure

if TYPE_CHECKING:
    from workbench.observe.sync.target import Answer

TIMEOUT: Final = 30.0
"""Seconds that a service may be silent."""
MOST_BYTES: Final = 32 * 2**20
"""What is read of an answer."""
LONGEST_WAIT: Final = 24 * 3600.0
"""Seconds; a service that asks for a longer wait is tried after this one."""
WORDS: Final = 300
"""Letters of a failure that are kept, once its secrets are blanked."""
_HEARD: Final = 2**16
"""Letters of a failure that are looked through for secrets before they are cut to `WORDS`."""
_DENIED: Final = (401, 403)
_OF_TRANSFER: Final = ("content-encoding", "content-length", "transfer-encoding")


class Wire:
    """The connections to one service. Close it with `aclose`; it opens them on the event loop that first asks.

    Args:
        base_url: what paths are appended to.
        headers: that go with every request; they may hold secrets.
        secrets: that must not turn up in a reason; the values of `headers` that look like credentials are added.
        credentials: the environment variables to look at when the service does not let us in.
        address: the environment variable that holds the base URL.
        timeout: seconds that the service may be silent.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        *,
        secrets: Collection[str] = (),
        credentials: str = "",
        address: str = "",
        timeout: float = TIMEOUT,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._headers = dict(headers or {})
        self._credentials = credentials
        self._address = address
        self._timeout = timeout
        self._client: httpx.AsyncClient | None = None
        for secret in (*secrets, *_secrets_in(self._headers)):
            register_secret(secret)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpx's: of silence, not of the whole
        accept: Collection[int] = (),
    ) -> httpx.Response | Answer:
        """Ask once.

        Args:
            method: of HTTP.
            path: appended to the base URL; one that begins with a scheme stands for itself.
            content: the body as bytes.
            json: the body as JSON values; not together with `content`.
            params: of the query.
            headers: for this request.
            timeout: seconds that the service may be silent; by default that of the wire.
            accept: statuses of 300 and more that are an answer too (409, 404).

        Returns:
            the response, read, for a status of 2xx or one in `accept`; else what the failure means.
        """
        sent = dict(self._headers)
        if json is not None:
            content = await asyncio.to_thread(_encoded, json)
            sent["Content-Type"] = "application/json"
        url = path if path.startswith(("http://", "https://")) else self.base_url + path
        try:
            client = await self._opened()
            request = client.build_request(
                method,
                url,
                content=content,
                params=params,
                headers=sent | dict(headers or {}),
                timeout=timeout or self._timeout,
            )
            response = await _read(client, request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            return Later(self._words(f"{self._host(url)} cannot be reached: {_said(error)}"))
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeEncodeError) as error:
            return Dead(self._words(f"{self._host(url)} cannot be asked: {_said(error)}"), _look_at(self._address), denied=True)
        except httpx.HTTPError as error:
            return Unsure(self._words(f"no answer from {self._host(url)}: {_said(error)}"))
        return response if response.is_success or response.status_code in accept else self._meaning(response)

    async def aclose(self) -> None:
        """Let go of the connections; a later request opens them again."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _opened(self) -> httpx.AsyncClient:
        """Return the client, made on a thread: it reads the certificates of half the world."""
        if self._client is None:
            made = await asyncio.to_thread(lambda: httpx.AsyncClient(follow_redirects=False))
            if self._client is None:
                self._client = made
            else:
                await made.aclose()
        return self._client

    def _meaning(self, response: httpx.Response) -> Answer:
        status, reason = response.status_code, self._words(f"{response.status_code}: {_told(response)}")
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return Later(reason, retry_after(response))
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.REQUEST_TIMEOUT:
            return Unsure(reason, retry_after(response))
        if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            return TooLarge(reason)
        if status in _DENIED:
            return Dead(reason, _look_at(self._credentials), denied=True)
        if status == httpx.codes.NOT_FOUND or response.is_redirect:
            return Dead(reason, _look_at(self._address), denied=response.is_redirect)
        return Dead(reason)

    def _host(self, url: str) -> str:
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            return redact(url)
        return f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host

    def _words(self, text: str) -> str:
        return redact(" ".join(text.split()))[:WORDS]


async def _read(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    response = await client.send(request, stream=True)
    body = bytearray()
    try:
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MOST_BYTES:
                raise httpx.ReadError(f"the answer is larger than {MOST_BYTES >> 20} MiB")
    finally:
        await response.aclose()
    plain = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _OF_TRANSFER]
    return httpx.Response(response.status_code, headers=plain, content=bytes(body), request=request)


def _encoded(json: Any) -> bytes:
    return jsons.dumps(json, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def answered(answer: httpx.Response | Answer) -> TypeGuard[httpx.Response]:
    """Whether there is a response to read."""
    return isinstance(answer, httpx.Response)


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds of a Retry-After header: a number, or a date, which is read by the service's own clock."""
    value = response.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        asked, now = _date(value), _date(response.headers.get("date", ""))
        seconds = math.nan if asked is None else asked - (time.time() if now is None else now)
    return None if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_WAIT)


def _date(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def _secrets_in(headers: Mapping[str, str]) -> list[str]:
    """Return the values, and the parts behind a scheme, of headers that are known to carry credentials."""
    words = ("auth", "key", "token", "secret", "cookie", "password")
    found = [value for name, value in headers.items() if any(word in name.lower() for word in words)]
    return [part for value in found for part in (value, value.rpartition(" ")[2])]


def _look_at(variable: str) -> str:
    return f"Check {variable}." if variable else ""


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _told(response: httpx.Response) -> str:
    """Return what a service says of a failure: the message in its JSON, else the beginning of its text."""
    try:
        body = response.json()
    except ValueError:
        return response.text[:_HEARD] or response.reason_phrase
    while isinstance(body, dict):
        inner = next((body[name] for name in ("message", "detail", "error", "errors") if body.get(name)), None)
        if inner is None:
            break
        body = inner
    return (body if isinstance(body, str) else jsons.dumps(body))[:_HEARD]

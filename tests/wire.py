"""A local server that speaks the providers' protocols, with failures on demand: the only thing in the tests that is not real.

It answers OpenAI chat completions (`/v1`), Anthropic messages (`/anthropic`), Gemini (`/gemini`) and Ollama (`/api/chat`, and
`/api/tags` with the names in `pulled`), streamed or whole. Its
answers depend on nothing but the request. `faults` decides what goes wrong; `requests` remembers what was asked, `answered`
which answers went out whole; `written` counts streamed words, and `dropped` clients that hung up.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

WORDS = "the case rests on evidence that both sides accept yet weigh apart so we ask what would change their mind".split()
STATUS = {kind: int(kind) for kind in ("400", "401", "403", "404", "408", "429", "500", "503", "529")}


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    protocol: str
    body: dict[str, Any]
    headers: dict[str, str]
    number: int
    url: str = ""

    @property
    def key(self) -> str:
        """What is the same for equal requests."""
        return hashlib.sha256(json.dumps(self.body, sort_keys=True).encode()).hexdigest()


Fault = str | None
Faults = Callable[[Asked], Fault]


def no_faults(_asked: Asked) -> Fault:
    return None


def failing(rate: float, seed: int, kinds: tuple[str, ...] = ("429", "500", "503", "cut", "malformed")) -> Faults:
    """Fail that share of requests at random, in one of these ways."""
    rng = random.Random(seed)
    return lambda _asked: rng.choice(kinds) if rng.random() < rate else None


def first(count: int, kind: str) -> Faults:
    """Fail the first `count` requests in one way."""
    return lambda asked: kind if asked.number <= count else None


@dataclass
class Wire:
    """The server. Use as a context manager; `openai`, `anthropic`, `gemini` and `ollama` are its addresses."""

    faults: Faults = no_faults
    words: int = 12
    delay: float = 0.0
    prompt_tokens: int = 10
    cached_tokens: int = 0
    written_tokens: int = 0
    more_usage: dict[str, Any] = field(default_factory=dict)
    tells_usage: bool = True
    reasoning: str = ""
    reasoning_field: str = "reasoning_content"
    pulled: tuple[str, ...] = ()
    says: tuple[int, str] = (401, "Incorrect key {key} (sic).")
    retry_after: str | None = "0"
    error_text: str = "it went wrong"
    answer: Callable[[Asked], str] | None = None
    requests: list[Asked] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    dropped: int = 0
    written: int = 0
    active: int = 0
    most_active: int = 0

    def __enter__(self) -> Wire:
        self._loop = asyncio.new_event_loop()
        self._ready, self._port = threading.Event(), 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def openai(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def anthropic(self) -> str:
        return f"http://127.0.0.1:{self._port}/anthropic"

    @property
    def gemini(self) -> str:
        return f"http://127.0.0.1:{self._port}/gemini"

    @property
    def ollama(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._openai)
        app.router.add_post("/anthropic/v1/messages", self._anthropic)
        app.router.add_post("/gemini/{rest:.*}", self._gemini)
        app.router.add_post("/api/chat", self._ollama)
        app.router.add_get("/api/tags", self._tags)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2)
        self._loop.run_until_complete(self._runner.setup())
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self._port = site._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _openai(self, http: web.Request) -> web.StreamResponse:
        return await self._respond(http, OpenAI())

    async def _anthropic(self, http: web.Request) -> web.StreamResponse:
        return await self._respond(http, Anthropic())

    async def _gemini(self, http: web.Request) -> web.StreamResponse:
        return await self._respond(http, Gemini(stream="stream" in http.match_info["rest"]))

    async def _ollama(self, http: web.Request) -> web.StreamResponse:
        return await self._respond(http, Ollama())

    async def _tags(self, http: web.Request) -> web.StreamResponse:
        models = [{"name": name, "model": name, "size": 2_019_393_189, "digest": "a80c4f17acd5"} for name in self.pulled]
        return web.json_response({"models": models})

    async def _respond(self, http: web.Request, protocol: Protocol) -> web.StreamResponse:
        asked = Asked(protocol.name, await http.json(), dict(http.headers), len(self.requests) + 1, str(http.url))
        self.requests.append(asked)
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        try:
            return await self._answer(http, asked, protocol)
        except (asyncio.CancelledError, ConnectionResetError):
            self.dropped += 1
            raise
        finally:
            self.active -= 1

    async def _answer(self, http: web.Request, asked: Asked, protocol: Protocol) -> web.StreamResponse:
        fault = self.faults(asked)
        if fault in STATUS:
            headers = {"Retry-After": self.retry_after} if fault in ("429", "503") and self.retry_after else {}
            return web.json_response(protocol.error(STATUS[fault], self.error_text), status=STATUS[fault], headers=headers)
        if fault in REFUSALS:
            status, message = REFUSALS[fault]
            return web.json_response(protocol.error(status, message), status=status)
        if fault == "says":
            status, message = self.says
            return web.json_response(protocol.error(status, message.replace("{key}", key_of(asked))), status=status)
        if fault == "html":
            return web.Response(text="<html><h1>Bad Gateway</h1></html>", content_type="text/html", status=502)
        if fault == "hang":
            await asyncio.sleep(600)
        if fault == "malformed":
            return web.Response(text='{"choices": [{"mess', content_type="application/json")
        if fault == "blocked":
            body, stream = (
                {"promptFeedback": {"blockReason": "SAFETY"}} | protocol.usage(0, self),
                getattr(protocol, "stream", False),
            )
            return web.Response(body=protocol.sse(body) if stream else json.dumps(body))
        words = self.answer(asked).split(" ") if self.answer else words_for(asked, self.words)
        if not (asked.body.get("stream") or getattr(protocol, "stream", False)):
            await asyncio.sleep(self.delay * len(words))
            if fault == "cut":
                http.transport.abort()
                return web.Response()
            self.answered[asked.key] += 1
            return web.json_response(protocol.whole("" if fault == "filtered" else " ".join(words), self, fault == "filtered"))
        return await self._stream(http, asked, protocol, words, fault)

    async def _stream(self, http, asked, protocol, words, fault) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": protocol.content_type})
        await response.prepare(http)
        for piece in protocol.before(self):
            await response.write(piece)
        words = [] if fault == "filtered" else words
        for number, word in enumerate(words):
            if fault == "cut" and number == len(words) // 2:
                http.transport.abort()
                return response
            if fault == "short" and number == len(words) // 2:
                await response.write_eof()
                return response
            if fault == "stall" and number == len(words) // 2:
                await asyncio.sleep(600)
            if fault == "overloaded" and number == len(words) // 2:
                await response.write(protocol.sse(protocol.error(529, "Overloaded"), protocol.error_event))
                await response.write_eof()
                return response
            if number >= self.words and not self.answer:
                break  # told to be brief in the middle
            await asyncio.sleep(self.delay)
            await response.write(protocol.piece(word if number == 0 else " " + word))
            self.written += 1
        for piece in protocol.after(len(words), self, fault == "filtered"):
            await response.write(piece)
        self.answered[asked.key] += 1
        with contextlib.suppress(ConnectionResetError):
            await response.write_eof()
        return response


CONTEXT = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
FILTER = "The response was filtered due to the prompt triggering our content management policy."
QUOTA = "You exceeded your current quota, please check your plan and billing details."
REFUSALS = {"context": (400, CONTEXT), "filter": (400, FILTER), "quota": (429, QUOTA)}
CODES = {CONTEXT: "context_length_exceeded", FILTER: "content_policy_violation", QUOTA: "insufficient_quota"}


def key_of(asked: Asked) -> str:
    """Return the API key that came with a request."""
    headers = {name.lower(): value for name, value in asked.headers.items()}
    found = headers.get("x-api-key") or headers.get("x-goog-api-key") or headers.get("authorization", "")
    return found.removeprefix("Bearer ")


def words_for(asked: Asked, count: int) -> list[str]:
    """Return words that depend on the request alone."""
    rng = random.Random(asked.key)
    return [rng.choice(WORDS) for _ in range(count)]


class Protocol:
    """How a provider wraps words."""

    name = ""
    error_event: str | None = None
    content_type = "text/event-stream"

    def sse(self, data: Any, event: str | None = None) -> bytes:
        head = f"event: {event}\n" if event else ""
        return f"{head}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()

    def before(self, wire: Wire) -> list[bytes]:
        return []


class OpenAI(Protocol):
    name = "openai"

    def error(self, status: int, message: str = "it went wrong") -> dict[str, Any]:
        return {"error": {"message": message, "type": "error", "param": None, "code": CODES.get(message)}}

    def usage(self, count: int, wire: Wire) -> dict[str, Any]:
        thought = len(wire.reasoning.split())
        usage = {
            "prompt_tokens": wire.prompt_tokens,
            "completion_tokens": count + thought,
            "total_tokens": wire.prompt_tokens + count + thought,
            "prompt_tokens_details": {"cached_tokens": wire.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": thought},
        } | wire.more_usage
        return {"usage": usage} if wire.tells_usage else {}

    def chunk(self, delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        base = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "wire-model-1"}
        return self.sse(base | {"choices": [choice]} | more)

    def before(self, wire: Wire) -> list[bytes]:
        opening = [self.chunk({"role": "assistant", "content": ""})]
        return opening + ([self.chunk({wire.reasoning_field: wire.reasoning})] if wire.reasoning else [])

    def piece(self, text: str) -> bytes:
        return self.chunk({"content": text})

    def after(self, count: int, wire: Wire, filtered: bool = False) -> list[bytes]:
        finish = "content_filter" if filtered else "stop"
        usage = [self.chunk({}, None, choices=[], **self.usage(count, wire))] if wire.tells_usage else []
        return [self.chunk({}, finish), *usage, self.sse("[DONE]")]

    def whole(self, text: str, wire: Wire, filtered: bool = False) -> dict[str, Any]:
        message = {"role": "assistant", "content": text} | ({wire.reasoning_field: wire.reasoning} if wire.reasoning else {})
        return {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "wire-model-1",
            "choices": [{"index": 0, "message": message, "finish_reason": "content_filter" if filtered else "stop"}],
        } | self.usage(len(text.split()), wire)


class Anthropic(Protocol):
    name = "anthropic"
    error_event = "error"

    def error(self, status: int, message: str = "it went wrong") -> dict[str, Any]:
        kinds = {429: "rate_limit_error", 401: "authentication_error", 529: "overloaded_error", 400: "invalid_request_error"}
        text = "prompt is too long: 9000 tokens > 8192 maximum" if message == CONTEXT else message
        return {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": text}}

    def before(self, wire: Wire) -> list[bytes]:
        message = {"id": "m1", "type": "message", "role": "assistant", "content": [], "model": "wire-model-1"}
        start = {"type": "message_start", "message": message | {"stop_reason": None} | self.usage(1, wire)}
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        return [self.sse(start, "message_start"), *self.thinking(wire), self.sse(block, "content_block_start")]

    def thinking(self, wire: Wire) -> list[bytes]:
        if not wire.reasoning:
            return []
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": wire.reasoning}}
        stop = {"type": "content_block_stop", "index": 0}
        return [self.sse(event, event["type"]) for event in (block, delta, stop)]

    def usage(self, count: int, wire: Wire) -> dict[str, Any]:
        if not wire.tells_usage:
            return {}
        usage = {
            "input_tokens": wire.prompt_tokens - wire.cached_tokens - wire.written_tokens,
            "cache_read_input_tokens": wire.cached_tokens,
            "cache_creation_input_tokens": wire.written_tokens,
            "output_tokens": count,
        }
        return {"usage": usage}

    def piece(self, text: str) -> bytes:
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        return self.sse(delta, "content_block_delta")

    def after(self, count: int, wire: Wire, filtered: bool = False) -> list[bytes]:
        stop = "refusal" if filtered else "end_turn"
        delta = {"type": "message_delta", "delta": {"stop_reason": stop}} | self.usage(count, wire)
        return [
            self.sse({"type": "content_block_stop", "index": 0}, "content_block_stop"),
            self.sse(delta, "message_delta"),
            self.sse({"type": "message_stop"}, "message_stop"),
        ]

    def whole(self, text: str, wire: Wire, filtered: bool = False) -> dict[str, Any]:
        thought = [{"type": "thinking", "thinking": wire.reasoning, "signature": "s"}] if wire.reasoning else []
        return {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": "wire-model-1",
            "content": [*thought, {"type": "text", "text": text}],
            "stop_reason": "refusal" if filtered else "end_turn",
        } | self.usage(len(text.split()), wire)


@dataclass
class Gemini(Protocol):
    stream: bool = False
    name: str = "gemini"

    def error(self, status: int, message: str = "it went wrong") -> dict[str, Any]:
        kinds = {429: "RESOURCE_EXHAUSTED", 401: "UNAUTHENTICATED", 503: "UNAVAILABLE", 400: "INVALID_ARGUMENT"}
        text = (
            "The input token count (9000) exceeds the maximum number of tokens allowed (8192)."
            if message == CONTEXT
            else message
        )
        return {"error": {"code": status, "message": text, "status": kinds.get(status, "INTERNAL")}}

    def part(self, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
        content = {"role": "model", "parts": list(parts)}
        return {"candidates": [{"content": content, "index": 0} | more], "modelVersion": "wire-model-1"}

    def usage(self, count: int, wire: Wire) -> dict[str, Any]:
        thought = len(wire.reasoning.split())
        usage = {
            "promptTokenCount": wire.prompt_tokens,
            "candidatesTokenCount": count,
            "totalTokenCount": wire.prompt_tokens + count + thought,
            "cachedContentTokenCount": wire.cached_tokens,
        }
        if thought:
            usage["thoughtsTokenCount"] = thought
        return {"usageMetadata": usage} if wire.tells_usage else {}

    def thought(self, wire: Wire) -> list[dict[str, Any]]:
        return [{"text": wire.reasoning, "thought": True}] if wire.reasoning else []

    def before(self, wire: Wire) -> list[bytes]:
        return [self.sse(self.part(part)) for part in self.thought(wire)]

    def piece(self, text: str) -> bytes:
        return self.sse(self.part({"text": text}))

    def after(self, count: int, wire: Wire, filtered: bool = False) -> list[bytes]:
        finish = "SAFETY" if filtered else "STOP"
        return [self.sse(self.part({"text": ""}, finishReason=finish) | self.usage(count, wire))]

    def whole(self, text: str, wire: Wire, filtered: bool = False) -> dict[str, Any]:
        finish = "SAFETY" if filtered else "STOP"
        return self.part(*self.thought(wire), {"text": text}, finishReason=finish) | self.usage(len(text.split()), wire)


class Ollama(Protocol):
    """Ollama's `/api/chat` as docs/api.md of its repository has it: one JSON object a line."""

    name = "ollama"
    content_type = "application/x-ndjson"

    def error(self, status: int, message: str = "it went wrong") -> dict[str, Any]:
        return {"error": message}

    def sse(self, data: Any, event: str | None = None) -> bytes:
        return json.dumps(data).encode() + b"\n"

    def message(self, content: str, **more: Any) -> dict[str, Any]:
        base = {"model": "wire-model-1", "created_at": "2025-05-24T02:12:05.859654Z"}
        return base | {"message": {"role": "assistant", "content": content} | more, "done": False}

    def end(self, count: int, wire: Wire) -> dict[str, Any]:
        usage = {"prompt_eval_count": wire.prompt_tokens, "eval_count": count} if wire.tells_usage else {}
        return {"done": True, "done_reason": "stop", "total_duration": 1, "load_duration": 1} | usage

    def before(self, wire: Wire) -> list[bytes]:
        return [self.sse(self.message("", thinking=wire.reasoning))] if wire.reasoning else []

    def piece(self, text: str) -> bytes:
        return self.sse(self.message(text))

    def after(self, count: int, wire: Wire, filtered: bool = False) -> list[bytes]:
        return [self.sse(self.message("") | self.end(count, wire))]

    def whole(self, text: str, wire: Wire, filtered: bool = False) -> dict[str, Any]:
        thought = {"thinking": wire.reasoning} if wire.reasoning else {}
        return self.message(text, **thought) | self.end(len(text.split()), wire)

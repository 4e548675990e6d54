"""The provider of the benchmarks: speaks just enough HTTP and OpenAI to answer at once, in a process of its own.

Every answer is made before the first request comes, so that serving costs next to nothing and the clients' cost is what is
measured. The address says how slow it shall be: `/DELAY/GAP/v1/chat/completions` waits DELAY milliseconds, and when it
streams, GAP milliseconds between two pieces. `python server.py` prints the port that it listens on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any, Final

from shape import ANSWER, PIECES

_USAGE: Final = {"prompt_tokens": 120, "completion_tokens": len(PIECES), "total_tokens": 120 + len(PIECES)}


def _whole() -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
    answer = {"id": "b", "object": "chat.completion", "created": 1, "model": "bench", "choices": [choice], "usage": _USAGE}
    body = json.dumps(answer).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _pieces() -> list[bytes]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": PIECES[0]}, *({"content": piece} for piece in PIECES[1:])]
    data = [json.dumps(_chunk([{"index": 0, "delta": delta, "finish_reason": None}])) for delta in deltas]
    data.append(json.dumps(_chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}])))
    data.append(json.dumps(_chunk([], usage=_USAGE)))
    data.append("[DONE]")
    events = [f"data: {text}\n\n".encode() for text in data]
    return [b"%x\r\n%b\r\n" % (len(event), event) for event in events]


def _chunk(choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"id": "b", "object": "chat.completion.chunk", "created": 1, "model": "bench", "choices": choices} | more


WHOLE: Final = _whole()
HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM: Final = _pieces()
END: Final = b"0\r\n\r\n"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection's requests until it is closed."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            delay, gap = _pace(head)
            if delay:
                await asyncio.sleep(delay)
            if b'"stream":true' in body or b'"stream": true' in body:
                await _stream(writer, gap)
            else:
                writer.write(WHOLE)
    writer.close()


async def _stream(writer: asyncio.StreamWriter, gap: float) -> None:
    writer.write(HEAD)
    for piece in STREAM:
        await asyncio.sleep(gap)
        writer.write(piece)
    writer.write(END)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


def _pace(head: bytes) -> tuple[float, float]:
    delay, gap = head.split(b" ", 2)[1].split(b"/")[1:3]
    return int(delay) / 1000, int(gap) / 1000


async def main() -> None:
    """Listen on a free port, say which, and serve for ever."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

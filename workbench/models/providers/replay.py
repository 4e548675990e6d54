"""Cassettes: real answers, recorded once and played back alike everywhere.

A cassette is JSON Lines, one answer a line, found by the content of the request: model id, messages and sampling. Where to
send it and how long to wait are not part of it. The n-th equal request gets the n-th recorded answer, then from the first;
while recording, it gets a new one where there is no n-th.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final

from workbench.errors import ErrorKind, ModelError, SettingsError
from workbench.events import Timings, Usage
from workbench.models.provider import Chunk, Provider, Request

Entry = dict[str, Any]
_FIELDS: Final = ("text", "reasoning", "finish_reason", "usage", "served", "timings", "pieces")


def request_key(request: Request) -> str:
    """Return what a cassette finds an answer by: a hash of the request's content."""
    sampling = {k: v for k, v in asdict(request.sampling).items() if v not in (None, ())}
    content = {"model": request.model, "messages": request.messages, "sampling": sampling}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


class Cassette:
    """One file of recorded answers. Open it with `open_cassette`, so that a process reads each file once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._answers: dict[str, list[Entry]] = defaultdict(list)
        self._read = False

    def load(self) -> None:
        """Read the file once, if there is one.

        Raises:
            SettingsError: a line is not what `add` writes, or the file cannot be read.
        """
        with self._lock:
            if self._read or not self.path.exists():
                return
            for key, answer in self._lines():
                self._answers[key].append(answer)
            self._read = True

    def answer(self, key: str, count: int, *, again: bool) -> Entry | None:
        """Return the answer to the `count`-th (from 0) request with this key; None if there is none.

        Args:
            key: of the request.
            count: equal requests before it.
            again: whether to begin at the first answer after the last.
        """
        answers = self._answers.get(key, [])
        if again and answers:
            return answers[count % len(answers)]
        return answers[count] if count < len(answers) else None

    def add(self, key: str, request: Request, answer: Entry) -> None:
        """Append an answer, to memory and file.

        Raises:
            SettingsError: the file cannot be written.
        """
        line = {"key": key, "model": request.model, "messages": list(request.messages), "answer": answer}
        with self._lock:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a", encoding="utf-8", errors="surrogatepass") as file:
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
            except OSError as error:
                raise SettingsError(f"{self.path} cannot be written: {error.strerror}") from None
            self._answers[key].append(answer)
            self._read = True

    def _lines(self) -> list[tuple[str, Entry]]:
        try:
            text = self.path.read_text(encoding="utf-8", errors="surrogatepass")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{self.path} cannot be read: {error}") from None
        # not splitlines: an answer may hold characters that it takes for line ends, and JSON leaves as they are
        return [self._line(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]

    def _line(self, number: int, line: str) -> tuple[str, Entry]:
        try:
            entry = json.loads(line)
            key, answer = entry["key"], entry["answer"]
            missing = [name for name in _FIELDS if name not in answer]
        except KeyError as error:
            missing = [str(error.args[0])]
        except (ValueError, TypeError) as error:
            raise SettingsError(f"{self.path}:{number} is not a cassette entry: {error}", hint=_BROKEN) from None
        if missing:
            raise SettingsError(f"{self.path}:{number} is not a cassette entry: no {', '.join(missing)}", hint=_BROKEN)
        return key, answer


_BROKEN: Final = "Delete the line, and record its answer again with WORKBENCH_CASSETTE_RECORD=1."


@cache
def open_cassette(path: Path) -> Cassette:
    """Return the cassette of a file; the same object for the same file."""
    return Cassette(path)


class ReplayProvider:
    """Answers from a cassette; with `live`, asks there on a miss and records the answer.

    Args:
        cassette: where the answers are.
        pace: 1 plays as fast as it once came, 0 at once, 0.1 ten times as fast.
        live: the provider to record from; None makes a miss an error.
    """

    def __init__(self, cassette: Cassette, pace: float, *, live: Provider | None = None) -> None:
        self._cassette, self._pace, self._live = cassette, pace, live
        self._asked: Counter[str] = Counter()

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Yield the recorded chunks, with the usage and the timings of the recorded call."""
        await asyncio.to_thread(self._cassette.load)
        key = request_key(request)
        answer = self._cassette.answer(key, self._asked[key], again=self._live is None)
        self._asked[key] += 1
        if answer is not None:
            chunks = self._play(answer)
        elif self._live is not None:
            chunks = self._record(key, request, self._live)
        else:
            raise ModelError(
                ErrorKind.BAD_REQUEST,
                f"{self._cassette.path} has no answer to this request",
                model=request.model,
                hint="Set WORKBENCH_CASSETTE_RECORD=1 to ask the model itself and record what it says.",
            )
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _play(self, answer: Entry) -> AsyncGenerator[Chunk, None]:
        clock, at = time.perf_counter(), {"text": 0, "reasoning": 0}
        for seconds, field, length in answer["pieces"]:
            if self._pace:
                await asyncio.sleep(max(0.0, seconds * self._pace - (time.perf_counter() - clock)))
            start = at[field]
            at[field] = start + length
            yield Chunk(**{field: answer[field][start : start + length]})
        yield Chunk(
            finish_reason=answer["finish_reason"],
            usage=Usage(**answer["usage"]) if answer["usage"] else None,
            served=answer["served"],
            timings=Timings(**answer["timings"]),
        )

    async def _record(self, key: str, request: Request, live: Provider) -> AsyncGenerator[Chunk, None]:
        clock, whole = time.perf_counter(), {"text": "", "reasoning": ""}
        pieces: list[tuple[float, str, int]] = []
        answer: Entry = {"finish_reason": None, "usage": None, "served": None}
        async with aclosing(live.stream(request)) as chunks:
            async for chunk in chunks:
                now = round(time.perf_counter() - clock, 3)
                for field in ("reasoning", "text"):
                    if piece := getattr(chunk, field):
                        whole[field] += piece
                        pieces.append((now, field, len(piece)))
                answer["finish_reason"] = chunk.finish_reason or answer["finish_reason"]
                answer["served"] = chunk.served or answer["served"]
                answer["usage"] = asdict(chunk.usage) if chunk.usage else answer["usage"]
                yield chunk
        first = pieces[0][0] if pieces and request.stream else None
        answer["timings"] = asdict(Timings(0.0, first, round(time.perf_counter() - clock, 3)))
        await asyncio.to_thread(self._cassette.add, key, request, whole | answer | {"pieces": pieces})

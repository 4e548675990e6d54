"""The model that needs no key and no server, with real weights: small ones, but the machinery is that of large ones."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import ErrorKind, ModelError
from workbench.models.provider import Chunk, Request, Sampling
from workbench.models.providers.llama import Engine, engine_for
from workbench.models.providers.local import LocalProvider
from workbench.models.weights import pull, weights_path

MODEL = "local/smollm2-135m"
NOTES = " ".join(f"Note {number}: offices in town {number} stand empty on Mondays." for number in range(8))


@pytest.fixture(scope="session")
def weights() -> Path:
    """The real weights, in the user's own cache, so that they are fetched once and not once a run."""
    return pull("smollm2-135m")


@pytest.fixture
async def provider(weights: Path) -> AsyncIterator[LocalProvider]:
    provider = LocalProvider()
    yield provider
    await provider.aclose()


@pytest.fixture(scope="session")
def engine(weights: Path) -> Engine:
    """Keeps the weights in memory between tests, and counts what is computed."""
    return engine_for(weights)


def ask(text: str = "Tell me a long story about a fox.", *, model: str = MODEL, stream: bool = True, **how: Any) -> Request:
    how.setdefault("max_tokens", 24)
    return Request(model=model, messages=({"role": "user", "content": text},), sampling=Sampling(**how), stream=stream)


async def hear(provider: LocalProvider, request: Request) -> tuple[str, Chunk, list[Chunk]]:
    """Return the text, the last chunk and all chunks with text."""
    chunks = [chunk async for chunk in provider.stream(request)]
    return "".join(chunk.text for chunk in chunks), chunks[-1], [chunk for chunk in chunks if chunk.text]


async def idle_steps(engine: Engine) -> int:
    """Return the engine's steps once two looks, with other work of the loop between them, agree."""
    before, after = -1, await asyncio.to_thread(engine.steps)
    while before != after:
        await asyncio.sleep(0.5)
        before, after = after, await asyncio.to_thread(engine.steps)
    return after


async def test_an_answer_streams_and_is_counted(provider: LocalProvider, engine: Engine) -> None:
    endless = replace(ask(), extra={"ignore_eos": True})  # else a model so small ends its story early now and then
    text, last, spoken = await hear(provider, endless)
    assert len(spoken) > 10
    assert text.strip()
    assert last.finish_reason == "length"
    assert last.served == "smollm2-135m"
    assert last.usage is not None
    assert last.usage.completion == 24
    assert last.usage.prompt > 10


async def test_an_answer_in_one_piece_is_the_streamed_one(provider: LocalProvider, engine: Engine) -> None:
    streamed, _, _ = await hear(provider, ask(seed=3))
    whole, last, spoken = await hear(provider, ask(seed=3, stream=False))
    assert whole == streamed
    assert spoken == [last]
    assert last.usage is not None


async def test_a_short_answer_ends_by_itself(provider: LocalProvider, engine: Engine) -> None:
    _, last, _ = await hear(provider, ask("Say only: yes.", max_tokens=200, temperature=0.0))
    assert last.finish_reason == "stop"


@pytest.mark.slow
async def test_the_same_seed_gives_the_same_text(provider: LocalProvider, engine: Engine) -> None:
    request = ask(f"{NOTES} What follows?", seed=7, temperature=0.9, max_tokens=24)
    first, _, _ = await hear(provider, request)
    again, last, _ = await hear(provider, request)
    other, _, _ = await hear(provider, ask(f"{NOTES} What follows?", seed=8, temperature=0.9, max_tokens=24))
    assert first == again != other
    assert last.usage is not None
    assert last.usage.cached == 0


@pytest.mark.slow
async def test_a_seeded_answer_does_not_depend_on_its_neighbour(provider: LocalProvider, engine: Engine) -> None:
    request = ask(f"{NOTES * 5} What follows?", seed=7, temperature=0.9, max_tokens=40)
    alone, _, _ = await hear(provider, request)
    (beside, _, _), (neighbour, _, _) = await asyncio.gather(
        hear(provider, request), hear(provider, ask("Why is the sky blue?", max_tokens=60))
    )
    assert beside == alone
    assert neighbour != alone
    again, _, _ = await hear(provider, request)
    assert again == alone


async def listen(provider: LocalProvider, requests: dict[str, Request]) -> list[str]:
    """Return whose words came, word for word, when all are asked at once."""
    order: list[str] = []

    async def one(name: str, request: Request) -> None:
        async for chunk in provider.stream(request):
            order.extend([name] if chunk.text else [])

    await asyncio.gather(*(one(name, request) for name, request in requests.items()))
    return order


async def test_two_speak_at_once(provider: LocalProvider, engine: Engine) -> None:
    order = await listen(provider, {name: ask(f"A story about a {name}.", max_tokens=40) for name in ("fox", "hen")})
    changes = sum(one != following for one, following in itertools.pairwise(order))
    assert changes > 10, order


async def test_seeded_answers_take_turns(provider: LocalProvider, engine: Engine) -> None:
    order = await listen(provider, {name: ask(f"A story about a {name}.", seed=1) for name in ("fox", "hen")})
    assert [name for name, _ in itertools.groupby(order)] in (["fox", "hen"], ["hen", "fox"])


async def test_a_request_that_waits_for_its_turn_can_leave(provider: LocalProvider, engine: Engine) -> None:
    before = await idle_steps(engine)
    speaking, waiting = provider.stream(ask(max_tokens=60)), provider.stream(ask(seed=1, max_tokens=2000))
    while not (await anext(speaking)).text:
        pass
    await anext(waiting)
    await waiting.aclose()  # type: ignore[attr-defined]
    rest = [chunk async for chunk in speaking]
    assert rest[-1].usage is not None
    assert rest[-1].usage.completion == 60
    assert await idle_steps(engine) - before <= 65


async def test_a_stop_sequence_ends_the_answer(provider: LocalProvider, engine: Engine) -> None:
    free, _, _ = await hear(provider, ask("Count from one to ten in digits: 1, 2, 3,", temperature=0.0, max_tokens=40))
    word = free.split()[3]
    text, last, _ = await hear(
        provider, ask("Count from one to ten in digits: 1, 2, 3,", temperature=0.0, max_tokens=40, stop=(word,))
    )
    assert word not in text
    assert free.startswith(text)
    assert last.finish_reason == "stop"


async def test_an_answer_obeys_its_schema(provider: LocalProvider, engine: Engine) -> None:
    schema = {
        "type": "object",
        "properties": {
            "winner": {"enum": ["pro", "con"]},
            "score": {"type": "integer", "minimum": 1, "maximum": 9},
            "reason": {"type": "string", "maxLength": 40},
        },
        "required": ["winner", "score", "reason"],
        "additionalProperties": False,
    }
    for seed in range(3):
        text, _, _ = await hear(provider, ask("Who won?", seed=seed, temperature=1.5, max_tokens=120, schema=schema))
        verdict = json.loads(text)
        assert verdict["winner"] in {"pro", "con"}
        assert 1 <= verdict["score"] <= 9
        assert len(verdict["reason"]) <= 40
        assert set(verdict) == {"winner", "score", "reason"}


async def test_leaving_the_stream_stops_the_model_within_two_tokens(provider: LocalProvider, engine: Engine) -> None:
    before, heard = await idle_steps(engine), 0
    stream = provider.stream(ask(max_tokens=2000))
    async for chunk in stream:
        heard += bool(chunk.text)
        if heard == 10:
            break
    await stream.aclose()  # type: ignore[attr-defined]
    assert await idle_steps(engine) - before <= 10 + 2


async def test_cancelling_the_task_stops_the_model(provider: LocalProvider, engine: Engine) -> None:
    before, heard = await idle_steps(engine), asyncio.Event()

    async def listen() -> None:
        async for chunk in provider.stream(ask(max_tokens=2000)):
            if chunk.text:
                heard.set()

    task = asyncio.create_task(listen())
    await heard.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await idle_steps(engine) - before <= 10


async def test_cancelling_stops_the_reading_of_a_long_prompt(provider: LocalProvider, engine: Engine) -> None:
    before, stream = await idle_steps(engine), provider.stream(ask(NOTES * 36, max_tokens=5, seed=1))
    await anext(stream)
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    assert await idle_steps(engine) - before <= 2, "some 40 steps read the whole prompt"


async def test_closing_the_provider_ends_what_runs(weights: Path, engine: Engine) -> None:
    provider = LocalProvider()
    stream = provider.stream(ask(max_tokens=2000))
    await anext(stream)
    await provider.aclose()
    before = await asyncio.to_thread(engine.steps)
    assert await idle_steps(engine) - before <= 1
    await stream.aclose()  # type: ignore[attr-defined]


async def test_a_prompt_past_the_context_is_classified(provider: LocalProvider, engine: Engine) -> None:
    with pytest.raises(ModelError, match="context") as caught:
        await hear(provider, ask("word " * 9000))
    assert caught.value.kind is ErrorKind.CONTEXT_TOO_LONG


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("local/qwen-that-nobody-pulled", "smollm2-135m"),
        ("local//no/such/file.gguf", "There is no file"),
        ("local/hf:o/r/x.gguf", "workbench models pull hf:o/r/x.gguf"),
    ],
)
async def test_missing_weights_are_a_bad_request_with_a_way_out(model: str, told: str) -> None:
    with pytest.raises(ModelError, match=told) as caught:
        await hear(LocalProvider(), ask(model=model))
    assert caught.value.kind is ErrorKind.BAD_REQUEST


async def test_weights_not_pulled_yet_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="workbench models pull smollm2-135m"):
        await hear(LocalProvider(), ask())


async def test_a_broken_file_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF and then nothing that makes sense")
    with pytest.raises(ModelError, match="cannot load") as caught:
        await hear(LocalProvider(), ask(model=f"local/{broken}"))
    assert caught.value.kind is ErrorKind.BAD_REQUEST


async def test_a_schema_that_is_none_is_a_bad_request(provider: LocalProvider, engine: Engine) -> None:
    with pytest.raises(ModelError) as caught:
        await hear(provider, ask(schema={"type": "nonsense"}))
    assert caught.value.kind is ErrorKind.BAD_REQUEST


async def test_any_gguf_file_speaks(
    provider: LocalProvider, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.gguf").symlink_to(weights_path("smollm2-135m"))
    monkeypatch.chdir(tmp_path)
    for spelled in ("local/./mine.gguf", f"local/{tmp_path}/mine.gguf"):
        text, last, _ = await hear(provider, ask(model=spelled, max_tokens=5))
        assert text
        assert last.served == "mine"


def test_providers_share_the_weights_in_memory(engine: Engine, weights: Path) -> None:
    assert engine_for(weights) is engine


SPEAKING = f"""
import asyncio, sys
from workbench.loop import run
from workbench.models.provider import Request, Sampling
from workbench.models.providers.local import LocalProvider

provider = LocalProvider()

async def speak(most):
    request = Request({MODEL!r}, ({{"role": "user", "content": "Tell me a long story."}},), Sampling(max_tokens=most))
    async for chunk in provider.stream(request):
        if chunk.text:
            print("speaking", flush=True)
            yield chunk

async def whole(most):
    return [chunk async for chunk in speak(most)]

async def started():
    async for _ in (stream := speak(4000)):
        return stream
"""


def run_script(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SPEAKING + script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    "script",
    ["run(whole(3))", "kept = run(started())", "raise SystemExit((run(started()) and None))"],
    ids=["weights loaded", "still generating", "stream dropped"],
)
def test_the_interpreter_exits_cleanly_and_quietly(weights: Path, script: str) -> None:
    process = run_script(script)
    out, err = process.communicate(timeout=120)
    assert "speaking" in out
    assert (process.returncode, err) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is a POSIX matter")
def test_ctrl_c_ends_a_running_answer_and_the_process(weights: Path) -> None:
    process = run_script("run(whole(4000))")
    assert process.stdout is not None
    assert process.stdout.readline() == "speaking\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode in {130, -signal.SIGINT}
    assert out.count("speaking") < 1000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libgomp is a Linux matter")
def test_a_missing_libgomp_is_told(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "libgomp.so.1").write_text("not a library")
    script = SPEAKING + "run(whole(3))"
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert "apt-get install libgomp1" in done.stderr

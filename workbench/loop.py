"""The one event loop that runs every dialogue and every call, on a thread of its own.

Notebook cells block or await; kernels interrupt; widgets click from other threads. None of that may disturb a running
dialogue, so all of them talk to this loop from outside: `submit` hands a coroutine over, `run` waits for its result,
`bridge` awaits it from another loop; `iterate` reads an async generator that lives here, and `drain` does so without a loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Final, TypeVar

T = TypeVar("T")

_END: Final = object()
_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def engine_loop() -> asyncio.AbstractEventLoop:
    """Return the engine's loop, starting its thread on first use."""
    global _loop  # noqa: PLW0603 - there is one loop, and this is the only place that settles it
    with _lock:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="workbench-engine", daemon=True).start()
        return _loop


def on_engine_loop() -> bool:
    """Whether the caller already runs on the engine's loop."""
    try:
        return asyncio.get_running_loop() is _loop
    except RuntimeError:
        return False


def submit(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Start a coroutine on the engine's loop and return its future at once."""
    return asyncio.run_coroutine_threadsafe(coroutine, engine_loop())


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the engine's loop and wait for its result.

    An interrupt (Ctrl-C, a kernel interrupt) cancels it, lets it tidy up, and is raised again.
    """
    future = submit(coroutine)
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        raise


async def bridge(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine that runs on the engine's loop, from whichever loop this is."""
    if on_engine_loop():
        return await coroutine
    return await asyncio.wrap_future(submit(coroutine))


async def iterate(source: AsyncIterator[T]) -> AsyncIterator[T]:
    """Read an async iterator that has to run on the engine's loop, from whichever loop this is.

    The source runs in one task from start to end, so timeouts and cancellation inside it work; leaving early closes it.
    """
    if on_engine_loop():
        async for item in source:
            yield item
        return
    here = asyncio.get_running_loop()
    queue: asyncio.Queue[Any] = asyncio.Queue()

    async def pump() -> None:
        try:
            async for item in source:
                here.call_soon_threadsafe(queue.put_nowait, item)
        finally:
            here.call_soon_threadsafe(queue.put_nowait, _END)

    pumping = submit(pump())
    try:
        while (item := await queue.get()) is not _END:
            yield item
        await asyncio.wrap_future(pumping)
    finally:
        pumping.cancel()


def drain(source: AsyncIterator[T]) -> Iterator[T]:
    """Read an async iterator that has to run on the engine's loop, from a thread; leaving early closes it first.

    Raises:
        RuntimeError: on the engine's own thread, which would wait for itself.
    """
    if on_engine_loop():
        raise RuntimeError("this blocks, and on the workbench's own event loop it would wait for itself; await instead")
    queue: SimpleQueue[Any] = SimpleQueue()

    async def pump() -> None:
        try:
            async for item in source:
                queue.put(item)
        finally:
            queue.put(_END)

    async def begin() -> asyncio.Task[None]:
        return asyncio.create_task(pump())

    async def end() -> None:
        pumping.cancel()
        await asyncio.wait([pumping])

    pumping = run(begin())
    try:
        while (item := queue.get()) is not _END:
            yield item
    finally:
        run(end())
        failure = None if pumping.cancelled() else pumping.exception()
    if failure is not None:
        raise failure

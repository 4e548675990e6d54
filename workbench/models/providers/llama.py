"""llama.cpp in this process: weights in memory, and answers on threads.

An `Engine` holds one GGUF file and serves a few requests at once; all who want the same file share it, and it leaves
memory with the last of them. A `Generation` is one answer in the making on a thread of its own, because llama.cpp
blocks; it ends within one token of `stop`, and before the interpreter does.
"""

from __future__ import annotations

import atexit
import os
import platform
import secrets
import threading
import weakref
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from workbench.errors import WeightsError, WorkbenchError
from workbench.models.providers.seats import Seats

SLOTS: Final = 2
"""Requests that one engine computes at the same time; more wait for a seat."""
CONTEXT: Final = 8192
"""Tokens of each request, prompt and answer together."""
_BATCH: Final = 128
"""Prompt tokens read between two looks at `stop`: seconds of a large model on a small machine, for 5 % of speed."""
_MOST_THREADS: Final = 8

Raw = dict[str, Any]
"""A chunk or an error in the shape of OpenAI's chat completions, as llama.cpp makes it."""

_loading = threading.Lock()
_bookkeeping = threading.Lock()
_engines: weakref.WeakValueDictionary[Path, Engine] = weakref.WeakValueDictionary()
_generations: set[Generation] = set()


class Engine:
    """One GGUF file in memory. Loading takes seconds and holds the interpreter's lock meanwhile: once per file."""

    def __init__(self, weights: Path) -> None:
        xllamacpp = _runtime()
        self._seats = Seats(SLOTS)
        try:
            self._server = xllamacpp.Server(_parameters(xllamacpp, weights))
        except RuntimeError as error:
            raise WeightsError(
                f"llama.cpp cannot load {weights}",
                hint="The file is broken, of an unknown kind, or too large for this machine's memory.",
            ) from error

    def answer(self, body: Raw, hear: Callable[[Raw], bool]) -> None:
        """Compute one answer and return when it is done; a seeded one alone, so that it repeats.

        Args:
            body: the request, as OpenAI's chat completions spell it.
            hear: gets every chunk, and empty ones while the request waits for its turn; returns True to stop.

        Raises:
            ValueError, TypeError: the request makes no sense.
        """
        alone = body.get("seed") is not None
        with self._seats.taken(lambda: hear({}), alone=alone) as seated:
            if seated and not hear({}):
                self._server.handle_chat_completions(body, hear)

    def steps(self) -> int:
        """Return how often the model has computed something so far, a batch of the prompt or one round of tokens."""
        lines = self._server.handle_metrics().splitlines()
        return next(int(line.split()[-1]) for line in lines if line.startswith("llamacpp:n_decode_total"))


def engine_for(weights: Path) -> Engine:
    """Return the engine of a GGUF file, loading it if nobody has. Blocks while it loads.

    Raises:
        WeightsError: llama.cpp cannot load the file.
        WorkbenchError: llama.cpp does not run on this machine.
    """
    with _loading:
        engine = _engines.get(weights.resolve())
        if engine is None:
            engine = _engines[weights.resolve()] = Engine(weights)
        return engine


class Generation:
    """One answer in the making.

    Args:
        work: computes it; hands every chunk to the function that it is given, and ends when that returns True.
        deliver: called on the thread with every chunk, then with None or with the exception that ended the work.
    """

    def __init__(
        self, work: Callable[[Callable[[Raw], bool]], None], deliver: Callable[[Raw | Exception | None], None]
    ) -> None:
        self._work, self._deliver = work, deliver
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="workbench-local", daemon=True)
        with _bookkeeping:
            _generations.add(self)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end at the next token; returns at once."""
        self._stopped.set()

    @property
    def running(self) -> bool:
        """Whether its thread still lives; for a moment after `stop`, it does."""
        return self._thread.is_alive()

    def join(self, timeout: float | None = None) -> None:
        """Wait until nothing of it runs any more."""
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            self._work(self._hear)
            self._tell(None)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the answer
            self._tell(error)
        finally:
            with _bookkeeping:
                _generations.discard(self)

    def _hear(self, chunk: Raw) -> bool:
        if not self._stopped.is_set():
            self._tell(chunk)
        return self._stopped.is_set()

    def _tell(self, what: Raw | Exception | None) -> None:
        try:
            self._deliver(what)
        except RuntimeError:  # the event loop that waited has closed
            self._stopped.set()


@atexit.register
def _stop_all() -> None:
    """End every generation before the interpreter goes; a thread that came back later would crash it."""
    with _bookkeeping:
        running = list(_generations)
    for generation in running:
        generation.stop()
    for generation in running:
        generation.join(timeout=60)


def lacks_avx2(cpuinfo: str) -> bool:
    """Whether an x86 processor, by its `/proc/cpuinfo`, cannot run the wheel's code.

    >>> lacks_avx2("flags : fpu sse2 avx"), lacks_avx2("flags : fpu avx avx2 bmi2"), lacks_avx2("Features : fp asimd")
    (True, False, False)
    """
    flags = next((line.partition(":")[2].split() for line in cpuinfo.splitlines() if line.startswith("flags")), None)
    return flags is not None and "avx2" not in flags


def _runtime() -> Any:
    cpuinfo = Path("/proc/cpuinfo")
    if platform.machine() in {"x86_64", "AMD64"} and cpuinfo.is_file() and lacks_avx2(cpuinfo.read_text("utf-8")):
        raise WorkbenchError("This processor has no AVX2, which local models need", hint="Use a hosted model.")
    # Waiting threads must not spin: with other work on the machine that costs nine tenths of the speed. OpenMP reads
    # the variable once, when it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        return import_module("xllamacpp")
    except ImportError as error:
        hint = "apt-get install libgomp1" if "libgomp" in str(error) else "Reinstall it: pip install xllamacpp"
        raise WorkbenchError(f"llama.cpp does not start here: {error}", hint=hint) from error


def _parameters(xllamacpp: Any, weights: Path) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.n_parallel, parameters.n_ctx = SLOTS, SLOTS * CONTEXT
    parameters.n_batch = parameters.n_ubatch = _BATCH
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = _threads()
    # The interpreter stands still while a model loads, so everything that only lengthens the loading is off; repacking
    # the weights would multiply it, and the memory too, for little speed.
    parameters.fit_params = parameters.warmup = False
    parameters.no_extra_bufts = True
    parameters.verbosity = -1
    parameters.endpoint_metrics = True
    _close_the_door(parameters)
    return parameters


def _close_the_door(parameters: Any) -> None:
    """Lock the port on the loopback interface that llama.cpp opens whether one wants it or not."""
    parameters.api_keys = [secrets.token_hex(32)]
    parameters.n_threads_http = 1
    parameters.ui = parameters.endpoint_slots = parameters.endpoint_props = False


def _threads() -> int:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, _MOST_THREADS)

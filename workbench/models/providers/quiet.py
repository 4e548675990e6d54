"""LiteLLM without what this project does itself: prices, logging payloads, callbacks, retries, and the thread it hops through.

`litellm.acompletion` prepares each call on another thread, builds logging payloads, looks prices up and hands results to a
logging worker. All of that hangs on one object per call, which `litellm.completion` accepts from outside: with an object
that does nothing, and with `acompletion=True` so that it returns the provider's coroutine, what is left is the translation.
Measured in `experiments/benchmarks`. Should a release of LiteLLM change the object, `ask` falls back to `acompletion`.

Its import takes seconds, on whichever thread asks first; what else the first call would import, a rehearsal imports there too,
so that the event loop never waits for it.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

_loading = threading.Lock()


@cache
def library() -> Any:
    """Import LiteLLM (seconds), quietly: no price list from the network, no banner, no `.env` of its own, no callbacks."""
    with _loading:
        return _imported()


@cache
def _imported() -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    os.environ.setdefault("EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER", "True")
    with unsearched():
        import litellm

        litellm.suppress_debug_info = True
        litellm.telemetry = False
        litellm.num_retries = 0
        litellm.drop_params = True
        litellm.disable_hf_tokenizer_download = True
        litellm.disable_streaming_logging = True
        logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
        _build_types(litellm)
        _rehearse(litellm)
    return litellm


def _build_types(litellm: Any) -> None:
    """Have Pydantic build what answers are made of: it would do so in the first answer, on the event loop, with a warning."""
    names = ("Delta", "StreamingChoices", "ModelResponseStream", "Message", "Choices", "Usage", "ModelResponse")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for cls in (getattr(litellm.types.utils, name, None) for name in names):
            if cls is not None:
                cls.model_rebuild()


@contextmanager
def unsearched() -> Iterator[None]:
    """Keep the garbage collector from searching an import's objects (hundreds of thousands), which stops every thread.

    By itself it would search them again and again while they come. Frozen and thawed, they lie in its oldest generation as
    if they had been searched.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:  # else somebody's own freeze, which is not ours to thaw
            gc.freeze()
            gc.unfreeze()
        if was_on:
            gc.enable()


def _rehearse(litellm: Any) -> None:
    """Prepare a call that is never made, and import what has to do with connections."""
    call = {"model": "openai/rehearsal", "messages": [{"role": "user", "content": ""}]}
    with suppress(Exception):  # the first real call says what is wrong
        import anyio._backends._asyncio  # noqa: F401

        made = litellm.completion(
            acompletion=True,
            max_retries=0,
            litellm_logging_obj=_silent_logging(call),
            api_base="http://localhost",
            api_key="none",
            stream=True,
            **call,
        )
        made.close()


async def ask(**parameters: Any) -> Any:
    """Make a call and return LiteLLM's response, or its stream wrapper. Raises what the provider's code raises."""
    litellm = library()
    silent = _silent_logging(parameters)
    if silent is None:
        return await litellm.acompletion(max_retries=0, **parameters)
    response = litellm.completion(acompletion=True, max_retries=0, litellm_logging_obj=silent, **parameters)
    return await response if asyncio.iscoroutine(response) else response


@cache
def _silent_class() -> type | None:
    """Return LiteLLM's logging class with every action taken out; None if it is not where it was."""
    try:
        from litellm.litellm_core_utils.litellm_logging import Logging
    except ImportError:
        return None

    def nothing(*_args: Any, **_more: Any) -> None: ...

    def no(*_args: Any, **_more: Any) -> bool:
        return False

    async def nothing_async(*_args: Any, **_more: Any) -> None: ...

    silenced: dict[str, Any] = dict.fromkeys(
        (
            "pre_call",
            "post_call",
            "response_cost_calculator",
            "handle_sync_success_callbacks_for_async_calls",
            "success_handler",
            "failure_handler",
        ),
        nothing,
    )
    silenced |= dict.fromkeys(
        ("async_success_handler", "async_failure_handler", "dispatch_success_handlers", "dispatch_failure_handlers"),
        nothing_async,
    )
    silenced |= dict.fromkeys(("claim_async_success_log", "should_run_prompt_management_hooks"), no)
    return type("SilentLogging", (Logging,), silenced)


def _silent_logging(parameters: dict[str, Any]) -> Any:
    cls = _silent_class()
    if cls is None:
        return None
    try:
        silent = cls(
            model=parameters["model"],
            messages=parameters["messages"],
            stream=bool(parameters.get("stream")),
            call_type="acompletion",
            start_time=datetime.now(UTC),
            litellm_call_id="",
            litellm_trace_id="",
            function_id="",
        )
        silent.update_environment_variables(
            litellm_params={"api_base": ""},
            optional_params={},
            model=parameters["model"],
            user="",
            stream_options=parameters.get("stream_options"),
        )
    except (TypeError, AttributeError, KeyError):
        return None
    return silent

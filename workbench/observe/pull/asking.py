"""Asking a service off the event loop, for so long and no longer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Overdue
from importlib import import_module
from typing import Final, TypeVar

from workbench.errors import SettingsError
from workbench.observe.pull.service import PullError, Service

T = TypeVar("T")
SERVICES: Final = ("langfuse", "langsmith")
LIMIT: Final = 120.0
"""Seconds that a pull may take."""


def service_named(name: str) -> Service:
    """Return a service by its name, set up from the environment variables that its own tools read.

    Raises:
        SettingsError: there is none of the name, it is not set up, or its package is missing.
    """
    if name not in SERVICES:
        raise SettingsError(f"{name!r} cannot be pulled from.", hint=f"There are: {', '.join(SERVICES)}.")
    try:
        made: Service = import_module(f"workbench.observe.pull.{name}").from_environment()
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise SettingsError(f"The package {name} is not installed.", hint="pip install 'dialogue-workbench[sync]'") from None
    return made


def ask(title: str, work: Callable[[], T], seconds: float = LIMIT) -> T:
    """Return what some work gives, done on a thread of its own. What it gives after the limit is thrown away.

    Args:
        title: of the service, for the error.
        work: asks it, and changes nothing here.
        seconds: how long it may take.

    Raises:
        PullError: it takes longer.
    """
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            result.set_exception(error)

    threading.Thread(target=run, name="workbench-pull", daemon=True).start()
    try:
        return result.result(seconds)
    except Overdue:
        if result.done():
            raise
        hint = "Nothing was changed. Try again, or give it longer: --timeout SECONDS."
        raise PullError(f"{title} has not told everything within {seconds:g} s.", hint=hint) from None

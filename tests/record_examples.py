"""Events as an engine would emit them, and Python scripts that use a record in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from workbench.events import (
    Call,
    CallEnded,
    CallStarted,
    DialogueEnded,
    DialogueStarted,
    Event,
    Status,
    Timings,
    TurnCompleted,
    TurnStarted,
    Usage,
)

START = 1_700_000_000.125
_ROOT = Path(__file__).parent.parent


def started(dialogue: str, at: float = START, **run: object) -> DialogueStarted:
    """A dialogue that begins."""
    return DialogueStarted(dialogue=dialogue, seq=1, at=at, mode="debate", topic="Is water wet?", run=dict(run))


def call(dialogue: str, index: int, cost: float | None = 0.25) -> Call:
    """A call that went well."""
    return Call(
        id=f"{dialogue}-call-{index}",
        asked="small",
        model="small",
        provider="local",
        attempt=1,
        outcome="ok",
        started_at=START + index,
        timings=Timings(queue=0.0, first_token=0.125, total=0.5),
        served="small-2026",
        usage=Usage(prompt=100, completion=20, cached=5, reasoning=3),
        cost=cost,
        finish_reason="stop",
        text=f"Answer {index}",
    )


def turn(dialogue: str, index: int, cost: float | None = 0.25) -> list[Event]:
    """The four events of a completed turn; turns count from 1."""
    seq, at, name = 4 * index - 2, START + index, f"turn_{index}"
    ended = call(dialogue, index, cost)
    return [
        TurnStarted(dialogue=dialogue, seq=seq, at=at, turn=name, index=index, role="pro", model="small", round=1),
        CallStarted(dialogue=dialogue, seq=seq + 1, at=at, turn=name, call=ended.id, model="small", attempt=1),
        CallEnded(dialogue=dialogue, seq=seq + 2, at=at + 0.5, turn=name, call=ended),
        TurnCompleted(dialogue=dialogue, seq=seq + 3, at=at + 0.5, turn=name, text=ended.text),
    ]


def ended(dialogue: str, turns: int, status: Status = Status.COMPLETED) -> DialogueEnded:
    """The end of a dialogue that had so many turns."""
    return DialogueEnded(dialogue=dialogue, seq=4 * turns + 2, at=START + turns + 1, status=status)


def whole(dialogue: str, turns: int = 2, at: float = START) -> list[Event]:
    """A dialogue from start to end."""
    said = [event for index in range(1, turns + 1) for event in turn(dialogue, index)]
    return [started(dialogue, at), *said, ended(dialogue, turns)]


def script(body: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a Python process that runs `body` with `Record`, `asyncio`, `os`, `sys` and these examples at hand."""
    head = "import asyncio, os, sys\nfrom record_examples import *\nfrom workbench.records import Record\n"
    paths = os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, "-c", head + textwrap.dedent(body), *arguments],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_script(body: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run such a process to its end."""
    process = script(body, *arguments)
    out, error = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)

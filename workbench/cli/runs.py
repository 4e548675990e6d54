"""`run`, `resume` and `fork`: from options to a dialogue, watched to its end."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.cli.dry_run import show_dry_run
from workbench.cli.failure import FAILED, INTERRUPTED, LIMITED
from workbench.cli.watch import watch
from workbench.dialogue import Dialogue, Orchestrator
from workbench.dialogue.attending import attend
from workbench.errors import WorkbenchError
from workbench.events import Status


@dataclass(frozen=True)
class Wanted:
    """The options of `run`, `resume` and `fork`, as typed."""

    participants: Sequence[str]
    models: str | None
    judge: str | None
    api_base: str | None
    limits: Mapping[str, float | int | None]
    rounds: int | None = None
    parameters: Sequence[str] = ()
    seed: int | None = None
    approve: Sequence[str] = ()
    candidates: str | None = None
    sampling: Sequence[str] = ()

    def for_resume(self) -> dict[str, Any]:
        """Return the options that a resume takes."""
        return {
            "participants": dict(_pair(text, "-p", "ROLE=MODEL") for text in self.participants),
            "models": _names(self.models),
            "judge": self.judge,
            "limits": self.limits,
            "api_base": self.api_base,
        }

    def for_run(self) -> dict[str, Any]:
        """Return the options that a run takes."""
        parameters: dict[str, Any] = dict(_pair(text, "--set", "NAME=VALUE") for text in self.parameters)
        if self.rounds is not None:
            parameters["rounds"] = self.rounds
        more = {"seed": self.seed, "approve": self.approve, "candidates": _names(self.candidates), "sampling": self.sampling}
        return self.for_resume() | {"parameters": parameters} | more


def run_mode(mode: str, topic: str, wanted: Wanted, *, dry_run: bool, as_json: bool, workspace: Path | None) -> None:
    """Run a mode on a topic, and exit with the code that its end calls for."""
    topic = sys.stdin.read() if topic == "-" else topic
    with Orchestrator(workspace) as orchestrator:
        if dry_run:
            run = orchestrator.prepare(mode, topic, **wanted.for_run())
            show_dry_run(*run, orchestrator.settings.record_url, as_json=as_json)
            return
        follow(orchestrator.start(mode, topic, **wanted.for_run()), as_json=as_json)


def resume_dialogue(dialogue: str, wanted: Wanted, *, as_json: bool, workspace: Path | None) -> None:
    """Go on with a dialogue, and exit with the code that its end calls for."""
    with Orchestrator(workspace) as orchestrator:
        follow(orchestrator.restart(dialogue, **wanted.for_resume()), as_json=as_json)


def fork_dialogue(source: str, wanted: Wanted, *, as_json: bool, workspace: Path | None) -> None:
    """Go another way from a turn on, and exit with the code that the fork's end calls for."""
    options = wanted.for_run()
    del options["seed"], options["approve"], options["candidates"], options["sampling"]
    with Orchestrator(workspace) as orchestrator:
        follow(orchestrator.fork(source, **options), as_json=as_json)


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def follow(dialogue: Dialogue, *, as_json: bool) -> None:
    """Watch a dialogue to its end.

    Raises:
        SystemExit: unless it completed.
    """
    interrupted = False
    try:
        attend(dialogue, _ask, _tell)
        if not as_json:
            watch(dialogue)
        dialogue.wait()
    except KeyboardInterrupt:
        interrupted = True
        dialogue.cancel()
        dialogue.wait()
    if as_json:
        sys.stdout.write(json.dumps(dialogue.to_dict(), indent=2) + "\n")
    if interrupted:
        sys.stderr.write(f"Stopped. `workbench resume {dialogue.id}` goes on from here.\n")
        sys.exit(INTERRUPTED)
    if not dialogue.status.succeeded:
        sys.exit(LIMITED if dialogue.status is Status.COST_LIMITED else FAILED)


def _ask(prompt: str) -> str:
    """Read a line from whoever types; the prompt is not part of what is printed."""
    _tell(prompt)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _pair(text: str, option: str, shape: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise WorkbenchError(f"{option} {text!r} is not {shape}", hint=f"Write {option} {shape}, once for each.")
    return name.strip(), value.strip()

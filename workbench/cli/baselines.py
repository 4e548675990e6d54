"""`baselines`, and `run --baselines`: a debate beside what the same money buys without one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.cli.failure import INTERRUPTED
from workbench.cli.output import as_json as print_json
from workbench.cli.runs import Wanted
from workbench.dialogue import Orchestrator
from workbench.dialogue.baselines import Comparison, Step, compare, read_cases, resume


def compare_on(
    mode: str,
    given: str,
    wanted: Wanted,
    asked: Mapping[str, Any],
    *,
    expected: str | None = None,
    as_json: bool,
    workspace: Path | None,
) -> None:
    """Run a comparison and print it.

    Args:
        mode: of the debate.
        given: a file of cases, or a topic; `-` reads a topic from stdin.
        wanted: the debate's options.
        asked: those of `compare` itself.
        expected: the topic's right answer.
        as_json: print JSON.
        workspace: folder with workbench.toml.
    """
    cases = _cases(given, expected)
    options = wanted.for_run() | dict(asked)
    with Orchestrator(workspace) as orchestrator:
        _show(lambda notify: compare(orchestrator, mode, cases, notify=notify, **options), as_json=as_json)


def resume_comparison(comparison: str, *, as_json: bool, workspace: Path | None) -> None:
    """Go on with a comparison, or read one that is complete, and print it."""
    with Orchestrator(workspace) as orchestrator:
        _show(lambda notify: resume(orchestrator, comparison, notify=notify), as_json=as_json)


def _cases(given: str, expected: str | None) -> object:
    if Path(given).suffix in (".csv", ".jsonl", ".json") and expected is None:
        return read_cases(given)
    topic = sys.stdin.read() if given == "-" else given
    return topic if expected is None else (topic, expected)


def _show(run: Callable[[Callable[[Step], None]], Comparison], *, as_json: bool) -> None:
    """Run it, tell on stderr what happens, and print the result on stdout.

    Raises:
        SystemExit: it was interrupted.
    """
    begun: list[str] = []

    def tell(step: Step) -> None:
        begun[:] = [step.comparison]
        sys.stderr.write(f"{step}\n")

    try:
        result = run(tell)
    except KeyboardInterrupt:
        if begun:
            sys.stderr.write(f"Stopped. `workbench baselines --resume {begun[0]}` goes on from here.\n")
        sys.exit(INTERRUPTED)
    if as_json:
        print_json(result.to_dict())
    else:
        sys.stdout.write(f"{result!r}\n\n{result.id} is its id: `workbench baselines --resume {result.id}` shows it again.\n")

"""Record the golden runs of the built-in modes again: `.venv/bin/python scripts/record_modes.py [MODE ... | notebook]`.

Asks Qwen2.5 Coder 1.5B in this process, which takes minutes for each mode: `workbench models pull qwen2.5-coder-1.5b` first.
Without names it records what has no cassette yet. `tests/data/modes/runs.yaml` says what is run; beside it come a cassette
and a transcript of each mode. Read the transcripts: a run that went badly is recorded again just as well.

`notebook` runs `notebooks/modes.ipynb`: what it has in common with the golden runs it takes from their cassettes, the rest is
asked for (of SmolLM2 135M as well).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any

from environment import BIN, ROOT, run

sys.path.insert(0, str(ROOT / "tests"))

from golden import RUNS, cassette_of, perform, transcript_of

NOTEBOOK = ROOT / "notebooks" / "modes.ipynb"
TOUR = ("debate", "judged_debate", "consensus", "loop", "linear", "supervisor", "market", "branching_debate")
"""Modes that the notebook runs as the golden runs do."""

_BEAT = 1.0
"""Seconds whose pieces become one: a replay at the old pace needs no finer grain, and the file halves."""


def main(modes: list[str]) -> int:
    """Record these modes, or those that have no cassette, and return the exit code."""
    if modes == ["notebook"]:
        return _notebook(NOTEBOOK.with_suffix(".jsonl"))
    if unknown := set(modes) - RUNS.keys():
        sys.exit(f"runs.yaml does not say how to run {', '.join(sorted(unknown))}")
    failed = 0
    for mode in modes or [mode for mode in RUNS if not transcript_of(mode).exists()]:
        print(f"== {mode}", flush=True)
        failed += not _record(mode)
    return failed


def _record(mode: str) -> bool:
    cassette_of(mode).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as workspace:
        dialogue, text = perform(mode, Path(workspace), record=True)
    thin(cassette_of(mode))
    transcript_of(mode).write_text(text, "utf-8")
    print(f"{dialogue.status}, {dialogue.metrics.calls} calls, {dialogue.metrics.latency:.0f} s", flush=True)
    return dialogue.status.succeeded


def _notebook(cassette: Path) -> int:
    cassette.write_text("".join(cassette_of(mode).read_text("utf-8") for mode in TOUR), "utf-8")
    options = ("--to", "notebook", "--execute", "--inplace", "--ExecutePreprocessor.record_timing=False")
    for record in ("1", ""):  # once to record, once more to show what everybody will see
        os.environ["WORKBENCH_CASSETTE_RECORD"] = record
        if code := run(BIN / "jupyter", "nbconvert", *options, NOTEBOOK):
            return code
        thin(cassette)
    return 0


def thin(cassette: Path) -> None:
    """Join the pieces of each answer that came within a second."""
    entries = [json.loads(line) for line in cassette.read_text("utf-8").split("\n") if line]
    for entry in entries:
        entry["answer"]["pieces"] = _joined(entry["answer"]["pieces"])
    cassette.write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries), "utf-8")


def _joined(pieces: list[Any]) -> list[Any]:
    """Return pieces of a second each; every one keeps the time of its last part, when all of it was there.

    >>> _joined([[3.1, "text", 4], [3.7, "text", 2], [4.2, "text", 3]])
    [[3.7, 'text', 6], [4.2, 'text', 3]]
    """
    beats = [list(beat) for _, beat in groupby(pieces, key=lambda piece: (int(piece[0] / _BEAT), piece[1]))]
    return [[beat[-1][0], beat[-1][1], sum(piece[2] for piece in beat)] for beat in beats]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Golden transcripts: what each built-in mode once was said to, kept as a cassette and as a text without ids and times.

`RUNS` lists them, `perform` runs one, `told` writes it down. `scripts/record_modes.py` asks the models, the tests play back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from workbench.dialogue import Dialogue, Orchestrator
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.transcript import Turn
from workbench.settings import ReplaySettings, Settings

FOLDER = Path(__file__).parent / "data" / "modes"
RUNS: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "runs.yaml").read_text("utf-8"))
MODEL, SEED = "local-qwen", 7


def cassette_of(mode: str) -> Path:
    """Where the answers are."""
    return FOLDER / f"{mode}.jsonl"


def transcript_of(mode: str) -> Path:
    """Where the golden transcript is."""
    return FOLDER / f"{mode}.md"


def perform(mode: str, workspace: Path, *, record: bool = False) -> tuple[Dialogue, str]:
    """Run a mode as `RUNS` says, from its cassette, or from the model where a cassette is recorded; return it and its text."""
    settings = Settings(workspace=workspace, replay=ReplaySettings(cassette=cassette_of(mode), record=record))
    run = RUNS[mode]
    with Orchestrator(settings=settings) as workbench:
        dialogue = workbench.run(
            mode, run["topic"], models=[MODEL], parameters=run.get("parameters", {}), seed=run.get("seed", SEED)
        )
        return dialogue, told(dialogue)


def told(dialogue: Dialogue) -> str:
    """Return all of a dialogue and its sub-dialogues that is the same in every replay."""
    return "\n".join(_lines(dialogue, "#")) + "\n"


def family(dialogue: Dialogue) -> Iterator[Dialogue]:
    """Yield a dialogue and what it opened, of all generations."""
    yield dialogue
    for child in dialogue.children:
        yield from family(child)


def _lines(dialogue: Dialogue, level: str) -> Iterator[str]:
    transcript, metrics = dialogue.transcript, dialogue.metrics
    reason = f": {dialogue.reason}" if dialogue.reason else ""
    yield from (f"{level} {dialogue.mode}: {dialogue.topic}", "")
    yield f"{dialogue.status}{reason}; {metrics.turns} turns, {metrics.calls} calls, {_tokens(metrics)}"
    for planned in RunSpec.model_validate(transcript.run).plan().turns:
        if planned.id in transcript:
            yield from _turn(dialogue, transcript[planned.id], f"{level}#")
        elif planned.id in transcript.skipped:
            yield from ("", f"{level}# {planned.id}", "", f"skipped: {transcript.skipped[planned.id].reason}")


def _turn(dialogue: Dialogue, turn: Turn, level: str) -> Iterator[str]:
    asked = f", {turn.model}, {_tokens(dialogue.metrics_by_turn[turn.id])}" if turn.calls else ""
    round_ = f", round {turn.round}" if turn.round else ""
    yield from ("", f"{level} {turn.id}", "", f"{turn.role}{round_}: {turn.status}{asked}", "")
    if turn.error:
        yield from (f"error: {turn.error}", "")
    yield from (f"> {line}".rstrip() for line in turn.text.splitlines())
    opened = {spawned.child for spawned in dialogue.transcript.children.values() if spawned.turn == turn.id}
    if turn.data is not None and not opened and _read(turn.text) != turn.data:
        yield from ("", f"    {json.dumps(turn.data, ensure_ascii=False, sort_keys=True)}")
    for child in dialogue.children:
        if child.id in opened:
            yield from ("", *_lines(child, f"{level}#"))


def _tokens(metrics: Any) -> str:
    return f"{metrics.prompt_tokens} tokens in, {metrics.completion_tokens} out"


def _read(text: str) -> Any:
    """Return what a text is as JSON; None where it is none, or more than that."""
    try:
        return json.loads(text)
    except ValueError:
        return None

"""Under which circumstances a run was made: what one needs to make it again, and to see what was different."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

from workbench.dialogue.orchestrator import Orchestrator
from workbench.errors import redact
from workbench.experiments.arms import Arm, DialogueArm
from workbench.experiments.definition import Definition
from workbench.experiments.judging import Judge

LONGEST_DIFF: Final = 200_000
"""Characters of the uncommitted changes that are kept."""
_PATIENCE: Final = 10
"""Seconds that git may take."""


def manifest_of(
    orchestrator: Orchestrator, definition: Definition, arms: Mapping[str, Arm], judges: Mapping[str, Judge]
) -> dict[str, Any]:
    """Return the circumstances as JSON values. Runs git, so it blocks.

    They are: `git` (commit, whether there were changes, and the changes up to a length, secrets blanked), `python`, `platform`,
    `packages` (name to version), `models` (card of every model with its prices), `prompts` (SHA-256 of each arm's), `seed`,
    `repeats`, `cassette` (its SHA-256, where answers come from one).
    """
    runs = {name: arm.run for name, arm in arms.items() if isinstance(arm, DialogueArm)}
    runs |= {f"judge {name}": judge.run for name, judge in judges.items()}
    cards = {card.name: card for run in runs.values() for chain in run.cast.values() for card in chain}
    cassette = orchestrator.settings.replay.cassette
    return {
        "git": git_state(orchestrator.settings.workspace),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages(),
        "models": {name: card.model_dump(mode="json", exclude_defaults=True) for name, card in sorted(cards.items())},
        "prompts": {name: _prompt_hash(definition, name, runs) for name in (*definition.arms, *(f"judge {n}" for n in judges))},
        "seed": definition.seed,
        "repeats": definition.repeats,
        "cassette": None if cassette is None or not cassette.is_file() else _sha256(cassette.read_bytes()),
        "command": Path(sys.argv[0]).name,
    }


@cache
def packages() -> dict[str, str]:
    """Return the packages that are installed, with their versions; looked up once, as they are imported once."""
    return dict(sorted((each.metadata["Name"], each.version) for each in distributions() if each.metadata["Name"]))


def provenance_of(manifest: Mapping[str, Any], run: str, definition: str) -> dict[str, str]:
    """Return where results come from, for a report: name to words."""
    git = manifest.get("git") or {}
    commit = f"{git.get('commit', 'none')}{' with uncommitted changes' if git.get('dirty') else ''}"
    models = ", ".join(f"{name} ({card.get('id', '')})" for name, card in manifest.get("models", {}).items())
    return {
        "run": run,
        "definition": f"SHA-256 {definition}",
        "commit": commit,
        "seed": str(manifest.get("seed", "")),
        "models": models,
        "python": str(manifest.get("python", "")),
        "workbench": str(manifest.get("packages", {}).get("dialogue-workbench", "")),
    }


def git_state(folder: Path) -> dict[str, Any] | None:
    """Return the commit of a folder and its uncommitted changes; None where there is no repository or no git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _git(folder, "diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv") or ""
    return {
        "commit": commit.strip(),
        "dirty": bool(changes.strip()),
        "diff": redact(changes[:LONGEST_DIFF]),
        "diff_sha256": _sha256(changes.encode()),
        "cut": len(changes) > LONGEST_DIFF,
    }


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["git", "-C", str(folder), *words],  # noqa: S607 - the git of the user's path
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _prompt_hash(definition: Definition, name: str, runs: Mapping[str, Any]) -> str | None:
    spec, run = definition.arms.get(name), runs.get(name)
    if run is None:
        return spec.source if spec else None
    text = run.mode.model_dump_json(exclude_defaults=True) + (spec.template if spec else "")
    return _sha256(text.encode())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

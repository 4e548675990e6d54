"""`doctor`: what works here, what does not, and what to do about it."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from workbench.cli.failure import FAILED
from workbench.cli.output import as_json as print_json
from workbench.cli.output import table
from workbench.errors import WorkbenchError
from workbench.models import ModelRegistry
from workbench.models.weights import installed
from workbench.records import Record
from workbench.settings import Settings, load_settings


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `state` is ok, missing or broken; `todo` says what to do."""

    what: str
    state: str
    detail: str = ""
    todo: str = ""


def examine(*, as_json: bool, workspace: Path | None) -> None:
    """Print every finding; exit with 1 if something is broken. A missing key is not."""
    settings = load_settings(workspace)
    findings = [*_versions(), _workspace(settings), _record(settings), *_keys(settings), *_local()]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table([asdict(finding) for finding in findings], ["what", "state", "detail", "todo"])
    if any(finding.state == "broken" for finding in findings):
        sys.exit(FAILED)


def _versions() -> list[Finding]:
    found = [Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")]
    for name in ("dialogue-workbench", "litellm", "jupyterlab", "ipykernel", "xllamacpp"):
        try:
            found.append(Finding(name, "ok", version(name)))
        except PackageNotFoundError:
            found.append(Finding(name, "missing", todo=f"pip install {name}"))
    return found


def _workspace(settings: Settings) -> Finding:
    if (settings.workspace / "workbench.toml").is_file():
        return Finding("workspace", "ok", str(settings.workspace))
    return Finding("workspace", "ok", f"{settings.workspace} (no workbench.toml)", "workbench init lays one out")


def _record(settings: Settings) -> Finding:
    try:
        with Record.open(settings.record_url) as record:
            count = len(record.summaries(limit=1000))
            return Finding("record", "ok", f"{record!r}, {count} dialogues")
    except WorkbenchError as error:
        return Finding("record", "broken", error.message, error.hint or "")


def _keys(settings: Settings) -> list[Finding]:
    models: dict[str, list[str]] = {}
    for card in ModelRegistry(settings):
        if card.key:
            models.setdefault(card.key, []).append(card.name)
    return [
        Finding(key, "ok", f"set, for {', '.join(names)}")
        if os.environ.get(key)
        else Finding(key, "missing", f"for {', '.join(names)}", "set it in the environment or in .env")
        for key, names in models.items()
    ]


def _local() -> list[Finding]:
    have = installed()
    if have:
        return [Finding(f"local model {each.name}", "ok", str(each.path)) for each in have]
    return [Finding("local model", "missing", "no weights here", "workbench models pull smollm2-135m")]

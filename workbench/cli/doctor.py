"""`doctor`: prints what `workbench.doctor` finds."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

from workbench import doctor
from workbench.cli.failure import FAILED
from workbench.cli.output import as_json as print_json
from workbench.cli.output import table
from workbench.settings import load_settings


def examine(*, as_json: bool, workspace: Path | None, network: bool = True) -> None:
    """Print every finding; exit with 1 if something is broken. A missing key is not."""
    findings = doctor.examine(load_settings(workspace), network=network)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table([asdict(finding) for finding in findings], ["what", "state", "detail", "todo"])
    if any(finding.state == "broken" for finding in findings):
        sys.exit(FAILED)

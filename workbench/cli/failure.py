"""Errors as a person at a terminal sees them: cause, way out, exit code. A defect of ours keeps its traceback."""

from __future__ import annotations

import sys
import traceback
from typing import Final

from workbench.errors import RecordError, WorkbenchError, redact

FAILED: Final = 1
USAGE: Final = 2
LIMITED: Final = 3
RECORD: Final = 4
INTERRUPTED: Final = 130


def exit_code(error: BaseException) -> int:
    """Return the exit code for an error."""
    if isinstance(error, RecordError):
        return RECORD
    return USAGE if isinstance(error, WorkbenchError) else FAILED


def explain(error: BaseException) -> None:
    """Print an error to stderr."""
    if not isinstance(error, WorkbenchError):
        sys.stderr.write(redact("".join(traceback.format_exception(error))))
        return
    sys.stderr.write(f"workbench: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"  {error.hint}\n")

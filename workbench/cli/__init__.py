"""The command line: the same jobs without a notebook.

`app` declares the commands and nothing more, so that `--help` is there at once; what a command does is imported when it runs.
`options` has the options that several commands share, `watch` prints a dialogue as it happens, `output` tables and JSON.

Exit codes: 0 done; 1 the dialogue failed; 2 wrong usage or settings; 3 a limit was reached (`cost_limited`); 4 the record
cannot be used; 130 interrupted, with what was said kept.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with the code that its docstring lists."""
    from workbench.cli.app import app
    from workbench.cli.failure import exit_code, explain

    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the one place where a command's failure becomes words and a code
        explain(error)
        sys.exit(exit_code(error))

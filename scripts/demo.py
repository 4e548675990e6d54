"""Set up, then run a debate on a small local model: `python3 scripts/demo.py [TOPIC]`."""

from __future__ import annotations

import sys

from environment import BIN, ensure, run

if __name__ == "__main__":
    ensure("base")
    try:
        sys.exit(run(BIN / "workbench", "demo", *sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)

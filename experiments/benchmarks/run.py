"""The project's own benchmarks: `python experiments/benchmarks/run.py [NAME …] [--quick] [--json OUT]`.

Prints a Markdown table. Every figure stands beside something measured in the same run on the same machine: read the ratios,
not the milliseconds. `README.md` says what each one measures.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

import crowd
import live_panel
import memory
import parallel
import start_up
import sync
import turns
from field import open_field
from figures import Figure, table

BENCHMARKS: Final = {
    "turns": turns.measure,
    "parallel": parallel.measure,
    "crowd": crowd.measure,
    "memory": memory.measure,
    "start-up": start_up.measure,
    "panel": live_panel.measure,
    "sync": sync.measure,
}


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmarks that were named, or all."""
    wanted = _parse(arguments)
    figures: list[Figure] = []
    for name in wanted.names or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        with open_field() as field:
            figures += BENCHMARKS[name](field, quick=wanted.quick)
    print(table(figures))
    if wanted.json:
        wanted.json.write_text(json.dumps([figure.to_dict() for figure in figures], indent=2) + "\n", encoding="utf-8")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The project's own benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="small and few: shows that they run, not how fast")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to this file, too")
    wanted = parser.parse_args(arguments)
    if unknown := set(wanted.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    return wanted


if __name__ == "__main__":
    main()

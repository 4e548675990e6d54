"""Feeds damaged PDFs to the reader and counts what becomes of them: read, or refused with a reason. Anything else is a defect.

python experiments/benchmarks/damaged_papers.py papers/samples --mutations 10000
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from workbench.papers import Limits, PaperError, Reader


def damaged(data: bytes, rng: random.Random) -> bytes:
    """A PDF with some bytes changed, cut out, doubled or swapped, or its end cut off."""
    mutant = bytearray(data)
    for _ in range(rng.choice([1, 3, 20, 200])):
        if len(mutant) < 2:
            break
        at = rng.randrange(len(mutant))
        match rng.randrange(20):
            case 0:
                del mutant[at:]
            case 1 | 2 | 3:
                del mutant[at : at + rng.randrange(1, 400)]
            case 4 | 5 | 6:
                mutant[at:at] = mutant[at : at + rng.randrange(1, 400)]
            case 7 | 8:
                other = rng.randrange(len(mutant))
                mutant[at], mutant[other] = mutant[other], mutant[at]
            case _:
                mutant[at] = rng.randrange(256)
    return bytes(mutant)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30, help="for each file")
    asked = parser.parse_args()
    sources = [path.read_bytes() for path in sorted(asked.folder.glob("*.pdf"))]
    rng, outcomes, slowest = random.Random(asked.seed), Counter[str](), 0.0
    with tempfile.TemporaryDirectory() as folder, Reader(Limits(seconds=asked.seconds)) as reader:
        path = Path(folder) / "damaged.pdf"
        for number in range(asked.mutations):
            path.write_bytes(damaged(sources[number % len(sources)], rng))
            began = time.perf_counter()
            try:
                reader.read(path)
                outcomes["read"] += 1
            except PaperError as error:
                outcomes[str(error.problem)] += 1
            slowest = max(slowest, time.perf_counter() - began)
    print(f"{asked.mutations} files, the slowest {slowest:.1f} s")
    for outcome, count in outcomes.most_common():
        print(f"  {outcome}: {count}")


if __name__ == "__main__":
    main()

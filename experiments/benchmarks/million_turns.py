"""How fast a record of a million turns answers: `%find`, `%costs`, lists, trees, and one dialogue among a hundred thousand.

    python experiments/benchmarks/million_turns.py                      # an SQLite record in a temporary folder
    python experiments/benchmarks/million_turns.py --url postgresql://… # an empty database
    python experiments/benchmarks/million_turns.py --keep /tmp/full     # build it there once, use it again
    python experiments/benchmarks/million_turns.py --turns 2000         # small: shows that it runs, not how fast

Each question is asked once, then five times; the table has the median and the slowest. What is beside it is the time of reading
one row by its key in the same record. The first search after many new turns takes them into the index, at the rate that stands
above the table.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import full_record
import language
from figures import number

from workbench.dialogue.lineage import Tree
from workbench.dialogue.purse import Purse
from workbench.notebook.listings import dialogues_table
from workbench.notebook.model_stats import stats_table
from workbench.notebook.performance import performance
from workbench.records import Record
from workbench.records.queries import glance
from workbench.records.search.finding import Asked
from workbench.settings import BudgetSettings

ROUNDS = 5
AIM = 1.0
"""Seconds."""
_C, _F, _R = language.COMMON, language.FAIR, language.RARE
SEARCHES = {
    "a rare word": Asked(_R),
    "a fair word": Asked(_F),
    "a frequent word": Asked(_C),
    "a frequent phrase": Asked(f'"the {_C}"'),
    "two frequent words": Asked(f"the {_C}"),
    "a beginning": Asked(f"{_C[:3]}*"),
    "one frequent word without another": Asked(f"the -{_C}"),
    "a word that nobody said": Asked("zzyzx"),
    "a frequent word, of a rare model": Asked(_C, model="qwen"),
    "a frequent word, in few that failed": Asked(_C, model="qwen", status="failed"),
    "a frequent word, in nothing": Asked("the", cost_over=1000.0),
    "a frequent word, of a week": Asked(_C, since="7d"),
    "a frequent word, by relevance": Asked(_C, sort="relevance"),
    "two frequent words, by relevance": Asked(f"the {_C}", sort="relevance"),
    "failed, of a week": Asked(status="failed", since="7d"),
    "what cost more, which nothing did": Asked(cost_over=1000.0),
}


def questions(record: Record) -> dict[str, Callable[[], object]]:
    """Return what is asked, by name."""
    dialogue = record.summaries(limit=50)[-1].id
    purse, whole = Purse(record.url), BudgetSettings(day=100.0, workspace=1000.0)
    asked: dict[str, Callable[[], object]] = {
        f"%find: {name}": lambda each=each: record.search(each) for name, each in SEARCHES.items()
    }
    costs: dict[str, Callable[[], object]] = {
        f"%costs --by {what}": lambda what=what: record.usage.by(what)
        for what in ("model", "day", "dialogue", "experiment", "mode")
    }
    return (
        asked
        | costs
        | {
            "%costs --since 30d": lambda: record.usage.by("model", time.time() - 30 * 86400),
            "%performance": lambda: performance(record),
            "%models --stats": lambda: stats_table(record),
            "%models --stats --by task": lambda: stats_table(record, "task"),
            "%models --stats --by task --since 30d": lambda: stats_table(record, "task", "30d"),
            "%dialogues": lambda: dialogues_table(record, 20),
            "%dialogues --status interrupted": lambda: dialogues_table(record, 20, "interrupted"),
            "%dialogues with words": lambda: dialogues_table(record, 20, text="zzyzx"),
            "%tree": lambda: Tree(record, dialogue),
            "a dialogue by the beginning of its id": lambda: record.find(dialogue[:7]),
            "turns of a dialogue": lambda: record.turns(dialogue),
            "turns that a policy chose": record.choices,
            "dialogues whose topic has some words": lambda: record.mentions("review", "zzyzx"),
            "how long answers in a mode are": lambda: _lengths(record, "debate"),
            "how long answers in a mode are that was never used": lambda: _lengths(record, "nobody"),
            "what an experiment's run took": lambda: record.experiments.spent("run0000001"),
            "what may still be spent, first dialogue of a process, a day's ceiling": lambda: Purse(record.url).look(
                BudgetSettings(day=100.0), record.events
            ),
            "what may still be spent, first dialogue of a process, a workspace's ceiling": lambda: Purse(record.url).look(
                whole, record.events
            ),
            "what may still be spent, next dialogue": lambda: purse.look(whole, record.events),
        }
    )


def _lengths(record: Record, mode: str) -> object:
    """Ask as an estimate does."""
    with glance(record.url) as reader:
        return reader and reader.answer_lengths(mode, 5000)


def measure(record: Record) -> list[str]:
    """Return the lines of the table."""
    dialogue = record.summaries(limit=1)[0].id
    beside = statistics.median(_seconds(lambda: record.summary(dialogue)))
    lines = ["| question | median, ms | slowest, ms | by reading a row | below a second |", "|---|---:|---:|---:|---|"]
    for name, ask in questions(record).items():
        took = _seconds(ask)
        middle, worst = statistics.median(took), max(took)
        met = "yes" if worst < AIM else "**no**"
        lines.append(f"| {name} | {number(middle * 1000)} | {number(worst * 1000)} | {number(middle / beside)} | {met} |")
    return lines


def _seconds(ask: Callable[[], object]) -> list[float]:
    ask()  # imports
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        ask()
        took.append(time.perf_counter() - begun)
    return took


def main() -> None:
    """Build a record where there is none yet, and ask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=1_000_000)
    parser.add_argument("--url", help="of an empty database, or of one that was built before")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where the SQLite record stays")
    wanted = parser.parse_args()
    with _place(wanted.url, wanted.keep) as url:
        with Record.open(url) as record:
            there = bool(record.summaries(limit=1))
        if not there:
            begun = time.perf_counter()
            indexing = full_record.build(url, wanted.turns)
            print(f"Built in {time.perf_counter() - begun:.0f} s, {wanted.turns / indexing:,.0f} turns a second indexed.\n")
        with Record.open(url) as record:
            print("\n".join(measure(record)), flush=True)


@contextmanager
def _place(url: str | None, keep: Path | None) -> Iterator[str]:
    if url or keep:
        yield url or f"sqlite:///{keep.absolute() / 'records.db'}"
        return
    with tempfile.TemporaryDirectory(prefix="million-turns-") as folder:
        yield f"sqlite:///{folder}/records.db"


if __name__ == "__main__":
    main()

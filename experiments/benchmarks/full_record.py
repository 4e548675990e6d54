"""A record after a year of use, built in minutes: dialogues, turns and calls by the bulk, with what people look for in them.

Rows go to the tables without their events, which would take most of the room, but for those with which calls began, which
budgets count; the newest dialogues have all of theirs, so that panels can open them. A policy chose who spoke in a fifth of the
dialogues, and a judge rated the turns of a fifth: of half of the chosen ones, and of as many others.

    python experiments/benchmarks/full_record.py sqlite:////tmp/full/records.db --turns 1000000
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from language import Language
from sqlalchemy import Connection, Table, func, insert, select

from workbench.events import (
    Call,
    CallEnded,
    CallStarted,
    DialogueEnded,
    DialogueStarted,
    Event,
    Status,
    Timings,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    Usage,
)
from workbench.records import Record
from workbench.records.engine import open_engine, parse_url
from workbench.records.projection import keep
from workbench.records.rating import Rating
from workbench.records.ratings import values_of
from workbench.records.schema import (
    calls,
    dialogues,
    events,
    experiment_runs,
    experiments,
    ratings,
    turns,
    usage,
    usage_quarters,
    usage_tasks,
)
from workbench.records.search.finding import Asked
from workbench.records.search.indexing import start_over
from workbench.records.usage import one_by_one

MODELS: Final = ("gpt", "gpt-mini", "claude", "haiku", "gemini", "llama", "mistral", "qwen")
MODES: Final = ("debate", "chat", "review", "panel")
ROLES: Final = {"debate": ("pro", "con"), "chat": ("assistant",), "review": ("author", "critic"), "panel": ("a", "b", "c")}
KINDS: Final = ("code", "maths", "analysis", "summary", "writing", "other")
TURNS: Final = 10
"""Turns of a dialogue."""
WHOLE: Final = 100
"""Dialogues, the newest ones, that have their events."""
YEAR: Final = 365 * 86400.0
_RUN: Final = {
    "mode": {"name": "debate", "roles": {"pro": {}, "con": {}}, "turns": [{"role": "pro", "template": "Argue. " * 200}]},
    "cast": {"pro": [{"name": "gpt", "id": "openai/gpt"}], "con": [{"name": "claude", "id": "anthropic/claude"}]},
    "parameters": {"rounds": 5},
}


def build(url: str, count: int = 1_000_000, *, seed: int = 1, now: float | None = None) -> float:
    """Make a record with so many turns, a call or two each, over the year before `now` (Unix seconds; by default it is now).

    Returns:
        the seconds that indexing took.
    """
    now = time.time() if now is None else now
    draw = random.Random(seed)
    language = Language(draw)
    Record.open(url).close()
    start, many = now - YEAR, max(1, count // TURNS)
    step = YEAR / many
    bulk = max(0, many - WHOLE)
    rows = (_dialogue(draw, language, number, start + number * step) for number in range(bulk))
    with _connection(url) as connection:
        _put(connection, experiments, [_experiment(start)])
        _put(connection, experiment_runs, [_run(number, start) for number in range(20)])
        while some := list(itertools.islice(rows, 2_000)):
            for place, table in enumerate((dialogues, turns, calls)):
                _put(connection, table, [row for parts in some for row in parts[place]])
            _put(connection, events, [row for _, _, asked in some for row in _begun(asked)])
            _put(connection, ratings, [values_of(word) for _, said, _ in some for word in _rated(said)])
        connection.commit()
    _count(url)
    with Record.open(url) as record:
        for number in range(bulk, many):
            made = _dialogue(draw, language, number, start + number * step)
            record.write(_events(*made))
            record.rate(_rated(made[1]))
    return index(url)


def index(url: str) -> float:
    """Take all that a record has into the index of words; return the seconds that it took."""
    with _alchemy(url) as connection:
        start_over(connection)
    begun = time.perf_counter()
    with Record.open(url) as record:
        record.search(Asked(limit=1), lambda done, total: print(f"indexed {done:,} of {total:,}", file=sys.stderr, flush=True))
    return time.perf_counter() - begun


@contextmanager
def _alchemy(url: str) -> Iterator[Connection]:
    """Give a transaction of SQLAlchemy."""
    engine = open_engine(parse_url(url))
    try:
        with engine.connect().execution_options(for_writing=True) as connection, connection.begin():
            yield connection
    finally:
        engine.dispose()


def _count(url: str) -> None:
    """Count what the loaded calls took, as the writer does it call by call."""
    with _alchemy(url) as connection:
        for table in (usage, usage_quarters, usage_tasks):
            made = one_by_one(connection.dialect.name, table).subquery()
            keys = [made.c[column.name] for column in table.primary_key]
            sums = [func.sum(made.c[column.name]) for column in table.c if not column.primary_key]
            connection.execute(insert(table).from_select(list(table.c.keys()), select(*keys, *sums).group_by(*keys)))


def _dialogue(draw: random.Random, language: Language, number: int, at: float) -> tuple[list[Any], list[Any], list[Any]]:
    """Return the rows of a dialogue, its turns and their calls. A fifth are observations of experiments."""
    name, mode = f"{draw.getrandbits(48):012x}", MODES[number % len(MODES)]
    status = "failed" if number % 50 == 3 else "cost_limited" if number % 200 == 5 else "completed"
    parent = f"run{number % 20:07d}" if number % 5 == 1 else None
    chosen, rated = number % 5 == 2, number % 10 in (2, 4)  # a fifth each, and a tenth both
    kind = KINDS[number * 7 // 10 % len(KINDS)] if chosen or rated else None
    said, asked = [], []
    for place in range(1, TURNS + 1):
        turn, its_calls = _turn(draw, language, name, mode, number * TURNS + place, place, at + place * 4.0, status)
        turn |= {
            "kind": kind if chosen else None,
            "choice": _choice(turn, kind) if chosen else None,
            "rated": kind if rated else None,
        }
        for call in its_calls:
            call["kind"] = kind
        said.append(turn)
        asked += its_calls
    costs = [call["cost"] for call in asked if call["cost"] is not None]
    row = {
        "id": name,
        "mode": mode,
        "topic": f"{draw.choice(language.sentences)} {number}?",
        "status": status,
        "reason": None if status == "completed" else "a turn failed" if status == "failed" else "the budget is used up",
        "created_at": at,
        "updated_at": at + TURNS * 4 + 3,
        "ended_at": at + TURNS * 4 + 3,
        "owner": None,
        "run": json.dumps(_RUN),
        "prompt_tokens": sum(turn["prompt_tokens"] for turn in said),
        "completion_tokens": sum(turn["completion_tokens"] for turn in said),
        "cost": sum(costs) if costs else None,
        "unknown_cost_calls": len(asked) - len(costs),
        "turns_completed": sum(turn["status"] == "completed" for turn in said),
        "parent_id": parent,
        "forked_from": None,
    }
    return [row], said, asked


def _turn(
    draw: random.Random, language: Language, dialogue: str, mode: str, number: int, place: int, at: float, ends: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    model = MODELS[min(int(draw.expovariate(0.6)), len(MODELS) - 1)]
    failed = ends == "failed" and place == TURNS
    text = "" if failed else language.text(number)
    fell = number % 50 == 9
    served = None if failed else MODELS[(MODELS.index(model) + 1) % len(MODELS)] if fell else model
    called = [_call(draw, dialogue, place, model, model, at, "", failed=True)] if failed or fell else []
    if served:
        called.append(_call(draw, dialogue, place, model, served, at + 1.0, text, failed=False))
    costs = [call["cost"] for call in called if call["cost"] is not None]
    turn = {
        "dialogue_id": dialogue,
        "turn": f"turn_{place}",
        "position": place,
        "role": ROLES[mode][place % len(ROLES[mode])],
        "model": model,
        "served": served and f"{served}-2026",
        "round": 1 + place // 2,
        "status": "failed" if failed else "completed",
        "text": text,
        "reasoning": "",
        "error": "RateLimitError: the provider refused the request" if failed else None,
        "started_at": at,
        "ended_at": at + 3,
        "prompt_tokens": sum(call["prompt_tokens"] or 0 for call in called),
        "completion_tokens": sum(call["completion_tokens"] or 0 for call in called),
        "cost": sum(costs) if costs else None,
    }
    return turn, called


def _choice(turn: dict[str, Any], kind: str | None) -> str:
    return json.dumps({"policy": "cost", "model": turn["model"], "kind": kind, "scores": {turn["model"]: 0.5}})


def _rated(said: Iterable[dict[str, Any]]) -> Iterator[Rating]:
    """Yield what a judge said of the turns of a dialogue."""
    for turn in said:
        if turn["rated"] and turn["served"]:
            quality, its = turn["position"] % 5 / 4, {name: turn[name] for name in ("turn", "role", "model", "cost")}
            yield Rating(
                dialogue=turn["dialogue_id"], **its, quality=quality, source="judge", kind=turn["rated"], at=turn["ended_at"]
            )


def _call(
    draw: random.Random, dialogue: str, place: int, asked: str, model: str, at: float, text: str, *, failed: bool
) -> dict[str, Any]:
    prompt, completion = draw.randint(200, 4000), max(1, len(text) // 5)
    free = model in ("llama", "qwen")
    return {
        "dialogue_id": dialogue,
        "id": f"{draw.getrandbits(128):032x}",
        "turn": f"turn_{place}",
        "asked": asked,
        "model": model,
        "provider": "local" if free else "openai" if model.startswith("gpt") else "anthropic",
        "served": None if failed else f"{model}-2026",
        "attempt": 1,
        "outcome": "rate_limit" if failed else "ok",
        "started_at": at,
        "queue_seconds": 0.001,
        "first_token_seconds": None if failed else draw.lognormvariate(-1, 0.5),
        "total_seconds": draw.lognormvariate(0.7, 0.6),
        "prompt_tokens": None if failed else prompt,
        "completion_tokens": None if failed else completion,
        "cached_tokens": None if failed else prompt // 2,
        "reasoning_tokens": None if failed else 0,
        "cost": None if failed or model == "mistral" else 0.0 if free else (prompt * 0.15 + completion * 0.6) / 1e6,
        "finish_reason": None if failed else "stop",
        "text": text,
        "reasoning": "",
        "error": "the provider refused the request" if failed else None,
        "fallback_reason": None if asked == model else f"{asked}: rate_limit",
    }


def _begun(asked: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rows of the events with which the calls of a dialogue began."""
    for seq, call in enumerate(asked, 2):
        facts = {"dialogue": call["dialogue_id"], "seq": seq, "at": call["started_at"], "turn": call["turn"]}
        yield keep(CallStarted(**facts, call=call["id"], model=call["model"], attempt=1)).values


def _events(rows: list[Any], said: list[Any], asked: list[Any]) -> Iterator[Event]:
    """Yield the events of such a dialogue."""
    [row] = rows
    name, numbers, at = row["id"], itertools.count(1), row["created_at"]
    by_turn = {key: list(group) for key, group in itertools.groupby(asked, key=lambda call: call["turn"])}
    yield DialogueStarted(dialogue=name, seq=next(numbers), at=at, mode=row["mode"], topic=row["topic"], run=_RUN)
    for turn in said:
        its = {"dialogue": name, "turn": turn["turn"]}
        yield TurnStarted(
            **its,
            seq=next(numbers),
            at=turn["started_at"],
            index=turn["position"],
            role=turn["role"],
            model=turn["model"],
            choice=json.loads(turn["choice"]) if turn["choice"] else None,
        )
        for call in map(_as_call, by_turn[turn["turn"]]):
            begun, over = call.started_at, call.started_at + call.timings.total
            yield CallStarted(**its, seq=next(numbers), at=begun, call=call.id, model=call.model, attempt=call.attempt)
            yield CallEnded(**its, seq=next(numbers), at=over, call=call)
        if turn["status"] == "failed":
            kind, _, error = turn["error"].partition(": ")
            yield TurnFailed(**its, seq=next(numbers), at=turn["ended_at"], kind=kind, error=error, text="")
        else:
            yield TurnCompleted(**its, seq=next(numbers), at=turn["ended_at"], text=turn["text"])
    yield DialogueEnded(
        dialogue=name, seq=next(numbers), at=row["ended_at"], status=Status(row["status"]), reason=row["reason"]
    )


def _as_call(row: dict[str, Any]) -> Call:
    counted = row["prompt_tokens"] is not None
    usage = Usage(
        prompt=row["prompt_tokens"], completion=row["completion_tokens"], cached=row["cached_tokens"], reasoning=0
    ) if counted else None  # fmt: skip
    timings = Timings(queue=row["queue_seconds"], first_token=row["first_token_seconds"], total=row["total_seconds"])
    same = ("id", "asked", "model", "provider", "served", "attempt", "outcome", "started_at", "cost", "finish_reason")
    texts = {name: row[name] for name in ("text", "error", "fallback_reason")}
    return Call(**{name: row[name] for name in same}, **texts, usage=usage, timings=timings)


def _experiment(at: float) -> dict[str, Any]:
    return {"id": "e" * 10, "name": "shorter-prompts", "created_at": at, "sha256": "0", "form": "{}", "definition": "{}"}


def _run(number: int, at: float) -> dict[str, Any]:
    times = {"created_at": at + number, "updated_at": at + number + 60, "ended_at": at + number + 60}
    return {"id": f"run{number:07d}", "experiment_id": "e" * 10, **times, "status": "completed", "total": 0, "manifest": "{}"}


class _connection:  # noqa: N801 - used as a function is
    """A raw connection for loading, which syncs nothing before its end."""

    def __init__(self, url: str) -> None:
        parsed = parse_url(url)
        if parsed.drivername == "sqlite":
            self.raw: Any = sqlite3.connect(str(parsed.database))
            self.raw.execute("PRAGMA synchronous=OFF")
        else:
            plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
            self.raw = psycopg.connect(plain)

    def __enter__(self) -> Any:
        return self.raw

    def __exit__(self, *_: object) -> None:
        self.raw.close()


def _put(connection: Any, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    names = [column.name for column in table.c if column is not ratings.c.id]
    values = ([row.get(name) for name in names] for row in rows)
    quoted = ", ".join(f'"{name}"' for name in names)
    if isinstance(connection, sqlite3.Connection):
        connection.executemany(f"INSERT INTO {table.name} ({quoted}) VALUES ({', '.join('?' * len(names))})", values)
        return
    with connection.cursor().copy(f"COPY {table.name} ({quoted}) FROM STDIN") as copy:
        for row in values:
            copy.write_row(row)


def main() -> None:
    """Build one where the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="sqlite:///PATH or postgresql://…, of an empty database")
    parser.add_argument("--turns", type=int, default=1_000_000)
    wanted = parser.parse_args()
    begun = time.perf_counter()
    build(wanted.url, wanted.turns)
    print(f"{wanted.turns:,} turns in {time.perf_counter() - begun:.0f} s")
    path = Path(str(parse_url(wanted.url).database))
    if path.is_file():
        print(f"{path.stat().st_size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()

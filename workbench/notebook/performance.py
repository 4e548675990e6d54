"""`%performance`: how fast and how reliably models answered, what took longest, and what failed most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from workbench.dialogue.export.facts import money, visible
from workbench.dialogue.prompts.context import with_round
from workbench.notebook.figured import Figured
from workbench.notebook.tables import Column, Table
from workbench.records.moments import moment
from workbench.records.paces import Failures, Pace, SlowCall

if TYPE_CHECKING:
    from workbench.records import Record
    from workbench.records.moments import Since

_TEN: Final = 10


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < _TEN else f"{value:.0f} s"


def _share(value: float) -> str:
    return "" if value == 0 else f"{value:.1%}"


def _some(value: int) -> str:
    return f"{value:,}" if value else ""


_MODELS: Final = (
    Column("model"),
    Column("calls", type="Int64", show="{:,}".format),
    Column("answered", "", "Int64"),
    Column("failed", "", "Int64"),
    Column("error_rate", "failed", "float64", _share),
    Column("fallbacks", "", "Int64"),
    Column("fallback_rate", "fell back", "float64", _share),
    Column("latency_p50", "p50", "float64", _seconds),
    Column("latency_p95", "p95", "float64", _seconds),
    Column("first_token_p50", "first token", "float64", _seconds),
    Column("tokens_per_second", "tokens/s", "float64", "{:.0f}".format),
    Column("cost", type="float64", show=money),
    Column("unpriced_calls", "cost unknown", "Int64", _some),
)
_SLOWEST: Final = (
    Column("turn"),
    Column("model"),
    Column("seconds", "took", "float64", _seconds),
    Column("queue", "waited before", "float64", lambda value: _seconds(value) if value >= 0.01 else ""),  # noqa: PLR2004 - a hundredth
    Column("outcome", show=lambda outcome: "" if outcome == "ok" else outcome.replace("_", " ")),
    Column("began", type="datetime64[us, UTC]", show=lambda at: at.astimezone().strftime("%Y-%m-%d %H:%M")),
    Column("dialogue", ""),
    Column("open", "to look at it"),
)
_FAILURES: Final = (
    Column("model"),
    Column("outcome", "error", show=lambda outcome: outcome.replace("_", " ")),
    Column("calls", type="Int64", show="{:,}".format),
)


class Performance(Figured):
    """The tables `models`, `slowest` and `failures`, and a figure of the first.

    Args:
        paces: of the models.
        slow: the slowest calls.
        failed: what failed.
        nothing: what is said where there are no calls.
    """

    def __init__(self, paces: Sequence[Pace], slow: Sequence[SlowCall], failed: Sequence[Failures], nothing: str) -> None:
        self.models = Table(_MODELS, [_pace(pace) for pace in paces], notes=_notes(paces) if paces else [nothing])
        self.slowest = Table(_SLOWEST, [_slow(each) for each in slow], caption="The slowest calls")
        self.failures = Table(_FAILURES, [asdict(each) for each in failed], caption="What failed most")
        super().__init__([table for table in (self.models, self.slowest, self.failures) if table.rows or table.notes], None)
        if paces:
            from workbench.observe.performance_figure import performance_figure

            self.figure = performance_figure(paces)


def performance(record: Record, since: Since | None = None, model: str | None = None) -> Performance:
    """Return how models performed.

    Args:
        record: of the workspace.
        since: only calls that began from then on.
        model: only this one.

    Raises:
        RecordError: the point in time is none, or the record cannot be read.
    """
    record.flush()
    begin, usage = None if since is None else moment(since), record.usage
    nothing = f"Nothing was called since {since}." if since is not None else "Nothing is recorded yet."
    if model is not None:
        nothing = f"{nothing.rstrip('.')} of {model}."
    return Performance(usage.models(begin, model), usage.slowest(begin, model), usage.failures(begin, model), nothing)


def _pace(pace: Pace) -> dict[str, object]:
    return asdict(pace) | {"error_rate": pace.error_rate, "fallback_rate": pace.fallback_rate}


def _slow(each: SlowCall) -> dict[str, object]:
    role = visible(each.role)
    title = with_round(role.replace("_", " ").capitalize(), role, each.round) if role else each.turn
    began = datetime.fromtimestamp(each.began, UTC)
    return asdict(each) | {"turn": title, "began": began, "open": f"%costs {each.dialogue} --waterfall"}


def _notes(paces: Sequence[Pace]) -> list[str]:
    notes = ["p50, p95 and tokens/s are of answered calls, without the wait for a free place."]
    if any(pace.fallbacks for pace in paces):
        notes.append("Fell back: share of the answers asked of this model that another one gave.")
    if any(pace.unpriced_calls for pace in paces):
        notes.append("Where the cost of calls is unknown, the cost is a lower bound; unknown is not zero.")
    return notes

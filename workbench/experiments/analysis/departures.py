"""Where an experiment departed from what was sealed before it, said plainly: a departure may be sound, but not silent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.experiments.plan import Seal, canonical

if TYPE_CHECKING:
    import pandas as pd

_LONGEST: Final = 80
_NAMED: Final = 3
"""Cases that are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Departure:
    """One thing that was done otherwise than sealed.

    Attributes:
        what: where it stands in the form (`plan.alpha`, `arms.debate.model`), or what was looked at (`observations`).
        sealed: as it was sealed, in short; None where there was nothing.
        done: as it was done; None where there is nothing.
        text: in words.
    """

    what: str
    sealed: str | None
    done: str | None
    text: str


def departures(
    seal: Seal, form: Mapping[str, Any] | None, observations: pd.DataFrame, metrics: Sequence[str]
) -> tuple[Departure, ...]:
    """Return how an experiment departed from its seal.

    Args:
        seal: stored before the run.
        form: what was run, in the same form as the sealed one; None if nobody knows more than the observations tell.
        observations: of the run, with `case` and `arm`, and `repeat`, `fallback` and `started_at` where they are known.
        metrics: names of those that were analysed.
    """
    found: list[Departure] = []
    if not seal.intact:
        text = "The sealed plan was changed after it was sealed: its hash does not fit."
        found.append(Departure("seal", seal.sha256[:12], None, text))
    if form is not None:
        found += _differing("", seal.form, form)
    return (*found, *_time(seal, observations), *_measured(seal.form, observations, metrics))


def _differing(path: str, sealed: Any, done: Any) -> Iterator[Departure]:
    """Yield what differs between two forms, at the deepest place where both are mappings; cases are told by observations."""
    if path == "cases.ids":
        return
    if isinstance(sealed, Mapping) and isinstance(done, Mapping):
        for name in sorted(sealed.keys() | done.keys(), key=str):
            yield from _differing(f"{path}.{name}".lstrip("."), sealed.get(name), done.get(name))
    elif canonical({"": sealed}) != canonical({"": done}):
        before, after = _short(sealed), _short(done)
        if sealed is None:
            text = f"{path} was not in the sealed plan: {after}."
        elif done is None:
            text = f"{path} was sealed as {before} and left out."
        else:
            text = f"{path} was sealed as {before} and run as {after}."
        yield Departure(path, before, after, text)


def _time(seal: Seal, observations: pd.DataFrame) -> Iterator[Departure]:
    if "started_at" not in observations.columns:
        return
    first = _seconds(observations["started_at"])
    if first is not None and first < seal.sealed_at:
        text = "The plan was sealed after the first observation: it may have been made with results in view."
        yield Departure("sealed_at", None, None, text)


def _seconds(times: pd.Series[Any]) -> float | None:
    """Return the earliest time in Unix seconds, whether times are numbers or dates."""
    import pandas as pd

    known = times.dropna()
    if known.empty:
        return None
    if pd.api.types.is_numeric_dtype(known):
        return float(known.min())
    return float(pd.to_datetime(known, utc=True).min().timestamp())


def _measured(form: Mapping[str, Any], observations: pd.DataFrame, metrics: Sequence[str]) -> Iterator[Departure]:
    """Yield what the observations tell: arms, cases and repeats that are missing or more, metrics that nobody planned."""
    planned_arms, planned_metrics = form.get("arms"), form.get("metrics")
    if isinstance(planned_arms, Mapping | Sequence):
        yield from _against("arm", list(map(str, planned_arms)), list(map(str, observations["arm"].unique())))
    if isinstance(planned_metrics, Mapping | Sequence):
        unplanned = [name for name in metrics if name not in set(map(str, planned_metrics))]
        if unplanned:
            names = ", ".join(unplanned)
            text = f"Metrics that were not in the sealed plan were analysed: {names}. Read them as ideas, not as findings."
            yield Departure("metrics", None, _short(unplanned), text)
    cases = form.get("cases")
    if isinstance(cases, Mapping) and isinstance(cases.get("ids"), Sequence):
        yield from _against("case", list(map(str, cases["ids"])), list(map(str, observations["case"].unique())))
    yield from _size(form, observations)
    if (
        form.get("fallbacks") in {"forbid", False}
        and "fallback" in observations
        and observations["fallback"].eq(other=True).any()
    ):
        served = int(observations["fallback"].eq(other=True).sum())
        yield Departure("fallbacks", "forbidden", str(served), f"Fallbacks were forbidden, and served {served} observations.")


def _against(what: str, sealed: list[str], done: list[str]) -> Iterator[Departure]:
    there, planned = set(done), set(sealed)
    missing, more = [name for name in sealed if name not in there], [name for name in done if name not in planned]
    if missing:
        text = (
            f"{_counted(missing, what)} of the sealed plan {'was' if len(missing) == 1 else 'were'} not run: {_named(missing)}."
        )
        yield Departure(f"{what}s", str(len(sealed)), str(len(sealed) - len(missing)), text)
    if more:
        text = f"{_counted(more, what)} {'is' if len(more) == 1 else 'are'} not in the sealed plan: {_named(more)}."
        yield Departure(f"{what}s", str(len(sealed)), str(len(sealed) + len(more)), text)


def _size(form: Mapping[str, Any], observations: pd.DataFrame) -> Iterator[Departure]:
    repeats = form.get("repeats")
    if not isinstance(repeats, int) or observations.empty:
        return
    counts = observations.groupby(["case", "arm"], observed=True).size()
    if (odd := int((counts != repeats).sum())) > 0:
        times = f"{repeats} time{'s' * (repeats != 1)}"
        text = f"{odd} of {len(counts)} pairs of case and arm were not run {times}, as the sealed plan says."
        yield Departure("repeats", str(repeats), f"{counts.min()} to {counts.max()}", text)


def _counted(names: Sequence[str], what: str) -> str:
    return f"{len(names)} {what}{'s' * (len(names) != 1)}"


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")


def _short(value: Any) -> str | None:
    if value is None:
        return None
    text = canonical({"": value})[len('{"":') : -1]
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

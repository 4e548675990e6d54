"""Counting votes: by majority, by plurality, weighted, or ranked.

Who voted in which order makes no difference to what wins, and neither does what the options are called; only where a tie is
to go to the `first` does an order count, and it is that of the options. What follows is the whole rule.

- A vote is taken for the option that it equals once case, whitespace and the punctuation around it are set aside; "I am for A"
  is no vote for "A". One that names no option is invalid; without a list of options every vote names one.
- An abstention is null, nothing, or the word abstain (abstention …) where no option is called that. Abstentions and invalid
  votes are counted apart, and a majority is one of the others.
- `majority` needs more than half, `plurality` more than any other, `weighted` is a plurality of weights.
- `ranked` is instant run-off: each ballot counts for the highest on it that is still in; who has more than half of what counts
  wins, else the one with the fewest goes out. Of several with the fewest it is the one that had fewer in the latest earlier
  round that tells them apart; where none does they go out together, and where all that are left are equal, that is a tie.
- A tie is broken as by one more vote: under `majority` this decides only between two that have half each.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, Literal

from workbench.errors import ModeError

METHODS: Final = ("majority", "plurality", "weighted", "ranked")
Tie = Literal["none", "first", "judge"]
Counts = Mapping[str, Fraction]
_ABSTAIN: Final = frozenset({"abstain", "abstains", "abstained", "abstaining", "abstention"})
_AROUND: Final = " .,;:!?\"'`´*_~()[]{}<>|«»‹›“”„‘’‚…"  # noqa: RUF001 - quotation marks of several languages
_DASHES: Final = "-‐‑–—"  # noqa: RUF001 - hyphens and dashes
_BETWEEN: Final = re.compile(r"[\s_‐‑–—-]+")  # noqa: RUF001 - as above


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided.

    Attributes:
        method: as asked for.
        winner: an option as the options spell it, else as most voters did; None if nothing was decided.
        tie: whether several were equal at the top.
        tied: those that were, in the order of the options.
        decided_by: `votes`, `first` where a tie was broken, `judge` where a judge has yet to choose of `tied`; None if
            nothing decides.
        counts: option to votes or weight; of the first round where `ranked`.
        abstentions: how many.
        invalid: votes that named no option, as they were given.
        rounds: of `ranked`: option to votes, of those still in.
    """

    method: str
    winner: str | None
    tie: bool
    tied: tuple[str, ...]
    decided_by: Literal["votes", "first", "judge"] | None
    counts: dict[str, float]
    abstentions: int
    invalid: tuple[str, ...]
    rounds: tuple[dict[str, float], ...] = ()


def tally(
    votes: Sequence[Any],
    method: str = "majority",
    *,
    options: Sequence[str] | None = None,
    weights: Sequence[float] | None = None,
    tie: Tie = "none",
) -> Outcome:
    """Count votes.

    Args:
        votes: an option each, or a list of options, the best first, where `method` is ranked; None abstains.
        method: one of METHODS.
        options: what can be voted for; by default whatever is, in the order in which it is named.
        weights: of the votes, where `method` is weighted.
        tie: `none` decides nothing, `first` takes the first option of those tied, `judge` leaves it to a judge.

    Raises:
        ModeError: there is no such method, two options cannot be told apart, or the weights do not go with the votes.

    >>> tally(["Yes", "yes.", "no", None]).winner
    'Yes'
    >>> tally([["A", "B"], ["B", "A"], ["C", "B"], ["C"], ["B"]], "ranked").winner
    'B'
    """
    if method not in METHODS:
        raise ModeError(f"there is no way to count called {method!r}", hint=f"There are: {', '.join(METHODS)}.")
    box = _Box.of(votes, options, _weights(votes, weights, method), ranked=method == "ranked")
    first = box.counts(box.labels)
    rounds = _run_off(box) if method == "ranked" else []
    last = rounds[-1] if rounds else first
    most, total = max(last.values(), default=Fraction(0)), sum(last.values(), Fraction(0))
    top = [key for key, count in last.items() if count == most > 0]
    winner, decided_by = _settled(top, tie, majority=method == "majority", most=most, total=total)
    return Outcome(
        method=method,
        winner=None if winner is None else box.labels[winner],
        tie=len(top) > 1,
        tied=tuple(box.labels[key] for key in top) if len(top) > 1 else (),
        decided_by=decided_by,
        counts=box.told(first),
        abstentions=box.abstentions,
        invalid=tuple(box.invalid),
        rounds=tuple(map(box.told, rounds)),
    )


def plain(text: str) -> str:
    """Return a text as it is compared: without case, outer punctuation, and differences between spaces and hyphens.

    >>> plain(" **Fact-check.** ") == plain("fact check"), plain("-1") == plain("1"), plain("C++") == plain("C")
    (True, False, False)
    """
    folded = " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())
    inner = folded.strip(_AROUND + _DASHES)
    if not inner:
        return folded
    signed = inner[0].isdigit() and folded[: folded.index(inner)].endswith("-")
    return ("-" if signed else "") + _BETWEEN.sub(" ", inner)


def written(vote: Any) -> str | None:
    """Return a vote as text; None if it is null or nothing.

    >>> written(True), written(2.0), written(" "), written(["a"])
    ('true', '2', None, '["a"]')
    """
    if isinstance(vote, str):
        return vote.strip() or None
    if isinstance(vote, float) and vote.is_integer():
        vote = int(vote)
    return None if vote is None else json.dumps(vote, sort_keys=True, ensure_ascii=False, default=str)


@dataclass(slots=True)
class _Box:
    """Ballots that count, each with its weight: keys of options, the best first."""

    labels: dict[str, str]
    ballots: list[tuple[list[str], Fraction]] = field(default_factory=list)
    abstentions: int = 0
    invalid: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, votes: Sequence[Any], options: Sequence[str] | None, weights: Sequence[Fraction], *, ranked: bool) -> _Box:
        listed = [_choices(vote, ranked=ranked) for vote in votes]
        box = cls(_spelled(listed) if options is None else _labels(options))
        for choices, weight in zip(listed, weights, strict=True):
            keys = list(dict.fromkeys(key for key in map(plain, choices) if key in box.labels))
            if keys:
                box.ballots.append((keys, weight))
            elif all(plain(choice) in _ABSTAIN for choice in choices):
                box.abstentions += 1
            else:
                box.invalid.append(", ".join(choices))
        return box

    def counts(self, left: Collection[str]) -> dict[str, Fraction]:
        """Return what each option that is left has: ballots count for the highest on them that is left."""
        counts = dict.fromkeys(left, Fraction(0))
        for keys, weight in self.ballots:
            best = next((key for key in keys if key in counts), None)
            if best is not None:
                counts[best] += weight
        return counts

    def told(self, counts: Counts) -> dict[str, float]:
        return {self.labels[key]: int(n) if n.denominator == 1 else float(n) for key, n in counts.items()}


def _labels(options: Sequence[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for option in options:
        if (other := labels.setdefault(plain(option), option)) != option:
            raise ModeError(f"the options {other!r} and {option!r} cannot be told apart", hint="Use different words.")
    return labels


def _spelled(listed: Iterable[Iterable[str]]) -> dict[str, str]:
    """Return what was voted for, in the order in which it was named, each as most spell it."""
    spellings: dict[str, Counter[str]] = {}
    for choice in (choice for choices in listed for choice in choices if plain(choice) not in _ABSTAIN):
        spellings.setdefault(plain(choice), Counter())[choice] += 1
    return {key: min(found, key=lambda one: (-found[one], one)) for key, found in spellings.items()}


def _choices(vote: Any, *, ranked: bool) -> list[str]:
    """Return the options on a ballot, as texts."""
    listed = vote if ranked and isinstance(vote, list | tuple) else [vote]
    return [text for text in map(written, listed) if text is not None]


def _weights(votes: Sequence[Any], weights: Sequence[Any] | None, method: str) -> list[Fraction]:
    """Return the weights as exact decimals, so that sums do not depend on the order of voters."""
    if (method == "weighted") is (weights is None):
        raise ModeError(f"method {method} {'needs' if weights is None else 'has no'} weights", hint="Weights go with weighted.")
    if weights is None:
        return [Fraction(1)] * len(votes)
    if len(weights) != len(votes):
        raise ModeError(f"there are {len(votes)} votes and {len(weights)} weights", hint="Give each vote one weight.")
    for weight in weights:
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < math.inf:
            raise ModeError(
                f"{weight!r} is no weight", hint="A weight is a number from 0 up; let the schema of the votes require it."
            )
    return [Fraction(str(weight)) for weight in weights]


def _run_off(box: _Box) -> list[dict[str, Fraction]]:
    """Return the rounds, up to the one that has a winner or a tie."""
    left = list(box.labels)
    rounds: list[dict[str, Fraction]] = []
    while True:
        rounds.append(box.counts(left))
        counts = rounds[-1]
        if len(set(counts.values())) <= 1 or 2 * max(counts.values()) > sum(counts.values()):
            return rounds
        out = _fewest(left, rounds)
        left = [key for key in left if key not in out]


def _fewest(left: list[str], rounds: list[dict[str, Fraction]]) -> list[str]:
    """Return who goes out: of those with the fewest, those who had the fewest before as well."""
    out = left
    for counts in reversed(rounds):
        least = min(counts[key] for key in out)
        out = [key for key in out if counts[key] == least]
    return out


def _settled(
    top: list[str], tie: Tie, *, majority: bool, most: Fraction, total: Fraction
) -> tuple[str | None, Literal["votes", "first", "judge"] | None]:
    """Return the winner's key, and what made it win."""
    if len(top) == 1 and (not majority or 2 * most > total):
        return top[0], "votes"
    if len(top) < 2 or tie == "none" or (majority and 2 * most != total):  # noqa: PLR2004 - a tie takes two
        return None, None
    return (top[0], "first") if tie == "first" else (None, "judge")

"""Turns that nobody speaks: votes that are counted and bids that are weighed, from the structured answers of earlier turns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from workbench.dialogue.agreement.votes import METHODS, tally
from workbench.dialogue.rules.mode import VoteSpec
from workbench.dialogue.rules.parameters import Parameters
from workbench.errors import ModeError

Ballot = tuple[int, dict[str, Any]]
"""A voter's number, from 1 in the order of the mode, and its answer."""


def count_ballots(spec: VoteSpec, ballots: Sequence[Ballot], parameters: Parameters) -> tuple[str, dict[str, Any]]:
    """Return the outcome as a text for the turns that follow, and as data for conditions.

    Raises:
        ModeError: there is no such way to count.
    """
    method = str(parameters.get(spec.method, spec.method))
    if method == "auction":
        return _auction(spec, ballots)
    if method not in METHODS:
        raise ModeError(f"there is no way to count called {method!r}", hint=f"There are: {', '.join((*METHODS, 'auction'))}.")
    field = spec.ranking if method == "ranked" else spec.field
    votes = [answer.get(field) for _, answer in ballots]
    weights = [_number(answer.get(spec.weight)) for _, answer in ballots] if method == "weighted" else None
    outcome = tally(votes, method=method, weights=weights, tie=spec.tie)
    data = {
        "winner": outcome.winner,
        "tie": outcome.tie,
        "abstentions": outcome.abstentions,
        "counts": dict(outcome.counts),
        "method": method,
    }
    return _told(data), data


def _told(data: dict[str, Any]) -> str:
    counts = ", ".join(f"{option}: {count:g}" for option, count in data["counts"].items()) or "no votes"
    winner = f"The winner is {data['winner']}" if data["winner"] is not None else "There is no winner"
    tie = ", by a tie" if data["tie"] else ""
    return f"{winner}{tie} ({data['method']}). Votes: {counts}; abstentions: {data['abstentions']}."


def _auction(spec: VoteSpec, bids: Sequence[Ballot]) -> tuple[str, dict[str, Any]]:
    """Award a task to the bid that promises most for its price; of equal bids the first wins."""
    told = [
        {"number": number, "confidence": _number(bid.get(spec.field)), "price": _number(bid.get(spec.weight))}
        for number, bid in bids
    ]
    valued = [{**bid, "value": bid["confidence"] / bid["price"] if bid["price"] > 0 else 0.0} for bid in told]
    best = max(valued, key=lambda bid: bid["value"], default=None)
    data = {"number": best["number"] if best else None, "bids": valued, "method": "auction"}
    won = f"Bid {best['number']} wins" if best else "There is no bid"
    return f"{won}. All bids, with confidence by price as their value: {json.dumps(valued)}.", data


def _number(value: object) -> float:
    """Return a number that is not below zero; what is none counts as zero."""
    number = float(value) if isinstance(value, int | float) else 0.0
    return number if number >= 0 else 0.0

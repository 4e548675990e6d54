"""What judgements come to: letters back to contestants, orders held against each other, quotes looked up.

The rule, whole. A pair is won by the contestant that every look at it names; where the two orders name different ones, or one
of them a tie, the pair is a tie, and both answers are kept. Of several contestants each gets a point for a pair that it wins
and half a point for a tie, and the one with most points wins (Copeland's rule); where several have as many it is a tie.
Consistency is the share of the pairs on which both orders say the same; with one order nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from statistics import mean
from typing import Any

from workbench.dialogue.rules.judging import Contest, Order
from workbench.dialogue.running.quotes import check_quote, normalised

Answers = Mapping[str, Mapping[str, Any]]
"""Id of a judge's turn to its answer, in the form of `judging.SCHEMA`."""


def settle(contest: Contest, answers: Answers, texts: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Return the verdict as Markdown, and as data.

    The data: `winner` (a role, or None), `tie`, `tied` (who), `consistency` (0 to 1, or None), `points` and `scores` (by role;
    the mean of its marks), `by_pair` (`pair`, `winner`, `agree`), `by_order` (`turn`, `first`, `second`, `winner`, `scores`,
    `reason`), `quotes` (`order`, `speaker`, `quote`, `status`, `turn`, `said_by`) and `verified` (how many of them are).

    Args:
        contest: who was judged, in which orders.
        answers: of the judge; an order that was left out has none.
        texts: turn id to what was said; turns that were skipped are not in it.
    """
    contest = replace(contest, orders=tuple(order for order in contest.orders if order.turn in answers))
    by_order = [_look(order, answers[order.turn]) for order in contest.orders]
    by_pair = list(_pairs(by_order))
    points = {role: sum(_points(role, pair) for pair in by_pair) for role in contest.contestants}
    best = [role for role in points if points[role] == max(points.values())] if by_pair else []
    twice = [pair["agree"] for pair in by_pair if pair["agree"] is not None]
    quotes = _quotes(contest, answers, texts)
    data = {
        "winner": best[0] if len(best) == 1 else None,
        "tie": len(best) > 1,
        "tied": best if len(best) > 1 else [],
        "consistency": mean(twice) if twice else None,
        "points": points,
        "scores": {role: mean(marks) for role in points if (marks := _marks(role, by_order))},
        "by_pair": by_pair,
        "by_order": by_order,
        "quotes": quotes,
        "verified": sum(quote["status"] == "verified" for quote in quotes),
        "method": "judgement",
    }
    return "\n\n".join(_told(data)), data


def _look(order: Order, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the judge said of one order, with roles for letters."""
    return {
        "turn": order.turn,
        "first": order.first,
        "second": order.second,
        "winner": order.sides.get(answer["winner"]),
        "scores": {role: answer["scores"][letter] for letter, role in order.sides.items()},
        "reason": answer["reason"],
    }


def _marks(role: str, by_order: list[dict[str, Any]]) -> list[float]:
    return [one["scores"][role] for one in by_order if role in one["scores"]]


def _pairs(by_order: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    looks: dict[frozenset[str], list[dict[str, Any]]] = {}
    for one in by_order:
        looks.setdefault(frozenset((one["first"], one["second"])), []).append(one)
    for both in looks.values():
        winners = [one["winner"] for one in both]
        agree = winners[0] == winners[-1]
        yield {
            "pair": [both[0]["first"], both[0]["second"]],
            "winner": winners[0] if agree else None,
            "agree": agree if len(both) > 1 else None,
        }


def _points(role: str, pair: Mapping[str, Any]) -> float:
    if role not in pair["pair"]:
        return 0.0
    return 0.5 if pair["winner"] is None else float(pair["winner"] == role)


def _quotes(contest: Contest, answers: Answers, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    said = {
        role: {turn: normalised(texts[turn]) for turn in turns if turn in texts} for role, turns in contest.contestants.items()
    }
    return [
        {"order": order.turn, **asdict(check_quote(order.sides[given["speaker"]], given["quote"], said))}
        for order in contest.orders
        for given in answers[order.turn]["quotes"]
    ]


def _told(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paragraphs of the verdict."""
    if not data["by_order"]:
        yield "Nobody has judged."
        return
    yield _headline(data)
    if len(data["points"]) > 2:  # noqa: PLR2004 - of two, the winner says it all
        yield "Points, one for each pair won: " + _listed(data["points"])
    yield "Marks, 0 to 10: " + _listed(data["scores"])
    for one in data["by_order"]:
        winner = f"for {name(one['winner'])}" if one["winner"] else "a tie"
        yield f"{name(one['first'])} as A, {name(one['second'])} as B: {winner}. {_in_line(one['reason'])}"
    if data["quotes"]:
        lines = "\n".join(f"- {_quote(quote)}" for quote in data["quotes"])
        yield f"Quotes: {data['verified']} of {len(data['quotes'])} stand word for word in what the speaker said.\n\n{lines}"


def _headline(data: Mapping[str, Any]) -> str:
    pairs, both = data["by_pair"], data["consistency"] is not None
    if len(pairs) == 1:
        how = "both orders say so" if pairs[0]["agree"] else "the orders disagree" if both else "judged in one order only"
    elif both:
        twice = [pair["agree"] for pair in pairs if pair["agree"] is not None]
        how = f"both orders say the same of {sum(twice)} of {len(twice)} pairs"
    else:
        how = f"{len(pairs)} pairs, each judged in one order only"
    result = f"The winner is {name(data['winner'])}" if data["winner"] else f"A tie of {_and(data['tied'])}"
    return f"{result}: {how}."


def _quote(quote: Mapping[str, Any]) -> str:
    where = {
        "verified": f"{name(quote['speaker'])}, in {quote['turn']}",
        "other speaker": f"not by {name(quote['speaker'])}: {name(quote['said_by'] or '')} said it, in {quote['turn']}",
        "not found": f"not found; ascribed to {name(quote['speaker'])}",
    }
    return f"“{_in_line(quote['quote'])}” ({where[quote['status']]})"


def _listed(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name(role)} {number:g}" for role, number in numbers.items()) + "."


def _and(roles: list[str]) -> str:
    *some, last = map(name, roles)
    return f"{', '.join(some)} and {last}"


def name(role: str) -> str:
    """Return a role as it is shown."""
    return role.replace("_", " ").replace("-", " ").capitalize()


def _in_line(text: str) -> str:
    return " ".join(text.split())

"""Two dialogues side by side: what both say is folded, what they say differently is marked word by word.

Turns are paired by id, so a fork and its parent, two forks, or two runs of one mode can be compared. Texts are compared as
they were written, not as Markdown draws them, and shown without what could act or hide. Finding differences takes time that
grows faster than the texts; where it could take long, lines are compared instead of words, or nothing is marked.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.export.facts import ending, facts, money, speaker, title, visible
from workbench.dialogue.fork import origins
from workbench.dialogue.transcript import Transcript, Turn, measure
from workbench.events import Event, Status

_WORD: Final = re.compile(r"\s*\S+|\s+")
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_MOST: Final = 300_000_000
"""Steps that finding all differences may take, counted for the worst case: five seconds, and usually far less."""
_ISLAND: Final = 2
"""Words: fewer than that between two changes, three, are no agreement but chance."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text. `own` says that the other side does not have it."""

    text: str
    own: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """A turn in both dialogues; None on a side that does not have it."""

    id: str
    left: Turn | None
    right: Turn | None

    @property
    def turn(self) -> Turn:
        """The one of the two that is there."""
        turn = self.left or self.right
        assert turn is not None
        return turn

    @property
    def same(self) -> bool:
        """Whether both say the same."""
        if self.left is None or self.right is None:
            return False
        return (self.left.text, self.left.status) == (self.right.text, self.right.status)


@dataclass(frozen=True, slots=True)
class Side:
    """One dialogue's part: what it is, how it stands, and what the turns took that it does not share with the other."""

    id: str
    mode: str
    topic: str
    ending: str
    origin: str
    models: str
    took: str


@dataclass(frozen=True, slots=True)
class _Marked:
    """A pair with the pieces of its texts, and what has to be said besides."""

    pair: Pair
    left: list[Piece]
    right: list[Piece]
    note: str = ""


class DialogueDiff:
    """The difference of two dialogues; the last expression of a cell shows it.

    Args:
        left: a dialogue, running or stored; what it says by now counts.
        right: another one.

    Attributes:
        sides: facts of the two.
        common: the turns at the beginning that are the same.
        pairs: all turns after those, in order.
    """

    def __init__(self, left: Dialogue, right: Dialogue) -> None:
        told = (left.recorded_events(), right.recorded_events())
        ours, theirs = (Transcript(events) for events in told)
        spoken = tuple(origins(events) for events in told)
        shared = {name for name, where in spoken[0].items() if spoken[1].get(name) == where}
        self.sides = (_side(left, ours, told[0], shared), _side(right, theirs, told[1], shared))
        pairs = _paired(ours, theirs)
        split = next((number for number, pair in enumerate(pairs) if not _agrees(pair)), len(pairs))
        self.common, self.pairs = pairs[:split], pairs[split:]

    @property
    def same(self) -> bool:
        """Whether both say the same throughout."""
        return not self.pairs

    @property
    def note(self) -> str:
        """How far both are the same, in a sentence."""
        if not self.common:
            return "They differ from the first turn on." if self.pairs else "Neither has said anything."
        turns = f"{len(self.common)} turn{'s' * (len(self.common) != 1)}"
        return f"The same throughout ({turns})." if self.same else f"The same up to {title(self.common[-1].turn)} ({turns})."

    @property
    def text(self) -> str:
        """The difference for a terminal: `[-only in the first-]{+only in the second+}`."""
        heads = [
            f"{letter}  {line}" for letter, side in zip("AB", self.sides, strict=True) for line in _head(side, self._topics)
        ]
        return "\n".join([*heads, "", self.note, *(line for mark in self._marks for line in _told(mark))])

    @property
    def html(self) -> str:
        """The difference in two columns; its style reaches only itself."""
        from workbench.dialogue.export.as_html import template

        return template("diff.html.j2").render(
            sides=[{"lines": _head(side, self._topics)} for side in self.sides],
            note=self.note,
            common=[{"title": title(pair.turn), "text": _shown(pair.turn.text)} for pair in self.common],
            pairs=[_columns(mark) for mark in self._marks],
        )

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        return {"text/plain": self.text, "text/html": self.html}

    @cached_property
    def _marks(self) -> list[_Marked]:
        return [_marked(pair, _MOST // len(self.pairs)) for pair in self.pairs]

    @property
    def _topics(self) -> bool:
        """Whether the topics differ, and have to be told."""
        return self.sides[0].topic != self.sides[1].topic


def compare(left: str, right: str, most: int = _MOST) -> tuple[list[Piece], list[Piece]]:
    """Return both texts in pieces, those marked that the other one does not have; `most` bounds the steps.

    >>> compare("a b c d e", "a b x d e")
    ([Piece(text='a b', own=False), Piece(text=' c', own=True), Piece(text=' d e', own=False)], \
[Piece(text='a b', own=False), Piece(text=' x', own=True), Piece(text=' d e', own=False)])
    """
    for part, island in ((_WORD, _ISLAND), (_LINE, 0)):
        ours, theirs = part.findall(left), part.findall(right)
        keys = [word.strip() for word in ours], [word.strip() for word in theirs]
        if _steps(*keys) <= most:
            blocks = _blocks(*keys, island)
            return _pieces(ours, [block[:2] for block in blocks]), _pieces(theirs, [block[2:] for block in blocks])
    return [Piece(left, own=True)], [Piece(right, own=True)]


def _steps(left: Sequence[str], right: Sequence[str]) -> int:
    """Return how many steps the search takes at most: each match found costs another look at all equal words."""
    counts = Counter(right)
    return sum(number * counts[word] for word, number in Counter(left).items()) * (min(len(left), len(right)) + 1)


def _blocks(left: Sequence[str], right: Sequence[str], island: int) -> list[tuple[int, int, int, int]]:
    """Return where both are the same, as `start, end` in the one and in the other, without what agrees by chance."""
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    found = [(i, i + size, j, j + size) for i, j, size in matcher.get_matching_blocks() if size]
    edges = ((0, 0), (len(left), len(right)))
    return [
        block
        for block in found
        if block[1] - block[0] > island or (block[0], block[2]) == edges[0] or (block[1], block[3]) == edges[1]
    ]


def _pieces(words: Sequence[str], blocks: Iterable[Sequence[int]]) -> list[Piece]:
    pieces, at = list[Piece](), 0
    for start, end in [*blocks, (len(words), len(words))]:
        pieces += [Piece("".join(words[at:start]), own=True), Piece("".join(words[start:end]), own=False)]
        at = end
    return [piece for piece in pieces if piece.text]


def _paired(left: Transcript, right: Transcript) -> list[Pair]:
    """Return the turns of both, paired by id, in an order that suits both."""
    places: dict[str, int] = {}
    for turn in (*left.turns, *right.turns):
        places[turn.id] = max(turn.index, places.get(turn.id, 0))
    ids = sorted(places, key=places.__getitem__)
    ours, theirs = ({turn.id: turn for turn in side} for side in (left, right))
    return [Pair(name, ours.get(name), theirs.get(name)) for name in ids]


def _agrees(pair: Pair) -> bool:
    return pair.same and pair.turn.status is Status.COMPLETED


def _side(dialogue: Dialogue, transcript: Transcript, events: Sequence[Event], shared: set[str]) -> Side:
    own = [turn for turn in transcript.turns if turn.id not in shared]
    metrics = measure(own, None)
    said = f"{metrics.turns} turn{'s' * (metrics.turns != 1)}, {metrics.calls} call{'s' * (metrics.calls != 1)}"
    spent = f", {metrics.tokens:,} tokens, {money(metrics.cost)}" if metrics.calls else ""
    speakers = {turn.role: speaker(turn) for turn in own}
    names = set(speakers.values())
    models = ", ".join(names if len(names) == 1 else (f"{visible(role)}: {name}" for role, name in speakers.items()))
    run = getattr(events[0], "run", {}) if events else {}
    return Side(
        id=_in_line(dialogue.id),
        mode=_in_line(dialogue.mode),
        topic=_in_line(dialogue.topic),
        ending=ending(transcript),
        origin=_in_line(f"forked from {run['parent_id']} at {run.get('forked_from')}") if run.get("parent_id") else "",
        models=models,
        took=f"{'after the fork' if shared else 'in all'}: {said}{spent}" if own else "no turn of its own",
    )


def _shown(text: str) -> str:
    """Return what is shown of a text; a carriage return, by which a terminal would write over a line, ends it instead."""
    return "\n".join(visible(text).splitlines())


def _in_line(text: str) -> str:
    return visible(" ".join(text.split()))


def _head(side: Side, topics: bool) -> list[str]:  # noqa: FBT001 - one caller
    """Return the lines that stand above a side."""
    name = f"{side.id}, {side.mode}"
    return [text for text in (name, side.topic if topics else "", side.origin, side.ending, side.models, side.took) if text]


def _marked(pair: Pair, most: int) -> _Marked:
    if pair.left is None or pair.right is None:
        text = [Piece(_shown(pair.turn.text), own=False)]
        return _Marked(pair, text, []) if pair.left else _Marked(pair, [], text)
    left, right = _shown(pair.left.text), _shown(pair.right.text)
    if pair.left.text == pair.right.text:
        return _Marked(pair, [Piece(left, own=False)], [Piece(right, own=False)], "The same text.")
    ours, theirs = compare(left, right, most)
    same = not any(piece.own for piece in (*ours, *theirs))
    return _Marked(pair, ours, theirs, "They differ only in spaces, or in what cannot be seen." if same else "")


def _said_by(turn: Turn) -> str:
    standing = "" if turn.status in (Status.COMPLETED, Status.RUNNING) else f", {turn.status.replace('_', ' ')}"
    error = f": {visible(turn.error)}" if turn.error else ""
    return f"{visible(speaker(turn))}, {facts(turn)}{standing}{error}"


def _told(mark: _Marked) -> Iterator[str]:
    """Yield the lines of one pair."""
    yield ""
    yield f"[{title(mark.pair.turn)}]"
    for letter, turn in (("A", mark.pair.left), ("B", mark.pair.right)):
        yield f"  {letter}  {_said_by(turn) if turn else 'does not have this turn'}"
    if mark.note:
        yield mark.note
    one = mark.left if mark.pair.right is None else mark.right
    yield _woven(mark.left, mark.right) if mark.left and mark.right else "".join(piece.text for piece in one).strip()


def _woven(left: Sequence[Piece], right: Sequence[Piece]) -> str:
    """Return both texts as one; where they agree, it is the second one's spacing that stands."""
    text, theirs = "", list(right)
    for piece in [*left, None]:
        if piece is not None and piece.own:
            text += _bracketed(piece.text, "[-", "-]")
            continue
        while theirs and theirs[0].own:
            text += _bracketed(theirs.pop(0).text, "{+", "+}")
        if piece is not None and theirs:
            text += theirs.pop(0).text
    return text.strip()


def _bracketed(text: str, before: str, after: str) -> str:
    words = text.strip()
    return text.replace(words, f"{before}{words}{after}", 1) if words else text


def _columns(mark: _Marked) -> dict[str, object]:
    """Return what the template needs of one pair."""
    sides = [
        {"turn": _said_by(turn) if turn else "", "pieces": [_cut(piece) for piece in pieces], "mark": tag}
        for turn, pieces, tag in ((mark.pair.left, mark.left, "del"), (mark.pair.right, mark.right, "ins"))
    ]
    return {"title": title(mark.pair.turn), "note": mark.note, "sides": sides}


def _cut(piece: Piece) -> dict[str, object]:
    """Return a piece without the space before it, which is no difference to be marked."""
    words = piece.text.lstrip()
    return {"before": piece.text[: len(piece.text) - len(words)], "text": words, "own": piece.own}

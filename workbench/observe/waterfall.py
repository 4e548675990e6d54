"""Where the time of a dialogue went: its turns as rows of stretches, and the critical path through them.

The critical path is what made the dialogue as long as it was: from its end, always back to what ended last before. What ran
beside that did not make it longer. So the shares along the path add up to the whole. Time in which people were waited for, or
in which the dialogue stood still between two runs, is told apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from workbench.dialogue.export.facts import visible
from workbench.dialogue.prompts.context import with_round
from workbench.observe.span import Key, Span, Trace

What = Literal["queue", "first token", "answer", "failed", "pause", "person", "function", "stopped", "between"]
APART: Final = ("person", "stopped")
_SPOKEN: Final = ("first token", "answer")
_RETRIES: Final = ("failed", "pause")
_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a turn.

    Attributes:
        what: `queue` is the wait for a free place, `first token` that for the first piece of an answer, `answer` the time in
            which it came (or all of it, where it was not streamed), `failed` a call that brought no answer, `pause` the wait
            before the next try, `person` the wait for one, `function` a hook's work, `stopped` the time between two runs.
        begin: seconds after the dialogue's start, like `end`.
        call: that it is a part of.
    """

    what: What
    begin: float
    end: float
    call: Span | None = None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Row:
    """A turn, or the head of a sub-dialogue.

    Attributes:
        title: who speaks, or what the sub-dialogue is about.
        depth: 0 for the dialogue's own turns.
        begin: seconds after the dialogue's start, like `end`.
        stretches: what is known of what it did.
        calls: its calls, failed ones included.
        critical: seconds of it that lie on the critical path.
        head: whether it is a sub-dialogue, whose turns follow.
    """

    title: str
    depth: int
    begin: float
    end: float
    stretches: tuple[Stretch, ...]
    calls: tuple[Span, ...]
    critical: float
    status: str
    head: bool = False

    def took(self, *what: What) -> float:
        """Return the seconds of stretches of some kinds."""
        return sum(stretch.seconds for stretch in self.stretches if stretch.what in what)

    @property
    def models(self) -> list[str]:
        """The models that were called, each once."""
        return list(dict.fromkeys(call.model or "" for call in self.calls))

    @property
    def cost(self) -> float | None:
        """USD of the calls whose cost is known; None when none is."""
        known = [call.cost for call in self.calls if call.cost is not None]
        return sum(known) if known else None

    @property
    def tokens(self) -> int | None:
        """Of all its calls; None where nobody counted."""
        known = [call.usage.total for call in self.calls if call.usage]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The time of a dialogue.

    Attributes:
        dialogue: its id.
        mode: of the dialogue.
        seconds: from its start to its end.
        rows: turns in the order in which they began, those of sub-dialogues below them.
        path: the critical path, from the start to the end, without holes.
    """

    dialogue: str
    mode: str
    seconds: float
    rows: tuple[Row, ...]
    path: tuple[Stretch, ...]

    @property
    def worked(self) -> float:
        """Seconds without those in which people were waited for, or in which nothing ran between two runs."""
        return self.seconds - self._along(*APART)

    @property
    def shares(self) -> dict[str, float]:
        """What the critical path was spent on, as shares of `worked`, the largest first; they add up to 1."""
        spent: defaultdict[str, float] = defaultdict(float)
        for stretch in self.path:
            if stretch.what not in APART:
                spent[_named(stretch)] += stretch.seconds
        return dict(sorted(((name, took / self.worked) for name, took in spent.items() if took), key=lambda pair: -pair[1]))

    @property
    def sentence(self) -> str:
        """Where the time went, in one sentence or two."""
        if not self.path or not self.seconds:
            return "It took no time."
        told = [f"{share:.0%} {name}" for name, share in self.shares.items() if round(share, 2) > 0]
        parts = [f"Of {_time(self.worked)}: {', '.join(told)}." if told else ""]
        if waited := self._along("person"):
            parts.append(f"People were waited for {_time(waited)}, which is not part of that.")
        if stood := self._along("stopped"):
            parts.append(f"It stood still for {_time(stood)} between its runs.")
        return " ".join(filter(None, parts))

    def _along(self, *what: What) -> float:
        return sum(stretch.seconds for stretch in self.path if stretch.what in what)


def waterfall_of(trace: Trace) -> Waterfall:
    """Return where the time of a traced dialogue went."""
    tree = _Tree(trace.spans)
    root = trace.spans[0]
    back = list(tree.back(root, root.ended_at))
    critical: defaultdict[Key, float] = defaultdict(float)
    for piece, owner in back:
        critical[owner.key] += piece.seconds
    path = tuple(piece for piece, _ in reversed(back))
    return Waterfall(trace.dialogue, trace.mode, root.ended_at - root.started_at, tuple(tree.rows(root, 0, critical)), path)


class _Tree:
    """The spans of a trace, by what they are part of; times come out as seconds after the start."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._zero = spans[0].started_at
        self._below: defaultdict[Key | None, list[Span]] = defaultdict(list)
        for span in spans:
            self._below[span.parent].append(span)

    def rows(self, span: Span, depth: int, critical: Mapping[Key, float]) -> Iterator[Row]:
        """Yield the rows of a dialogue's turns."""
        for part in sorted(self._below[span.key], key=lambda each: each.started_at):
            if part.kind == "run":
                yield from self.rows(part, depth, critical)
            if part.kind != "turn" or part.status == "skipped":
                continue
            calls = tuple(each for each in self._below[part.key] if each.kind == "call")
            yield self._row(part, depth, self._stretches(part), calls, critical)
            for inner in self._below[part.key]:
                if inner.kind in ("dialogue", "run"):
                    yield self._row(inner, depth + 1, (), (), critical)
                    yield from self.rows(inner, depth + 2, critical)

    def back(self, span: Span, until: float) -> Iterator[tuple[Stretch, Span]]:
        """Yield the critical path through a span from a time in it back to its start, each piece with its turn."""
        at, after = until, None
        parts = [part for part in self._below[span.key] if part.ended_at > span.started_at]
        while earlier := [part for part in parts if _begin(part) < at]:
            last = max(earlier, key=lambda part: (min(part.ended_at, at), part.ended_at <= at, part.started_at))
            if last.ended_at < at:
                yield self._gap(span, last.ended_at, at, after), span
            end = min(last.ended_at, at)
            start = max(_begin(last), span.started_at)
            if last.kind in ("call", "wait"):
                yield from ((piece, span) for piece in reversed(list(self._pieces(last, start, end))))
            else:
                yield from self.back(last, end)
            at, after = min(start, at), last
            if at <= span.started_at:
                return
        if span.started_at < at:
            yield self._gap(span, span.started_at, at, after), span

    def _stretches(self, turn: Span) -> tuple[Stretch, ...]:
        """Return what is known of a turn's time, calls and the pauses between them."""
        found: list[Stretch] = []
        before: float | None = None
        for part in sorted(self._below[turn.key], key=_begin):
            if part.kind not in ("call", "wait"):
                continue
            start = max(_begin(part), turn.started_at)
            if before is not None and part.kind == "call" and start > before and _tries_again(part):
                found.append(self._made("pause", before, start, part))
            found += self._pieces(part, start, part.ended_at)
            before = part.ended_at if part.kind == "call" else before
        if turn.speaker == "hook":
            found.append(self._made("function", turn.started_at, turn.ended_at))
        return tuple(stretch for stretch in found if stretch.seconds > 0)

    def _pieces(self, part: Span, start: float, end: float) -> Iterator[Stretch]:
        """Yield a call or a wait in stretches, cut off at an end."""
        if part.kind == "wait":
            yield self._made("person", start, end)
            return
        begun, first = min(max(part.started_at, start), end), part.first_token_at
        if start < begun:
            yield self._made("queue", start, begun, part)
        if part.status != "ok":
            yield self._made("failed", begun, end, part)
        elif first is None:
            yield self._made("answer", begun, end, part)
        else:
            first = min(max(first, begun), end)
            yield self._made("first token", begun, first, part)
            yield self._made("answer", first, end, part)

    def _gap(self, span: Span, begin: float, end: float, after: Span | None) -> Stretch:
        """Return the time in which nothing of a span ran, before a part of it (None for its end)."""
        if after is not None and after.kind == "run":
            return self._made("stopped", begin, end)
        if after is not None and after.kind == "call" and _tries_again(after):
            return self._made("pause", begin, end, after)
        what: Mapping[str | None, What] = {"hook": "function", "person": "person"}
        return self._made(what.get(span.speaker, "between"), begin, end)

    def _made(self, what: What, begin: float, end: float, call: Span | None = None) -> Stretch:
        return Stretch(what, begin - self._zero, end - self._zero, call)

    def _row(
        self, span: Span, depth: int, stretches: tuple[Stretch, ...], calls: tuple[Span, ...], critical: Mapping[Key, float]
    ) -> Row:
        head = span.kind != "turn"
        return Row(
            title=f"{span.name}: {span.input}" if head else _title(span),
            depth=depth,
            begin=span.started_at - self._zero,
            end=span.ended_at - self._zero,
            stretches=stretches,
            calls=calls,
            critical=critical.get(span.key, 0.0),
            status=span.outcome,
            head=head,
        )


def _begin(span: Span) -> float:
    """Return when a span began, the wait for a free place included."""
    return span.started_at - (span.queue or 0.0)


def _tries_again(call: Span) -> bool:
    return (call.attempt or 1) > 1 or call.fallback_reason is not None


def _title(turn: Span) -> str:
    role = visible(turn.role or turn.name)
    return with_round(role.replace("_", " ").capitalize(), role, turn.metadata.get("round"))


def _named(stretch: Stretch) -> str:
    """Return what a stretch counts as where shares are told."""
    if stretch.what in _SPOKEN:
        return f"waiting for {stretch.call.model if stretch.call else 'a model'}"
    if stretch.what in _RETRIES:
        return "failed calls and retries"
    return {"queue": "queue", "function": "functions"}.get(stretch.what, "in between")


def _time(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < _MINUTE else f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s"

"""Which earlier turns a turn is shown, and how, so that they fit: whole, shortened, as a summary, or not at all.

`arrange` takes what a turn could see and what there is room for, and returns what it is shown. Nothing is lost in silence: what
is left out stands in a line of its own, what is shortened or summarised says so, and what cannot be made to fit is refused.
What becomes of a turn's text depends on its neighbours only where the rule says so, and the line stands behind the texts; so a
later turn is shown what an earlier one was, and more behind it, and a provider's prompt cache hits.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from workbench.dialogue.prompts.arrangement import Arrangement, Part, Room, Seen, SummaryRequest, notice_of
from workbench.dialogue.prompts.extracts import GAP, closeness, shortened
from workbench.dialogue.prompts.summaries import LEAST, request_for
from workbench.dialogue.rules.mode import ContextSpec
from workbench.errors import ErrorKind, ModeError, ModelError, WorkbenchError
from workbench.models.embeddings import Embedder, local_embedder

_SHORTENED: Final = f"[Shortened: {GAP} stands for what is left out]\n"
_SUMMARY: Final = "[Summary]\n"


def arrange(
    spec: ContextSpec,
    seen: Sequence[Seen],
    room: Room,
    *,
    prompt: str,
    count: Callable[[str], int],
    summaries: Mapping[str, str] | None = None,
    embedder: Embedder | None = None,
) -> Arrangement:
    """Return what a turn is shown of the earlier ones. Counts tokens and compares texts: not for the event loop.

    Args:
        spec: the rule.
        seen: what the turn could be shown, in order.
        room: what there is room for.
        prompt: of the turn; what is relevant is measured by it.
        count: tells the tokens of a text in the model that will be asked.
        summaries: the answers to what earlier calls wanted, by key; an empty one leaves its turn out.
        embedder: what compares texts; by default the model of the extra `embeddings`.

    Raises:
        ModelError: (context_too_long) it does not fit into the model's window, and the rule does not make it fit.
        ModeError: nor into the rule's own share.
        WorkbenchError: texts must be compared, and the extra is not installed.
    """
    return _Arranger(spec, seen, room, prompt, count, summaries or {}, embedder or local_embedder()).arranged()


class _Arranger:
    """Chooses turns, and where they do not fit does what the rule says."""

    def __init__(
        self,
        spec: ContextSpec,
        seen: Sequence[Seen],
        room: Room,
        prompt: str,
        count: Callable[[str], int],
        summaries: Mapping[str, str],
        embedder: Embedder,
    ) -> None:
        self._spec, self._seen, self._room, self._prompt = spec, seen, room, prompt
        self._count, self._summaries, self._embedder = count, summaries, embedder
        self._whole = sum(turn.tokens for turn in seen)
        self._share = int(spec.share * self._whole) if spec.share and spec.strategy != "summarised" else None
        self._by_id = {turn.id: turn for turn in seen}

    def arranged(self) -> Arrangement:
        if self._room.tokens is not None and self._room.tokens < 0:
            raise self._refusal([])
        parts = self._chosen()
        if not self._fits(parts):
            parts = self._made_to_fit(parts)
        parts = sorted((part for part in parts if not self._is_blank(part)), key=lambda part: part.index)
        requests = [self._request(self._by_id[part.id]) for part in parts if part.how == "summary"]
        wanted = tuple(request for request in requests if request.key not in self._summaries)
        return Arrangement(tuple(parts), self._left_out(parts), wanted)

    def _chosen(self) -> list[Part]:
        """Return what the strategy shows, the most wanted first."""
        spec, latest = self._spec, self._seen[::-1]
        match spec.strategy:
            case "full":
                return [_whole(turn) for turn in latest]
            case "selected":
                return [_whole(turn) for turn in latest if {turn.id, turn.index, f"turn_{turn.index}"} & set(spec.turns)]
            case "last":
                return self._within_share(map(_whole, latest[: spec.last]), skip=False)
            case "relevant":
                return self._within_share(map(_whole, self._by_relevance()[: spec.relevant]), skip=True)
            case "summarised":
                return [
                    self._summed_up(turn) if place >= (spec.last or 0) else _whole(turn) for place, turn in enumerate(latest)
                ]

    def _by_relevance(self) -> list[Seen]:
        scores = closeness(self._prompt, [turn.text for turn in self._seen], self._embedder)
        return [turn for _, turn in sorted(zip(scores, self._seen, strict=True), key=lambda pair: (-pair[0], -pair[1].index))]

    def _within_share(self, parts: Iterable[Part], *, skip: bool) -> list[Part]:
        """Return parts until the share is full; `skip` those that are too long and go on."""
        if self._share is None:
            return list(parts)
        kept, left = list[Part](), self._share
        for part in parts:
            if part.tokens <= left:
                kept.append(part)
                left -= part.tokens
            elif not skip:
                break
        return kept

    def _made_to_fit(self, parts: list[Part]) -> list[Part]:
        match self._spec.overflow:
            case "refuse":
                raise self._refusal(parts)
            case "leave_out":
                made = self._fewer(parts)
            case "shorten":
                made = self._shorter(parts)
            case "summarise":
                made = self._more_summaries(parts)
        if not self._fits(made) or (not made and not self._share_is_tighter()):
            raise self._refusal(made or parts)
        return made

    def _fewer(self, parts: list[Part]) -> list[Part]:
        kept = list(parts)
        while kept and not self._fits(kept):
            kept.pop()
        return kept

    def _shorter(self, parts: list[Part]) -> list[Part]:
        """Bring the longest texts down to a common length; short ones stay whole."""
        whole = [part for part in parts if part.how == "whole"]
        fixed = [part for part in parts if part.how != "whole"]
        most = level([part.tokens for part in whole], self._limit(parts) - sum(part.tokens for part in fixed))
        cut = (part if part.tokens <= most else self._extract(part, most) for part in whole)
        return fixed + [part for part in cut if part is not None]

    def _extract(self, part: Part, most: int) -> Part | None:
        around = self._around(part)
        text = shortened(part.text, self._prompt, most - around - self._count(_SHORTENED), self._count, self._embedder)
        if text is None:
            return None
        text = _SHORTENED + text
        return Part(part.id, part.index, part.label, text, around + self._count(text), "shortened")

    def _more_summaries(self, parts: list[Part]) -> list[Part]:
        made = sorted(parts, key=lambda part: part.index)
        for place, part in enumerate(made):
            if self._fits(made):
                break
            if part.how == "whole":
                made[place] = self._summed_up(self._by_id[part.id])
        return made

    def _summed_up(self, turn: Seen) -> Part:
        """Return a turn's summary, or a place for it, or the turn if it is short."""
        request = self._request(turn)
        if turn.tokens < 2 * LEAST or turn.tokens <= request.most:
            return _whole(turn)
        known = self._summaries.get(request.key)
        text = "" if known is None else _SUMMARY + known.strip()
        size = request.most + self._count(_SUMMARY) if known is None else self._count(text)
        return Part(turn.id, turn.index, turn.label, text, self._around(turn) + size, "summary")

    def _request(self, turn: Seen) -> SummaryRequest:
        return request_for(turn, self._spec.share if self._spec.strategy == "summarised" else None)

    def _is_blank(self, part: Part) -> bool:
        return part.text == _SUMMARY

    def _around(self, turn: Seen | Part) -> int:
        """Return the tokens that come with a turn's text."""
        return max(0, turn.tokens - self._count(turn.text))

    def _fits(self, parts: Sequence[Part]) -> bool:
        tokens = sum(part.tokens for part in parts)
        return tokens <= self._limit(parts)

    def _limit(self, parts: Sequence[Part]) -> int:
        """Return the tokens that these parts may take, beside the line that announces the others."""
        limits = [] if self._share is None else [self._share]
        if self._room.tokens is not None:
            limits.append(self._room.tokens - self._count(notice_of(self._left_out(parts))))
        return min(limits, default=sys.maxsize)

    def _share_is_tighter(self) -> bool:
        """Whether it is the rule's own share that keeps everything out, which is what was asked for."""
        return self._share is not None and (self._room.tokens is None or self._share <= self._room.tokens)

    def _left_out(self, parts: Sequence[Part]) -> tuple[int, ...]:
        shown = {part.id for part in parts}
        return tuple(turn.index for turn in self._seen if turn.id not in shown)

    def _refusal(self, parts: Sequence[Part]) -> WorkbenchError:
        room, tokens = self._room, sum(part.tokens for part in parts)
        ways = " or ".join(way for way in ("leave_out", "shorten", "summarise") if way != self._spec.overflow)
        if self._share is not None and tokens > self._share and self._share_is_tighter():
            return ModeError(
                f"turn {room.turn}: it is shown {tokens:,} tokens, and its share is {self._share:,} of {self._whole:,}",
                hint=f"Raise share, show fewer turns, or set overflow: {ways}.",
            )
        earlier = f"the earlier turns take {tokens:,} tokens, its own prompt" if parts else "its prompt alone takes"
        about = "" if room.exact else "; tokens are estimated, so a tenth stays free"
        return ModelError(
            ErrorKind.CONTEXT_TOO_LONG,
            f"turn {room.turn} does not fit: {earlier} {room.stands:,}, its answer may take {room.answer:,}, and the "
            f"window has {room.window:,}{about}",
            model=room.model,
            hint=(f"Show fewer turns, set overflow: {ways} in its context, " if parts else "Shorten the prompt, ")
            + "lower max_tokens, or use a model with a larger window.",
        )


def level(sizes: Sequence[int], room: int) -> int:
    """Return the greatest length to which all can be cut so that they fit.

    >>> level([10, 500, 300], 410)
    200
    """
    for place, size in enumerate(sorted(sizes)):
        most = room // (len(sizes) - place)
        if size > most:
            return most
        room -= size
    return max(sizes, default=0)


def _whole(turn: Seen) -> Part:
    return Part(turn.id, turn.index, turn.label, turn.text, turn.tokens)

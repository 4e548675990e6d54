"""Markdown that GitHub and JupyterLab read.

What a model said is quoted, line by line, so that no heading, list or fence of its own can take over the page, and raw
HTML in it is shown and not meant.
"""

from __future__ import annotations

import re
from typing import Final

from workbench.dialogue.export.beliefs import COLUMNS, positions_section
from workbench.dialogue.export.facts import ending, facts, speaker, sub_dialogues, title, totals, visible, warnings_of
from workbench.dialogue.transcript import Transcript, Turn
from workbench.events import Status

_IMAGE: Final = re.compile(r"!+(?=\[)")
_TAG: Final = re.compile(r"<(?=[A-Za-z/!?])")
_ELSEWHERE: Final = r"\s*(?!https?://|mailto:|#)(?:<[^>\n]*|\S*)[:&\\]"
"""A destination with a scheme, an entity or an escape in it, unless it plainly leads to a page or a mailbox."""
_LINK: Final = re.compile(rf"(?i)\](?=[(:]{_ELSEWHERE})")


def to_markdown(transcript: Transcript) -> str:
    """Return the whole dialogue."""
    head = [f"# {_inline(transcript.topic)}", "", f"{_inline(transcript.mode)}, {_inline(ending(transcript))}"]
    head += [f"\n**Warning:** {_inline(warning)}" for warning in warnings_of(transcript)]
    body = [block for turn in transcript.turns for block in (*_turn(turn), *_below(transcript, turn))]
    foot = ["---", "", f"{totals(transcript.metrics)}. Dialogue {_inline(transcript.id)}.", ""]
    return "\n".join([*head, "", *body, *_positions(transcript), *foot])


def harmless(text: str) -> str:
    """Return model text whose raw HTML is literal, whose images are links, and whose links lead to no script."""
    text = _TAG.sub("&lt;", visible(text))
    return _LINK.sub(r"]\\", _IMAGE.sub("", text))


def _turn(turn: Turn) -> list[str]:
    lines = [f"## {_inline(title(turn))}", "", f"*{_inline(f'{speaker(turn)}, {facts(turn)}')}*", ""]
    if turn.status is not Status.COMPLETED:
        lines += [f"**{turn.status}** {_inline(turn.error or '')}".rstrip(), ""]
    if turn.text:
        lines += [*(f"> {line}".rstrip() for line in harmless(turn.text).strip().splitlines()), ""]
    return lines


def _below(transcript: Transcript, turn: Turn) -> list[str]:
    lines = [f"- Sub-dialogue: {_inline(line)}" for line in sub_dialogues(transcript, turn)]
    return [*lines, ""] if lines else []


def _positions(transcript: Transcript) -> list[str]:
    section = positions_section(transcript)
    if not section:
        return []
    lines = ["## Positions", "", *(f"- {_inline(sentence)}" for sentence in section.sentences), ""]
    if section.rows:
        rows = [COLUMNS, ["---"] * len(COLUMNS), *section.rows]
        lines += [*(f"| {' | '.join(_inline(cell).replace('|', chr(92) + '|') for cell in row)} |" for row in rows), ""]
    return lines


def _inline(text: str) -> str:
    return harmless(" ".join(text.split()))

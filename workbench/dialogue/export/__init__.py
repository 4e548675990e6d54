"""A dialogue as a file: JSON that reads back without loss, Markdown, HTML and PDF for people.

Everything here is made from the transcript alone, needs no kernel and no network, and treats what models said as hostile:
`as_markdown` quotes it, `as_html` sanitises it, `as_pdf` prints that HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from workbench.dialogue.transcript import Transcript
from workbench.errors import ExportError
from workbench.events import Event


class Format(StrEnum):
    """What a dialogue can be exported as."""

    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    PDF = "pdf"

    @classmethod
    def parse(cls, text: Format | str) -> Format:
        """Return the format of a name or a file ending.

        Raises:
            ExportError: there is no such format.
        """
        name = {"md": "markdown", "htm": "html"}.get(str(text).lower(), str(text).lower())
        try:
            return cls(name)
        except ValueError:
            raise ExportError(f"no format is called {text!r}", hint=f"There are: {', '.join(cls)}.") from None


def export_dialogue(
    transcript: Transcript, events: Sequence[Event], fmt: Format, path: str | Path | None = None
) -> str | bytes:
    """Return a dialogue in a format, and write it to `path` if one is given.

    Raises:
        ExportError: the file cannot be written, or the format's library is missing.
    """
    content = _render(transcript, events, fmt)
    if path is not None:
        write_export(content, path)
    return content


def write_export(content: str | bytes, path: str | Path) -> None:
    """Write an export to a file.

    Raises:
        ExportError: it cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        Path(path).write_bytes(data)
    except (OSError, ValueError) as error:  # ValueError: a path with NUL in it
        raise ExportError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from None


def _render(transcript: Transcript, events: Sequence[Event], fmt: Format) -> str | bytes:
    match fmt:
        case Format.JSON:
            from workbench.dialogue.export.as_json import to_json

            return to_json(transcript, events)
        case Format.MARKDOWN:
            from workbench.dialogue.export.as_markdown import to_markdown

            return to_markdown(transcript)
        case Format.HTML:
            from workbench.dialogue.export.as_html import page

            return page(transcript)
        case Format.PDF:
            from workbench.dialogue.export.as_pdf import to_pdf

            return to_pdf(transcript)

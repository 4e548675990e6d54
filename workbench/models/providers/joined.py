"""An answer in one piece, made from one that comes in many."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from workbench.models.provider import Chunk


async def joined(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    """Keep the text back until it is whole; the empty chunks go on telling that something happens."""
    text, reasoning = "", ""
    async for chunk in chunks:
        text, reasoning = text + chunk.text, reasoning + chunk.reasoning
        final = chunk.finish_reason is not None
        yield replace(chunk, text=text, reasoning=reasoning) if final else replace(chunk, text="", reasoning="")

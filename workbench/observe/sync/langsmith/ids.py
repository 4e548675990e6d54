"""Ids at LangSmith. They follow from what is recorded, so whatever is sent again is known there as what it was.

Runs have UUIDs of version 7, as LangSmith's own SDK gives them: milliseconds of the start, then bits of a hash (RFC 9562,
5.7). The 12 bits that share the first 8 bytes with the time are moved on where two runs of a trace would have the same ones,
because some tools tell spans apart by these bytes alone. Everything else has UUIDs of version 8: a hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from workbench.observe.span import Key, Span, digest

_MASK: Final = 0xFFF


def run_ids(spans: Iterable[Span]) -> dict[Key, str]:
    """Return the ids of a trace's spans. Give all that began before, parents first: a later part does not change them."""
    found: dict[Key, str] = {}
    heads: set[int] = set()
    for span in spans:
        bits = digest(span.key, 16)
        head = run_head(span.started_at, int.from_bytes(bits[:2]))
        while head in heads:
            head = (head & ~_MASK) | ((head + 1) & _MASK)
        heads.add(head)
        found[span.key] = _uuid(head, bits[8:])
    return found


def run_head(started_at: float, bits: int) -> int:
    """Return the first 8 bytes of a run's id: milliseconds, the version, and 12 of some bits."""
    milliseconds = min(max(int(started_at * 1000), 0), 2**48 - 1)
    return milliseconds << 16 | 7 << 12 | bits & _MASK


def thing_id(*parts: str) -> str:
    """Return the id of a thing that is no run.

    >>> thing_id("dataset", "3f9a")
    'c3e6b228-2480-84ab-abbe-77eaca65ad3e'
    """
    bits = int.from_bytes(hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).digest()[:16])
    return str(UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 8 << 76 | 2 << 62))


def session_id(run: str, arm: str) -> str:
    """Return the id of the project of an arm in a run of an experiment."""
    return thing_id("session", run, arm)


def _uuid(head: int, tail: bytes) -> str:
    return str(UUID(int=head << 64 | 2 << 62 | int.from_bytes(tail) & (2**62 - 1)))

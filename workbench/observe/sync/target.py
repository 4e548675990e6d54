"""What a target of the sync is, and what it is handed.

A *source* is a part of the record that is to be copied: the record wrote it into the outbox in the transaction that made it.
A target turns a source into *parcels*, once; a parcel's bytes are frozen in the outbox before it is sent for the first time,
and every later attempt sends the same bytes. What came of an attempt is one of the answers below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.records import Record


@dataclass(frozen=True, slots=True)
class Source:
    """A part of the record that is to be copied.

    Attributes:
        kind: `dialogue`, `rating`, `assessment`, `outcome`, `experiment`, `run` or `observation`.
        key: of a dialogue `ID@FROM-TO`, its events with numbers above FROM up to TO, so that what a resumed dialogue added is
            a source of its own; of an observation `RUN/NUMBER/ARM/REPEAT/ATTEMPT`, where ARM may have slashes in it; else the
            row's id. The same source comes again when the record says something new of it: scores that were given later, a run
            that has ended.
        made_at: Unix time at which the outbox took it up.
    """

    kind: str
    key: str
    made_at: float


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one request carries.

    Attributes:
        kind: what is inside, in the target's own words: `spans`, `scores`, `dataset`, `items`, …
        key: tells it apart from all other parcels of the target; the same source gives the same keys again. A key that comes
            again with other bytes is a later word and is sent too, unless its kind is in `counts_twice`; so no digest in it.
        things: the ids of the things inside, as the service knows them.
        body: the frozen bytes that `send` needs.
    """

    kind: str
    key: str
    things: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """The service has all of it; or, where `refused` names some, all but those, which it will never take."""

    refused: tuple[tuple[str, str], ...] = ()
    """Thing and reason."""


@dataclass(frozen=True, slots=True)
class Later:
    """The service has none of it (connection refused, 429): try again."""

    reason: str
    seconds: float | None = None
    """What the service asked for."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """Nobody knows whether the service has it (time-out, connection lost, 5xx)."""

    reason: str
    seconds: float | None = None
    """What the service asked for."""


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The service wants less at once (413): halve it."""

    reason: str = "too large"


@dataclass(frozen=True, slots=True)
class Dead:
    """The service will never take it."""

    reason: str
    remedy: str = ""
    denied: bool = False
    """Whether it may be us that the service does not take (401, 403) rather than this parcel. `check` is asked then: where it
    raises, the parcel waits and nothing else is sent."""


class NotYetError(WorkbenchError):
    """What the record has of a source does not tell yet where it belongs; it is turned into parcels later."""


Answer = Sent | Later | Unsure | TooLarge | Dead


class Target(Protocol):
    """A service that the record is copied to. Methods are called on an event loop and must not block it.

    Attributes:
        id: tells the service and the project in it apart from all others, without a secret: `langfuse:HOST/PUBLIC_KEY`.
        title: what people see: `Langfuse (cloud.langfuse.com)`.
        kinds: the kinds of sources that it takes; others are not put into its outbox.
        counts_twice: the kinds of parcels of which a second copy would count again: an unsure one is looked up before it is
            sent again. All others are sent again, because the service knows them by their ids.
        lag: seconds after which what was sent can be looked up.
    """

    id: str
    title: str
    kinds: frozenset[str]
    counts_twice: frozenset[str]
    lag: float

    async def check(self) -> str:
        """Return what the service says of itself (version, project). Raises a `WorkbenchError` where it cannot be used."""

    async def parcels(self, source: Source, record: Record) -> list[Parcel]:
        """Turn a source into parcels, in the order in which they must arrive; none where there is nothing to copy.

        Raises:
            NotYetError: the source is to be held back for a while.
            WorkbenchError: it cannot be copied.
        """

    async def send(self, parcel: Parcel) -> Answer:
        """Try once."""

    async def missing(self, parcel: Parcel) -> tuple[str, ...] | None:
        """Return those of a parcel's things that the service does not have; None where it cannot tell now."""

    def part(self, parcel: Parcel, things: tuple[str, ...], key: str) -> Parcel:
        """Return a parcel with some of another's things: a half of it, or what was missing."""

    async def aclose(self) -> None:
        """Let go of connections."""

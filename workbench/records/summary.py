"""One dialogue as a row: what a list of dialogues shows, without its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.events import Status
from workbench.records.owners import is_alive


def standing(status: Status, *, live: bool) -> str:
    """Return where a dialogue or a turn stands, in a word: what says running with no process behind it is interrupted."""
    return "interrupted" if status is Status.RUNNING and not live else str(status)


@dataclass(frozen=True, slots=True)
class DialogueSummary:
    """A dialogue's row.

    Attributes:
        id: unique in the record.
        created_at: Unix time in seconds, like `updated_at` and `ended_at`.
        ended_at: None while it runs.
        owner: the process that runs it, see `workbench.records.owners`; None once it has ended.
        parent_id: the dialogue that this one was forked from or spawned by.
        forked_from: the last turn that a fork took over from its parent.
        run: all that is needed to run it again.
        prompt_tokens: over all calls whose usage is known, failed ones included; so is `completion_tokens`.
        cost: USD over the calls whose cost is known; None when none is.
        unknown_cost_calls: calls that `cost` does not include.
    """

    id: str
    mode: str
    topic: str
    status: Status
    reason: str | None
    created_at: float
    updated_at: float
    ended_at: float | None
    owner: str | None
    parent_id: str | None
    forked_from: str | None
    run: dict[str, Any]
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    unknown_cost_calls: int
    turns_completed: int

    @property
    def interrupted(self) -> bool:
        """Whether it counts as running, but no process runs it any more."""
        return self.status is Status.RUNNING and not is_alive(self.owner, self.updated_at)

    @property
    def standing(self) -> str:
        """Where it stands, in a word: its status, or `interrupted`."""
        return standing(self.status, live=not self.interrupted)

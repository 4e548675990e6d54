"""What a comparison is, as the first debate carries it into the record; and how its dialogues are linked.

A comparison has the id of its first debate. Every other dialogue of it has that one as its parent, and says in its first event
what it is for. So a comparison that stopped is found again with nothing but its id, and what is complete is not asked again.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.dialogue.baselines.cases import Case
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.orchestrator import Orchestrator
from workbench.errors import WorkbenchError
from workbench.events import DialogueStarted
from workbench.models import ModelCard

DEBATE: Final = "debate"
"""The approach that is compared, whatever its mode is called."""
_FIELD: Final = "comparison"


class Setup(BaseModel):
    """What is compared.

    Attributes:
        cases: topics, all with an expected answer or none.
        baselines: names, in the order of the table.
        referee: the model that compares answers, then its fallbacks; empty where answers are known.
        judgements: how often the referee compares two answers, in both orders each time.
        margin: the smallest difference that matters, as a share.
        confidence: of intervals.
        at_once: cases that run at the same time.
    """

    model_config = ConfigDict(frozen=True)

    cases: tuple[Case, ...]
    baselines: tuple[str, ...]
    referee: tuple[ModelCard, ...] = ()
    judgements: int = 1
    margin: float = 0.05
    confidence: float = 0.95
    at_once: int = 4

    @property
    def keyed(self) -> bool:
        """Whether the right answers are known."""
        return self.cases[0].expected is not None


class Part(NamedTuple):
    """What one dialogue of a comparison is for: an approach to a case, or a judgement of it.

    `judgement` counts from 1 and is 0 for the approach itself; `order` is `ab` where the debate's answer stands first.
    """

    case: int
    approach: str
    judgement: int = 0
    order: str = ""


async def begin(orchestrator: Orchestrator, run: RunSpec, part: Part, root: str | None, setup: Setup | None = None) -> str:
    """Put a dialogue into the record, ready to be resumed, and return its id.

    Args:
        orchestrator: whose record.
        run: of the dialogue.
        part: what it is for.
        root: id of the comparison; None for its first debate.
        setup: goes with the first debate.
    """
    about: dict[str, Any] = {"part": list(part)}
    if setup is not None:
        about["setup"] = setup.model_dump(mode="json", exclude_defaults=True)
    told = run.dump() | {_FIELD: about} | ({"parent_id": root} if root else {})
    event = DialogueStarted(dialogue=secrets.token_hex(6), seq=1, at=time.time(), mode=run.mode.name, topic=run.topic, run=told)
    await asyncio.to_thread(orchestrator.record.write, [event])
    return event.dialogue


def found(orchestrator: Orchestrator, comparison: str) -> tuple[str, Setup, RunSpec, dict[Part, str]]:
    """Return a comparison's id, what it is, the run of its first debate, and its dialogues so far.

    Args:
        orchestrator: whose record.
        comparison: id of its first debate, the beginning of it, or `last`.

    Raises:
        RecordError: there is no such dialogue.
        WorkbenchError: it is not the first debate of a comparison.
    """
    root = orchestrator.load(comparison)
    opening = _opening(root)
    try:
        setup = Setup.model_validate(opening[_FIELD]["setup"])
        run = RunSpec.model_validate(opening)
    except (KeyError, TypeError, ValidationError):
        raise WorkbenchError(
            f"dialogue {root.id} does not begin a comparison",
            hint="Give the id that the comparison has named: that of its first debate.",
        ) from None
    parts = {Part(0, DEBATE): root.id}
    for row in orchestrator.children(root.id):
        about = _opening(orchestrator.load(row.id)).get(_FIELD)
        if about is not None:
            parts[Part(*about["part"])] = row.id
    return root.id, setup, run, parts


def _opening(dialogue: Dialogue) -> dict[str, Any]:
    event = dialogue.recorded_events()[0]
    return event.run if isinstance(event, DialogueStarted) else {}

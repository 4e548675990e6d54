"""The positions that speakers state in a dialogue: what their structured answers give as `position` and `probability`.

Who can have known of what comes from the plan that the run began with: turns that are taken at once do not know of each other.
A dialogue whose plan is not in its record is taken in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from workbench.dialogue.agreement.beliefs import (
    Position,
    Step,
    agreement_by_round,
    conformity_rate,
    follow,
    rounds_of,
    yielding_rate,
)
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.export.facts import title, visible
from workbench.dialogue.transcript import Transcript, Turn
from workbench.errors import ModeError
from workbench.events import Status

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Flip:
    """A change of mind.

    Attributes:
        turn: in which it shows.
        role: who changed.
        round: of the turn; None outside repeated blocks.
        before: the position held until then.
        now: the one held from then on.
        after: the last turn of somebody else that this one can have known of; None if there is none.
        conforms: whether it went to what most others held.
    """

    turn: str
    role: str
    round: int | None
    before: str
    now: str
    after: str | None
    conforms: bool


@dataclass(frozen=True, slots=True, repr=False)
class PositionsReport:
    """What became of the positions in a run; printed, it is sentences. Without any position it is false.

    Attributes:
        steps: each position, beside what was held before it.
        flips: the changes of mind, in order.
        rounds: for each round how far the speakers agreed at its end, see `beliefs.rounds_of`.
        titles: turn id to how it is announced.
    """

    steps: list[Step]
    flips: list[Flip]
    rounds: list[dict[str, Any]]
    titles: Mapping[str, str]

    def __bool__(self) -> bool:
        return bool(self.steps)

    @property
    def conformity_rate(self) -> float | None:
        """Share of the changes of mind that went to what most others held; None if nobody changed."""
        return conformity_rate(self.steps)

    @property
    def yielding_rate(self) -> float | None:
        """Share of the turns of those who stood against most others at which they went over; None if there were none."""
        return yielding_rate(self.steps)

    @property
    def sentences(self) -> list[str]:
        """Who changed their mind, and how far all agreed at the end; plain text, one line each."""
        return [*map(self._told, self.flips), *self._summary()] if self else []

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "flips": [asdict(flip) for flip in self.flips],
            "conformity_rate": self.conformity_rate,
            "yielding_rate": self.yielding_rate,
            "rounds": self.rounds,
        }

    @property
    def flips_frame(self) -> pd.DataFrame:
        """One row a change of mind: turn, role, round, before, now, after, conforms."""
        import pandas as pd

        rows = [asdict(flip) for flip in self.flips]
        return pd.DataFrame(rows, columns=list(Flip.__slots__)).astype({"round": "Int64", "conforms": "bool"})

    @property
    def rounds_frame(self) -> pd.DataFrame:
        """One row a round: how far the speakers agreed at its end."""
        return agreement_by_round(self.steps)

    def __repr__(self) -> str:
        return "\n".join(self.sentences) or "No answer states a position."

    def _told(self, flip: Flip) -> str:
        where = ", where most others stood" if flip.conforms else ""
        after = f", after {self.titles[flip.after]}" if flip.after else ""
        return f"{self.titles[flip.turn]}: from {_quoted(flip.before)} to {_quoted(flip.now)}{where}{after}."

    def _summary(self) -> Iterator[str]:
        if not self.flips:
            yield "Nobody changed their mind."
        else:
            went = sum(flip.conforms for flip in self.flips)
            rate = f"conformity rate {self.conformity_rate:.2f}"
            yield f"Changes of mind: {len(self.flips)}, of them {went} to what most others held ({rate})."
        last = self.rounds[-1]
        leading = f": most hold {_quoted(last['leading'])}" if last["leading"] and last["speakers"] > 1 else ""
        share = f"{last['share']:.0%} of {last['speakers']} speakers hold the commonest position{leading}"
        beyond = {"Krippendorff's alpha": last["alpha"], "Fleiss' kappa": last["kappa"]}
        known = "".join(f", {name} {value:.2f}" for name, value in beyond.items() if value is not None)
        yield f"At the end {share}{f' (over the rounds{known})' if known else ''}."


def positions_report(transcript: Transcript) -> PositionsReport:
    """Return what became of the positions that a dialogue's answers state."""
    known = _known(transcript)
    steps = _steps(transcript, known)
    flips = [
        Flip(
            turn=step.held.turn,
            role=step.held.role,
            round=step.held.round,
            before=step.before or "",
            now=step.held.position,
            after=_heard_last(transcript, step.held, known),
            conforms=step.conforms,
        )
        for step in steps
        if step.changed
    ]
    return PositionsReport(steps, flips, rounds_of(steps), {turn.id: title(turn) for turn in transcript})


def steps_of(transcript: Transcript) -> list[Step]:
    """Return each stated position beside what its speaker held before; none where no answer states one."""
    return _steps(transcript, _known(transcript))


def _steps(transcript: Transcript, known: Mapping[str, frozenset[str]]) -> list[Step]:
    stated = [held for turn in transcript if turn.status is Status.COMPLETED and (held := _position(turn)) is not None]
    return follow(stated, known=known)


def _position(turn: Turn) -> Position | None:
    data = turn.data if isinstance(turn.data, dict) else {}
    position, probability = data.get("position"), data.get("probability")
    if position is None:
        return None
    known = isinstance(probability, int | float) and not isinstance(probability, bool) and 0 <= probability <= 1
    return Position(turn.id, turn.role, turn.round, str(position), float(probability) if known else None)  # type: ignore[arg-type]


def _known(transcript: Transcript) -> dict[str, frozenset[str]]:
    """Return the turns that each turn of the plan comes after; nothing where there is no plan."""
    if not any(_position(turn) for turn in transcript):
        return {}
    try:
        plan = RunSpec.model_validate(transcript.run).plan()
    except (ValidationError, ModeError):
        return {}
    known: dict[str, frozenset[str]] = {}
    for turn in plan.turns:
        known[turn.id] = frozenset(turn.depends_on).union(*(known.get(i, frozenset()) for i in turn.depends_on))
    return known


def _heard_last(transcript: Transcript, held: Position, known: Mapping[str, frozenset[str]]) -> str | None:
    """Return the last turn of another speaker that a turn can have known of."""
    last = None
    for turn in transcript:
        if turn.id == held.turn:
            break
        heard = held.turn not in known or turn.id in known[held.turn]
        if heard and turn.role != held.role and turn.status is Status.COMPLETED:
            last = turn.id
    return last


def _quoted(text: str) -> str:
    shown = " ".join(visible(text).split())
    return f"“{shown if len(shown) <= 80 else shown[:79] + '…'}”"  # noqa: PLR2004 - characters of a line

"""Assessing a paper: a debate by the mode `feasibility` about whether a team can put it to use, brought to an `Assessment`.

`inquire` settles everything and calls nothing, `Inquiry.begin` starts the debate, `conclude` reads what it came to and keeps
it. `assess_paper` is all three. The debate is a dialogue like any other; what it needs to go on after a stop (paper, question,
context) is kept with it, so `go_on` needs only its id.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.casting.cast import Part
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.running.hooks import Hook
from workbench.errors import WorkbenchError
from workbench.models import ModelCard
from workbench.models.tokens import count_tokens
from workbench.papers.assessing.assessment import Assessment, assessment_of, row_of
from workbench.papers.assessing.evidence import QuoteCheck, material, passages
from workbench.papers.assessing.verdict import verdict_of
from workbench.records.papers import PaperRow

if TYPE_CHECKING:
    from workbench.dialogue import Dialogue, Orchestrator
    from workbench.papers.shelf import Shelf

MODE: Final = "feasibility"
HOOK: Final = "check_quotes"
QUESTION: Final = "Can this team put the method of the paper to use, and is it worth the work?"
"""What is asked where nobody asks anything else."""
MOST: Final = 12_000
"""Tokens that the passages may have; more make every turn dear, and few models read better for it."""
_LEAST: Final = 300
_AROUND: Final = 1_200
"""Tokens of instructions and schema in a prompt."""
_SPOKEN: Final = 350
"""Tokens kept free for each judgement that the last turn is shown; what is longer takes the place of the oldest."""
_LONGEST_CONTEXT: Final = 20_000
_LONGEST_QUESTION: Final = 2_000


@dataclass(frozen=True, slots=True)
class Inquiry:
    """An assessment that could begin.

    Attributes:
        paper: that it is about.
        spec: the run; `estimate_run` says what it will take.
        parts: who plays in it, and why.
        hook: looks quotes up.
    """

    paper: PaperRow
    spec: RunSpec
    parts: Mapping[str, Part]
    hook: Hook

    def begin(self, orchestrator: Orchestrator) -> Dialogue:
        """Start the debate and return it at once, running."""
        return orchestrator.begin(self.spec, hooks={HOOK: self.hook})


def inquire(
    orchestrator: Orchestrator, shelf: Shelf, name: str, question: str = "", context: str = "", **options: Any
) -> Inquiry:
    """Settle everything about an assessment, and call nothing.

    Args:
        orchestrator: will run it.
        shelf: that the paper is on.
        name: id of the paper, as `Shelf.find` takes it.
        question: by default `QUESTION`.
        context: what the team says of itself, in Markdown: stack, skills, hardware, deadline.
        options: of `Orchestrator.prepare`, such as `models`, `parameters` (`voices`), `limits`.

    Raises:
        RecordError: there is no such paper.
        WorkbenchError: question or context is too long, or the window of a model too small.
        ModeError, UnknownModelError, ModelError: as for `Orchestrator.prepare`.
    """
    question = question.strip() or QUESTION
    _check_length("question", question, _LONGEST_QUESTION)
    _check_length("context", context, _LONGEST_CONTEXT)
    row = shelf.find(name)
    paper = shelf.paper(row.id)
    spec, parts = orchestrator.prepare(MODE, f"{question}\n\nThe paper is {row.title!r} ({row.id}).", **options)
    chunks = passages(shelf, row, paper, question, _room(spec, context), lambda text: _tokens(spec, text))
    if not chunks:
        raise WorkbenchError(f"paper {row.id} has no text to judge by", hint="`%paper show ID` shows what was read.")
    facts = {"paper": row.id, "question": question, "context": context}
    spec = spec.model_copy(update={"background": material(row, paper, chunks, context)})
    return Inquiry(row, spec, parts, Hook(QuoteCheck(paper), facts))


def assess_paper(
    orchestrator: Orchestrator, shelf: Shelf, name: str, question: str = "", context: str = "", **options: Any
) -> Assessment:
    """Have models debate whether a team can put a paper to use, and return what they came to. Arguments as for `inquire`.

    Raises:
        WorkbenchError: as for `inquire` and `conclude`.
    """
    dialogue = inquire(orchestrator, shelf, name, question, context, **options).begin(orchestrator).wait()
    return conclude(orchestrator, shelf, dialogue)


def go_on(orchestrator: Orchestrator, shelf: Shelf, dialogue: str, **options: Any) -> Dialogue:
    """Go on with an assessment's debate that stopped, and return it at once; what was paid for is not asked again.

    Args:
        orchestrator: runs it.
        shelf: that its paper is on.
        dialogue: its id, the beginning of it, or `last`.
        options: of `Orchestrator.restart`, such as `models` and `limits`.

    Returns:
        the debate, running; as it stands, if it is complete.

    Raises:
        RecordError: there is no such dialogue.
        WorkbenchError: it is no assessment.
    """
    found = orchestrator.load(dialogue)
    facts = facts_of(found)
    if found.status.succeeded:
        return found
    hook = Hook(QuoteCheck(shelf.paper(facts["paper"])), facts)
    return orchestrator.restart(found.id, hooks={HOOK: hook}, **options)


def conclude(orchestrator: Orchestrator, shelf: Shelf, dialogue: Dialogue) -> Assessment:
    """Keep what a debate came to, and return it; of a debate that was concluded before, the assessment that there is.

    Raises:
        ModelError: a turn failed; `kind` says how. What was said is kept.
        WorkbenchError: it stopped before its end, or is no assessment.
    """
    facts = facts_of(dialogue)
    row = shelf.find(facts["paper"])
    there = orchestrator.record.assessments.of_dialogue(dialogue.id)
    if there is not None:
        return assessment_of(there, row)
    verdict = verdict_of(dialogue, QuoteCheck(paper := shelf.paper(row.id)))
    made = Assessment(
        id=secrets.token_hex(6),
        paper=row,
        question=facts["question"],
        context=facts["context"],
        **verdict,
        concerns=tuple(map(str, paper.concerns)),
        dialogue=dialogue.id,
        cost=dialogue.metrics.cost,
        created_at=time.time(),
    )
    return assessment_of(orchestrator.record.assessments.add(row_of(made)), row)


def facts_of(dialogue: Dialogue) -> Mapping[str, Any]:
    """Return `paper` (id), `question` and `context` of an assessment's debate.

    Raises:
        WorkbenchError: it is none.
    """
    facts = dialogue.snapshot().run.get("hooks", {}).get(HOOK)
    if not facts:
        raise WorkbenchError(
            f"dialogue {dialogue.id} is not the debate of an assessment", hint="`%paper assess ID` begins one."
        )
    return dict(facts)


def read_context(path: Path | str) -> str:
    """Return what a team says of itself in a file.

    Raises:
        WorkbenchError: the file cannot be read, is no text, is empty, or too long.
    """
    file = Path(path).expanduser()
    hint = "It is a Markdown file on stack, skills, hardware and deadline."
    try:
        with file.open("rb") as stream:
            data = stream.read(4 * _LONGEST_CONTEXT + 1)
    except OSError as error:
        raise WorkbenchError(f"the context {file} cannot be read: {error.strerror}", hint=hint) from None
    if len(data) > 4 * _LONGEST_CONTEXT:
        raise WorkbenchError(f"the context {file} is larger than {4 * _LONGEST_CONTEXT // 1000} kB", hint=hint)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WorkbenchError(f"the context {file} is no UTF-8 text", hint=hint) from None
    if not text.strip():
        raise WorkbenchError(f"the context {file} is empty", hint=hint)
    _check_length("context", text, _LONGEST_CONTEXT)
    return text


def _check_length(what: str, text: str, most: int) -> None:
    if len(text) > most:
        raise WorkbenchError(
            f"the {what} has {len(text):,} characters, of {most:,} at most", hint="Keep what bears on this paper."
        )


def _cards(spec: RunSpec) -> list[ModelCard]:
    return list({card.name: card for chain in spec.cast.values() for card in chain}.values())


def _tokens(spec: RunSpec, text: str) -> int:
    """Return the tokens of a text in the model that takes most for it."""
    return max((count_tokens(text, card).tokens for card in _cards(spec)), default=0)


def _room(spec: RunSpec, context: str) -> int:
    """Return the tokens that passages may have, so that the last turn, which is shown most, fits into every model's window.

    Raises:
        WorkbenchError: nothing is left for them in one.
    """
    plan = spec.plan()
    room = MOST
    for turn in plan.spoken:
        for card in spec.cast[turn.role]:
            if card.context_window is None:
                continue
            taken = spec.longest(turn, card) + _AROUND + _SPOKEN * len(turn.sees) + _tokens(spec, context + spec.topic)
            if card.context_window - taken < _LEAST:
                raise WorkbenchError(
                    f"{card.name} has a window of {card.context_window:,} tokens; {turn.id} needs {taken:,} besides the paper",
                    hint="Take a model with a larger window, fewer voices (--voices advocate,sceptic), or a shorter context.",
                )
            room = min(room, card.context_window - taken)
    return room

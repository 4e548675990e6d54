"""What a run would be, without a call: who speaks, by which model and why, what each is asked, what it takes, how it flows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.casting.fairness import dry_run_warnings
from workbench.dialogue.export.facts import money, title, visible
from workbench.dialogue.figures.flow import Box, flow_of
from workbench.dialogue.figures.flow_svg import svg_of
from workbench.dialogue.money.estimate import Estimate, TurnEstimate, estimate_run, habits_in, prompts_of
from workbench.notebook.pages import render
from workbench.notebook.tables import Column, Table

if TYPE_CHECKING:
    import pandas as pd

    from workbench.dialogue.casting.cast import Part
    from workbench.dialogue.casting.run import RunSpec
    from workbench.dialogue.planning.plan import PlannedTurn
    from workbench.records import Record

_ROOM: Final[Mapping[str, int]] = {"html": 200_000, "markdown": 50_000, "text": 4_000}
"""Characters of prompts that each form shows; a mode in which everybody sees everything has a great many."""
_COLUMNS: Final = (
    Column("turn", ""),
    Column("title", "turn"),
    Column("role", ""),
    Column("model"),
    Column("why"),
    Column("fallbacks"),
    Column("prompt_tokens", "tokens in", "Int64", "{:,}".format),
    Column("completion_tokens", "out", "Int64", "{:,}".format),
    Column("cost", "cost", "float64", money),
    Column("most_tokens", "most tokens", "Int64", "{:,}".format),
    Column("most_cost", "most cost", "float64", money),
)


class DryRun:
    """A run on paper. Nothing is called or recorded.

    Args:
        spec: the run, as `Orchestrator.prepare` returns it.
        parts: each role's models, and why.
        record: tells how long answers usually are; None for nothing known.

    Attributes:
        estimate: what it takes, turn by turn.
        prompts: turn id to messages; what another turn will say stands as `{turn_id}`.
    """

    def __init__(self, spec: RunSpec, parts: Mapping[str, Part], record: Record | None = None) -> None:
        self.spec, self.parts = spec, parts
        self.plan = spec.plan()
        self.estimate: Estimate = estimate_run(spec, habits_in(record.url if record else None, spec.mode.name))
        self.prompts = prompts_of(self.plan, spec.topic, spec.background)
        self._flow = flow_of(self.plan)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a turn: turn, title, role, model, why, fallbacks, and what it takes."""
        return self._table.frame

    @property
    def html(self) -> str:
        """For a notebook."""
        shown, left = self._prompts("html")
        return render(
            "dry_run.html.j2",
            mode=self.spec.mode.name,
            topic=self.spec.topic,
            table=self._table.html,
            flow=svg_of(self._flow, self._models),
            prompts=[(title(turn), turn.id, self.prompts[turn.id]) for turn in shown],
            left=left,
        )

    @property
    def markdown(self) -> str:
        """For GitHub."""
        shown, left = self._prompts("markdown")
        blocks = [f"**Dry run of {self.spec.mode.name}.** Nothing is called.", self._table.markdown, _fenced(self._flow.text())]
        for turn in shown:
            messages = "\n\n".join(f"{message['role']}\n\n{_fenced(message['content'])}" for message in self.prompts[turn.id])
            blocks.append(f"<details><summary>Prompt of {turn.id}</summary>\n\n{messages}\n\n</details>")
        return "\n\n".join([*blocks, *filter(None, [left])])

    @property
    def text(self) -> str:
        """For a terminal."""
        shown, left = self._prompts("text")
        blocks = [f"Dry run of {self.spec.mode.name}. Nothing is called.", self._table.text, self._flow.text()]
        for turn in shown:
            said = "\n".join(f"{message['role']}: {message['content']}" for message in self.prompts[turn.id])
            blocks.append(f"[Prompt of {turn.id}]\n{visible(said)}")
        return "\n\n".join([*blocks, *filter(None, [left])])

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        return {"text/plain": self.text, "text/markdown": self.markdown, "text/html": self.html}

    @property
    def _table(self) -> Table:
        rows = [self._row(turn, taken) for turn, taken in zip(self.plan.spoken, self.estimate.turns, strict=True)]
        warnings = (f"Warning: {warning}" for warning in dry_run_warnings(self.spec))
        notes = [self.estimate.total, *self._ceilings(), *warnings, self.estimate.basis]
        return Table(_COLUMNS, rows, notes=notes, unknown={"cost": "unknown", "most_cost": "unknown"})

    def _row(self, turn: PlannedTurn, taken: TurnEstimate) -> dict[str, Any]:
        part = self.parts[turn.role]
        return {
            "turn": turn.id,
            "title": title(turn),
            "role": turn.role,
            "model": part.chain[0].name,
            "why": part.why,
            "fallbacks": ", ".join(card.name for card in part.chain[1:]) or None,
            **{
                name: getattr(taken, name)
                for name in ("prompt_tokens", "completion_tokens", "cost", "most_tokens", "most_cost")
            },
        }

    def _ceilings(self) -> Iterator[str]:
        """Yield a line for each ceiling that the run will probably reach."""
        limits, taken = self.spec.limits, self.estimate
        if limits.max_cost is not None and (taken.cost or 0) > limits.max_cost:
            yield f"The budget of {money(limits.max_cost)} will probably be reached before the end."
        if limits.max_tokens is not None and taken.prompt_tokens + taken.completion_tokens > limits.max_tokens:
            yield f"The ceiling of {limits.max_tokens:,} tokens will probably be reached before the end."
        for name, limit, turns in (
            ("turns", limits.max_turns, self.plan.turns),
            ("calls", limits.max_calls, self.plan.spoken),
        ):
            if limit is not None and len(turns) > limit:
                yield f"The ceiling of {limit:,} {name} will be reached before the end."

    def _models(self, box: Box) -> str:
        """Return the models of a box of the drawing."""
        return ", ".join(dict.fromkeys(self.parts[turn.role].chain[0].name for turn in box.turns if turn.role in self.parts))

    def _prompts(self, form: str) -> tuple[list[PlannedTurn], str]:
        """Return the turns whose prompts a form has room for, and a sentence about the others."""
        shown: list[PlannedTurn] = []
        room = _ROOM[form]
        for turn in self.plan.spoken:
            room -= sum(len(message["content"]) for message in self.prompts[turn.id])
            if room < 0:
                left = len(self.plan.spoken) - len(shown)
                return shown, f"{left} more prompts are not shown here; the dry run has them all in its attribute prompts."
            shown.append(turn)
        return shown, ""


def _fenced(text: str) -> str:
    """Return text in a fence that it cannot close."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{visible(text)}\n{fence}"

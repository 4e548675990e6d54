"""The result of a comparison: its runs, a table, a verdict, a picture.

With expected answers an approach's quality is the share of cases that it got right. Without, a referee has compared each
baseline's answer with the debate's, and the quality of a baseline is the share of these comparisons that it won, a tie counting
half; the debate stands at one half. A gain is, either way, the debate's, as a share: right answers more, or comparisons won
minus comparisons lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.baselines.answers import same
from workbench.dialogue.baselines.intervals import Difference, paired_difference
from workbench.dialogue.baselines.runner import Judgement, Run
from workbench.dialogue.baselines.setup import DEBATE, Setup
from workbench.dialogue.baselines.spend import Unit
from workbench.dialogue.baselines.verdict import Rival, Verdict, rivals
from workbench.dialogue.baselines.words import give_verdict, notes_on
from workbench.records.means import share_interval

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_WON: Final = {"debate": 1.0, "tie": 0.0, "baseline": -1.0}


@dataclass(frozen=True, slots=True)
class Row:
    """An approach in the table.

    Attributes:
        approach: `debate`, or the baseline's name.
        cases: that count: it gave an answer, or it had its chance and gave none.
        no_answer: of these, without an answer; they are wrong, or lost.
        missing: cases that say nothing: cancelled, or failed by a provider.
        quality: see the module; None where no case counts. `quality_low` and `quality_high` are its interval.
        gain: of the debate over it, with `gain_low` and `gain_high`; None for the debate itself.
        p_better: that the debate is no better than it, adjusted after Holm.
        spend: of a case on average, in the comparison's unit; `ratio` to that of the debate on the same cases.
        seconds: of a case on average.
        size: samples or rounds on average; None where it has none.
    """

    approach: str
    cases: int
    no_answer: int
    missing: int
    quality: float | None
    quality_low: float
    quality_high: float
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    p_better: float | None
    spend: float | None
    ratio: float | None
    seconds: float | None
    size: float | None


@dataclass(frozen=True)
class Comparison:
    """What the debate bought.

    Attributes:
        id: of the first debate; `resume` goes on with it, `load` reads it again.
        mode: of the debate.
        setup: what was compared.
        unit: in which spends are equal.
        runs: one for each approach and case that was run.
        judgements: of the referee.
        doubts: what else to know before believing it, in sentences.
    """

    id: str
    mode: str
    setup: Setup
    unit: Unit
    runs: tuple[Run, ...]
    judgements: tuple[Judgement, ...] = ()
    doubts: tuple[str, ...] = ()

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The debate, then the baselines in their order."""
        return tuple(self._row(name) for name in (DEBATE, *self.setup.baselines))

    @cached_property
    def rivals(self) -> tuple[Rival, ...]:
        """The baselines with which the debate could be compared on at least one case."""
        found = {name: self.difference(name) for name in self.setup.baselines}
        return tuple(rivals({name: difference for name, difference in found.items() if difference.n}))

    @cached_property
    def verdict(self) -> Verdict:
        """Whether the debate is worth its money, by how much, at which price, and against what."""
        return give_verdict(self)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before believing it: how it was measured, what is missing, whose judgement it is."""
        return tuple(notes_on(self))

    @property
    def table(self) -> pd.DataFrame:
        """One row an approach; the columns are those of `Row`."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows]).set_index("approach")

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each approach and case: answer, whether it is right, spend, dialogue."""
        import pandas as pd

        rows = [
            {
                "case": run.case + 1,
                "approach": run.approach,
                "answer": run.answer,
                "expected": self.setup.cases[run.case].expected,
                "right": self._right(run) if self.setup.keyed and run.counts else None,
                "status": run.status,
                "reason": run.reason,
                "size": run.size,
                "tokens": run.spend.tokens,
                "cost": run.spend.cost,
                "seconds": run.spend.seconds,
                "dialogue": run.dialogue,
            }
            for run in self.runs
        ]
        types = {"size": "Int64", "right": "Int64", "cost": "float64"}
        return pd.DataFrame(rows).astype({name: kind for name, kind in types.items() if rows})

    def difference(self, name: str) -> Difference:
        """Return the debate's gain over a baseline.

        It is over cases, the judgements of a case averaged before. Where there is a single topic it is over the judgements of
        that topic, and speaks of nothing but the referee's noise.
        """
        return paired_difference(self._gains(name), margin=self.setup.margin, confidence=self.setup.confidence)

    def plot(self) -> go.Figure:
        """Return a Plotly figure of quality against spend, with intervals; it is drawn without a network."""
        from workbench.dialogue.baselines.plot import plot_comparison

        return plot_comparison(self)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "id": self.id,
            "mode": self.mode,
            "unit": self.unit,
            "setup": self.setup.model_dump(mode="json"),
            "verdict": self.verdict.to_dict(),
            "notes": list(self.notes),
            "rows": [asdict(row) for row in self.rows],
            "runs": [asdict(run) for run in self.runs],
            "judgements": [asdict(one) for one in self.judgements],
        }

    def __repr__(self) -> str:
        from workbench.dialogue.baselines.shown import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from workbench.dialogue.baselines.shown import as_html

        return as_html(self)

    def _repr_markdown_(self) -> str:
        from workbench.dialogue.baselines.shown import as_markdown

        return as_markdown(self)

    def counted(self, name: str) -> dict[int, Run]:
        """Return an approach's runs that say something about it, by case."""
        return {run.case: run for run in self.runs if run.approach == name and run.counts}

    def _gains(self, name: str) -> list[float]:
        debates, baselines = self.counted(DEBATE), self.counted(name)
        both = [case for case in debates if case in baselines]
        if self.setup.keyed:
            return [float(self._right(debates[case]) - self._right(baselines[case])) for case in both]
        won = {case: self._won(name, case) for case in both}
        if len(self.setup.cases) == 1:
            return won.get(0, [])
        return [fmean(gains) for gains in won.values() if gains]

    def _won(self, name: str, case: int) -> list[float]:
        found = [one for one in self.judgements if (one.approach, one.case) == (name, case)]
        return [_WON[one.winner] for one in found if one.winner is not None]

    def _right(self, run: Run) -> int:
        expected = self.setup.cases[run.case].expected
        return int(run.answer is not None and expected is not None and same(run.answer, expected))

    def _row(self, name: str) -> Row:
        runs = self.counted(name)
        debates = self.counted(DEBATE)
        paired = [case for case in runs if case in debates]
        spend = _mean([run.spend.amount(self.unit) for run in runs.values()])
        beside = [debates[case].spend.amount(self.unit) for case in paired]
        rival = next((rival for rival in self.rivals if rival.name == name), None)
        gain = rival.difference if rival else None
        quality, low, high = self._quality(name, list(runs.values()), gain)
        sizes = [run.size for run in runs.values() if run.size is not None]
        return Row(
            approach=name,
            cases=len(runs),
            no_answer=sum(run.answer is None for run in runs.values()),
            missing=len(self.setup.cases) - len(runs),
            quality=quality,
            quality_low=low,
            quality_high=high,
            gain=gain.mean if gain else None,
            gain_low=gain.low if gain else None,
            gain_high=gain.high if gain else None,
            p_better=rival.p_better if rival else None,
            spend=spend,
            ratio=sum(runs[case].spend.amount(self.unit) for case in paired) / sum(beside) if sum(beside) else None,
            seconds=_mean([run.spend.seconds for run in runs.values()]),
            size=_mean(sizes),
        )

    def _quality(self, name: str, runs: Sequence[Run], gain: Difference | None) -> tuple[float | None, float, float]:
        if self.setup.keyed:
            right = sum(map(self._right, runs))
            return (right / len(runs) if runs else None, *share_interval(right, len(runs), self.setup.confidence))
        if name == DEBATE:
            return 0.5, 0.5, 0.5
        return (None, 0.0, 1.0) if gain is None else ((1 - gain.mean) / 2, (1 - gain.high) / 2, (1 - gain.low) / 2)


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None

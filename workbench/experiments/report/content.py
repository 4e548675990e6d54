"""What stands in a report, as plain text: the formats escape it and lay it out, and add nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import money, visible
from workbench.errors import redact
from workbench.experiments.analysis.table import verdict_on
from workbench.experiments.analysis.words import cautions_of, seal_text
from workbench.experiments.report.methods import Part, methods_of, software
from workbench.experiments.report.references import Reference
from workbench.experiments.statistics import Comparison, Finding, Refusal

if TYPE_CHECKING:
    from workbench.experiments.analysis import Advice, Analysis, ArmFacts

_LONGEST: Final = 400
_HEADS: Final = (
    "metric",
    "arm",
    "mean",
    "control's mean",
    "difference",
    "interval",
    "adjusted p",
    "g",
    "margin",
    "cases",
    "shown",
)
_ARM_HEADS: Final = ("arm", "cases", "observations", "failed", "fallbacks", "cost", "commonest failures")


@dataclass(frozen=True, slots=True)
class Table:
    """Heads and rows of texts; the first `words` columns and the last one are words, the others figures."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """A recommendation for an arm: what to do, why, the figures that it rests on, and what to bear in mind."""

    arm: str
    verdict: str
    reason: str
    evidence: tuple[str, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """A report.

    Attributes:
        title: above it.
        hypothesis: of the plan; may be empty.
        verdicts: one for each arm but the control.
        remarks: what to bear in mind about the experiment as a whole.
        results: every metric and arm.
        arms: what each arm did.
        refusals: comparisons that could not be made, and why.
        integrity: power and sample ratio, in sentences.
        sealed: whether the plan was sealed, in a sentence.
        departures: from the sealed plan, in sentences.
        methods: the paragraph, as texts and references.
        works: that it cites.
        software: names and versions.
        provenance: where the results come from.
    """

    title: str
    hypothesis: str
    verdicts: tuple[Verdict, ...]
    remarks: tuple[str, ...]
    results: Table
    arms: Table
    refusals: tuple[str, ...]
    integrity: tuple[str, ...]
    sealed: str
    departures: tuple[str, ...]
    methods: tuple[Part, ...]
    works: tuple[Reference, ...]
    software: tuple[tuple[str, str], ...]
    provenance: tuple[tuple[str, str], ...]


def content_of(analysis: Analysis, title: str, provenance: Mapping[str, Any]) -> Content:
    """Return what stands in the report of an analysis; without marks that hide or reorder what one reads."""
    parts = tuple(part if isinstance(part, Reference) else visible(part) for part in methods_of(analysis))
    return Content(
        title=_line(title),
        hypothesis=_line(analysis.plan.hypothesis),
        verdicts=tuple(map(_verdict, analysis.advice)),
        remarks=tuple(map(_line, analysis.remarks)),
        results=Table(_HEADS, tuple(_result(finding, analysis.plan.control) for finding in analysis.findings), words=2),
        arms=Table(_ARM_HEADS, tuple(map(_arm, analysis.arms))),
        refusals=tuple(map(_refusal, analysis.refusals)),
        integrity=tuple(_line(text) for text in _integrity(analysis)),
        sealed=seal_text(analysis),
        departures=tuple(_line(departure.text) for departure in analysis.departures),
        methods=parts,
        works=tuple(dict.fromkeys(part for part in parts if isinstance(part, Reference))),
        software=software(),
        provenance=tuple((_line(str(name)), _value(value)) for name, value in provenance.items()),
    )


def _verdict(advice: Advice) -> Verdict:
    found = advice.recommendation
    if found is None:
        return Verdict(_line(advice.treatment), "NO RECOMMENDATION", _line(advice.reason), (), ())
    evidence = tuple(_line(each.text) for each in (found.quality, *found.prices))
    return Verdict(
        _line(advice.treatment), str(found.verdict), _line(found.reason), evidence, tuple(map(_line, cautions_of(advice)))
    )


def _result(finding: Finding, control: str) -> tuple[str, ...]:
    """Return a row; an arm that was compared with another than the plan's control says so."""
    found: Comparison = finding.comparison
    return (
        _line(found.metric.name),
        _line(found.treatment if found.control == control else f"{found.treatment} beside {found.control}"),
        f"{found.means[1]:.4g}",
        f"{found.means[0]:.4g}",
        f"{found.difference:+.3g}",
        f"{found.low:+.3g} to {found.high:+.3g}",
        p_cell(finding.p),
        f"{found.effect.g:.2f}" if found.effect else "",
        f"{found.metric.margin:g}" if found.metric.margin is not None else "",
        f"{min(found.cases):,}",
        verdict_on(finding),
    )


def _arm(facts: ArmFacts) -> tuple[str, ...]:
    return (
        _line(facts.arm),
        f"{facts.cases:,}",
        f"{facts.observations:,}",
        f"{facts.failed:,}",
        "" if facts.fallbacks is None else f"{facts.fallbacks:,}",
        "" if facts.cost is None else money(facts.cost),
        "; ".join(f"{_line(text)} ({count})" for text, count in facts.errors),
    )


def _refusal(refusal: Refusal) -> str:
    who = f"{refusal.metric.name}, {refusal.treatment} beside {refusal.control}"
    return _line(f"{who}: the same in every case." if refusal.identical else f"{who}: {refusal.reason}. {refusal.hint}")


def _integrity(analysis: Analysis) -> list[str]:
    said = []
    for reached in analysis.reached:
        shown = f"{reached.treatment}: with {reached.cases:,} cases a true difference of {reached.detectable:.3g} is shown"
        text = f"{shown} in {analysis.plan.power:.0%} of experiments"
        if reached.power is not None:
            text += f", and one of the margin in {reached.power:.0%}"
        said.append(f"{text}.")
    if analysis.ratio is not None:
        said.append(analysis.ratio.text)
    return said


def p_cell(p: float) -> str:
    """Return a p-value for a table."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"  # noqa: PLR2004 - what a table still tells apart


def _line(text: str) -> str:
    return visible(" ".join(text.split()))


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    line = _line(redact(text))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"

"""The files that an experiment on a paper begins with: README, definition and notebook.

What papers, models and people say stands in the README as plain text, in the definition as a value, and in the notebook not at
all. Nothing of the workspace's settings is in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import yaml

from workbench.dialogue.export.facts import visible
from workbench.errors import redact
from workbench.papers.assessing.assessment import Assessment, Claim
from workbench.papers.deciding.plain import listed, plain, quoted
from workbench.records.papers import PaperRow

README: Final = "README.md"
DEFINITION: Final = "experiment.yaml"
NOTEBOOK: Final = "experiment.ipynb"
_CLAIMS: Final = 12
"""Claims of an assessment that the README shows at most."""


def scaffold(paper: PaperRow, assessment: Assessment | None, slug: str) -> dict[str, str]:
    """Return the files by name.

    Args:
        paper: that the experiment is about.
        assessment: that it is made on; None without.
        slug: its short name.
    """
    return {
        README: readme(paper, assessment, slug),
        DEFINITION: definition(paper, slug),
        NOTEBOOK: json.dumps(notebook(slug), indent=1, ensure_ascii=False) + "\n",
    }


def readme(paper: PaperRow, assessment: Assessment | None, slug: str) -> str:
    """Return the README: paper, assessment, plan and checklists."""
    return _README.format(
        title=plain(paper.title) or "A paper without a title",
        paper="\n".join(f"- {name}: {text}" for name, text in _paper(paper).items()),
        assessment=_assessment(assessment),
        weeks=assessment.weeks if assessment else "not estimated",
        prerequisites=listed(assessment.prerequisites, "- [ ]") if assessment and assessment.prerequisites else _NO_NEEDS,
        risks=listed(assessment.risks, "- [ ] Looked at:") if assessment and assessment.risks else _NO_RISKS,
        outcome=_OUTCOME.format(id=assessment.id) if assessment else "",
        id=paper.id,
        slug=slug,
    )


def definition(paper: PaperRow, slug: str) -> str:
    """Return the experiment's definition in YAML; it can be run as it is, and compares two prompts on three sums."""
    title = " ".join(visible(redact(paper.title)).split())[:200]
    parts = {
        "name": slug,
        "description": f"On the paper {title!r}, {paper.arxiv_id or paper.doi or paper.id}.",
        "plan": {
            "hypothesis": f"The technique of {title!r} answers more cases right than the baseline.",
            "primary": "right",
            "control": "baseline",
            "margin": 0.05,
            "alpha": 0.05,
            "power": 0.8,
        },
    }
    return _DEFINITION.format(head=yaml.safe_dump(parts, sort_keys=False, allow_unicode=True, width=120))


def notebook(slug: str) -> dict[str, Any]:
    """Return the notebook, as nbformat 4.5 has it, without outputs."""
    cells = []
    for number, (kind, text) in enumerate(_CELLS, start=1):
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
        cell["source"] = text.format(slug=slug, definition=DEFINITION).splitlines(keepends=True)
        cells.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _paper(paper: PaperRow) -> Mapping[str, str]:
    known = {
        "Authors": plain(", ".join(paper.authors)),
        "Year": str(paper.year or ""),
        "arXiv": plain(paper.arxiv_id or ""),
        "DOI": plain(paper.doi or ""),
        "On the shelf as": f"`{paper.id}`",
    }
    return {name: text for name, text in known.items() if text}


def _assessment(found: Assessment | None) -> str:
    if found is None:
        return "There is none: the branch was made by force."
    when = datetime.fromtimestamp(found.created_at, UTC).strftime("%Y-%m-%d")
    against = "" if found.implementable else " **The branch was made by force.**"
    return "\n".join(
        [
            f"Assessment `{found.id}` of {when}, from dialogue `{found.dialogue}`, decided by {plain(found.model)}.{against}",
            "",
            f"- Question: {plain(found.question)}",
            f"- Implementable: {'yes' if found.implementable else 'no'}",
            f"- Difficulty: {found.difficulty} of 10",
            f"- Weeks: {found.weeks}",
            f"- Probability that it works: {found.confidence:.0%}",
            "",
            "Benefits:",
            "",
            listed(found.benefits),
            "",
            "Reasoning:",
            "",
            quoted(found.reasoning),
            "",
            *(["Dissent:", "", quoted(found.dissent), ""] if found.dissent else []),
            *(["Claims, and where the paper says so:", "", *map(_claim, found.claims[:_CLAIMS])] if found.claims else []),
        ]
    ).rstrip()


def _claim(claim: Claim) -> str:
    where = f"p. {claim.quote.page}, " if claim.quote.page else ""
    return f'- {plain(claim.text)} ("{plain(claim.quote.quote)}", {where}{claim.quote.status})'


_NO_NEEDS: Final = "- [ ] Say here what must be there first"
_NO_RISKS: Final = "- [ ] Say here what may go wrong"
_OUTCOME: Final = "- [ ] Whether it worked, and weeks really spent, are entered: `%paper outcome {id} --worked yes --weeks N`\n"
_README: Final = """\
# {title}

An experiment: does what this paper proposes help us?

## The paper

{paper}

## The assessment

{assessment}

## Plan

1. Replace the sample cases in `experiment.yaml` by cases of your own.
2. Put the paper's technique into the arm `technique`; leave `baseline` as what you do today.
3. State in `plan` what is to be shown, and the smallest difference that matters, before you see a result. Seal it.
4. Run `experiment.ipynb`.
5. Decide: `%paper decide {id} merge|reject|archive|needs_more_research --because "..." --experiment {slug}`

Weeks of work: {weeks}.

## Before the start

{prerequisites}
- [ ] Cases are ours, and enough of them (after a pilot run, `%experiment power {slug}` says how many)
- [ ] Hypothesis, metric and margin are stated, and the plan is sealed

## On the way

{risks}
- [ ] The technique does what the paper says
- [ ] The baseline had the same care

## Before the decision

- [ ] Every case was run in every arm, or is accounted for
- [ ] The report says what it cost
{outcome}"""
_DEFINITION: Final = """\
# What is compared, on which cases, and what is to be shown. docs/experiments.md describes every field.
{head}
# Samples, so that everything can be tried. Replace them by your own: a list, or the name of a
# .jsonl, .csv or .parquet file, from the workspace.
cases:
  - {{id: sample-1, question: "17 + 25", answer: 42}}
  - {{id: sample-2, question: "9 * 13", answer: 117}}
  - {{id: sample-3, question: "144 / 6", answer: 24}}

arms:
  # What you do today.
  baseline:
    mode: chat
    topic: "Answer with the number alone: {{question}}"
  # Replace the text by the paper's technique, or name a Python function: call: "module:function".
  technique:
    mode: chat
    topic: "Think step by step, then give the number on the last line: {{question}}"

metrics:
  right: {{kind: numeric, expected: answer}}
  latency:
  cost:
"""
_CELLS: Final = (
    (
        "markdown",
        "# Experiment {slug}\n\nThe README beside it has paper, assessment and plan; `{definition}` says what is compared.",
    ),
    ("code", "%load_ext workbench"),
    (
        "code",
        'from workbench.experiments import Experiment\n\nexperiment = Experiment.from_file("{definition}")\nexperiment',
    ),
    ("markdown", "## Run\n\nSeal the plan before the first result. The samples ask the workspace's default model."),
    ("code", "experiment.seal()"),
    ("code", "experiment.run()"),
    ("markdown", "## What it shows"),
    ("code", "experiment.results"),
    ("code", "experiment.compare()"),
    ("code", "experiment.plot()"),
    ("code", 'experiment.report("html", "report.html");'),
)

"""An assessment to read: a card for a notebook, a page that stands alone, Markdown, and plain text.

What models said is hostile: Markdown in it is sanitised, everything else is escaped, and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.dialogue.export import write_export
from workbench.dialogue.export.as_markdown import harmless
from workbench.dialogue.export.facts import money, visible
from workbench.dialogue.export.markdown import render_markdown
from workbench.errors import ExportError
from workbench.papers.assessing.assessment import Assessment, Claim
from workbench.papers.passages.quotes import CheckedQuote
from workbench.records.assessments import OutcomeRow

if TYPE_CHECKING:
    from jinja2 import Environment

Pictures = Sequence[str | None]
"""For each claim a PNG in base64 of where its quote stands, or None."""


def write_report(
    assessment: Assessment, path: str | Path, outcomes: Sequence[OutcomeRow] = (), pictures: Pictures = ()
) -> Path:
    """Write an assessment to a file, and return its path: `.md` as Markdown, `.html` as a page that needs nothing else.

    Raises:
        ExportError: it has another ending, or cannot be written.
    """
    file = Path(path).expanduser()
    match file.suffix.lower():
        case ".md" | ".markdown":
            write_export(as_markdown(assessment, outcomes), file)
        case ".html" | ".htm":
            write_export(as_page(assessment, outcomes, pictures), file)
        case other:
            raise ExportError(f"no report ends in {other!r}", hint="Name a file that ends in .md or .html.")
    return file


def as_card(assessment: Assessment, outcomes: Sequence[OutcomeRow] = (), pictures: Pictures = ()) -> str:
    """Return HTML for a notebook's output; its style reaches only itself."""
    claims = assessment.claims
    shown = list(pictures) + [None] * (len(claims) - len(pictures))
    return _environment().get_template("assessment.html.j2").render(
        made=assessment,
        facts=_facts(assessment),
        warnings=list(_warnings(assessment)),
        reasoning=render_markdown(assessment.reasoning),
        lists=_lists(assessment),
        dissent=render_markdown(assessment.dissent) if assessment.dissent.strip() else "",
        claims=[(claim, mark_of(claim.quote), picture) for claim, picture in zip(claims, shown, strict=True)],
        context=render_markdown(assessment.context) if assessment.context.strip() else "",
        outcomes=[told_outcome(outcome) for outcome in outcomes],
        day=_day(assessment.created_at),
        cost=money(assessment.cost),
    )  # fmt: skip


def as_page(assessment: Assessment, outcomes: Sequence[OutcomeRow] = (), pictures: Pictures = ()) -> str:
    """Return an HTML page that needs no network."""
    body = as_card(assessment, outcomes, pictures)
    return _environment().get_template("assessment_page.html.j2").render(title=assessment.paper.title, body=body)


def as_markdown(assessment: Assessment, outcomes: Sequence[OutcomeRow] = ()) -> str:
    """Return Markdown that GitHub and JupyterLab read; what models said is quoted, so that it cannot take over the page."""
    lines = [f"# {_inline(assessment.paper.title)}", "", _inline(assessment.question), ""]
    lines += [f"- {name}: **{_inline(value)}**" for name, value in _facts(assessment)] + [""]
    lines += [f"**Beware:** {_inline(line)}\n" for line in _warnings(assessment)]
    lines += _quoted(assessment.reasoning)
    for name, points in _lists(assessment):
        if points:
            lines += [f"## {name}", "", *(f"- {_inline(point)}" for point in points), ""]
    if assessment.dissent.strip():
        lines += ["## Dissent", "", *_quoted(assessment.dissent)]
    lines += ["## Claims about the paper", "", *_claims(assessment.claims), ""]
    lines += [
        "## What each held",
        "",
        "| who | model | turn | implementable | weeks | confidence |",
        "|---|---|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(_inline(cell).replace('|', chr(92) + '|') for cell in row)} |" for row in _held(assessment)]
    if assessment.context.strip():
        lines += ["", "## What the team said of itself", "", *_quoted(assessment.context)]
    lines += [f"\n**Outcome:** {_inline(told_outcome(outcome))}" for outcome in outcomes]
    return "\n".join([*lines, "", "---", "", f"{_inline(_foot(assessment))}", ""])


def as_text(assessment: Assessment, outcomes: Sequence[OutcomeRow] = ()) -> str:
    """Return plain text for a terminal."""
    lines = [assessment.paper.title, assessment.question, ""]
    lines += [f"{name}: {value}" for name, value in _facts(assessment)] + [""]
    lines += [f"Beware: {line}" for line in _warnings(assessment)]
    lines += [assessment.reasoning, ""]
    for name, points in (*_lists(assessment), ("Dissent", (assessment.dissent,) if assessment.dissent else ())):
        lines += [f"{name}:", *(f"  - {point}" for point in points), ""] if points else []
    lines += ["Claims about the paper:"] if assessment.claims else ["No claim about the paper: the decision rests on no quote."]
    for claim in assessment.claims:
        lines += [f"  - {claim.text} ({claim.by}, {claim.model})", f"    [{mark_of(claim.quote)}] {claim.quote.quote}"]
        lines += [f"    the paper says: {claim.quote.found}"] if claim.quote.status == "near miss" else []
    lines += [f"Outcome: {told_outcome(outcome)}" for outcome in outcomes]
    return visible("\n".join([*lines, "", _foot(assessment)]))


def mark_of(quote: CheckedQuote) -> str:
    """Return how a quote stands: `verified, p. 3`, or `unverified`, and why."""
    if quote.status == "verified":
        return f"verified, p. {quote.page}" if quote.page else "verified"
    return f"unverified: {quote.status}" + (f", p. {quote.page}" if quote.page else "")


def told_outcome(outcome: OutcomeRow) -> str:
    """Return what came of it, in a sentence."""
    weeks = "" if outcome.weeks is None else f", in {outcome.weeks:g} weeks"
    note = f": {outcome.note}" if outcome.note else ""
    return f"{_day(outcome.entered_at)}, {'it worked' if outcome.worked else 'it did not work'}{weeks}{note}"


def _facts(made: Assessment) -> list[tuple[str, str]]:
    return [
        ("Implementable", "yes" if made.implementable else "no"),
        ("Difficulty", f"{made.difficulty} of 10"),
        ("Weeks", str(made.weeks)),
        ("Probability that it works", f"{made.confidence:.0%}"),
        ("Claims verified", f"{len(made.verified)} of {len(made.claims)}"),
        ("Judge", made.model),
        ("Cost", money(made.cost)),
    ]


def _lists(made: Assessment) -> list[tuple[str, tuple[str, ...]]]:
    return [("Prerequisites", made.prerequisites), ("Risks", made.risks), ("Benefits", made.benefits)]


def _warnings(made: Assessment) -> Iterator[str]:
    decisive = [claim for claim in made.unverified if claim.by == "judge"]
    if decisive:
        rest = "rests on a quote that is" if len(decisive) == 1 else "rest on quotes that are"
        yield f"{len(decisive)} of the judge's claims {rest} not in the paper."
    for concern in made.concerns:
        yield f"the paper has text for machines: {concern}"


def _claims(claims: Sequence[Claim]) -> Iterator[str]:
    if not claims:
        yield "None: the decision rests on no quote."
    for number, claim in enumerate(claims, 1):
        yield f"{number}. {_inline(claim.text)} ({_inline(claim.by)}, {_inline(claim.model)})"
        yield f"   - “{_inline(claim.quote.quote)}”: **{mark_of(claim.quote)}**"
        if claim.quote.status == "near miss":
            yield f"   - the paper says: “{_inline(claim.quote.found)}”"


def _held(made: Assessment) -> Iterator[tuple[str, ...]]:
    for each in made.estimates:
        works = f"{each.confidence:.0%}"
        yield each.by, each.model, each.turn, "yes" if each.implementable else "no", str(each.weeks), works


def _foot(made: Assessment) -> str:
    return (
        f"Assessment {made.id} of paper {made.paper.id}, {_day(made.created_at)}; dialogue {made.dialogue}, {money(made.cost)}."
    )


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def _inline(text: str) -> str:
    return harmless(" ".join(text.split()))


def _quoted(text: str) -> list[str]:
    return [*(f"> {line}".rstrip() for line in harmless(text).strip().splitlines()), ""]


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    def seen(value: Any) -> Any:
        return visible(value) if type(value) is str else value

    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=seen
    )

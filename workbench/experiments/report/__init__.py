"""The report of an experiment: one content, written as HTML, Markdown or LaTeX.

`content` says what stands in it, as plain text; `methods` writes the paragraph on methods, with the tests that were used and
why, citing `references`; `as_html`, `as_markdown` and `as_latex` write it down, and each escapes everything: a name that comes
from a notebook or a model is text in all of them. The HTML page carries its figures and the script that draws them, and asks no
network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.experiments.analysis import Analysis

Format = Literal["html", "markdown", "latex"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)


def report(
    analysis: Analysis,
    format: Format = "html",  # noqa: A002 - the field's own word
    *,
    title: str = "Experiment",
    provenance: Mapping[str, Any] | None = None,
    figures: bool = True,
) -> str:
    """Return the report of an experiment.

    Args:
        analysis: to report.
        format: `html`, `markdown` or `latex`; a LaTeX report compiles as it is, with its references.
        title: above it.
        provenance: where the results come from, by name: run, commit, seeds, packages. Secrets in it are blanked.
        figures: whether the HTML page draws figures; with them it has 5 MB, nearly all of it Plotly's script.

    Raises:
        WorkbenchError: there is no such format.
    """
    from workbench.experiments.report.as_html import page
    from workbench.experiments.report.as_latex import to_latex
    from workbench.experiments.report.as_markdown import to_markdown
    from workbench.experiments.report.content import content_of

    if format not in FORMATS:
        raise WorkbenchError(f"there is no report as {format!r}", hint=f"There are {', '.join(FORMATS)}.")
    content = content_of(analysis, title, provenance or {})
    if format == "markdown":
        return to_markdown(content)
    return to_latex(content) if format == "latex" else page(content, analysis if figures else None)


def fragment(analysis: Analysis) -> str:
    """Return recommendation, table and remarks as HTML for a notebook's output; its style reaches only itself."""
    from workbench.experiments.report.as_html import fragment as written
    from workbench.experiments.report.content import content_of

    return written(content_of(analysis, "", {}))


def methods(analysis: Analysis, format: Format = "markdown") -> str:  # noqa: A002 - as above
    """Return the paragraph on methods for a paper; in LaTeX it cites the keys of `bibtex`.

    Raises:
        WorkbenchError: there is no such format, or none for a paragraph alone.
    """
    from workbench.experiments.report.as_latex import cited
    from workbench.experiments.report.as_markdown import escaped
    from workbench.experiments.report.methods import methods_of, plain

    if format == "latex":
        return cited(methods_of(analysis))
    if format != "markdown":
        raise WorkbenchError(f"there is no paragraph as {format!r}", hint="There are markdown and latex.")
    return escaped(plain(methods_of(analysis)))


def bibtex(analysis: Analysis) -> str:
    """Return what the paragraph on methods cites, as BibTeX."""
    from workbench.experiments.report.methods import methods_of
    from workbench.experiments.report.references import Reference, entry

    cited = dict.fromkeys(part for part in methods_of(analysis) if isinstance(part, Reference))
    return "\n\n".join(map(entry, cited)) + "\n"

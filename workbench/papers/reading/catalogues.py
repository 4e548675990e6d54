"""What Semantic Scholar and Crossref know of a paper: where it appeared, how often it is cited, whether it was retracted.

An optional step. A catalogue that cannot be reached, or does not know the paper, is a line in `missed`, never a failure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from workbench.errors import redact

SEMANTIC_SCHOLAR: Final = "https://api.semanticscholar.org/graph/v1/paper/"
CROSSREF: Final = "https://api.crossref.org/works/"
_FIELDS: Final = "title,year,venue,citationCount,influentialCitationCount,externalIds,publicationTypes,openAccessPdf"
_TIMEOUT: Final = 10.0
_RETRACTING: Final = frozenset({"retraction", "withdrawal", "removal", "partial_retraction"})
"""Kinds of update by which a publisher takes a paper back (Crossref's Crossmark)."""


@dataclass(slots=True)
class Known:
    """What was found, by catalogue, and why the others said nothing."""

    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)

    @property
    def retracted(self) -> bool | None:
        """Whether it was taken back; None where nobody could be asked."""
        crossref = self.found.get("crossref")
        return None if crossref is None else bool(crossref["retracted"])


def look_up(
    arxiv_id: str | None, doi: str | None, *, semantic_scholar: str = SEMANTIC_SCHOLAR, crossref: str = CROSSREF
) -> Known:
    """Ask the catalogues for a paper with an arXiv id or a DOI. Blocks for some seconds at most.

    Args:
        arxiv_id: without version.
        doi: its DOI.
        semantic_scholar: address of its API.
        crossref: address of its API.
    """
    known = Known()
    name = f"arXiv:{arxiv_id}" if arxiv_id else f"DOI:{doi}" if doi else None
    if name is None:
        known.missed.append("no arXiv id and no DOI to ask by")
        return known
    answer = _get(f"{semantic_scholar}{quote(name, safe=':/')}?fields={_FIELDS}", "Semantic Scholar", known)
    if answer:
        known.found["semantic_scholar"] = _scholar(answer)
        doi = doi or (answer.get("externalIds") or {}).get("DOI")
    if doi and (answer := _get(crossref + quote(doi, safe="/"), "Crossref", known)):
        known.found["crossref"] = _crossref(answer.get("message") or {})
    return known


def _get(url: str, name: str, known: Known) -> dict[str, Any] | None:
    import httpx

    try:
        response = httpx.get(url, timeout=_TIMEOUT, follow_redirects=True)
        if response.status_code == 404:  # noqa: PLR2004
            known.missed.append(f"{name} does not know it")
            return None
        response.raise_for_status()
        answer = response.json()
        return answer if isinstance(answer, dict) else None
    except (httpx.HTTPError, ValueError) as error:
        known.missed.append(f"{name} could not be asked ({redact(type(error).__name__)})")
        return None


def _scholar(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "year": answer.get("year"),
        "venue": answer.get("venue") or None,
        "citations": answer.get("citationCount"),
        "influential_citations": answer.get("influentialCitationCount"),
        "doi": (answer.get("externalIds") or {}).get("DOI"),
        "types": answer.get("publicationTypes") or [],
    }


def _crossref(work: dict[str, Any]) -> dict[str, Any]:
    updates = [str(one.get("type", "")).lower() for one in work.get("updated-by") or [] if isinstance(one, dict)]
    title = " ".join(work.get("title") or [])
    return {
        "venue": next(iter(work.get("container-title") or []), None),
        "publisher": work.get("publisher"),
        "citations": work.get("is-referenced-by-count"),
        "updates": updates,
        "retracted": any(kind in _RETRACTING for kind in updates) or title.upper().startswith("RETRACTED"),
    }

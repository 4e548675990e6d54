"""arXiv: what it says of a paper, a search, and the PDF itself, through the `arxiv` package.

arXiv asks for no more than one request in three seconds (info.arxiv.org/help/api/tou). All of a process's requests go
through one client for each address, which waits between them and tries again when the service stumbles.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from typing import Any, Final

from workbench.errors import redact
from workbench.papers.reading.layout.identifiers import ARXIV
from workbench.papers.reading.problems import PaperError, Problem

API: Final = "https://export.arxiv.org/api/query"
PDF: Final = "https://arxiv.org/pdf/"
_POLITE_SECONDS: Final = 3.0
_TIMEOUT: Final = 30.0
_RETRIES: Final = 3
_URL: Final = re.compile(
    (r"^https?://(?:[\w-]+\.)?arxiv\.org/(?:abs|pdf|html|e-print)/([^?#]+?)(?:\.pdf)?/?(?:[?#].*)?$"), re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ArxivEntry:
    """What arXiv says of a paper.

    Attributes:
        id: without its version.
        version: the newest, or the one asked for.
        published, updated: `YYYY-MM-DD`, of the first version and of this one.
        pdf: where this version's PDF is.
    """

    id: str
    version: int
    title: str
    authors: tuple[str, ...]
    abstract: str
    published: str
    updated: str
    categories: tuple[str, ...] = ()
    doi: str | None = None
    journal: str | None = None
    comment: str | None = None
    pdf: str = ""

    @property
    def year(self) -> int:
        """Of the first version."""
        return int(self.published[:4])


def arxiv_name(text: str) -> str | None:
    """Return the arXiv id (with its version, if one is named) that a word or URL stands for; None where it is none.

    >>> arxiv_name("https://arxiv.org/abs/2308.08155v2"), arxiv_name("arXiv:hep-th/9901001"), arxiv_name("paper.pdf")
    ('2308.08155v2', 'hep-th/9901001', None)
    """
    text = text.strip()
    if found := _URL.match(text):
        text = found.group(1)
    text = re.sub(r"^arxiv\s*:\s*", "", text, flags=re.IGNORECASE)
    return text if ARXIV.fullmatch(text) else None


class Arxiv:
    """Asks arXiv; blocks, and may be called from any thread.

    Args:
        api: address of its Atom API.
        pdf: where PDFs are, by id.
        wait: seconds between two requests, and before another try.
    """

    def __init__(self, api: str = API, pdf: str = PDF, wait: float = _POLITE_SECONDS) -> None:
        self._api, self._pdf, self._wait = api, pdf, wait

    def entry(self, name: str) -> ArxivEntry:
        """Return what arXiv says of one paper, by id with or without version.

        Raises:
            PaperError: it has no such paper, or cannot be reached.
        """
        found = self._results(id_list=[name])
        if not found:
            raise PaperError(f"arXiv has no paper {name!r}", hint="Check the id: four digits, a point, five digits.")
        return found[0]

    def entries(self, names: list[str]) -> list[ArxivEntry]:
        """Return what arXiv says of several papers, in one request; those that it does not have are left out."""
        return self._results(id_list=names) if names else []

    def search(self, query: str, most: int = 10) -> list[ArxivEntry]:
        """Return the papers that fit a query best; fields such as `au:bengio AND ti:attention` are understood.

        Raises:
            PaperError: arXiv cannot be reached.
        """
        return self._results(query=query, max_results=most)

    def versions(self, name: str) -> list[str]:
        """Return the ids of all versions of a paper, the first one first."""
        entry = self.entry(re.sub(r"v\d+$", "", name))
        return [f"{entry.id}v{number}" for number in range(1, entry.version + 1)]

    def _results(self, **search: Any) -> list[ArxivEntry]:
        package = _package()
        client, lock = _client(self._api, self._wait)
        try:
            with lock:
                return [self._entry(result) for result in client.results(package.Search(**search))]
        except Exception as error:
            if isinstance(error, PaperError) or not _is_trouble(package, error):
                raise
            raise PaperError(
                f"arXiv cannot be asked: {redact(' '.join(str(error).split()))[:200]}",
                hint="Try again later; a PDF that is on this machine needs no network.",
            ) from error

    def _entry(self, result: Any) -> ArxivEntry:
        name = result.get_short_id()
        version = re.search(r"v(\d+)$", name)
        return ArxivEntry(
            id=re.sub(r"v\d+$", "", name),
            version=int(version.group(1)) if version else 1,
            title=" ".join(result.title.split()),
            authors=tuple(author.name for author in result.authors),
            abstract=" ".join(result.summary.split()),
            published=result.published.strftime("%Y-%m-%d"),
            updated=result.updated.strftime("%Y-%m-%d"),
            categories=tuple(result.categories),
            doi=result.doi or None,
            journal=result.journal_ref or None,
            comment=result.comment or None,
            pdf=f"{self._pdf}{name}",
        )


def _package() -> Any:
    try:
        return import_module("arxiv")
    except ImportError as error:
        message = "asking arXiv needs a package that is not installed"
        raise PaperError(message, problem=Problem.NOT_INSTALLED, hint="pip install 'dialogue-workbench[papers]'") from error


@cache
def _client(api: str, wait: float) -> tuple[Any, threading.Lock]:
    """Return the client for an address, and the lock that keeps its requests apart."""
    client = _package().Client(page_size=100, delay_seconds=wait, num_retries=_RETRIES)
    client.query_url_format = f"{api}?{{}}"
    client._session.request = partial(client._session.request, timeout=_TIMEOUT)  # noqa: SLF001 - it has no timeout of its own
    return client, threading.Lock()


def _is_trouble(package: Any, error: Exception) -> bool:
    requests = import_module("requests")
    return isinstance(error, package.ArxivError | requests.exceptions.RequestException)

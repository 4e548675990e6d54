"""Fetching a PDF from the network: to a file, no more than is allowed, and never half of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.errors import redact
from workbench.papers.reading.problems import PaperError, Problem

if TYPE_CHECKING:
    import httpx

_TIMEOUT: Final = 30.0
_ATTEMPTS: Final = 3
_AGENT: Final = "dialogue-workbench (research tool; one paper at a time)"


def fetch(url: str, folder: Path, most: int) -> Path:
    """Return the file that a URL leads to, in `folder`.

    Args:
        url: http or https.
        folder: where it is put.
        most: bytes.

    Raises:
        PaperError: it cannot be fetched, or is too large.
    """
    import httpx

    target = folder / "fetched.pdf"
    trouble = ""
    for _ in range(_ATTEMPTS):
        try:
            with httpx.stream("GET", url, timeout=_TIMEOUT, follow_redirects=True, headers={"User-Agent": _AGENT}) as response:
                if response.status_code < 500 and response.status_code != 429:  # noqa: PLR2004 - those may pass
                    response.raise_for_status()
                    return _written(response, target, most)
                trouble = f"the server answers {response.status_code}"
        except httpx.HTTPStatusError as error:
            trouble = f"the server answers {error.response.status_code}"
            break
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            trouble = redact(str(error)) or type(error).__name__
    raise PaperError(
        f"{redact(url)} cannot be fetched: {trouble}", hint="Check the address and the network, or fetch it by hand."
    )


def _written(response: httpx.Response, target: Path, most: int) -> Path:
    size = 0
    with target.open("wb") as file:
        for piece in response.iter_bytes():
            size += len(piece)
            if size > most:
                raise PaperError(f"{response.url} has more than {most / 1e6:,.0f} MB", problem=Problem.TOO_LARGE)
            file.write(piece)
    return target

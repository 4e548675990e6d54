"""Papers: from a PDF or an arXiv id to text with places, answers with checked quotes, and a shelf to keep them on.

`paper` has the nouns. A PDF is opened only in `worker`, another process, which `reader` starts, holds to `Limits` and
kills; `layout` is what runs there, from fonts and boxes to a `Paper`. `shelf` keeps papers in the record and their files in the
workspace; `fetching`, `arxiv` and `catalogues` ask elsewhere. `chunks` and `index` find passages, `quotes` checks quotations
word by word, `asking` puts the three together. `ocr` recognises scans, `pictures` cuts figures from their pages. `problems`
is everything that can be wrong with a file.

`summaries` writes and keeps summaries of four `lengths`: `portions` is a paper in pieces that fit into a model's window,
`summary_mode` the dialogue that reads them.

`feasibility` has models debate whether a team can use a paper: `evidence` is what they are shown and how quotes are looked
up between the turns, `verdict` what the debate came to, `assessment` the result, `assessment_report` the result to read.
`outcomes` are what came of assessments, `calibration` who estimates well. `highlights` are pictures of quotes.

`branch` makes a git branch for the experiment on a paper, from the files of `scaffold`; `decisions` decides, in the record and
in that branch, and `history` tells what happened to a paper. `git` is the user's repository, `slugs` the names in it, and
`plain` makes texts of others harmless in Markdown.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

_PUBLIC: Final = {
    "Limits": "problems",
    "Paper": "paper",
    "PaperError": "problems",
    "Problem": "problems",
    "Reader": "reader",
    "Shelf": "shelf",
    "ask_paper": "asking",
    "summarize": "summaries",
    "summaries_of": "summaries",
    "assess_paper": "feasibility",
    "find_assessment": "assessment",
    "verify_quote": "quotes",
}
__all__ = sorted(_PUBLIC)  # noqa: PLE0605 - a list, which Ruff cannot see


def __getattr__(name: str) -> Any:
    """Import public names on first use: the worker needs few of them, and starts often."""
    if name in _PUBLIC:
        return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

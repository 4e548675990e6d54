"""Papers: from a PDF or an arXiv id to text with places, answers with checked quotes, and a shelf to keep them on.

`reading` makes the paper: `paper` has the nouns. A PDF is opened only in `worker`, another process, which `reader` starts,
holds to `Limits` and kills; `layout` is what runs there, from fonts and boxes to a `Paper`. `fetching`, `arxiv` and
`catalogues` ask elsewhere, `ocr` recognises scans, `problems` is everything that can be wrong with a file. `shelf` keeps
papers in the record and their files in the workspace.

`passages` finds places: `chunks` and `index` by words and meaning, `quotes` checks quotations word by word, `portions` is a
paper in pieces that fit into a model's window. `asking` puts them together; `pictures` cuts figures from their pages,
`highlights` are pictures of quotes. `summaries` writes and keeps summaries of four `lengths`; its `mode` is the dialogue
that reads the portions.

`assessing` has models debate whether a team can use a paper (`feasibility`): `evidence` is what they are shown and how
quotes are looked up between the turns, `verdict` what the debate came to, `assessment` the result, `report` the result to
read. `outcomes` are what came of assessments, `calibration` who estimates well.

`deciding` makes a git branch for the experiment on a paper (`branch`), from the files of `scaffold`; `decisions` decides,
in the record and in that branch. `git` is the user's repository, `slugs` the names in it, and `plain` makes texts of others
harmless in Markdown. `history` tells what happened to a paper.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

_PUBLIC: Final = {
    "Limits": "reading.problems",
    "Paper": "reading.paper",
    "PaperError": "reading.problems",
    "Problem": "reading.problems",
    "Reader": "reading.reader",
    "Shelf": "shelf",
    "ask_paper": "asking",
    "summarize": "summaries.summarize",
    "summaries_of": "summaries.summarize",
    "assess_paper": "assessing.feasibility",
    "find_assessment": "assessing.assessment",
    "verify_quote": "passages.quotes",
}
__all__ = sorted(_PUBLIC)  # noqa: PLE0605 - a list, which Ruff cannot see


def __getattr__(name: str) -> Any:
    """Import public names on first use: the worker needs few of them, and starts often."""
    if name in _PUBLIC:
        return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

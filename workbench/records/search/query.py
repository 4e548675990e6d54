"""What a person types to find something: words, "phrases", beginnings*, OR, and -words that are not wanted.

All that is typed must be there; `OR` joins its neighbours. Nothing of it reaches a database as it was typed: words are taken
out as `words` knows them, and each database gets a query made from these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from workbench.errors import RecordError
from workbench.records.search.words import words_of

_LONGEST: Final = 1000
"""Characters of a query."""
_MOST: Final = 50
"""Words of a query."""
_SHOWN: Final = 40
_PART: Final = re.compile(r'-?"[^"]*"\*?|\S+')
HELP: Final = 'Type words, "a phrase", a beginning*, OR between two, or -word for what must not be there.'


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or words that follow one another.

    Attributes:
        words: as `words_of` gives them.
        begins: whether the last is the beginning of a word.
    """

    words: tuple[str, ...]
    begins: bool = False

    @property
    def fts5(self) -> str:
        """The term for SQLite."""
        return f'"{" ".join(self.words)}"{" *" if self.begins else ""}'

    @property
    def tsquery(self) -> str:
        """The term for PostgreSQL's `to_tsquery`."""
        quoted = " <-> ".join(f"'{word}'" for word in self.words)
        return f"({quoted}{':*' if self.begins else ''})"

    def fits(self, words: list[str], at: int) -> bool:
        """Whether it stands at a place among words."""
        whole = len(self.words) - self.begins
        if tuple(words[at : at + whole]) != self.words[:whole]:
            return False
        return not self.begins or (at + whole < len(words) and words[at + whole].startswith(self.words[-1]))


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for.

    Attributes:
        groups: of each, one term must be there.
        without: terms that must not be there.
    """

    groups: tuple[tuple[Term, ...], ...]
    without: tuple[Term, ...] = ()

    @property
    def terms(self) -> list[Term]:
        """All terms that may be there."""
        return [term for group in self.groups for term in group]

    @property
    def fts5(self) -> str:
        """The query for SQLite's FTS5."""
        wanted = " AND ".join(f"({' OR '.join(term.fts5 for term in group)})" for group in self.groups)
        return f"({wanted}) NOT ({' OR '.join(term.fts5 for term in self.without)})" if self.without else wanted

    @property
    def tsquery(self) -> str:
        """The query for PostgreSQL's `to_tsquery`."""
        wanted = " & ".join(f"({' | '.join(term.tsquery for term in group)})" for group in self.groups)
        return " & ".join([wanted, *(f"!{term.tsquery}" for term in self.without)])


def read_query(text: str) -> Query | None:
    """Read what was typed; None where nothing was.

    Raises:
        RecordError: it has no words, or only such as are not wanted; it is too long; a quotation mark has no other half.

    >>> read_query('"prompt caching" redis* OR memcached -slow').fts5
    '(("prompt caching") AND ("redis" * OR "memcached")) NOT ("slow")'
    """
    if not text.strip():
        return None
    if len(text) > _LONGEST:
        raise RecordError(f"{len(text):,} characters are too many to look for.", hint=f"Use up to {_LONGEST}. {HELP}")
    if text.count('"') % 2:
        raise RecordError("A quotation mark has no other half.", hint='Close it, or leave it out: "a phrase".')
    query = _grouped(_PART.findall(text))
    many = sum(len(term.words) for term in [*query.terms, *query.without])
    if many > _MOST:
        raise RecordError(f"{many} words are too many to look for.", hint=f"Use up to {_MOST}.")
    if not query.groups:
        gone = "only says what must not be there" if query.without else "has no word in it"
        raise RecordError(f"{_brief(text)!r} {gone}.", hint=HELP)
    return query


def _grouped(parts: Iterable[str]) -> Query:
    groups: list[list[Term]] = []
    without: list[Term] = []
    joined = False
    for part in parts:
        if part in ("OR", "AND"):
            joined = part == "OR" and bool(groups)
            continue
        unwanted = part.startswith("-") and len(part) > 1
        words = words_of(part)
        if not words:
            continue
        term = Term(tuple(words), part.endswith("*"))
        if unwanted:
            without.append(term)
        elif joined:
            groups[-1].append(term)
        else:
            groups.append([term])
        joined = False
    return Query(tuple(map(tuple, groups)), tuple(without))


def _brief(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"

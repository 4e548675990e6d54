"""Templates: `{topic}`, `{previous}` and the ids of turns are filled in, and nothing else.

There is no attribute, index or format access, nothing that is filled in is looked at again, and every other brace stays
what it is. So neither a topic nor an answer can reach anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z][A-Za-z0-9_\-]*)\}")


def placeholders(template: str) -> list[str]:
    """Return the names in single braces, in order, each once.

    >>> placeholders("{topic} {turn_1} {topic} {0} {a.b} { c }")
    ['topic', 'turn_1']
    """
    return list(dict.fromkeys(_PLACEHOLDER.findall(template)))


def fill(template: str, names: Collection[str], value: Callable[[str], str]) -> str:
    """Return the template with `{name}` replaced by `value(name)` for each of `names`.

    >>> fill("{topic}: {topic.__class__} {other}", {"topic"}, lambda name: "{other}")
    '{other}: {topic.__class__} {other}'
    """
    return _PLACEHOLDER.sub(lambda match: value(match[1]) if match[1] in names else match[0], template)

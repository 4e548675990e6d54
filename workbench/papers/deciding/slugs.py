"""The short name of a paper in branches and folders. Settled here and nowhere else."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 50
"""Characters; `paper-` may come before."""
_DEVICES: Final = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})
"""Names that no file may have on Windows."""


def slug_of(title: str, otherwise: str) -> str:
    """Return a title as lower-case ASCII words with hyphens between.

    It is fit for a branch, a folder, an experiment and a command line on every system: it begins with a letter and has no dot.

    Args:
        title: any text.
        otherwise: what `paper-` is followed by where nothing of the title remains, such as the paper's id.

    >>> slug_of("Über-Attention: Twice Faster!", "1a2b")
    'uber-attention-twice-faster'
    >>> slug_of("注意力机制", "1a2b"), slug_of("../../-rf", "1a2b"), slug_of("NUL", "1a2b")
    ('paper-1a2b', 'rf', 'paper-nul')
    >>> slug_of("3D Gaussians", "")
    'paper-3d-gaussians'
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word[:LONGEST]
        if len(longer) > LONGEST:
            break
        slug = longer
    if not slug:
        return f"paper-{'-'.join(re.findall('[a-z0-9]+', otherwise.lower()))[:LONGEST] or 'unnamed'}"
    return f"paper-{slug}" if slug in _DEVICES or slug[0].isdigit() else slug


def is_slug(name: str) -> bool:
    """Whether a name is one as `slug_of` makes them."""
    return len(name) <= LONGEST and name == slug_of(name, "")

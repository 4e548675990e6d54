"""What comes out: figures, each beside something measured in the same run, and the table that shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: what was measured, with its unit.
        ours: the measured value.
        beside: what it stands beside, in the same unit and run; None where nothing does.
        than: what `beside` is.
        aim: in words; empty where the figure is only for information.
        met: whether the aim holds; None without an aim.
    """

    name: str
    ours: float
    beside: float | None = None
    than: str = ""
    aim: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Ours by the other."""
        return self.ours / self.beside if self.beside else None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"ratio": self.ratio}


def table(figures: Iterable[Figure]) -> str:
    """Return a Markdown table."""
    lines = ["| figure | ours | beside it | ratio | aim | met |", "|---|---:|---:|---:|---|---|"]
    for figure in figures:
        beside = "" if figure.beside is None else f"{number(figure.beside)} ({figure.than})"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        met = "" if figure.met is None else ("yes" if figure.met else "**no**")
        lines.append(f"| {figure.name} | {number(figure.ours)} | {beside} | {ratio} | {figure.aim} | {met} |")
    return "\n".join(lines)


def number(value: float) -> str:
    """Return a number with three digits that count."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"

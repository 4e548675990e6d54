"""Quality against cost, as one number: AIQ and APGR.

AIQ, the average improvement in quality (Hu et al. 2024, RouterBench, arXiv:2403.12031, section 3): the mean height, between a
lowest and a highest cost, of the non-decreasing concave hull of a router's (cost, quality) points.

APGR, the average performance gap recovered (Ong et al. 2024, RouteLLM, arXiv:2406.18665, section 2): the share of the gap
between a weak and a strong model that a router recovers, averaged over the share of the way from the weak model's cost to the
strong one's. With two models whose calls cost the same each time that is the share of calls to the strong model, as in the
paper; with more, the weak one is the cheapest and the strong one the best.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

Point = tuple[float, float]
"""Mean cost in USD, and mean quality."""


def hull(points: Iterable[Point]) -> list[Point]:
    """Return the corners of the non-decreasing concave hull of points, by cost: what mixing them by lot can reach.

    >>> hull([(1, 0.2), (2, 0.3), (3, 0.8), (4, 0.7)])
    [(1, 0.2), (3, 0.8)]
    """
    corners: list[Point] = []
    for cost, quality in sorted(points, key=lambda point: (point[0], -point[1])):
        if corners and quality <= corners[-1][1]:
            continue
        while len(corners) > 1 and _slope(corners[-2], corners[-1]) <= _slope(corners[-1], (cost, quality)):
            corners.pop()
        if not corners or cost > corners[-1][0]:
            corners.append((cost, quality))
    return corners


def aiq(points: Iterable[Point], low: float, high: float) -> float:
    """Return the mean quality of the hull between two costs; below its first point it counts as 0.

    Args:
        points: of a router, at different prices of quality.
        low: USD.
        high: USD; with `low` the range that is compared, the same for all routers.

    Raises:
        ValueError: the range is empty.

    >>> round(aiq([(1, 0.2), (3, 0.8)], 1, 5), 3)  # a trapezoid of mean height 0.5, then 0.8
    0.65
    """
    if not high > low:
        raise ValueError("the highest cost must lie above the lowest")
    return _area(hull(points), low, high) / (high - low)


def apgr(points: Iterable[Point], weak: Point, strong: Point) -> float | None:
    """Return the mean share of the gap recovered; None where the weak model is not both cheaper and worse.

    Args:
        points: of a router, at different prices of quality. They need not lie on their hull.
        weak: cost and quality of the cheapest model.
        strong: of the best model.

    >>> apgr([], (0.0, 0.2), (1.0, 0.8))  # nothing but the weak model
    0.0
    >>> round(apgr([(1.0, 0.8)], (0.0, 0.2), (1.0, 0.8)), 3)  # mixed by lot
    0.5
    """
    cost, gap = strong[0] - weak[0], strong[1] - weak[1]
    if cost <= 0 or gap <= 0:
        return None
    shares = [((c - weak[0]) / cost, (q - weak[1]) / gap) for c, q in points]
    return _area(sorted([(0.0, 0.0), *shares]), 0.0, 1.0)


def price_at(points: Iterable[Point], quality: float) -> float | None:
    """Return the least cost at which the hull reaches a quality; None if it does not.

    >>> round(price_at([(1, 0.2), (3, 0.8)], 0.5), 3)
    2.0
    """
    corners = hull(points)
    if not corners or corners[-1][1] < quality:
        return None
    if corners[0][1] >= quality:
        return corners[0][0]
    left, right = next((a, b) for a, b in pairwise(corners) if b[1] >= quality)
    return left[0] + (quality - left[1]) / _slope(left, right)


def _slope(a: Point, b: Point) -> float:
    return (b[1] - a[1]) / (b[0] - a[0]) if b[0] > a[0] else float("inf")


def _area(line: list[Point], low: float, high: float) -> float:
    """Return the area under a line through points, between two places; level after its last point, 0 before its first."""
    if not line:
        return 0.0
    area = max(high - max(line[-1][0], low), 0.0) * line[-1][1]
    for (x0, y0), (x1, y1) in pairwise(line):
        left, right = max(x0, low), min(x1, high)
        if right > left:
            height = y0 + (y1 - y0) * ((left + right) / 2 - x0) / (x1 - x0)
            area += (right - left) * height
    return area

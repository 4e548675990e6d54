"""AIQ and APGR are what one gets by hand, and the hull is a hull."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.routing.frontier import aiq, apgr, hull, price_at

points = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=12)


def test_aiq_by_hand():
    # Hull of four points: (0, 0.2), (1, 0.6), (3, 0.8); (2, 0.5) lies below, (4, 0.7) would fall.
    found = [(0, 0.2), (1, 0.6), (2, 0.5), (3, 0.8), (4, 0.7)]
    assert hull(found) == [(0, 0.2), (1, 0.6), (3, 0.8)]
    # Areas: 0.4 over [0, 1], 1.4 over [1, 3], 0.8 over [3, 4]; in all 2.6 over 4.
    assert aiq(found, 0, 4) == pytest.approx(0.65)
    assert aiq(found, 1, 3) == pytest.approx(0.7)
    # Below its first point a router offers nothing.
    assert aiq([(2, 0.5)], 0, 4) == pytest.approx(0.25)


def test_apgr_by_hand():
    weak, strong = (1.0, 0.5), (3.0, 0.9)
    # Half way in cost three quarters of the gap: triangle 0.1875 and trapezoid 0.4375.
    assert apgr([(2.0, 0.8), (3.0, 0.9)], weak, strong) == pytest.approx(0.625)
    # Better than the strong model, for half the way: 1.25 of the gap from there on.
    assert apgr([(2.0, 1.0)], weak, strong) == pytest.approx(0.25 * 1.25 + 0.5 * 1.25)
    # Points that cost more than the strong model count up to its cost only.
    assert apgr([(5.0, 0.9)], weak, strong) == pytest.approx(0.25)
    assert apgr([(2.0, 0.8)], weak, (1.0, 0.9)) is None
    assert apgr([(2.0, 0.8)], weak, (3.0, 0.5)) is None


def test_the_price_of_a_quality_by_hand():
    assert price_at([(1, 0.2), (2, 0.5), (4, 0.7)], 0.6) == pytest.approx(3)
    assert price_at([(1, 0.2), (2, 0.5)], 0.1) == 1
    assert price_at([(1, 0.2), (2, 0.5)], 0.6) is None
    assert price_at([], 0.6) is None


@given(points)
def test_the_hull_lies_above_all_points_rises_and_bends_down(points):
    corners = hull(points)
    costs, qualities = zip(*corners, strict=True)
    assert set(corners) <= set(points)
    assert all(np.interp(cost, costs, qualities) >= quality - 1e-9 for cost, quality in points)
    assert list(costs) == sorted(set(costs))
    assert list(qualities) == sorted(set(qualities))
    slopes = np.diff(qualities) / np.diff(costs)
    assert all(np.diff(slopes) < 1e-12)


@given(points, points)
def test_more_points_are_never_worse(points, more):
    assert aiq([*points, *more], 0, 21) >= aiq(points, 0, 21) - 1e-12


def test_an_empty_range_is_refused():
    with pytest.raises(ValueError, match="above"):
        aiq([(1, 1)], 2, 2)

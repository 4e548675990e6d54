"""Intervals that hold at every look, and checks that say whether a comparison can be trusted."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from workbench.experiments.statistics import Metric, Refusal, StatisticsError, by_protocol, monitor, sample_ratio

SCORE = Metric("score", "higher")


def test_the_p_value_is_the_bayes_factor_integrated():
    """1 / p is the likelihood of t averaged over effects from a normal distribution, beside that without an effect."""
    values = np.random.default_rng(0).normal(0.8, 1.0, size=12)
    spent = -2 * np.log(0.05)
    scale = np.sqrt((spent + np.log(spent) + 1) / 50)
    best = 1.0
    found = monitor(values.tolist(), planned=50)
    for n, p in zip(found.cases.astype(int), found.ps, strict=True):
        t = stats.ttest_1samp(values[:n], 0).statistic
        mixed, _ = integrate.quad(
            lambda d, t=t, n=n: stats.nct.pdf(t, n - 1, d * np.sqrt(n)) * stats.norm.pdf(d, scale=scale), -6 * scale, 6 * scale
        )
        best = min(best, stats.t.pdf(t, n - 1) / mixed)
        assert p == pytest.approx(best, rel=1e-4)


def test_the_interval_is_where_the_bet_is_not_won():
    values = np.random.default_rng(1).normal(0.2, 1.0, size=60)
    found = monitor(values.tolist(), planned=60)
    for bound in (found.lows[-1], found.highs[-1]):
        shifted = monitor((values - bound).tolist(), planned=60)
        earlier = shifted.ps[:-1].min()
        assert shifted.ps[-1] == pytest.approx(min(0.05, earlier), rel=1e-9)


def test_before_there_are_cases_enough_there_is_no_bound_and_no_nan():
    found = monitor([1.0, 1.0, 1.0, 1.2])
    assert found.lows[0] == -np.inf
    assert not np.isnan(np.concatenate([found.means, found.lows, found.highs, found.ps])).any()
    assert found.stopped_at is None


def test_stops_where_a_difference_is_plain():
    found = monitor(np.random.default_rng(2).normal(1.0, 1.0, size=100).tolist())
    assert 5 < found.stopped_at < 40
    assert found.lows[-1] > 0


def test_who_looks_after_every_case_seldom_finds_what_is_not_there():
    rng = np.random.default_rng(3)
    runs = rng.normal(size=(400, 200))
    usual = 0
    for run in runs:
        n = np.arange(10, 201)
        sums, squares = np.cumsum(run)[9:], np.cumsum(run**2)[9:]
        t = sums / n / np.sqrt((squares - sums**2 / n) / (n - 1) / n)
        usual += bool((np.abs(t) > stats.t.isf(0.025, n - 1)).any())
    stopped = sum(monitor(run.tolist()).stopped_at is not None for run in runs)
    assert stopped / 400 <= 0.05
    assert usual / 400 > 0.15


def test_a_bounded_interval_holds_for_lopsided_differences():
    rng = np.random.default_rng(4)
    runs = rng.choice([-1.0, 0.0, 3.0], p=[0.3, 0.6, 0.1], size=(400, 200))
    stopped = sum(monitor(run.tolist(), bounds=(-3, 3)).stopped_at is not None for run in runs)
    assert stopped / 400 <= 0.05
    found = monitor((0.1 * runs[0] + 0.6).tolist(), bounds=(-1, 1))
    assert found.stopped_at is not None
    assert found.lows[-1] > 0


def test_a_bounded_interval_is_that_of_its_theorem():
    """Waudby-Smith and Ramdas, theorem 2, term by term."""
    values, planned, alpha = [0.3, -0.2, 0.5, 0.1, 0.9, -0.4], 20, 0.05
    total = stake = paid = 0.0
    seen: list[float] = []
    spread = 0.25
    for value in values:
        x = (value + 1) / 2
        bet = min(np.sqrt(2 * np.log(2 / alpha) / (spread * planned)), 0.75)
        guess = (0.5 + sum(seen)) / (len(seen) + 1)
        paid += 4 * (x - guess) ** 2 * (-np.log(1 - bet) - bet) / 4
        total, stake = total + bet * x, stake + bet
        seen.append(x)
        guesses = [(0.5 + sum(seen[: i + 1])) / (i + 2) for i in range(len(seen))]
        spread = (0.25 + sum((s - g) ** 2 for s, g in zip(seen, guesses, strict=True))) / (len(seen) + 1)
    reach = (np.log(2 / alpha) + paid) / stake
    found = monitor(values, planned=planned, bounds=(-1, 1))
    assert found.lows[-1] == pytest.approx(max(2 * (total / stake - reach) - 1, -1), rel=1e-9)
    assert found.highs[-1] == pytest.approx(min(2 * (total / stake + reach) - 1, 1), rel=1e-9)


def test_a_bounded_p_value_and_its_interval_agree():
    values = np.random.default_rng(6).normal(0.3, 0.2, size=80).clip(-1, 1)
    found = monitor(values.tolist(), bounds=(-1, 1))
    outside = found.cases[found.lows > 0]
    assert found.stopped_at == int(outside[0])


def test_differences_outside_their_bounds():
    with pytest.raises(StatisticsError, match="do not lie"):
        monitor([0.5, 2.0], bounds=(-1, 1))


@pytest.mark.parametrize("bad", [[], [1.0], [1.0, float("nan")], [[1.0, 2.0]], ["x", "y"]])
def test_explains_what_cannot_be_monitored(bad):
    with pytest.raises(StatisticsError) as caught:
        monitor(bad)
    assert caught.value.hint


def test_sample_ratio():
    found = sample_ratio({"a": 821_588, "b": 815_482})
    assert found.suspicious  # Kohavi, Tang, Xu (2020), Trustworthy Online Controlled Experiments, ch. 3: p = 1.8e-6
    assert found.p == pytest.approx(1.8e-6, abs=5e-8)
    assert "Find out why" in found.text
    assert not sample_ratio({"a": 100, "b": 210}, {"a": 1, "b": 2}).suspicious
    assert sample_ratio({"a": 100, "b": 210}).suspicious


@pytest.mark.parametrize("counts", [{}, {"a": 3}, {"a": 0, "b": 0}])
def test_no_ratio_without_arms_and_cases(counts):
    with pytest.raises(StatisticsError):
        sample_ratio(counts)


def test_a_plan_that_forgets_an_arm():
    with pytest.raises(StatisticsError, match="every arm"):
        sample_ratio({"a": 5, "b": 5}, {"a": 1})


def served(share):
    """B is no better than A, but a strong model stands in for it where it fails."""
    rng = np.random.default_rng(4)
    rows = []
    for case in range(60):
        base = rng.normal()
        rows.append((case, "a", base + rng.normal() * 0.3, None))
        fell = case < share * 60
        rows.append((case, "b", base + (2 if fell else 0) + rng.normal() * 0.3, fell))
    return pd.DataFrame(rows, columns=["case", "arm", "score", "fallback"])


def test_fallbacks_are_told_from_the_arm():
    found = by_protocol(served(0.4), SCORE, control="a", treatment="b", resamples=99)
    assert found.fallbacks == pytest.approx((0.0, 0.4))
    assert found.intention_to_treat.better
    assert found.intention_to_treat.cases == (60, 60)
    assert not found.per_protocol.better
    assert found.per_protocol.cases == (36, 36)
    assert not found.agree
    assert "the fallbacks decide" in found.text


def test_an_arm_that_only_fallbacks_served_is_explained():
    found = by_protocol(served(1.0), SCORE, control="a", treatment="b", resamples=99)
    assert isinstance(found.per_protocol, Refusal)
    assert "no arm b" in found.text


def test_a_table_that_does_not_say_who_served():
    with pytest.raises(StatisticsError, match="no column fallback"):
        by_protocol(served(0.1).drop(columns="fallback"), SCORE, control="a", treatment="b")

"""An analysis of a whole experiment: what is shown, for which arm, at which price, and what to bear in mind."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trial import METRICS, PLAN, observed

from workbench.experiments.analysis import analyse
from workbench.experiments.statistics import Metric, StatisticsError, Verdict, compare, power

FEW = {"resamples": 99}
THREE = {"single": 0.0, "debate": 0.2, "vote": 0.0}


def analysed(frame=None, metrics=METRICS, plan=PLAN, **options):
    return analyse(observed() if frame is None else frame, metrics, plan, **(FEW | options))


@pytest.fixture(scope="module")
def three():
    return analysed(observed(lifts=THREE), all_pairs=True)


def test_every_metric_is_compared_as_compare_does(three):
    frame = observed(lifts=THREE)
    for metric in METRICS:
        alone = compare(frame, metric, control="single", treatment="debate", resamples=19)
        found = three.comparison(metric.name, "debate").comparison
        assert [*found.means, found.p, found.low] == pytest.approx([*alone.means, alone.p, alone.low], rel=1e-12)


def test_p_is_adjusted_among_the_primary_and_among_the_others(three):
    from statsmodels.stats.multitest import multipletests

    for names in ({"score"}, {"right", "latency", "cost"}):
        family = [finding for finding in three.findings if finding.comparison.metric.name in names]
        assert len(family) == 3 * len(names)
        expected = multipletests([finding.comparison.p for finding in family], method="holm")[1]
        assert [finding.p for finding in family] == pytest.approx(expected.tolist())


def test_each_arm_is_recommended_at_its_share_of_alpha(three):
    assert [advice.treatment for advice in three.advice] == ["debate", "vote"]
    assert three.advice[0].recommendation.quality.better
    assert not three.advice[1].recommendation.quality.better
    assert "97.5% interval" in three.advice[0].recommendation.quality.text
    assert "recommended at a level of 0.025" in three.summary
    assert "95% interval" in analysed().advice[0].recommendation.quality.text


def test_the_table_has_a_row_for_every_comparison(three):
    frame = three.frame
    assert len(frame) == len(METRICS) * 3
    row = frame.loc[(frame["metric"] == "score") & (frame["treatment"] == "debate") & (frame["control"] == "single")].iloc[0]
    assert row["shown"] == "better"
    assert row["low"] <= row["difference"] <= row["high"]
    assert row["p_not_worse"] < row["p_adjusted"]


def test_power_is_that_of_the_margin():
    found = analysed()
    (reached,) = found.reached
    spread = found.comparison("score", "debate").comparison.spread
    assert reached.power == power(spread, 30, 0.5)
    assert reached.needed > 30
    assert "less than the 80% planned" in found.summary
    assert power(spread, 30, reached.detectable) == pytest.approx(0.8)


def test_what_failed_is_counted_with_its_reason():
    found = analysed(observed(fails={(1, "debate"), (2, "debate"), (3, "single")}))
    by_arm = {facts.arm: facts for facts in found.arms}
    assert (by_arm["debate"].failed, by_arm["single"].failed) == (4, 2)
    assert by_arm["debate"].errors == (("timeout: no answer in 30 s", 4),)
    assert "score, latency, cost: debate yielded no value" in found.summary


def test_secrets_in_errors_are_blanked():
    frame = observed(fails={(1, "debate")})
    frame["error"] = frame["error"].replace("timeout: no answer in 30 s", "bad key sk-abcdefgh12345678")
    assert "sk-abcdefgh" not in analysed(frame).to_json() + analysed(frame).summary


def test_fallbacks_bring_the_other_protocol():
    assert analysed().protocols == ()
    found = analysed(observed(served={(n, "debate") for n in range(5)}))
    (protocols,) = found.protocols
    assert protocols.fallbacks == (0.0, pytest.approx(5 / 30))
    assert protocols.per_protocol.cases == (25, 25)
    assert "Without fallbacks:" in found.summary


def test_an_arm_with_too_few_cases_is_suspicious():
    frame = observed(200, repeats=1)
    frame = frame.loc[(frame["arm"] == "single") | (frame["case"].str[1:].astype(int) < 100)]
    assert analysed(frame).ratio.suspicious
    assert "did not get their share" in analysed(frame).summary
    assert not analysed(frame, shares={"single": 2, "debate": 1}).ratio.suspicious


def test_prices_without_a_margin_are_told_and_play_no_part():
    found = analysed(metrics=[METRICS[0], Metric("latency", "lower")])
    assert found.advice[0].recommendation.prices == ()
    assert "latency has no margin" in found.summary
    assert found.comparison("latency", "debate") is not None


def test_without_a_margin_nothing_is_recommended():
    found = analysed(metrics=[], plan=replace(PLAN, margin=None))
    assert found.advice[0].verdict is None
    assert "score has no margin" in found.summary
    assert found.comparison("score", "debate").better


def test_a_dearer_better_arm_is_left_to_people():
    found = analysed(observed(lifts={"single": 0, "debate": 0.3}, dear=0.01))
    assert found.advice[0].verdict is Verdict.REJECT
    assert "for you to decide" in found.summary


def flat(frame):
    return frame.assign(score=5.0)


def failed(frame):
    nothing = dict.fromkeys(("score", "latency", "cost"), np.nan) | {"right": None, "status": "failed"}
    return frame.assign(**{name: frame[name].where(frame["arm"] == "single", value) for name, value in nothing.items()})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (flat, "score: the same in every case"),
        (failed, "arm debate has no value at all"),
        (lambda frame: frame.assign(score=np.nan), "arm single has no value at all"),
        (lambda frame: frame.loc[frame["case"] == "c1"], "both arms share 1 case"),
        (lambda frame: frame.assign(score="many"), "not a number"),
        (lambda frame: frame.assign(score=np.inf), "infinite"),
        (lambda frame: pd.concat([frame, frame]), "stands more than once"),
    ],
)
def test_data_that_cannot_answer_are_explained(change, says):
    found = analysed(change(observed(10)))
    assert says in found.summary
    assert found.advice[0].verdict is Verdict.NEEDS_MORE_DATA
    assert "score" in set(found.frame["metric"])
    json.loads(found.to_json())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda frame: frame.drop(columns="arm"), "no column arm"),
        (lambda frame: frame.iloc[:0], "no observations"),
        (lambda frame: frame.loc[frame["arm"] == "single"], "no arm beside single"),
        (lambda frame: frame.loc[frame["arm"] == "debate"], "control single has no observation"),
        (lambda frame: frame.assign(arm=None), "belongs to no arm"),
    ],
)
def test_a_table_that_is_none_is_refused(change, says):
    with pytest.raises(StatisticsError, match=says) as caught:
        analysed(change(observed(3)))
    assert caught.value.hint


def test_plan_and_metrics_may_not_contradict():
    with pytest.raises(StatisticsError, match="plan says higher"):
        analysed(metrics=[Metric("score", "lower")])
    with pytest.raises(StatisticsError, match="tokens was not measured"):
        analysed(plan=replace(PLAN, primary="tokens"))
    with pytest.raises(StatisticsError, match="given twice"):
        analysed(metrics=[METRICS[0], METRICS[0]])


def test_the_plans_margin_and_level_count():
    found = analysed(plan=replace(PLAN, margin=3.0, alpha=0.01), metrics=[Metric("score", "higher", margin=0.5)])
    assert found.primary.margin == 3.0
    assert found.findings[0].comparison.confidence == 0.99


@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 999), cases=st.integers(2, 12), mixed=st.booleans())
def test_the_order_of_rows_changes_nothing(seed, cases, mixed):
    frame = observed(cases, seed=seed, repeats=3)  # sums of three floats depend on their order
    if mixed:  # ids may be numbers and texts at once
        frame["case"] = [int(case[1:]) if int(case[1:]) % 2 else case for case in frame["case"]]
    one = analyse(frame, METRICS, PLAN, resamples=29)
    other = analyse(frame.sample(frac=1, random_state=seed), METRICS[::-1], PLAN, resamples=29)
    assert one.comparison("score", "debate") == other.comparison("score", "debate")
    again = analyse(frame.sample(frac=1, random_state=seed + 1), METRICS, PLAN, resamples=29)
    assert again.to_json() == one.to_json()


def test_shown_in_a_notebook_as_text_and_table():
    bundle = analysed()._repr_mimebundle_()
    assert bundle["text/plain"].startswith(PLAN.hypothesis)
    assert "<table" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]

"""Departures from a sealed plan: nothing that was done otherwise goes unsaid, and nothing else is said."""

import copy

import pytest
from trial import METRICS, PLAN, observed

from workbench.experiments.analysis import analyse, departures
from workbench.experiments.plan import Seal, digest

CASES, REPEATS = 6, 2
FORM = {
    "name": "trial",
    "plan": PLAN.to_dict(),
    "arms": {"single": {"model": "small"}, "debate": {"mode": "debate"}},
    "metrics": {metric.name: {"kind": "function"} for metric in METRICS},
    "cases": {"ids": [f"c{n}" for n in range(CASES)], "sha256": "f00"},
    "repeats": REPEATS,
    "seed": 7,
    "fallbacks": "forbid",
}
SEAL = Seal(digest(FORM), 1.6e9, FORM)
NAMES = [metric.name for metric in METRICS]


def found(frame=None, form=FORM, seal=SEAL, metrics=NAMES):
    return departures(seal, form, observed(CASES, repeats=REPEATS) if frame is None else frame, metrics)


def test_a_plan_that_was_kept_has_none():
    assert found() == ()
    analysis = analyse(observed(CASES), METRICS, PLAN, seal=SEAL, form=FORM, resamples=19)
    assert analysis.departures == ()
    assert analysis.to_dict()["sealed"] == SEAL.sha256


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("plan", "alpha"), 0.1, "plan.alpha was sealed as 0.05 and run as 0.1."),
        (("arms", "debate", "model"), "large", 'arms.debate.model was not in the sealed plan: "large".'),
        (("metrics", "cost"), None, 'metrics.cost was sealed as {"kind":"function"} and left out.'),
        (("seed",), 8, "seed was sealed as 7 and run as 8."),
        (("cases", "sha256"), "ba2", 'cases.sha256 was sealed as "f00" and run as "ba2".'),
    ],
)
def test_another_definition(path, value, says):
    form = copy.deepcopy(FORM)
    part = form
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    (departure,) = found(form=form)
    assert departure.text == says
    assert departure.what == ".".join(path)


def test_other_observations():
    frame = observed(CASES + 1, repeats=REPEATS)
    assert "1 case is not in the sealed plan: c6." in [each.text for each in found(frame)]
    texts = [each.text for each in found(frame.loc[frame["case"] != "c1"].loc[frame["case"] != "c6"])]
    assert texts == ["1 case of the sealed plan was not run: c1."]
    assert [each.what for each in found(frame.loc[(frame["repeat"] == 0) & (frame["case"] != "c6")])] == ["repeats"]
    more = observed(CASES, {"single": 0, "debate": 0, "vote": 0})
    assert [each.text for each in found(more)] == ["1 arm is not in the sealed plan: vote."]


def test_a_metric_thought_of_later():
    (departure,) = found(metrics=[*NAMES, "charm"])
    assert "charm" in departure.text
    assert "ideas, not" in departure.text


def test_fallbacks_that_were_forbidden():
    (departure,) = found(observed(CASES, served={(1, "debate")}))
    assert departure.text == "Fallbacks were forbidden, and served 2 observations."


def test_a_seal_after_the_fact_or_broken():
    late = Seal(SEAL.sha256, 1.7e9 + 3, FORM)
    assert [each.what for each in found(seal=late)] == ["sealed_at"]
    broken = Seal("0" * 64, 1.6e9, FORM)
    assert [each.what for each in found(seal=broken)] == ["seal"]


def test_dates_are_times_too():
    import pandas as pd

    frame = observed(CASES)
    frame["started_at"] = pd.to_datetime(frame["started_at"], unit="s", utc=True)
    assert found(frame) == ()
    assert [each.what for each in found(frame, seal=Seal(SEAL.sha256, 1.8e9, FORM))] == ["sealed_at"]


def test_the_report_tells_them():
    analysis = analyse(observed(CASES, repeats=1), METRICS, PLAN, seal=SEAL, form=FORM, resamples=19)
    assert "12 of 12 pairs of case and arm were not run 2 times" in analysis.summary

"""Pictures of an experiment: what they show is what was found, few cases or many, and no name is markup."""

import json

import numpy as np
import pytest
from trial import METRICS, PLAN, observed

from workbench.errors import WorkbenchError
from workbench.experiments.analysis import analyse
from workbench.experiments.plots import KINDS, plot
from workbench.experiments.statistics import Metric

FEW = {"resamples": 19}


@pytest.fixture(scope="module")
def found():
    return analyse(observed(), METRICS, PLAN, **FEW)


@pytest.fixture(scope="module")
def many():
    return analyse(observed(3000, repeats=1), METRICS, PLAN, **FEW)


def marks(figure, symbol):
    return [trace for trace in figure.data if trace.marker.symbol in symbol]


def lines(figure):
    """Pairs of values that thin lines join, over all traces."""
    ys = [trace.y for trace in figure.data if trace.customdata is not None]
    return sum(len(y) // 3 for y in ys)


def texts(figure):
    return " ".join(str(note.text) for note in figure.layout.annotations)


def test_the_estimation_plot_shows_cases_means_and_difference(found):
    figure, comparison = plot(found), found.comparison("score", "debate").comparison
    assert lines(figure) == 30
    assert [mark.y[0] for mark in marks(figure, ("square",))] == pytest.approx(list(comparison.means))
    (difference,) = marks(figure, ("diamond", "circle"))
    assert difference.y[0] == comparison.difference
    assert difference.y[0] + difference.error_y.array[0] == pytest.approx(comparison.high)
    assert difference.y[0] - difference.error_y.arrayminus[0] == pytest.approx(comparison.low)
    assert "30 shared cases: " in texts(figure)


def test_p_never_stands_alone(found):
    for kind in ("estimation", "forest"):
        for note in plot(found, kind).layout.annotations:
            if " p " in note.text:
                assert "[" in note.text.split(" p ")[0]


def test_three_cases_and_three_thousand(many):
    few = analyse(observed(3, repeats=1), METRICS, PLAN, **FEW)
    assert lines(plot(few)) == 3
    assert lines(plot(many)) == 150
    assert "150 of 3,000 drawn" in texts(plot(many))
    assert len(json.dumps(plot(many).to_plotly_json(), default=str)) < 100_000


def test_right_and_wrong_are_four_lines_with_their_cases(many):
    figure = plot(many, metric="right")
    wide = [trace for trace in figure.data if trace.line.width and trace.line.width > 1]
    assert len(wide) == 4
    counts = [int(note.text.replace(",", "")) for note in figure.layout.annotations if note.text.replace(",", "").isdigit()]
    assert sum(counts) == 3000


def test_cases_apart_are_points():
    frame = observed(20)
    frame["case"] += frame["arm"]
    figure = plot(analyse(frame, METRICS, PLAN, **FEW))
    assert lines(figure) == 0
    assert "which the arms do not share" in texts(figure)


def test_several_arms_stand_below_one_another():
    figure = plot(analyse(observed(lifts={"single": 0, "debate": 0.2, "vote": 0.0}), METRICS, PLAN, **FEW))
    assert len(marks(figure, ("square",))) == 3
    assert len(marks(figure, ("diamond", "circle"))) == 2
    assert all(trace.yaxis == "y2" for trace in marks(figure, ("diamond", "circle")))


def test_the_forest_has_better_to_the_right(found):
    figure = plot(found, "forest")
    middle = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    drawn = {middle[trace.y[0]]: trace.x[0] for trace in figure.data if trace.mode == "markers"}
    for metric in METRICS:
        name = f"<b>{metric.name}</b>" if metric.name == "score" else metric.name
        assert drawn[name] == pytest.approx(found.comparison(metric.name, "debate").comparison.gain / metric.margin)
    assert {(shape.x0, shape.x1) for shape in figure.layout.shapes if shape.type == "rect"} == {(-1, 1)}


def test_scales_of_the_forest(found):
    g = plot(found, "forest", scale="g")
    drawn = [trace.x[0] for trace in g.data if trace.mode == "markers"]
    assert drawn[0] == pytest.approx(found.comparison("score", "debate").comparison.effect.g)
    assert "percent" in plot(found, "forest", scale="percent").layout.xaxis.title.text
    with pytest.raises(WorkbenchError, match="no scale"):
        plot(found, "forest", scale="inches")
    bare = analyse(observed(5), [Metric("latency", "lower")], PLAN, **FEW)
    assert "Hedges" in plot(bare, "forest").layout.xaxis.title.text


def test_the_frontier_leaves_out_who_is_beaten():
    frame = observed(lifts={"single": 0.0, "good": 0.3, "bad": -0.3})
    frame["cost"] = frame["arm"].map({"single": 1.0, "good": 2.0, "bad": 3.0}) + frame["latency"] / 100
    figure = plot(analyse(frame, METRICS, PLAN, **FEW), "frontier")
    symbols = {trace.text[0]: trace.marker.symbol for trace in figure.data if trace.text}
    assert {name for name, symbol in symbols.items() if symbol.endswith("-open")} == {"bad"}
    line = next(trace for trace in figure.data if trace.mode == "lines")
    assert list(line.x) == sorted(line.x)
    assert len(line.x) == 2


def test_free_arms_are_set_against_time(found):
    free = analyse(observed().assign(cost=0.0), METRICS, PLAN, **FEW)
    assert plot(free, "frontier").layout.xaxis.title.text.startswith("latency, s")
    assert plot(found, "frontier").layout.xaxis.title.text.startswith("cost, USD")
    with pytest.raises(WorkbenchError, match="no metric could be a price"):
        plot(analyse(observed(5), METRICS[:2], PLAN, **FEW), "frontier")


def test_distributions_are_boxes_violins_or_shares(found, many):
    assert {trace.type for trace in plot(found, "distribution").data} == {"box"}
    assert {trace.type for trace in plot(many, "distribution").data} == {"violin"}
    assert {trace.type for trace in plot(many, "distribution", metric="right").data} == {"bar"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.assign(score=5.0),
        lambda frame: frame.assign(score=np.nan),
        lambda frame: frame.assign(score=frame["score"].where(frame["arm"] == "single")),
        lambda frame: frame.loc[frame["case"] == "c1"],
        lambda frame: frame.assign(score="many"),
    ],
    ids=["flat", "nothing", "one arm", "one case", "words"],
)
def test_data_that_cannot_answer_still_draw(kind, change):
    figure = plot(analyse(change(observed(4)), METRICS, PLAN, **FEW), kind)
    assert "NaN" not in figure.to_json()


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_no_markup(kind):
    hostile = "<b>x</b><img src=x>"
    frame = observed(4, lifts={"single": 0.0, hostile: 0.1})
    frame[hostile], frame["case"] = frame["score"], frame["case"] + hostile
    figure = plot(analyse(frame, [*METRICS, Metric(hostile, "higher", margin=1)], PLAN, **FEW), kind)
    assert "<img" not in figure.to_json().replace("\\u003c", "<")


def test_what_is_not_there_is_named(found):
    with pytest.raises(WorkbenchError, match="no plot 'pie'") as caught:
        plot(found, "pie")
    assert "forest" in caught.value.hint
    with pytest.raises(WorkbenchError, match="no metric 'charm'"):
        plot(found, metric="charm")

"""What the routing panel is told: who was chosen, what that brought, how much was tried out, and what money buys."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_examples import START, started
from test_model_stats import made, spoken

from workbench.panels.routing_facts import LATEST, routing_facts
from workbench.panels.routing_figure import routing_figure
from workbench.records.choices import Chosen
from workbench.records.rating import Rating


def chosen(number, model="a", kind="code", **scores):
    return Chosen(f"d{number}", "t", START + number, "learned", model, kind, scores or {"a": 0.9, "b": 0.5}, 0.5)


def rating(number, quality, model="a", kind="code", cost=0.01, policy="learned", **more):
    facts = {"dialogue": f"d{number}", "turn": "t", "role": "pro", "source": "judge", "at": START + number, "id": number}
    return Rating(**facts | {"model": model, "quality": quality, "kind": kind, "cost": cost, "policy": policy} | more)


def test_choices_are_counted_by_kind_and_model_the_most_frequent_first():
    facts = routing_facts([chosen(1), chosen(2, "b"), chosen(3), chosen(4, "b", "maths")], [])
    assert {kind: dict(counts) for kind, counts in facts.by_kind.items()} == {"code": {"a": 2, "b": 1}, "maths": {"b": 1}}
    assert list(facts.by_kind) == ["code", "maths"]
    assert (facts.models, facts.choices, facts.rated) == (("a", "b"), 4, 0)


def test_a_choice_that_did_not_look_best_explored():
    facts = routing_facts([chosen(1, "a"), chosen(2, "b"), chosen(3, "b", a=0.5, b=0.5), chosen(4, "c", c=1.0)], [])
    assert facts.exploring == [0.0, 1 / 2, 1 / 3, 1 / 4]


def test_ratings_of_one_turn_are_averaged_and_those_of_turns_nobody_routed_are_not_over_time():
    words = [rating(1, 0.2), rating(1, 0.4, source="check"), rating(2, 1.0), rating(3, 0.0, policy="")]
    facts = routing_facts([], words)
    assert facts.quality == [pytest.approx(0.3), pytest.approx(0.65)]
    assert facts.cost == [0.01, 0.01]
    assert facts.rated == 2
    assert facts.points[0].turns == 3


def test_regret_is_known_where_two_models_have_been_rated_often_enough():
    tried = [rating(n, 0.9, "b", policy="") for n in range(5)] + [rating(10 + n, 0.5, "a", policy="") for n in range(5)]
    lonely = [rating(20 + n, 0.1, "a", "maths") for n in range(9)]
    facts = routing_facts([], [*tried, *lonely, rating(50, 0.4), rating(51, 1.0)])
    assert facts.regret[:9] == [None] * 9
    assert facts.regret[9:] == [pytest.approx(0.5), pytest.approx((0.5 - 0.1) / 2)]


def test_points_have_intervals_and_the_frontier_goes_over_them():
    words = [rating(n, n % 2, "dear", cost=0.02 + 0.001 * (n % 3)) for n in range(8)]
    words += [rating(20 + n, 0.3, "cheap", cost=0.001) for n in range(3)] + [rating(40, 0.2, "poor", cost=0.01)]
    facts = routing_facts([], words)
    cheap, poor, dear = facts.points
    assert [point.model for point in facts.points] == ["cheap", "poor", "dear"]
    assert (dear.quality.value, dear.quality.method) == (0.5, "Wilson")
    assert dear.cost_low < dear.cost < dear.cost_high
    assert (poor.quality.low, poor.cost_low) == (None, None)
    assert (cheap.cost_low, cheap.cost_high) == (0.001, 0.001)
    assert [cost for cost, _ in facts.frontier] == [cheap.cost, dear.cost]


def test_a_model_whose_cost_nobody_knows_has_no_point():
    facts = routing_facts([], [rating(1, 0.5, cost=None)])
    assert (facts.points, facts.cost) == ([], [None])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["code", "maths"]), st.floats(0, 1)), max_size=120))
def test_nothing_leaves_its_range_and_every_choice_is_counted(drawn):
    choices = [chosen(n, model, kind, a=0.3, b=0.2, c=quality) for n, (model, kind, quality) in enumerate(drawn)]
    words = [rating(n, quality, model, kind) for n, (model, kind, quality) in enumerate(drawn)]
    facts = routing_facts(choices, words)
    assert sum(counts.total() for counts in facts.by_kind.values()) == len(facts.exploring) == len(drawn)
    assert len(facts.quality) == len(facts.cost) == len(facts.regret) == len(drawn)
    assert all(-1e-9 <= value <= 1 + 1e-9 for value in [*facts.quality, *facts.exploring])
    assert all(-1 - 1e-9 <= value <= 1 + 1e-9 for value in facts.regret if value is not None)
    qualities = [quality for _, quality in facts.frontier]
    assert qualities == sorted(qualities)


def test_over_time_only_the_latest_count():
    facts = routing_facts([], [rating(n, float(n >= LATEST)) for n in range(2 * LATEST)])
    assert (facts.quality[LATEST - 1], facts.quality[-1]) == (0.0, 1.0)


def traces(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


def test_the_figure_draws_it():
    choices = [chosen(n, "ab"[n % 2]) for n in range(6)]
    words = [rating(n, 0.5 + n / 20, "ab"[n % 2], cost=0.01 * (1 + n % 2)) for n in range(6)]
    figure = routing_figure(routing_facts(choices, words), "six choices")
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [(bar.name, bar.y) for bar in bars] == [("a", (3,)), ("b", (3,))]
    assert {"quality", "cost", "reached by mixing"} <= traces(figure).keys()
    assert "regret" not in traces(figure)
    marks = [trace for trace in figure.data if trace.type == "scatter" and trace.name in ("a", "b")]
    assert [mark.error_y.array is not None for mark in marks] == [True, True]
    assert {bar.marker.color for bar in bars} == {mark.marker.color for mark in marks}
    assert "six choices" in {note.text for note in figure.layout.annotations}


def test_an_empty_figure_says_what_is_missing():
    texts = [note.text for note in routing_figure(routing_facts([], [])).layout.annotations]
    assert texts.count("no turn was routed yet") == 2
    assert {"no choice was rated yet", "no turn with a known cost was rated yet"} <= set(texts)


def test_names_are_text_and_no_markup():
    name = "<a href='javascript:x'>m</a>"
    figure = routing_figure(routing_facts([chosen(1, name, "<b>code</b>", **{name: 1.0})], [rating(1, 0.5, name)]))
    assert "<a" not in figure.to_json()
    assert "<b>code" not in figure.to_json()


def test_a_long_history_stays_small_and_keeps_its_last_value():
    rng = random.Random(1)
    choices = [chosen(n, rng.choice("ab")) for n in range(20_000)]
    facts = routing_facts(choices, [rating(n, rng.random()) for n in range(20_000)])
    figure = routing_figure(facts)
    assert len(figure.to_json()) < 200_000
    assert traces(figure)["quality"].y[-1] == facts.quality[-1]
    assert traces(figure)["quality"].x[-1] == 20_000


def test_the_record_gives_choices_and_a_stamp_that_moves(record):
    assert record.choices() == []
    stamps = [record.stamp()]
    facts = {"policy": "learned", "model": "cheap", "kind": "code", "scores": {"cheap": 0.2, "dear": 0.7}, "propensity": 0.25}
    record.write([started("d1"), *spoken("d1", 1, made(), choice=facts), *spoken("d1", 2, made())])
    stamps.append(record.stamp())
    found = record.choices()
    assert [(each.turn, each.model, each.kind, each.propensity, each.promising) for each in found] == [
        ("turn_1", "cheap", "code", 0.25, False)
    ]
    assert json.loads(record.turns().choice[0]) == facts
    record.rate([Rating("d1", "turn_1", "pro", "cheap", 0.5, "judge")])
    stamps.append(record.stamp())
    record.rate([Rating("d1", "turn_1", "pro", "cheap", 0.7, "judge")])
    stamps.append(record.stamp())
    assert len(set(stamps)) == 4


def test_of_many_choices_the_newest_are_given_the_oldest_first(record):
    record.write([started("d1"), *(e for n in range(1, 6) for e in spoken("d1", n, made(), choice={"model": "cheap"}))])
    assert [each.turn for each in record.choices(limit=2)] == ["turn_4", "turn_5"]

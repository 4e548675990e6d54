"""The registry finds the best and the cheapest model by what cards declare; what they do not say counts against them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UnknownModelError
from workbench.models import ModelCard, ModelRegistry, Prices
from workbench.models.selection import Filters, best, cheapest, price_of
from workbench.settings import Settings


def card(name, score=None, price=None, **more):
    capabilities = {} if score is None else {"reasoning": score}
    prices = None if price is None else Prices(input=price, output=price)
    return ModelCard(name=name, id=f"openai/{name}", capabilities=capabilities, prices=prices, **more)


CARDS = [
    card("large", 0.95, 10.0, context_window=200_000, latency=2.0, family="x", tags=("open",)),
    card("middle", 0.9, 2.0, context_window=100_000, latency=1.0, family="y"),
    card("small", 0.7, 0.2, context_window=8_000, latency=0.3, family="y", tags=("open", "fast")),
    card("unsaid", 0.8),
    card("other", None, 0.01),
]


@pytest.mark.parametrize(
    ("filters", "order"),
    [
        ({}, ["large", "middle", "unsaid", "small"]),
        ({"min_score": 0.85}, ["large", "middle"]),
        ({"min_context": 50_000}, ["large", "middle"]),
        ({"max_price": 2.0}, ["middle", "small"]),
        ({"max_latency": 1.0}, ["middle", "small"]),
        ({"family": "y"}, ["middle", "small"]),
        ({"not_family": ["y", "openai"]}, ["large"]),
        ({"tags": ["open"]}, ["large", "small"]),
        ({"tags": ["open", "fast"]}, ["small"]),
    ],
)
def test_the_best_by_what_is_declared(filters, order):
    assert [found.name for found in best(CARDS, "reasoning", Filters(**filters))] == order


def test_the_cheapest_has_a_known_price():
    assert [found.name for found in cheapest(CARDS, "reasoning", Filters())] == ["small", "middle", "large"]
    assert cheapest(CARDS, "reasoning", Filters(min_score=0.85))[0].name == "middle"
    with pytest.raises(UnknownModelError, match="known price"):
        cheapest([card("unsaid", 0.8)], "reasoning", Filters())


def test_where_none_fits_it_says_what_they_lack():
    with pytest.raises(UnknownModelError, match=r"no model fits: reasoning and min_score=0.99(.|\n)*below 0.99 \(4\)"):
        best(CARDS, "reasoning", Filters(min_score=0.99))


def test_keys_count_unless_said_otherwise(monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    registry = ModelRegistry(Settings())
    assert registry.get_best_model("reasoning", ready=None, family="claude").family == "claude"
    with pytest.raises(UnknownModelError, match="no key is set"):
        registry.get_best_model("reasoning", family="claude")
    assert registry.get_cheapest_model("reasoning", local=True).local


def test_an_unknown_filter_is_named():
    with pytest.raises(TypeError, match="max_prize"):
        ModelRegistry(Settings()).get_best_model("reasoning", max_prize=1)


CHOICES = st.lists(
    st.builds(
        card,
        st.text("abc", min_size=1, max_size=3),
        st.none() | st.sampled_from([0.1, 0.5, 0.9]),
        st.none() | st.sampled_from([0.0, 1.0, 5.0]),
    ),
    min_size=1,
    unique_by=lambda each: each.name,
)


@given(CHOICES, st.randoms())
def test_the_order_of_the_cards_does_not_matter(cards, chance):
    shuffled = list(cards)
    chance.shuffle(shuffled)
    for choose in (best, cheapest):
        try:
            first = choose(cards, "reasoning", Filters())
        except UnknownModelError:
            with pytest.raises(UnknownModelError):
                choose(shuffled, "reasoning", Filters())
        else:
            assert choose(shuffled, "reasoning", Filters()) == first
            keys = [price_of(each) if choose is cheapest else -each.capabilities["reasoning"] for each in first]
            assert keys == sorted(keys)

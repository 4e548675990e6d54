"""Agreement: the numbers that were published, and what must hold of any coefficient."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.dialogue.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha
from workbench.errors import WorkbenchError


def rows(text):
    return [[None if value == "." else value for value in line.split()] for line in text.strip().splitlines()]


def raters(counts):
    """Raters' rows from how many of them gave each value to a unit."""
    units = [
        [value for value, n in enumerate(map(int, line.split())) for _ in range(n)] for line in counts.strip().splitlines()
    ]
    return [list(row) for row in zip(*units, strict=True)]


FOUR_OBSERVERS = [
    [value and int(value) for value in row]
    for row in rows("""
        1 2 3 3 2 1 4 1 2 . . .
        1 2 3 3 2 2 4 1 2 5 . 3
        . 3 3 3 2 3 4 2 2 5 1 .
        1 2 3 3 2 4 4 1 2 5 1 .
    """)
]
"""Krippendorff (2011), with values missing."""

DIAGNOSES = """
    0 0 0 6 0
    0 3 0 0 3
    0 1 4 0 1
    0 0 0 0 6
    0 3 0 3 0
    2 0 4 0 0
    0 0 4 0 2
    2 0 3 1 0
    2 0 0 4 0
    0 0 0 0 6
    1 0 0 5 0
    1 1 0 4 0
    0 3 3 0 0
    1 0 0 5 0
    0 2 0 3 1
    0 0 5 0 1
    3 0 0 1 2
    5 1 0 0 0
    0 2 0 4 0
    1 0 2 0 3
    0 0 0 0 6
    0 1 0 5 0
    0 2 0 1 3
    2 0 0 4 0
    1 0 0 4 1
    0 5 0 1 0
    4 0 0 0 2
    0 2 0 4 0
    1 0 5 0 0
    0 0 0 0 6
"""
"""Fleiss (1971): 30 patients; depression, personality disorder, schizophrenia, neurosis, other; six psychiatrists each."""

TEN_SUBJECTS = """
    0 0 0 0 14
    0 2 6 4 2
    0 0 3 5 6
    0 3 9 2 0
    2 2 8 1 1
    7 7 0 0 0
    3 2 6 3 0
    2 5 3 2 2
    6 5 2 1 0
    0 2 2 3 7
"""
"""The worked example of Wikipedia's article on Fleiss' kappa."""


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_four_observers_with_values_missing(level, alpha):
    assert round(krippendorff_alpha(FOUR_OBSERVERS, level), 3) == alpha


def test_alpha_of_two_observers():
    binary = rows("0 1 0 0 0 0 0 0 1 0\n 1 1 1 0 0 1 0 0 0 0")
    nominal = rows("a a b b d c c c e d d a\n b a b b b c c c e d d d")
    assert round(krippendorff_alpha(binary), 3) == 0.095
    assert round(krippendorff_alpha(nominal), 3) == 0.692


def test_kappa_of_fleiss_psychiatrists():
    assert round(fleiss_kappa(raters(DIAGNOSES)), 3) == 0.430
    assert round(fleiss_kappa(raters(TEN_SUBJECTS)), 3) == 0.210


@pytest.mark.parametrize(
    ("cells", "kappa"), [((20, 5, 10, 15), 0.4), ((45, 15, 25, 15), 0.1304), ((25, 35, 5, 35), 0.2593)], ids=str
)
def test_kappa_of_two_readers(cells, kappa):
    """The worked examples of Wikipedia's article on Cohen's kappa."""
    pairs = [pair for pair, n in zip(["yy", "yn", "ny", "nn"], cells, strict=True) for _ in range(n)]
    assert round(cohen_kappa(*zip(*pairs, strict=True)), 4) == kappa


def test_what_does_not_vary_or_is_not_shared_is_undefined():
    assert krippendorff_alpha([["a", "a"], ["a", "a"]]) is None
    assert krippendorff_alpha([["a", None], [None, "b"]]) is None
    assert krippendorff_alpha([["a", "b"]]) is None
    assert krippendorff_alpha([]) is None
    assert fleiss_kappa([["a", "a"], ["a", "a"]]) is None
    assert fleiss_kappa([["a", "b"]]) is None
    assert fleiss_kappa([]) is None
    assert cohen_kappa(["a", "a"], ["a", "a"]) is None
    assert cohen_kappa(["a", None], [None, "a"]) is None


def test_words_are_ordered_as_is_said():
    words = {1: "low", 2: "some", 3: "much", 4: "most", 5: "all"}
    said = [[value and words[value] for value in row] for row in FOUR_OBSERVERS]
    assert krippendorff_alpha(said, "ordinal", order=list(words.values())) == krippendorff_alpha(FOUR_OBSERVERS, "ordinal")


def test_missing_may_be_nan():
    nan = [[math.nan if value is None else float(value) for value in row] for row in FOUR_OBSERVERS]
    assert krippendorff_alpha(nan, "interval") == krippendorff_alpha(FOUR_OBSERVERS, "interval")
    assert cohen_kappa([1, math.nan, 0], [1, 0, 0]) == 1


@pytest.mark.parametrize(
    ("use", "says"),
    [
        (lambda: krippendorff_alpha([["a"], ["a", "b"]]), "not rated equally many units"),
        (lambda: cohen_kappa(["a"], []), "not rated equally many units"),
        (lambda: krippendorff_alpha([["a"], ["b"]], "interval"), "'a' has no distance"),
        (lambda: krippendorff_alpha([["a"], ["b"]], "ordinal"), "'a' has no order"),
        (lambda: krippendorff_alpha([["a"], ["b"]], "ordinal", order=["a"]), "'b' has no place in the order"),
        (lambda: fleiss_kappa([["a", "b"], ["a", None]]), "Fleiss' kappa needs a value of every rater"),
    ],
)
def test_what_cannot_be_compared_is_refused(use, says):
    with pytest.raises(WorkbenchError, match=says) as caught:
        use()
    assert caught.value.hint


SOME_MISSING = st.sampled_from([None, 1, 2, 3, 7])


@st.composite
def ratings(draw, values=SOME_MISSING):
    units = draw(st.integers(2, 8))
    return draw(st.lists(st.lists(values, min_size=units, max_size=units), min_size=2, max_size=5))


LEVELS = st.sampled_from(["nominal", "ordinal", "interval"])


def same(one, other):
    return one is other is None or math.isclose(one, other, abs_tol=1e-9)


@given(ratings(), LEVELS, st.randoms(use_true_random=False))
def test_neither_raters_nor_units_have_an_order(rated, level, random):
    shuffled = random.sample(rated, len(rated))
    turned = [list(row) for row in zip(*random.sample(list(zip(*shuffled, strict=True)), len(rated[0])), strict=True)]
    assert same(krippendorff_alpha(rated, level), krippendorff_alpha(turned, level))


@given(ratings(), LEVELS)
def test_alpha_is_one_exactly_where_all_agree(rated, level):
    alpha = krippendorff_alpha(rated, level)
    if alpha is not None:
        assert alpha <= 1
        shared = [{value for value in unit if value is not None} for unit in zip(*rated, strict=True)]
        assert (alpha == 1) == all(len(values) <= 1 for values in shared)


@given(ratings(), st.sampled_from([0.5, 2, 10]), st.integers(-5, 5))
def test_each_level_looks_at_what_it_says(rated, by, plus):
    def changed(how):
        return [[value if value is None else how(value) for value in row] for row in rated]

    assert same(krippendorff_alpha(rated), krippendorff_alpha(changed({1: "x", 2: "a", 3: "m", 7: "b"}.get)))
    assert same(krippendorff_alpha(rated, "ordinal"), krippendorff_alpha(changed(lambda value: value**3 - 7), "ordinal"))
    assert same(krippendorff_alpha(rated, "interval"), krippendorff_alpha(changed(lambda value: by * value + plus), "interval"))


@given(ratings(st.sampled_from([1, 2, 3])))
def test_alpha_and_kappa_differ_by_the_size_of_the_sample_only(rated):
    """Without missing values, alpha is Fleiss' kappa with chance drawn without putting back: they meet as the sample grows."""
    kappa, alpha = fleiss_kappa(rated), krippendorff_alpha(rated)
    total = len(rated) * len(rated[0])
    assert (kappa is None) == (alpha is None)
    if kappa is not None:
        assert math.isclose(1 - alpha, (1 - kappa) * (total - 1) / total)

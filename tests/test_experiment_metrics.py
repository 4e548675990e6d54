"""What an output is worth by a rule."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.experiments.definition import MetricSpec
from workbench.experiments.metrics import MetricError, as_score, score

CASE = {"answer": 42, "words": ["yes", "true"], "text": "Paris", "none": "?"}


def worth(output: str, **spec: Any) -> Any:
    return asyncio.run(score(MetricSpec(**spec), None, output, CASE))


@pytest.mark.parametrize(
    ("output", "spec", "value"),
    [
        (" **42.0** ", {"kind": "exact_match", "expected": "answer"}, True),
        ("it is 42", {"kind": "exact_match", "expected": "answer"}, False),
        ("it is 41. No: it is 42", {"kind": "exact_match", "expected": "answer", "extract": r"it is (\d+)"}, True),
        ("nothing", {"kind": "exact_match", "expected": "answer", "extract": r"it is (\d+)"}, False),
        ("Yes.", {"kind": "exact_match", "expected": "words"}, True),
        ("No.", {"kind": "exact_match", "expected": "words"}, False),
        ("6 times 7 is 42.", {"kind": "numeric", "expected": "answer"}, True),
        ("between 40 and 43", {"kind": "numeric", "expected": "answer"}, False),
        ("between 40 and 43", {"kind": "numeric", "expected": "answer", "tolerance": 1}, True),
        ("43", {"kind": "numeric", "expected": "answer", "relative": 0.03}, True),
        ("4.2e1", {"kind": "numeric", "expected": "answer"}, True),
        ("1,042", {"kind": "numeric", "expected": "answer", "tolerance": 1000}, True),
        ("no number", {"kind": "numeric", "expected": "answer"}, False),
        ("see Paris", {"kind": "regex", "pattern": r"\bParis\b"}, True),
        ('{"a": 1}', {"kind": "json_valid"}, True),
        ("{a: 1}", {"kind": "json_valid"}, False),
        ('{"a": 1}', {"kind": "json_valid", "schema": {"type": "object", "required": ["b"]}}, False),
        ("[" * 100_000, {"kind": "json_valid"}, False),
    ],
)
def test_rules(output: str, spec: dict[str, Any], value: bool) -> None:
    assert worth(output, **spec) is value


def test_a_case_without_what_is_expected_says_so() -> None:
    with pytest.raises(MetricError, match="no column result"):
        worth("x", kind="exact_match", expected="result")
    with pytest.raises(MetricError, match="holds no number"):
        worth("1", kind="numeric", expected="none")


@given(st.integers(-(10**12), 10**12), st.text(alphabet="abc .,!", max_size=20))
def test_a_whole_number_is_found_behind_any_words(number: int, before: str) -> None:
    spec = MetricSpec(kind="numeric", expected="n")
    assert asyncio.run(score(spec, None, f"{before} {number}", {"n": number})) is True


def test_scores_are_numbers_truths_or_nothing() -> None:
    import numpy as np

    assert [as_score(value) for value in (1, True, None, 0.5, float("nan"), np.float64(2), np.bool_(0))] == [
        1.0, True, None, 0.5, None, 2.0, False,
    ]  # fmt: skip
    with pytest.raises(MetricError, match="a metric gave 'good'"):
        as_score("good")

"""Quotes: what stands word for word in what was said, by whom, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.dialogue.running.quotes import check_quote, normalised

SAID = {
    "pro": {"pro_1": "Water is wet.\n\nIt  wets “everything” it touches.", "pro_2": "As I said, it's wet."},
    "con": {"con_1": "A fish would not say that water is wet. 水は濡れている。"},
}
LOOKED_UP = {role: {turn: normalised(text) for turn, text in turns.items()} for role, turns in SAID.items()}


def looked_up(speaker, quote):
    found = check_quote(speaker, quote, LOOKED_UP)
    return found.status, found.turn, found.said_by


@pytest.mark.parametrize(
    ("speaker", "quote", "found"),
    [
        ("pro", "Water is wet.", ("verified", "pro_1", "pro")),
        ("pro", "“Water is wet. It wets 'everything", ("not found", None, None)),
        ("pro", 'wet. It wets "everything" it touches', ("verified", "pro_1", "pro")),
        ("pro", "«it\u2019s wet»", ("verified", "pro_2", "pro")),
        ("con", "As I said, it's wet.", ("other speaker", "pro_2", "pro")),
        ("con", "water is wet", ("verified", "con_1", "con")),
        ("con", "濡れている", ("verified", "con_1", "con")),
        ("pro", "water is wet", ("other speaker", "con_1", "con")),
        ("pro", "Water … wet.", ("not found", None, None)),
        ("pro", "Water is dry.", ("not found", None, None)),
        ("pro", "touches. As I said", ("not found", None, None)),
        ("pro", "", ("not found", None, None)),
        ("pro", ' "" ', ("not found", None, None)),
    ],
)
def test_a_quote_is_looked_up_word_for_word(speaker, quote, found):
    assert looked_up(speaker, quote) == found


TEXT = st.text(st.sampled_from("ab \n\t.,*“”‘’\"'«»"), max_size=60)  # noqa: RUF001 - quotation marks


@given(TEXT, TEXT, TEXT, st.integers(0, 60), st.integers(1, 60))
def test_what_is_cut_out_of_a_text_is_verified(before, text, other, start, length):
    quote = text[start : start + length]
    said = {"x": {"x_1": normalised(before), "x_2": normalised(text)}, "y": {"y_1": normalised(other)}}
    found = check_quote("x", quote, said)
    if normalised(quote).strip("\"' "):
        assert (found.status, found.said_by) == ("verified", "x")
    else:
        assert found.status == "not found"


@given(TEXT, st.dictionaries(st.sampled_from("xyz"), st.dictionaries(st.sampled_from("123"), TEXT), min_size=1))
def test_what_is_found_stands_there_and_what_is_not_stands_nowhere(quote, said):
    said = {role: {turn: normalised(text) for turn, text in turns.items()} for role, turns in said.items()}
    found = check_quote("x", quote, {"x": {}} | said)
    core = normalised(quote).strip("\"' ")
    if found.status == "not found":
        assert not core or not any(core in text for turns in said.values() for text in turns.values())
    else:
        assert core in said[found.said_by][found.turn]
        assert (found.said_by == "x") == (found.status == "verified")
    if any(core and core in text for text in said.get("x", {}).values()):
        assert found.status == "verified"


@given(TEXT)
def test_what_is_treated_alike_once_stays_so(text):
    assert normalised(normalised(text)) == normalised(text)

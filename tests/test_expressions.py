"""Expressions: what they can say, what Python would say of the same, and that no text whatever does anything else."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.dialogue.planning.expressions import compile_expression
from workbench.errors import ModeError

RESULTS = {
    "review": {"text": "Good.", "score": 8, "open": [], "verdict": "Accept", "note": None, "by": {"name": "Ada"}},
    "critics": [{"approve": True, "score": 7}, {"approve": False, "score": 9}],
    "plan": {"topics": ["cost", "risk", "cost"], "shares": {"pro": 0.2, "con": 0.8}},
    "fact-check": {"ok": True, "next-step": "stop"},
    "for": {"score": 1},
    "skipped": None,
    "rounds": 3,
}


def value(text, values=RESULTS):
    return compile_expression(text).evaluate(values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("review.score >= 8 and not review.open", True),
        ("len(plan.topics) > 2", True),
        ("review['score'] == 8", True),
        ("review.by.name", "Ada"),
        ("plan.topics[0] == plan.topics[-1]", True),
        ("critics.score", [7, 9]),
        ("all(critics.approve)", False),
        ("any(critics.approve) and mean(critics.score) == 8", True),
        ("critics[1].score", 9),
        ("fact-check.ok and fact-check.next-step == 'stop'", True),
        ("for.score < review.score", True),
        ("7 < review.score <= 8", True),
        ("1 < review.score < 5", False),
        ("5 > 1 < 3", True),
        ("'accept' in lower(review.verdict)", True),
        ("'risk' in plan.topics and 'time' not in plan.topics", True),
        ("'pro' in plan.shares", True),
        ("review.note == null and review.note == None", True),
        ("skipped == null", True),
        ("default(skipped.score, 0)", 0),
        ("default(review.note, 'none')", "none"),
        ("default(false, true)", False),
        ("default(review.open[0].x, 5) + 1", 6),
        ("default(nobody.score, review.score)", 8),
        ("sum(plan.shares) == 1 and max(plan.shares) == 0.8", True),
        ("argmax(plan.shares)", "con"),
        ("argmax([3, 7, 7])", 1),
        ("unique(plan.topics)", ["cost", "risk"]),
        ("unique(lower(['Cost', 'COST']))", ["cost"]),
        ("unique([[1], [1], 2])", [[1], 2]),
        ("count(plan.topics, 'cost')", 2),
        ("count(critics.approve)", 1),
        ("min('b', 'a') + max(['b', 'a'])", "ab"),
        ("round(mean([1, 2, 2]), 2) == 1.67 and round(2.6) == 3", True),
        ("abs(-3) + 2 ** 3 - 7 // 2 % 2 * 4", 7),
        ("-2 ** 2", -4),
        ("2 ** 3 ** 2", 512),
        ("[1, 2] + [3]", [1, 2, 3]),
        ("not true or false", False),
        ("rounds - 1", 2),
        ("any([]) or all([])", True),
        ("1.5e2", 150.0),
    ],
)
def test_what_can_be_said(text, expected):
    assert value(text) == expected


def test_names_are_what_it_looks_at():
    found = compile_expression("review.score > 2 and fact-check.ok or plan['a key'].b[0].c in [len, x] or count(true, null)")
    assert found.names == {"review", "fact-check", "plan", "len", "x"}
    assert found.paths == {"review.score", "fact-check.ok", "plan.a key.b.c", "len", "x"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "character 1: the end is not expected here\n  A value is expected here."),
        ("review.score = 8", "character 14: '=' means nothing here\n  Write == to compare."),
        ("a && b", "character 3: '&' means nothing here\n  Write and."),
        ("a is None", "character 3: 'is' is not expected here\n  Write == null, or != null."),
        ("(a or b", "character 8: the end is not expected here\n  ) is expected here."),
        ("lenn(a)", "character 1: there is no function 'lenn'\n  Did you mean len?"),
        ("len(a, b)", "character 1: len() does not take 2 values\n  len(x) is the length"),
        ("default(a)", "character 1: default() does not take 1 values\n  default(x, y) is y"),
        ("a['b", 'character 3: "\'" means nothing here\n  A text ends with the quote'),
        ("a[b]", "character 3: what stands in brackets is no key\n  Write a text or a whole number"),
        ("a.", "character 3: the end is not expected here\n  A dot is followed by a key"),
        ("1e999", "character 1: the number is too large"),
        ("1.2.3", "character 1: '1' means nothing here"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place_and_its_fix(text, says):
    with pytest.raises(ModeError) as caught:
        compile_expression(text)
    assert f"expression {text!r}, {says}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "review.scor > 1",
            "review has no 'scor'; it has text, score, open, verdict, note, by\n  default(review.scor, ...) says",
        ),
        ("nobody.score > 1", "there is no 'nobody'\n  There is review, critics"),
        ("review.score-1", "review has no 'score-1'"),
        ("review.score-1", "A minus has spaces around it."),
        ("skipped.score > 1", "skipped is null, so it has no 'score'\n  Its turn was skipped or gave no such data"),
        ("critics.name", "item 1 of critics has no 'name'; it has approve, score"),
        ("plan.topics[3]", "plan.topics has no 3; it has 3 items\n  default(plan.topics[3], ...)"),
        ("review.score.x", "review.score is a number, so it has no keys"),
        ("review.text[0]", "review.text is a text, so it has no places"),
        ("review.note > 1", "character 13: null > a number cannot be told\n  Numbers are compared with numbers"),
        ("review.text > 1", "a text > a number cannot be told"),
        ("default(review.text > 1, true)", "a text > a number cannot be told"),
        ("1 in review.text", "a number in a text cannot be told"),
        ("review + 1", "an object + a number cannot be calculated"),
        ("'a' * 3", "a text * a number cannot be calculated"),
        ("'%s' % 3", "a text % a number cannot be calculated"),
        ("1 / 0", "/ gives no number here: division by zero"),
        ("1e200 * 1e200", "* gives no number here: goes beyond 1e300"),
        ("9 ** 9 ** 9", "** gives no number here"),
        ("(0 - 8) ** 0.5", "** gives no number here"),
        ("max([])", "max() has nothing to work on: the list is empty"),
        ("max(1, 'a')", "max() takes numbers, not a text"),
        ("mean(review.text)", "mean() takes a list, not a text"),
        ("len(3)", "len() takes a text, a list or an object, not a number"),
        ("lower(3)", "lower() takes a text or a list of texts, not a number"),
        ("round(1.5, 400)", "round() takes a whole number of digits"),
    ],
)
def test_what_cannot_be_done_is_named_with_its_place_and_its_fix(text, says):
    with pytest.raises(ModeError) as caught:
        value(text)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"expression {text!r}, character ")


HOSTILE = [
    "().__class__",
    "().__class__.__bases__[0].__subclasses__()",
    "review.__class__.__init__.__globals__",
    "review['__class__']",
    "review.keys()",
    "review.get('score')",
    "''.join([])",
    "'{0.__class__}'.format(review)",
    "__import__('os').system('true')",
    "eval('1')",
    "getattr(review, 'score')",
    "lambda: 1",
    "(lambda: 1)()",
    "[x for x in [1]]",
    "{1: 2}",
    "{'a'}",
    'f"{review}"',
    "f'{1}'",
    "(x := 1)",
    "await review",
    "yield 1",
    "1 if true else 2",
    "*review",
    "print(1, **review)",
    "a; b",
    "a\nb",
    "1 # and",
    "9**9**9",
    "9**9**9**9**9",
    "1e300 ** 1e300",
    "'a'*10**9",
    "[0]*10**9",
    "'a' * 1000000000",
    "review[1:2]",
    "review[::]",
    "...",
    "`a`",
    "\\",
    "'\\",
    "a\x00b",
    "\ud800",
    "\u202e1",
    "１ + x",  # noqa: RUF001 - a full-width digit
    "²",
    "9" * 1999,
    "9" * 5000,
    "(" * 10_000 + ")" * 10_000,
    "(" * 900 + "1" + ")" * 900,
    "[" * 10_000,
    "-" * 1999 + "1",
    "not " * 400 + "1",
    "2**" * 600 + "2",
    "len(" * 400 + "'a'" + ")" * 400,
    "a" + ".b" * 900,
    "default(" * 200 + "1" + ",1)" * 200,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_do_nothing(text):
    with pytest.raises(ModeError):
        value(text)


def test_the_longest_texts_are_worked_through_in_a_shallow_stack():
    long = "+".join(["1"] * 900)
    deep = "(" * 19 + long + ")" * 19
    code = (
        "import sys; from workbench.dialogue.planning.expressions import compile_expression as c\n"
        "sys.setrecursionlimit(500)\n"
        f"print(c({long!r}).evaluate({{}}), c({deep!r}).evaluate({{}}), c({' and '.join(['1'] * 300)!r}).evaluate({{}}))"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.split() == ["900", "900", "1"]


def nested(depth):
    found: list = []
    for _ in range(depth):
        found = [found]
    return found


def test_values_that_are_nested_beyond_reason_are_refused():
    for text in ("a == b", "unique(a)"):
        with pytest.raises(ModeError, match="nested too deeply"):
            value(text, {"a": nested(100_000), "b": nested(100_000)})


def test_numbers_beyond_any_use_are_refused():
    for text in ("a + 1", "sum(a, 1)", "abs(b)"):
        with pytest.raises(ModeError, match="goes beyond 1e300"):
            value(text, {"a": 10**400, "b": float("inf")})


def test_a_text_beyond_reason_is_refused():
    with pytest.raises(ModeError, match="longer than 2,000 characters"):
        compile_expression(" or ".join(["a"] * 500))


def test_two_that_are_written_alike_are_read_once():
    assert compile_expression("a > 1") is compile_expression("a > 1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "c-d"]), inner, max_size=3),
    max_leaves=12,
)
PIECES = st.sampled_from(
    "a b c-d . .a .b ['a'] [0] [-1] ( ) [ ] , + - * / // % ** == != < <= > >= in not and or true null 0 1 2.5 1e9 'a' \"b\" "
    "len( min( max( sum( mean( round( abs( any( all( lower( count( argmax( unique( default( ".split(" ")
)


@given(st.text() | st.lists(PIECES, max_size=30).map(" ".join) | st.lists(PIECES, max_size=30).map("".join), JSON, JSON)
def test_no_text_and_no_value_raises_anything_but_a_mode_error(text, a, b):
    try:
        value(text, {"a": a, "b": b, "c-d": [a, b]})
    except ModeError as error:
        assert error.hint  # noqa: PT017 - where there is an error, it says what to do


NUMBERS = st.sampled_from(["1", "2", "3.5", "x", "y", "len(z)", "max(z)", "z[0]", "z[-1]", "sum(z)", "abs(x)"])
CONTEXT = {"x": 4, "y": -2.5, "z": [3, 1, 2]}


def _joined(inner):
    signs = st.sampled_from(["+", "-", "*", "/", "//", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or"])
    pairs = st.tuples(inner, signs, inner).map(" ".join)
    return (
        pairs | inner.map("({})".format) | inner.map("not {}".format) | inner.map("(- ({}))".format) | inner.map("[{}]".format)
    )


@given(st.recursive(NUMBERS, _joined, max_leaves=10))
def test_what_python_reads_too_means_the_same_there(text):
    try:
        expected = eval(text, {}, CONTEXT)
    except (ArithmeticError, TypeError):
        with pytest.raises(ModeError):
            value(text, CONTEXT)
        return
    except SyntaxError:  # `1 + not 2`, which neither reads
        with pytest.raises(ModeError):
            compile_expression(text)
        return
    try:
        assert value(text, CONTEXT) == expected
    except ModeError as error:
        assert "cannot be told" in error.message or "cannot be calculated" in error.message  # noqa: PT017 - as lists are not

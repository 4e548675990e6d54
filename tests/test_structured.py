"""Answers that are data: found wherever they stand, told what is wrong with them, and nothing that hostile schemas or texts can do."""

import json
import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.dialogue.rules.schemas import check_schema
from workbench.dialogue.rules.structured import instruction, parse_answer, repair_prompt
from workbench.errors import ModeError
from workbench.models.answer_format import response_format

REVIEW = {
    "title": "A review",
    "type": "object",
    "properties": {
        "score": {"type": "integer", "minimum": 0, "maximum": 10},
        "verdict": {"enum": ["accept", "reject"]},
        "points": {"type": "array", "items": {"$ref": "#/$defs/point"}, "maxItems": 3, "uniqueItems": True},
    },
    "required": ["score", "verdict"],
    "additionalProperties": False,
    "$defs": {"point": {"type": "object", "properties": {"text": {"type": "string", "minLength": 2}}, "required": ["text"]}},
}
GOOD = {"score": 7, "verdict": "accept", "points": [{"text": "Brief {and} [clear]"}]}
WRITTEN = json.dumps(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        WRITTEN,
        f"\n  {json.dumps(GOOD, indent=2)}\n",
        f"```json\n{WRITTEN}\n```",
        f"Here it is:\n\n```\n{json.dumps(GOOD, indent=1)}\n```\nI hope this helps.",
        f"Let me think about {{this}} and [1]. My answer is {WRITTEN}, as asked.",
        f'An example is {{"score": "high"}}; mine is {WRITTEN}.',
        f"$\\frac{{1}}{{2}}$ and f(x) {{ return [x] }}\n{WRITTEN}",
        f'{{"broken": [1, 2\n\n{WRITTEN}',
    ],
)
def test_data_is_found_in_a_text(text):
    answer = parse_answer(text, REVIEW)
    assert answer.data == GOOD
    assert answer.problems == ()


@pytest.mark.parametrize(
    ("text", "schema", "data"), [("7", {"type": "integer"}, 7), ("```\n[1]\n```", {"type": "array"}, [1]), ("null", {}, None)]
)
def test_data_need_not_be_an_object(text, schema, data):
    answer = parse_answer(text, schema)
    assert answer.data == data
    assert not answer.problems


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"score": 7}, 'the answer: misses "verdict"'),
        ({}, 'the answer: misses "score", "verdict"'),
        (GOOD | {"score": 11}, "score: must be at most 10, is 11"),
        (GOOD | {"score": "7"}, "score: must be integer, is string"),
        (GOOD | {"score": True}, "score: must be integer, is boolean"),
        (GOOD | {"verdict": "maybe"}, 'verdict: must be one of "accept", "reject", is "maybe"'),
        (GOOD | {"verdict": "x" * 1000}, f'verdict: must be one of "accept", "reject", is "{"x" * 58}…'),
        (GOOD | {"why": 1}, 'the answer: must not have "why"; may have "score", "verdict", "points"'),
        (GOOD | {"points": [{"text": ""}]}, "points[0].text: must have at least 2 characters, is 0"),
        (GOOD | {"points": [{}]}, 'points[0]: misses "text"'),
        (GOOD | {"points": [GOOD["points"][0]] * 2}, "points: must not have an item twice"),
        (GOOD | {"points": [{"text": f"p{n}"} for n in range(4)]}, "points: must have at most 3 items, is 4"),
        ([1], "the answer: must be object, is array"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(data, problem):
    answer = parse_answer(json.dumps(data), REVIEW)
    assert answer.data is None
    assert answer.problems == (problem,)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("I would rather not.", "there is no JSON in the answer"),
        ("", "there is no JSON in the answer"),
        ('{"score": 7, "verdict": "acc', "the JSON is broken: "),
        ('{"score": 7, "points": [{"text": "a"}', "the JSON is broken: it ends before the JSON does"),
        ("{'score': 7}", "the JSON is broken: Expecting property name enclosed in double quotes at \"'score': 7}\""),
        ('{"score": NaN, "verdict": "accept"}', "NaN is no JSON; write null"),
        ('{"score": 1e999, "verdict": "accept"}', "a number is too large"),
        ('{"score": ' + "9" * 5000 + ', "verdict": "accept"}', "a number has too many digits"),
        ("[" * 100_000, "the JSON is nested too deeply"),
        ("[" * 40 + "]" * 40, "the JSON is more than 30 levels deep"),
        (" " * 600_000, "the answer is longer than 500,000 characters"),
    ],
)
def test_what_is_no_json_is_told_too(text, problem):
    answer = parse_answer(text, REVIEW)
    assert answer.data is None
    assert len(answer.problems) == 1
    assert answer.problems[0].startswith(problem)


def test_json_is_not_looked_for_among_endless_brackets():
    assert parse_answer("[x" * 1000 + WRITTEN, REVIEW).data == GOOD
    assert parse_answer("[x" * 3000 + WRITTEN, REVIEW).problems == (
        "there are too many brackets around the JSON; give nothing else",
    )


def test_alternatives_tell_of_the_nearest():
    schema = {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"a": {"properties": {"b": {"const": 1}}}}}]}
    assert parse_answer('{"a": {"b": 2}}', schema).problems == (
        "the answer: fits none of the 2 alternatives; the nearest says: a.b: must be 1, is 2",
    )


def test_a_model_is_told_few_problems():
    schema = {"type": "array", "items": {"type": "string"}}
    assert len(parse_answer(json.dumps(list(range(1000))), schema).problems) == 8


def test_what_a_database_cannot_hold_is_replaced():
    answer = parse_answer('{"a\\u0000": ["\\ud800 and \\ud83d\\ude00", "\\u0000"]}', {})
    assert answer.data == {"a\ufffd": ["\ufffd and 😀", "\ufffd"]}


def test_numbers_that_are_equal_are_the_same_item():
    unique = {"uniqueItems": True}
    assert parse_answer('[{"a": 1}, {"a": 1.0}]', unique).problems
    assert not parse_answer('[1, true, "1", [1]]', unique).problems


def test_a_prompt_asks_for_the_schema_and_again_with_the_problems():
    assert json.dumps(REVIEW) in instruction(REVIEW)
    again = repair_prompt('{"score": 11}', ("score: must be at most 10, is 11",), REVIEW)
    assert again.startswith('You answered:\n\n{"score": 11}\n\n')
    assert "- score: must be at most 10, is 11\n" in again
    assert again.endswith(instruction(REVIEW))
    assert len(repair_prompt("x" * 100_000, ("p",), {})) < 2000
    assert "{braces}" in repair_prompt("{braces}", ("{problems}",), {"title": "{schema}"})


def test_providers_get_a_format_that_they_take():
    loose = response_format(REVIEW)["json_schema"]
    assert (loose["name"], loose["schema"], loose["strict"]) == ("A_review", REVIEW, False)
    closed = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
    assert response_format(closed) == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": closed, "strict": True},
    }
    for opened in (
        closed | {"required": []},
        closed | {"additionalProperties": True},
        closed | {"properties": {"a": {"type": "object"}}},
        closed | {"properties": {"a": {"type": "array", "items": {"type": "object", "properties": {"b": {}}}}}},
        closed | {"properties": {"a": {"type": "string", "minLength": 2}}},
        closed | {"properties": {"a": True}},
    ):
        assert response_format(opened)["json_schema"]["strict"] is False


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ([], "output schema: it is no object"),
        ({"a": {1, 2}}, "output schema: it is no JSON"),
        ({"const": float("nan")}, "output schema: it is no JSON"),
        (
            {"properties": {"a": {"minimun": 1}}},
            "at properties/a: the keyword 'minimun' is not supported here\n  Did you mean minimum?",
        ),
        ({"properties": {"a": {"type": "text"}}}, "at properties/a/type: 'text' is not valid under any of the given schemas"),
        ({"properties": {"a": []}}, "at properties/a: a schema is an object, or true or false"),
        ({"required": "a"}, "at required: 'a' is not of type 'array'"),
        ({"$ref": "http://localhost:1/schema.json"}, "'http://localhost:1/schema.json' is outside this schema"),
        ({"items": {"$ref": "file:///etc/passwd"}}, "at items: 'file:///etc/passwd' is outside this schema"),
        ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, "is outside this schema"),
        ({"$ref": "#/examples/0", "examples": [{"patternProperties": {}}]}, "is outside this schema"),
        ({"$ref": "#/$defs/gone"}, "there is no #/$defs/gone"),
        ({"$ref": 1}, "1 is outside this schema"),
        ({"$id": "http://localhost:1/", "$ref": "a"}, "the keyword '$id' is not supported"),
        ({"$dynamicRef": "#a"}, "the keyword '$dynamicRef' is not supported"),
        ({"items": {"$schema": "http://json-schema.org/draft-07/schema#"}}, "at items: the keyword '$schema' is not supported"),
        ({"patternProperties": {"(a+)+$": {}}}, "the keyword 'patternProperties' is not supported"),
        ({"pattern": "("}, "the pattern '(' is none"),
        ({"pattern": "a" * 501}, "a pattern is a text of at most 500 characters"),
        ({"pattern": "a{99999999}"}, "the pattern 'a{99999999}' repeats too much"),
        ({"pattern": "((a{1,100}){1,100}){100,}"}, "repeats too much"),
        ({"pattern": "a{" + "9" * 400 + "}"}, "repeats too much"),
        ({"pattern": 1}, "a pattern is a text"),
        ({"$ref": "#"}, "its references lead back to where they began"),
        (
            {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"},
            "lead back",
        ),
        ({"description": "x" * 60_000}, "it is longer than 50,000 characters"),
    ],
)
def test_schemas_that_cannot_be_used_are_refused_with_place_and_fix(schema, says):
    for use in (check_schema, lambda schema: parse_answer("{}", schema)):
        with pytest.raises(ModeError) as caught:
            use(schema)
        assert says in str(caught.value)
        assert caught.value.hint


def test_schemas_beyond_any_depth_are_refused():
    deep: dict = {}
    for _ in range(100):
        deep = {"items": deep}
    with pytest.raises(ModeError, match="levels deep"):
        check_schema(deep)
    for _ in range(100_000):
        deep = {"items": deep}
    with pytest.raises(ModeError, match="no JSON"):
        check_schema(deep)


def test_properties_may_be_called_like_keywords():
    schema = {"properties": {"$ref": {"type": "string"}, "patternProperties": {}, "$schema": {}, "pattern": {"const": "("}}}
    check_schema(schema | {"$schema": "http://json-schema.org/draft-07/schema#"})
    assert parse_answer('{"$ref": 1}', schema).problems == ("$ref: must be string, is integer",)


def test_a_schema_may_refer_to_itself_further_down():
    tree = {"properties": {"value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#"}}}}
    assert parse_answer('{"children": [{"children": [{"value": "x"}]}]}', tree).problems == (
        "children[0].children[0].value: must be integer, is string",
    )
    deep = '{"children": [' * 14 + "{}" + "]}" * 14
    assert parse_answer(deep, tree).problems == ()


SLOW = [
    (
        {"$schema": "http://json-schema.org/draft-07/schema#", "items": {"$ref": "#"}, "pattern": "^(a+)+$"},
        json.dumps(["a" * 5000 + "b"]),
    ),
    ({"pattern": "^(a|aa)+$"}, json.dumps("a" * 500 + "b")),
    ({"items": {"pattern": "^(a|aa)+$"}}, json.dumps(["a" * 18 + "b"] * 20_000)),
    ({"uniqueItems": True, "maxItems": 1}, json.dumps([one for n in range(20_000) for one in ([n], {"a": n})])),
    (
        {
            "$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 10} for n in range(20)} | {"d20": {}},
            "items": {"$ref": "#/$defs/d0"},
        },
        "[1]",
    ),
    ({"items": {"multipleOf": 1e-300}}, "[" + "9" * 299 + "]"),
    ({"multipleOf": 1e-320}, "1e300"),
    ({"enum": [[n] for n in range(5000)]}, "[" * 29 + "]" * 29),
    ({"type": "object"}, "[1] " * 120_000),
    ({"type": "object"}, '{"a' * 100_000),
    ({"type": "object"}, '["' * 200_000),
    ({"type": "object"}, "[[[[[x" * 80_000),
    ({"type": "object"}, "```\n" * 100_000),
    ({"type": "object"}, "```" + " " * 400_000),
    ({"type": "object"}, "[NaN," * 90_000),
]


@pytest.mark.parametrize(("schema", "text"), SLOW, ids=range(len(SLOW)))
def test_nothing_takes_long(schema, text):
    """There is no assertion on time: what had no bound would take hours."""
    assert parse_answer(text, schema).data is None


def test_no_network_is_touched(monkeypatch):
    """A schema with the address of another draft is checked here, without asking for that draft."""
    monkeypatch.setattr(socket, "socket", None)
    schema = {
        "$schema": "http://localhost:1/draft",
        "properties": {"a": {"$ref": "#/$defs/b"}},
        "$defs": {"b": {"format": "uri", "pattern": "b"}},
    }
    assert parse_answer('{"a": "x"}', schema).problems == ('a: must match "b", is "x"',)


def test_nothing_heavy_is_imported_before_it_is_used():
    code = "import sys, workbench.dialogue.rules.structured; print({'jsonschema', 'regex', 'referencing'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip() == "set()"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(JSON.filter(lambda value: isinstance(value, dict)), st.text(st.characters(exclude_characters="{[")))
def test_any_object_is_found_after_any_prose(data, prose):
    assert parse_answer(prose + json.dumps(data), {"type": "object"}).data == data


@given(st.text() | st.text('{}[]",:1a`\n \\'), st.sampled_from([REVIEW, {}, {"type": "array"}]))
def test_no_text_raises(text, schema):
    answer = parse_answer(text, schema)
    assert answer.data is None or not answer.problems


KEYWORDS = [
    "type",
    "properties",
    "items",
    "$ref",
    "$defs",
    "anyOf",
    "not",
    "pattern",
    "enum",
    "required",
    "minimum",
    "multipleOf",
    "uniqueItems",
]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from(["object", "string", "#", "#/$defs/a", "(a+)+", "a"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYWORDS, "a"]), inner, max_size=3),
    ),
    JSON,
)
def test_no_schema_raises_anything_but_a_mode_error(schema, data):
    try:
        parse_answer(json.dumps(data), schema)
    except ModeError as error:
        assert error.hint  # noqa: PT017 - where there is an error, it says what to do

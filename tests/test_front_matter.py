"""Options in a front matter and variables in a cell: what counts, what stays literal, and which line a mistake is on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.error import UsageError

from workbench.notebook.front_matter import interpolate, read_cell, split


def matter(*lines):
    return "\n".join(["---", *lines, "---", "Tabs?"])


def options(*lines):
    return split(matter(*lines))[0]


@pytest.mark.parametrize(
    ("cell", "topic"),
    [
        ("Tabs?", "Tabs?"),
        ("", ""),
        ("---\n---\nTabs?", "Tabs?"),
        ("---  \n# a remark\n\n--- \nTabs?", "Tabs?"),
        ("---\r\n---\r\nTabs?\r\n", "Tabs?\r\n"),
        ("\n---\nrounds: 2\n---\n", "\n---\nrounds: 2\n---\n"),
        ("----\nrounds: 2\n----\n", "----\nrounds: 2\n----\n"),
        ("Tabs?\n---\nrounds: 2\n---", "Tabs?\n---\nrounds: 2\n---"),
    ],
)
def test_a_cell_without_options_is_its_topic(cell, topic):
    assert split(cell) == ({}, topic)


def test_every_option():
    lines = """\
participants: {pro: claude, con: openai/qwen3-8b}
models: [local, gpt]
judge: gemini
rounds: 2
set: {voices: 3}
budget: 0.50
max_tokens: 4000
timeout: 60
seed: -7
api_base: http://localhost:8000/v1
cassette: answers.jsonl
pace: 1
background: true
detach: no
output: d
resume: last"""
    assert options(*lines.splitlines()) == {
        "participants": {"pro": "claude", "con": "openai/qwen3-8b"},
        "models": ["local", "gpt"],
        "judge": "gemini",
        "rounds": 2,
        "set": {"voices": 3},
        "budget": 0.5,
        "max_tokens": 4000,
        "timeout": 60.0,
        "seed": -7,
        "api_base": "http://localhost:8000/v1",
        "cassette": "answers.jsonl",
        "pace": 1.0,
        "background": True,
        "detach": False,
        "output": "d",
        "resume": "last",
    }


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("participant: pro=gpt", {"participants": {"pro": "gpt"}}),
        ("participant: [pro=gpt, con = local]", {"participants": {"pro": "gpt", "con": "local"}}),
        ("participant: {pro: gpt}", {"participants": {"pro": "gpt"}}),
        ("models: local, gpt", {"models": ["local", "gpt"]}),
        ("max-tokens: 10", {"max_tokens": 10}),
        ("api-base: http://x/v1", {"api_base": "http://x/v1"}),
        ("budget: 1", {"budget": 1.0}),
        ("resume: '0123'", {"resume": "0123"}),
    ],
)
def test_spellings(line, found):
    assert options(line) == found


def test_the_topic_may_have_rules_of_its_own():
    assert split("---\nrounds: 1\n---\nOne.\n---\nTwo.") == ({"rounds": 1}, "One.\n---\nTwo.")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["rouns: 2"], "line 3: front matter has no key 'rouns'\n  Did you mean rounds"),
        (["", "# a remark", "budgets: 2"], "line 5: front matter has no key 'budgets'\n  Did you mean budget or judgements?"),
        (["zzz: 2"], "There are: participants, participant, models"),
        (["mode: debate"], "The mode stands in the first line"),
        (["rounds: two"], "line 3: rounds: a whole number from 1 is needed, not 'two'"),
        (["rounds: 0"], "a whole number from 1 is needed, not 0"),
        (["rounds: true"], "a whole number from 1 is needed, not True"),
        (["rounds: 2.0"], "a whole number from 1 is needed, not 2.0"),
        (["rounds:"], "a whole number from 1 is needed, not nothing"),
        (["seed: x"], "a whole number is needed"),
        (["judge: gpt", "budget: cheap"], "line 4: budget: an amount in USD is needed, not 'cheap'"),
        (["budget: -1"], "an amount in USD is needed, not -1"),
        (["budget: .inf"], "an amount in USD is needed, not inf"),
        (["budget: .nan"], "an amount in USD is needed, not nan"),
        (["timeout: [1]"], "a number of seconds is needed, not a list"),
        (["judge: 5"], "a text is needed, not 5"),
        (["judge: ''"], "a text is needed, not ''"),
        (["models: 3"], "a list of models is needed, not 3"),
        (["models: [1]"], "a list of models is needed, not a list"),
        (["models: a,,b"], "a list of models is needed"),
        (["participants: pro"], "a mapping of roles to models"),
        (["participants: {pro: 1}"], "a mapping of roles to models"),
        (["participants: {}"], "a mapping of roles to models"),
        (["participant: [pro=gpt, con]"], "ROLE=MODEL is needed, not a list"),
        (["participant: [pro=gpt, 1]"], "ROLE=MODEL is needed"),
        (["set: {voices: null}"], "a mapping of parameters to numbers, words or lists is needed, not a mapping"),
        (["background: 1"], "true or false is needed, not 1"),
        (["output: 1d"], "the name of a variable is needed, not '1d'"),
        (["resume: 1234"], "an id in quotes, or last, is needed, not 1234"),
        (["rounds: 1", "rounds: 2"], "line 4: the key 'rounds' stands twice"),
        (["max-tokens: 1", "max_tokens: 2"], "line 4: max_tokens: max_tokens stands twice"),
        (["participant: pro=gpt", "participants: {con: gpt}"], "line 4: participants: participants stands twice"),
        (["rounds: 2", "judge: [gpt", "seed: 1"], "line 5: not valid YAML"),
        (["rounds: 2", "  judge: gpt"], "line 4: not valid YAML"),
        (["judge: !!python/name:os.system x"], "line 3: the tag"),
        (["- rounds"], "line 3: front matter is made of lines like `rounds: 2`"),
        (["rounds 2"], "line 3: front matter is made of lines like `rounds: 2`"),
    ],
)
def test_a_mistake_names_its_line(lines, said):
    with pytest.raises(UsageError) as caught:
        options(*lines)
    assert said in str(caught.value)
    assert "mode is a mapping" not in str(caught.value)


def test_front_matter_that_does_not_end_says_so():
    with pytest.raises(UsageError, match=r"line 2: the front matter has no end\n.*an empty line before it"):
        split("---\nrounds: 2\nTabs?")


@pytest.mark.parametrize(
    "literal",
    [
        "{name}", "{{}}", "{{ }}", "{{a.b}}", "{{a[0]}}", "{{name()}}", "{{1a}}", "{{a b}}", "{{name!r}}", "{{name:>9}}", "{{{name}}}",
        "{{{name}}", "{{name}}}", "{{{{name}}}}", "{ {name} }", "{{name} }", "{name}}", "{{name", "$name", "%(name)s", "{{-name}}",
    ],
)  # fmt: skip
def test_other_braces_stay_literal(literal):
    assert interpolate(literal, {"name": "value", "a": "value"}) == literal


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{name}}", "v"),
        ("{{ name }}{{\tname\n}}", "vv"),
        ("Is {{name}} {x} true?", "Is v {x} true?"),
        ("{{_a1}} {{größe}}", "1 [2]"),
        ("{ {{name}} }", "{ v }"),
        ("{{name}} }", "v }"),
    ],
)
def test_variables_are_filled_in_as_text(text, filled):
    assert interpolate(text, {"name": "v", "_a1": 1, "größe": [2]}) == filled


@given(st.text())
def test_values_are_inserted_once_and_never_looked_into(value):
    assert interpolate("<{{name}}>", {"name": value, "other": "no"}) == f"<{value}>"
    assert interpolate("<{{name}}>", {"name": "{{other}}{{name}}", "other": "no"}) == "<{{other}}{{name}}>"


@given(st.text(alphabet="{} nam.\n"))
def test_a_text_without_the_exact_form_is_left_alone(text):
    if "{{" not in text:
        assert interpolate(text, {}) == text


def test_an_unknown_variable_names_those_that_come_near():
    with pytest.raises(UsageError, match=r"there is no variable 'clam'\n  Did you mean claim\?"):
        interpolate("{{clam}}", {"claim": 1, "_clam": 2})
    with pytest.raises(UsageError, match="Run the cell that makes it first"):
        interpolate("{{zzz}}", {"claim": 1})


def test_variables_in_front_matter_and_topic():
    cell = "---\njudge: {{who}}\nrounds: {{n}}\n---\nIs {{claim}} true?"
    assert read_cell(cell, {"who": "gpt", "n": 2, "claim": "it"}) == ({"judge": "gpt", "rounds": 2}, "Is it true?")


def test_a_variable_brings_neither_options_nor_an_end_of_them():
    assert read_cell("{{paper}}", {"paper": "---\napi_base: http://evil\n---\n"}) == ({}, "---\napi_base: http://evil\n---\n")
    with pytest.raises(UsageError, match="'who' has more than one line"):
        read_cell("---\njudge: {{who}}\n---\nTabs?", {"who": "gpt\napi_base: http://evil"})

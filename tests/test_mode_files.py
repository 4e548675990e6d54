"""A mode file loads, or says which line of which file to mend and how."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from workbench.dialogue import ModeLoader
from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.rules.mode import TurnSpec, json_schema
from workbench.errors import ModeError

DATA = Path(__file__).parent / "data"


@pytest.fixture
def write(tmp_path):
    def write(text, name="mode.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("name", ["debate", "sequential", "parallel", "chat"])
def test_built_in_modes_load_by_name_and_compile(name):
    mode = ModeLoader().load(name)
    assert mode.description
    assert compile_mode(mode).turns


def test_the_numbered_spelling_runs_as_it_stands():
    plan = compile_mode(ModeLoader.from_file(DATA / "detective.json"))
    assert [(t.id, t.role) for t in plan.turns] == [
        ("turn_1", "hypothesis"),
        ("turn_2", "evidence"),
        ("turn_3", "hypothesis"),
        ("turn_4", "evidence"),
        ("turn_5", "hypothesis"),
    ]
    assert plan.roles["hypothesis"].model == "grok"
    assert plan.roles["evidence"].requires == ["analysis"]
    assert plan.turns[1].names == {"turn_1": ("turn_1",)}
    assert plan.turns[4].sees == ("turn_1", "turn_2", "turn_3", "turn_4")


def test_a_mode_extends_another_beside_it():
    plan = compile_mode(ModeLoader.from_file(DATA / "detective-deep.json"))
    assert len(plan.turns) == 8
    assert plan.turns[0].template == "Generate 5 hypotheses (not 3) for: {topic}"
    assert plan.turns[0].role == "hypothesis"
    assert [t.role for t in plan.turns[5:7]] == ["refinement", "meta-analysis"]


def test_a_mode_extends_a_listed_one_and_changes_a_turn(write):
    path = write("name: short\nextends: debate\nparameters: {rounds: 1}\noverrides:\n  verdict: {template: Decide.}\n")
    plan = compile_mode(ModeLoader.from_file(path))
    assert [t.id for t in plan.turns] == ["pro", "con", "verdict"]
    assert plan.turns[2].template == "Decide."


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("name: x\nturns:\n  - role: pro\n    sess: all\n", 4, "Did you mean sees?"),
        ("name: x\ndescripton: y\n", 2, "Did you mean description?"),
        ("name: x\nlimits:\n  max_cost: -1\n", 3, "greater than or equal to 0"),
        ("description: y\n", 1, "name: is missing"),
        ("name: x\nturns: many\n", 2, "valid integer"),
        ("name: x\nturns: 3\nturns: 4\n", 3, "stands twice"),
        ("name: x\nturns: [a\n", 3, "not valid YAML"),
        ("name: x\nextends: debat\n", 2, "Did you mean debate?"),
        ("name: x\nextends: debate\noverrides:\n  jugde: {template: y}\n", 4, "no such turn"),
        ("name: x\nturns:\n  - repeat: rounds\n    turns: []\n", 4, "at least 1 item"),
        ("- a\n- b\n", 1, "a mode is a mapping"),
    ],
)
def test_an_error_names_file_line_and_fix(write, text, line, said):
    path = write(text)
    with pytest.raises(ModeError) as caught:
        ModeLoader.from_file(path)
    assert f"{path}:{line}:" in str(caught.value)
    assert said in str(caught.value)


def test_broken_json_names_its_line(write):
    with pytest.raises(ModeError, match=r"mode\.json:2: not valid JSON: Expecting"):
        ModeLoader.from_file(write('{"name": "x",\n "turns" 3}', "mode.json"))


def test_json_indented_with_tabs_loads(write):
    assert ModeLoader.from_file(write('{\n\t"name": "x",\n\t"turns": 2\n}', "mode.json")).turns == 2


@pytest.mark.parametrize(
    "text",
    [
        "name: !!python/object/apply:os.system [echo]\n",
        "name: x\ndescription: !!binary aGk=\n",
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{c}: &{c} [{', '.join(['*' + p] * 10)}]\n" for p, c in zip("abcde", "bcdef", strict=True)),
        "name: &n [*n]\n",
        "[" * 5000 + "]" * 5000,
        "? [a, b]\n: c\n",
    ],
    ids=["object", "binary", "bomb", "cycle", "deep", "structured-key"],
)
def test_hostile_documents_are_refused(write, text):
    with pytest.raises(ModeError):
        ModeLoader.from_file(write(text))


def test_a_large_file_and_a_binary_one_are_refused(write, tmp_path):
    with pytest.raises(ModeError, match="larger than"):
        ModeLoader.from_file(write("name: x\ndescription: " + "y" * 2_000_000))
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModeError, match="not UTF-8"):
        ModeLoader.from_file(tmp_path / "b.yaml")


def test_modes_that_extend_each_other_are_refused(write):
    write("name: a\nextends: b.yaml\n", "a.yaml")
    with pytest.raises(ModeError, match="leads back to itself"):
        ModeLoader.from_file(write("name: b\nextends: a.yaml\n", "b.yaml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\nturns: [{role: a, template: '{turn_2}'}, {role: b}]\n", "does not come before it"),
        ("name: x\nturns: [{role: a, depends_on: [b]}, {role: b}]\n", "does not come before it"),
        ("name: x\nturns: [{role: a, template: '{a}'}]\n", "does not come before it"),
        ("name: x\nturns: 2\nprompts: {turn_3: {role: a}}\n", "Set turns to 3"),
        ("name: x\nturns: 2\nprompts: {third: {role: a}}\n", "turn_1, turn_2"),
        ("name: x\nturns: [{repeat: rounds, turns: [{role: a}]}]\n", "Add it under parameters"),
        ("name: x\nturns: [{template: hello}]\n", "Name its role"),
    ],
)
def test_turns_that_make_no_sense_are_refused_with_a_fix(write, text, said):
    mode = ModeLoader.from_file(write(text))
    with pytest.raises(ModeError, match="mode x") as caught:
        compile_mode(mode)
    assert said in str(caught.value)


def test_an_unknown_name_suggests_a_near_one():
    with pytest.raises(ModeError, match="Did you mean debate"):
        ModeLoader().load("debat")


def test_own_modes_come_before_built_in_ones(tmp_path):
    (tmp_path / "debate.yaml").write_text("name: debate\ndescription: mine\n")
    assert ModeLoader([tmp_path]).load("debate").description == "mine"


def test_the_json_schema_accepts_the_built_in_modes_and_refuses_a_typo():
    import yaml

    validator = Draft202012Validator(json_schema())
    for path in ModeLoader().folders[-1].glob("*.yaml"):
        assert not list(validator.iter_errors(yaml.safe_load(path.read_text())))
    assert not list(validator.iter_errors(json.loads((DATA / "detective.json").read_text())))
    assert list(validator.iter_errors({"name": "x", "turn": 3}))


def test_other_words_for_fields_mean_the_same():
    plain = {"role": "a", "template": "x", "sees": ["b"], "context": {"strategy": "full"}, "check": {"condition": "score > 1"}}
    other = {"role": "a", "template": "x", "context_from": ["b"], "context_compression": {"strategy": "full"}}
    other |= {"validate": {"condition": "score > 1"}}
    one, two = (TurnSpec.model_validate(spec) for spec in (plain, other))
    assert one == two
    assert TurnSpec.model_validate({"role": "a", "template": "x", "sees": "all", "context_from": "none"}).sees == "none"
    assert {"context_from", "validate"} <= json_schema()["$defs"]["TurnSpec"]["properties"].keys()

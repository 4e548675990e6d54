"""A definition says what is wrong with line, field and fix; cases are checked before anything is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from experimenters import sums, workshop
from hypothesis import given
from hypothesis import strategies as st
from wire import Wire

from workbench.errors import WorkbenchError
from workbench.experiments import Experiment
from workbench.experiments.arms import filled
from workbench.experiments.cases import read_cases, spooled
from workbench.experiments.definition import SourceSpec
from workbench.experiments.plan import Plan, PlanError, canonical, digest
from workbench.experiments.reading import DefinitionError, parse_definition

WHOLE = """\
cases:
  - {id: a, question: "6 * 7?", answer: 42}
arms:
  plain: {model: m, prompt: "{question}"}
  steps:
    model: m
    prompt: "{question} Think."
metrics:
  right: {kind: exact_match, expected: answer}
  latency:
plan: {primary: right, control: plain, margin: 0.05}
"""


def test_a_whole_definition_has_a_plan_and_metrics_with_directions() -> None:
    definition = parse_definition(WHOLE, "maths")
    assert definition.planned() == Plan("right", "higher", "plain", margin=0.05)
    assert [(metric.name, metric.better, metric.margin) for metric in definition.statistics()] == [
        ("right", "higher", 0.05),
        ("latency", "lower", None),
    ]


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ('prompt: "{question}"}', "promt: x}", r"cell:4: arms\.plain\.promt: this field does not exist.*\n.*prompt"),
        ("kind: exact_match", "kind: exactmatch", r"cell:9: metrics\.right\.kind: there is no metric.*\n.*exact_match"),
        ("control: plain", "control: plane", r"there is no arm plane; there are plain, steps"),
        ("latency:", "latency: {kind: numeric}", r"cell:10: metrics\.latency: numeric needs expected"),
        ("margin: 0.05", "margin: -1", r"cell:11: plan\.margin"),
        ("  steps:\n    model: m", "  steps:\n    model: m\n    mode: debate", r"cell:6: arms\.steps: .*model and mode"),
        ("right: {kind: exact_match", "cost: {kind: exact_match", r"cost is a column of every result"),
        ("latency:", "f: {kind: function, call: 'a:b'}", r"cell:10: metrics\.f: function needs better"),
        ("latency:", "f: {kind: regex, pattern: '('}", r"cell:10: metrics\.f\.pattern: .* is no pattern"),
        ("cases:\n", "cases: [\n", r"cell:\d+: not valid YAML"),
    ],
)
def test_what_is_wrong_is_named_with_line_field_and_fix(written: str, instead: str, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        parse_definition(WHOLE.replace(written, instead), "maths", source="cell")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cases": []}, "there are no cases"),
        ({"cases": [{"id": "a", "question": "x", "answer": 1}] * 2}, "case 2 has the id 'a' of case 1"),
        ({"cases": [{"question": b"x", "answer": 1}]}, "case 1: question is a bytes"),
        ({"cases": ["x"]}, "case 1 is 'x'"),
        ({"cases": [{"id": "", "question": "x", "answer": 1}]}, "case 1 has no id"),
        ({"cases": 5}, "int holds no cases"),
        ({"cases": {"dataset": "gsm8k"}}, "pip install datasets"),
        ({"cases": "nowhere.jsonl"}, r"nowhere\.jsonl cannot be read"),
        ({"cases": [{"quesion": "x", "answer": 1}]}, r"\{question\} is no column"),
        ({"cases": [{"text": "x", "answer": 1}]}, "names no column"),
        ({"cases": [{"question": "x"}]}, "there is no column answer"),
        ({"arms": {"plain": {"mode": "no-such-mode", "topic": "{question}"}}}, "no mode is called"),
    ],
)
def test_cases_and_prompts_are_checked_before_anything_is_asked(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    with Wire() as wire, workshop(tmp_path, wire) as orchestrator:
        with pytest.raises(WorkbenchError, match=said):
            sums(orchestrator, **changed).run()
        assert not wire.requests
        assert orchestrator.record.experiments.runs() == []


def test_an_unknown_model_or_function_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    with Wire() as wire, workshop(tmp_path, wire) as orchestrator:
        for arm, said in (
            ({"call": "nowhere:f"}, "nowhere:f cannot be found"),
            ({"model": "nobody", "prompt": "{question}"}, "nobody"),
        ):
            with pytest.raises(WorkbenchError, match=said):
                sums(orchestrator, arms={"plain": arm}).run()
        assert not wire.requests


def test_the_same_cases_come_from_a_list_a_frame_and_every_kind_of_file(tmp_path: Path) -> None:
    rows = [{"id": "a", "n": 1, "text": "eins, zwei"}, {"id": "b", "n": 2, "text": 'he said "no"'}]
    frame = pd.DataFrame(rows)
    frame.to_json(tmp_path / "c.jsonl", orient="records", lines=True)
    frame.to_json(tmp_path / "c.json", orient="records")
    frame.to_parquet(tmp_path / "c.parquet")
    seen = {}
    for name, source in {"list": rows, "frame": frame, "jsonl": "c.jsonl", "json": "c.json", "parquet": "c.parquet"}.items():
        with spooled(read_cases(source, tmp_path)) as cases:
            seen[name] = (cases.ids, cases.sha256)
    assert len(set(seen.values())) == 1
    frame.to_csv(tmp_path / "c.csv", index=False)
    assert list(read_cases("c.csv", tmp_path)) == [{key: str(value) for key, value in row.items()} for row in rows]
    assert len(list(read_cases(SourceSpec(file="c.csv", limit=1), tmp_path))) == 1


def test_what_is_missing_in_a_frame_is_none_and_dates_are_text() -> None:
    frame = pd.DataFrame({"x": [1.5, None], "when": pd.to_datetime(["2026-01-02", None])})
    with spooled(read_cases(frame, Path())) as cases:
        assert [row.data for row in cases.rows()] == ['{"x": 1.5, "when": "2026-01-02T00:00:00"}', '{"x": null, "when": null}']


def test_a_broken_line_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"a": 1}\n{"a": \n', encoding="utf-8")
    with pytest.raises(WorkbenchError, match=r"c\.jsonl:2: "):
        list(read_cases("c.jsonl", tmp_path))
    (tmp_path / "c.csv").write_text("a,b\n1,2,3\n", encoding="utf-8")
    with pytest.raises(WorkbenchError, match=r"c\.csv:2: more values than columns"):
        list(read_cases("c.csv", tmp_path))
    (tmp_path / "c.parquet").write_bytes(b"no")
    with pytest.raises(WorkbenchError, match="is not a Parquet file"):
        list(read_cases("c.parquet", tmp_path))


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.text(max_size=20), min_size=1, max_size=4))
def test_columns_are_filled_in_once_and_nothing_else_is_reached(case: dict[str, str]) -> None:
    template = "|".join(f"{{{name}}}" for name in case) + "|{0}|{a.b}|{x[0]}|{}"
    assert filled(template, case) == "|".join(case.values()) + "|{0}|{a.b}|{x[0]}|{}"


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False))
)
def test_equal_forms_share_one_text_whatever_their_order(form: dict[str, Any]) -> None:
    turned = dict(reversed(form.items()))
    assert canonical(form) == canonical(turned)
    assert digest(form) == digest(turned)
    assert digest(form | {"one more": 1}) != digest(form)


def test_a_plan_that_means_nothing_is_refused() -> None:
    for wrong in ({"better": "up"}, {"alpha": 1.0}, {"margin": 0.0}, {"power": 0.0}, {"correction": "none"}, {"cases": 0}):
        with pytest.raises(PlanError, match=next(iter(wrong))):
            Plan(**{"primary": "x", "better": "higher", "control": "a"} | wrong)
    plan = Plan("x", "lower", "a", margin=0.5, prices=("cost",))
    assert Plan.from_dict(plan.to_dict()) == plan


def test_python_yaml_and_record_say_the_same(tmp_path: Path) -> None:
    with Wire() as wire, workshop(tmp_path, wire) as orchestrator:
        ours = sums(orchestrator)
        row = ours.keep()
        assert Experiment.load("sums", orchestrator).definition.arms == ours.definition.arms
        assert Experiment.load("last", orchestrator).keep() == row
        assert sums(orchestrator).keep().id == row.id, "the same definition is one row"
        assert sums(orchestrator, 7).keep().id != row.id, "other cases are another experiment"

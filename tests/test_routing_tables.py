"""A table of outcomes is read, or refused with the rows and the way out named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.routing.policy import RoutingError
from workbench.routing.tables import read_outcomes


def frame(prompts=4, models=("a", "b")):
    return pd.DataFrame(
        [
            {
                "prompt_id": f"p{i}",
                "task": "code",
                "prompt_text": f"text {i}",
                "model": model,
                "quality": (i + j) % 2,
                "cost_usd": 0.1 * j,
            }
            for i in range(prompts)
            for j, model in enumerate(models)
        ]
    )


def written(folder, table, name="t.csv"):
    path = folder / name
    table.to_parquet(path) if name.endswith("parquet") else table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_table_is_read_alike_from_csv_and_parquet(tmp_path, name):
    shuffled = frame().astype({"quality": "float32"}).sample(frac=1, random_state=1)
    found = read_outcomes(written(tmp_path, shuffled, name))
    assert found.models == ("a", "b")
    order = [int(prompt[1:]) for prompt in found.prompts]
    assert np.array_equal(found.quality, [[i % 2, (i + 1) % 2] for i in order])
    assert np.allclose(found.cost, [[0, 0.1]] * 4)
    assert found.texts == tuple(f"text {i}" for i in order)
    assert found.left_out == ""


def test_prompts_may_stand_in_a_file_of_their_own(tmp_path):
    whole = frame()
    prompts = whole.drop_duplicates("prompt_id")[["prompt_id", "task", "prompt_text"]]
    bare = whole.drop(columns=["task", "prompt_text"])
    path = written(tmp_path, bare, "x_outcomes.csv")
    with pytest.raises(RoutingError, match="no column task, prompt_text"):
        read_outcomes(path)
    other = written(tmp_path, prompts, "other.csv")
    assert read_outcomes(path, prompts=other).texts == ("text 0", "text 1", "text 2", "text 3")
    written(tmp_path, prompts, "x_prompts.csv")
    assert read_outcomes(path).tasks == ("code",) * 4
    with pytest.raises(RoutingError, match="lacks 1 prompts of the table, first p3"):
        read_outcomes(path, prompts=written(tmp_path, prompts.head(3), "few.csv"))
    with pytest.raises(RoutingError, match="stands there twice"):
        read_outcomes(path, prompts=written(tmp_path, pd.concat([prompts, prompts]), "twice.csv"))


def test_missing_outcomes_are_refused_or_left_out_as_asked(tmp_path):
    path = written(tmp_path, frame(models=("a", "b", "c")).drop(index=[2, 5]))  # c on p0, and c on p1
    with pytest.raises(RoutingError, match=r"2 outcomes are missing, of 1 models \(first c\)") as refused:
        read_outcomes(path)
    assert "--incomplete drop-prompts" in refused.value.hint
    fewer = read_outcomes(path, incomplete="drop-prompts")
    assert fewer.prompts == ("p2", "p3")
    assert "2 prompts left out" in fewer.left_out
    models = read_outcomes(path, incomplete="drop-models")
    assert (models.models, len(models.prompts)) == (("a", "b"), 4)
    assert "c left out" in models.left_out


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: t.drop(columns="quality"), "no column quality"),
        (lambda t: t.drop(columns=["model", "cost_usd"]), "no column model, cost_usd"),
        (lambda t: t.head(0), "no rows"),
        (lambda t: t.assign(quality=[0, 1, 0, 1, 0, 1, 0, 1.5]), "between 0 and 1 in 1 rows, first prompt p3, model b (row 8)"),
        (lambda t: t.assign(quality=-0.1), "between 0 and 1 in 8 rows"),
        (lambda t: t.assign(quality="good"), "between 0 and 1 in 8 rows"),
        (lambda t: t.assign(quality=[None, *[1] * 7]), "between 0 and 1 in 1 rows"),
        (lambda t: t.assign(cost_usd=-1), "cost_usd is not 0 or more"),
        (lambda t: t.assign(cost_usd=float("inf")), "cost_usd is not 0 or more"),
        (
            lambda t: pd.concat([t, t.tail(1).assign(quality=1)]),
            "have a row already in 1 rows, first prompt p3, model b (row 9)",
        ),
        (lambda t: t.assign(task=[f"t{i}" for i in range(8)]), "prompt p0 has several tasks"),
        (lambda t: t.assign(model=None), "model is empty"),
        (lambda t: t[t.model == "a"], "4 prompts and 1 models"),
        (lambda t: t[t.prompt_id == "p1"], "1 prompts and 2 models"),
    ],
)
def test_bad_tables_are_refused(tmp_path, spoil, says):
    with pytest.raises(RoutingError) as refused:
        read_outcomes(written(tmp_path, spoil(frame())))
    assert says in str(refused.value)


def test_files_that_are_no_tables_are_refused(tmp_path):
    for name, content, says in [
        ("t.xlsx", b"", "neither"),
        ("gone.csv", None, "no file"),
        ("t.parquet", b"PAR1 rubbish", "cannot be read"),
        ("e.csv", b"", "cannot be read"),
        ("b.csv", b"\xff\xfe\x00", "cannot be read"),
        ("q.csv", b'a,b\n"1', "cannot be read"),
    ]:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(RoutingError, match=says):
            read_outcomes(tmp_path / name)


def test_parquet_without_its_library_names_the_extra(tmp_path, monkeypatch):
    path = written(tmp_path, frame(), "t.parquet")
    monkeypatch.setattr(pd, "read_parquet", lambda _: (_ for _ in ()).throw(ImportError("no engine")))
    with pytest.raises(RoutingError) as refused:
        read_outcomes(path)
    assert "[routing]" in refused.value.hint

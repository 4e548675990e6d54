"""Statistics of models as people see them: the table of `%models --stats`, the same in a terminal, and its mistakes."""

import json
import sys

import pytest
from record_examples import START, started, whole
from stage import card, line, orchestra, yes
from test_model_stats import CHEAP, lost, made, rating, spoken

from workbench.cli import main
from workbench.errors import ErrorKind, ModelError
from workbench.models import ModelConfig
from workbench.notebook.model_stats import stats_table


@pytest.fixture
def busy(record):
    """Two models: one that was asked, failed once and is rated; one that stood in for it."""
    record.write([
        started("d1"),
        *spoken("d1", 1, made(cost=0.5), choice={"kind": "code", "model": "cheap"}),
        *spoken("d1", 2, lost(), made("dear", "cheap", cost=1.5)),
        *spoken("d1", 3, made()),
    ])  # fmt: skip
    record.rate([rating(float(n < 7), dialogue=f"d{n}") for n in range(10)])
    return record


def test_the_table_shows_what_is_known_and_says_what_it_means(busy):
    table = stats_table(busy)
    head, cheap, dear, total = table.text.splitlines()[:4]
    assert head.split()[:4] == ["model", "calls", "answered", "fell"]
    assert cheap.split()[:4] == ["cheap", "3", "67%", "1"]
    assert "0.70  0.40 to 0.89" in cheap
    assert dear.split()[:3] == ["dear", "1", "100%"]
    assert total.split()[:3] == ["all", "4", "1"]
    assert "its interval is Wilson's" in table.text
    assert "the cost is a lower bound" in table.text
    assert "came from another one" in table.text
    assert "<table>" in table.html


def test_by_task_has_a_row_for_each_kind(busy):
    frame = stats_table(busy, by="task").frame
    assert frame[["model", "task"]].fillna("").to_numpy().tolist() == [["cheap", ""], ["cheap", "code"], ["dear", ""]]


def test_the_baseline_is_named_and_a_loss_has_a_minus(busy):
    table = stats_table(busy, baseline=CHEAP)
    assert "at the prices of cheap" in table.text
    assert table.frame.saved.lt(0).all()
    assert table.text.count("-$") == 3
    assert "saved" not in stats_table(busy).frame


def test_models_are_found_by_name(busy):
    assert list(stats_table(busy, text="EAR").frame.model) == ["dear"]
    assert stats_table(busy, text="zzz").text == "No model is like that."


def test_an_empty_record_says_so(record):
    assert "Nothing is recorded yet" in stats_table(record).text
    record.write(whole("d1"))
    assert "Nothing was called or rated since 1h" in stats_table(record, since="1h").text


def test_a_dialogue_shows_up_with_its_fallback_and_cost(tmp_path):
    async def moody(request):
        if request.model == "openai/off":
            raise ModelError(ErrorKind.AUTHENTICATION, "no key", model="off")
        async for chunk in yes(request):
            yield chunk

    workbench, _ = orchestra(tmp_path, moody)
    with workbench:
        workbench.run(line(2), "t", models=[ModelConfig(card("off"), [card("on", provider="other")])])
        workbench.record.flush()
        frame = stats_table(workbench.record).frame.set_index("model")
    assert frame.loc["off", ["answered", "fallbacks"]].tolist() == [0, 2]
    assert frame.loc["on", ["answered", "fallbacks"]].tolist() == [2, 0]
    assert frame.loc["on", "cost"] == pytest.approx(2 * 15 / 1e6)


@pytest.fixture
def terminal(tmp_path, monkeypatch, capsys):
    """Run `workbench models` in a workspace whose record has one dialogue; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workbench.toml").write_text("")
    from workbench.records import Record
    from workbench.settings import load_settings

    with Record.open(load_settings().record_url) as record:
        record.write(whole("d1"))
        record.rate([rating(0.5, model="small")])

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["workbench", "models", *words])
        with pytest.raises(SystemExit) as end:
            main()
        out = capsys.readouterr()
        return end.value.code or 0, out.out, out.err

    return run


def test_a_terminal_has_the_same_numbers_and_json(terminal):
    code, out, _ = terminal("--stats")
    assert (code, out.split()[:3]) == (0, ["small", "2", "100%"])
    code, out, err = terminal("--stats", "--by", "task", "--json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    assert [(row["model"], row["task"], row["calls"], row["quality"]) for row in rows] == [
        ("small", None, 1, None), ("small", "code", 1, 0.5),
    ]  # fmt: skip
    assert rows[0]["quality_low"] is None


def test_a_terminal_compares_with_a_baseline(terminal):
    code, out, _ = terminal("--stats", "--baseline", "gpt", "--json")
    row = json.loads(out)[0]
    assert (code, row["cost"]) == (0, 0.5)
    assert row["saved"] == pytest.approx(row["baseline_cost"] - 0.5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "task"), "need --stats"),
        (("--stats", "--by", "week"), "--by week is not known"),
        (("--stats", "--since", "then"), "'then' is no point in time"),
        (("--stats", "--baseline", "nobody"), "no model is called 'nobody'"),
    ],
)
def test_a_mistake_in_a_terminal_is_named(terminal, words, said):
    code, out, err = terminal(*words)
    assert (code != 0, out) == (True, "")
    assert said in err


def test_nothing_since_then_is_said(terminal):
    code, out, err = terminal("--stats", "--since", "1h")
    assert (code, out) == (0, "")
    assert "Nothing was called or rated since 1h" in err
    assert START < 2e9  # the example is older than an hour


@pytest.mark.slow
def test_the_magic_shows_it_and_its_mistakes(kernel, said):
    kernel.run("x = %models --stats --by task --since 1d --baseline gpt")
    assert kernel.run("print(x.frame.calls.sum(), 'saved' in x.frame)").stdout == "3 True\n"
    for wrong, told in [
        ("--by task", "--by needs --stats"),
        ("--stats --by week", "there is no grouping 'week'"),
        ("--stats --ready", "do not go together"),
        ("--stats --since then", "no point in time"),
    ]:
        out = kernel.run(f"%models {wrong}")
        assert (out.status, told in out.stdout) == ("error", True), out.stdout
    offered = kernel.complete("%models --stats --by ")["matches"]
    assert offered == ["model", "task"]
    assert "claude-haiku" in kernel.complete("%models --stats --baseline claude-h")["matches"]

"""`%costs` and `%performance` and the same in a terminal: what they show, how it is drawn, and their mistakes."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from IPython.core.error import UsageError
from record_examples import START, call, started
from test_model_stats import lost, made, spoken
from test_usage import _events

from workbench.cli import main
from workbench.dialogue import Orchestrator
from workbench.events import Timings
from workbench.notebook.performance import performance
from workbench.notebook.usage import UsageMagics
from workbench.observe.costs_figure import costs_figure
from workbench.observe.performance_figure import performance_figure
from workbench.records import Record
from workbench.records import seconds as seconds_module
from workbench.settings import load_settings


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace with a day's ceiling, in which two models were asked, one for the other at times."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workbench.toml").write_text("[budget]\nday = 10.0\n")
    with Record.open(load_settings().record_url) as record:
        record.write([
            started("d1"),
            *spoken("d1", 1, made("cheap", cost=0.5, total=2.0)),
            *spoken("d1", 2, lost(), made("dear", "cheap", cost=1.5, total=9.0)),
            *spoken("d1", 3, made("cheap")),
        ])  # fmt: skip
    return tmp_path


@pytest.fixture
def magics(workspace):
    """The magics of a notebook in the workspace."""
    from IPython.core.interactiveshell import InteractiveShell

    with Orchestrator() as orchestrator:
        yield UsageMagics(InteractiveShell(), lambda: orchestrator)


@pytest.fixture
def terminal(workspace, monkeypatch, capsys):
    """Run `workbench …` in the workspace; return exit code, stdout and stderr."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["workbench", *words])
        with pytest.raises(SystemExit) as end:
            main()
        out = capsys.readouterr()
        return end.value.code or 0, out.out, out.err

    return run


def test_costs_by_model_with_totals_what_is_unknown_and_what_is_left(magics):
    table = magics.costs("")
    head, dear, cheap, total = table.text.splitlines()[:4]
    assert head.split()[:6] == ["model", "calls", "failed", "fell", "back", "tokens"]
    assert dear.split()[:2] == ["dear", "1"]
    assert cheap.split()[:4] == ["cheap", "3", "1", "1"]
    assert total.split()[:3] == ["all", "4", "1"]
    assert "The cost of 1 call is not known; unknown is not zero" in table.text
    assert "Budget of the day: $10.00 of $10.00 left." in table.text
    assert table.frame.set_index("model").cost.to_dict() == {"dear": 1.5, "cheap": 0.5}


def test_a_baseline_says_what_was_saved(magics):
    table = magics.costs("--by provider --baseline gpt")
    assert "at the prices of gpt" in table.text
    assert (table.frame.spared == table.frame.baseline_cost - table.frame.cost).all()
    assert "spared" not in magics.costs("--by provider").frame


def test_by_dialogue_has_topics_and_by_experiment_names_the_rest(magics):
    frame = magics.costs("--by dialogue").frame
    assert frame[["dialogue", "about", "mode"]].to_numpy().tolist() == [["d1", "Is water wet?", "debate"]]
    assert magics.costs("--by experiment").frame.experiment.tolist() == ["(no experiment)"]
    assert magics.costs("--by day").frame.calls.sum() == 4


def test_a_dialogue_is_told_turn_by_turn_and_where_its_time_went(magics):
    assert "Dialogue d1" in magics.costs("last").text
    page = magics.costs("d1 --waterfall")
    assert page.frame.model.tolist() == ["cheap", "cheap, dear", "cheap"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--by week", "there is no grouping 'week'"),
        ("--by dya", "Did you mean day"),
        ("--since then", "no point in time"),
        ("--waterfall", "needs a dialogue"),
        ("last --since 7d", "--since does not go with a dialogue"),
        ("-n 3", "goes with --by dialogue"),
        ("zzz", "No dialogue begins with 'zzz'"),
    ],
)
def test_mistakes_are_named(magics, words, said):
    with pytest.raises(UsageError, match=said):
        magics.costs(words)


def test_nothing_in_that_time_is_said(magics):
    assert "Nothing was called since 1h." in magics.costs("--since 1h").text
    assert "Nothing was called since 1h of dear." in magics.performance("--since 1h --model dear").text


def test_performance_has_rates_the_slowest_and_what_failed(magics):
    page = magics.performance("")
    cheap = page.models.frame.set_index("model").loc["cheap"]
    assert (cheap.calls, cheap.error_rate, cheap.fallback_rate, cheap.latency_p50) == (3, 1 / 3, 1 / 3, 1.0)
    slow = page.slowest.frame
    assert slow.seconds.tolist()[:2] == [9.0, 2.0]
    assert slow.open[0] == "%costs d1 --waterfall"
    assert page.failures.frame.to_numpy().tolist() == [["cheap", "capacity", 1]]
    assert magics.performance("--model dear").models.frame.model.tolist() == ["dear"]


def test_percentiles_of_very_many_answers_are_those_of_an_even_part(record, monkeypatch):
    monkeypatch.setattr(seconds_module, "EXACT", 300)
    many = [replace(call("d", n), timings=Timings(0.0, None, (n * 37 % 2000) / 50)) for n in range(2000)]
    record.write(_events("d", START, many, {}, resumed=False))
    (pace,) = record.usage.models()
    assert pace.calls == 2000
    assert pace.latency_p50 == pytest.approx(20.0, abs=3)
    assert pace.latency_p95 == pytest.approx(38.0, abs=2)
    assert performance(record).models.frame.latency_p50[0] == pace.latency_p50


def test_figures_take_names_for_text_and_need_no_network(record):
    bad = "<b>x</b>"
    priced = [replace(call("d", n, float(n)), model=f"{bad}{n}") for n in range(12)]
    record.write(_events("d", START, priced, {}, resumed=False))
    bars = costs_figure(record.usage.daily())
    assert [trace.name for trace in bars.data][-1] == "others"
    assert sum(sum(trace.y) for trace in bars.data) == sum(range(12))
    for figure in (bars, performance_figure(record.usage.models())):
        drawn = figure.to_json()
        assert "<b>x" not in drawn
        assert "\\u003cb\\u003ex" not in drawn
        assert "http" not in drawn


def test_one_day_alone_is_drawn_as_a_day_of_a_week(tmp_path):
    with Record.open(f"sqlite:///{tmp_path}/r.db") as record:
        record.write([started("d1"), *spoken("d1", 1, made("free", cost=0.0))])
        figure = costs_figure(record.usage.daily())
    [day] = figure.data[0].x
    begin, end = (datetime.fromisoformat(at) for at in figure.layout.xaxis.range)
    assert end - begin == timedelta(days=7)
    assert begin < datetime.fromisoformat(day) < end
    assert 0.5 < figure.data[0].width / timedelta(days=1).total_seconds() / 1000 < 1


def test_pictures_that_would_be_empty_are_left_out(tmp_path):
    with Record.open(f"sqlite:///{tmp_path}/r.db") as record:
        record.write([started("d1"), *spoken("d1", 1, made("free", cost=0.0))])
        assert titles(record) == ["Seconds of an answer"]
        record.write([started("d2"), *spoken("d2", 1, lost(), made("dear", "cheap", cost=1.5))])
        assert titles(record) == ["Seconds of an answer", "Failed calls, and answers of other models", "Cost"]


def titles(record):
    return [note.text for note in performance_figure(record.usage.models()).layout.annotations]


def test_a_terminal_has_the_same_as_table_json_and_csv(terminal):
    code, out, err = terminal("costs", "--by", "model")
    assert (code, out.split("\t")[0]) == (0, "dear")
    assert "Budget of the day: $10.00 of $10.00 left." in err
    code, out, err = terminal("costs", "--json", "--baseline", "gpt")
    told = json.loads(out)
    assert (code, err, told["total"]["calls"], told["budgets"][0]["left"]) == (0, "", 4, 10.0)
    assert [row["model"] for row in told["rows"]] == ["dear", "cheap"]
    code, out, err = terminal("costs", "--csv", "--by", "day")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, err, sum(int(row["calls"]) for row in rows), rows[0]["saved"]) == (0, "", 4, "")


def test_a_terminal_tells_one_dialogue_and_its_waterfall(terminal):
    code, out, _ = terminal("costs", "last", "--json")
    assert (code, [turn["turn"] for turn in json.loads(out)["turns"]]) == (0, ["turn_1", "turn_2", "turn_3"])
    code, out, err = terminal("costs", "d1", "--waterfall")
    assert (code, len(out.splitlines())) == (0, 3)
    assert err.startswith("Of ")
    code, out, _ = terminal("performance", "--json")
    assert [pace["model"] for pace in json.loads(out)["models"]] == ["cheap", "dear"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "week"), "--by week is not known"),
        (("--json", "--csv"), "do not go together"),
        (("--waterfall",), "needs a dialogue"),
        (("last", "--since", "7d"), "do not go with a dialogue"),
        (("-n", "3"), "goes with --by dialogue"),
    ],
)
def test_mistakes_in_a_terminal_are_named(terminal, words, said):
    code, out, err = terminal("costs", *words)
    assert (code != 0, out) == (True, "")
    assert said in err


@pytest.mark.slow
def test_a_kernel_shows_them_and_completes_them(kernel, said):
    kernel.run("x = %costs --by day")
    assert kernel.run("print(x.frame.calls.sum() > 0)").stdout == "True\n"
    out = kernel.run("%costs --plot")
    assert any("application/vnd.plotly.v1+json" in each for each in out.displays)
    assert "day" in kernel.complete("%costs --by ")["matches"]
    assert said in kernel.complete("%costs ")["matches"]
    shown = kernel.run("d.waterfall()")
    assert shown.error is None

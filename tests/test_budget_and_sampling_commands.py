"""Budgets and presets at the prompt: options of a cell and of the command line, and what `%budget` and `%sampling` show."""

import json
import sys

import pytest
from wire import Wire

from workbench.cli import main
from workbench.notebook.front_matter import split


def bodies(wire, count):
    return [request.body for request in wire.requests[-count:]]


@pytest.mark.slow
def test_a_cell_says_how_roles_draw(kernel, wire):
    ask = f"%%dialogue debate -m openai/wire --api-base {wire.openai} --rounds 1 --sampling precise --sampling pro=creative\nTabs?"
    assert kernel.run(ask).error is None
    assert [body["temperature"] for body in bodies(wire, 3)] == [1.0, 0.2, 0.2]
    matter = f"---\nmodels: openai/wire\napi_base: {wire.openai}\nrounds: 1\nsampling: {{judge: precise}}\n---\nTabs?"
    assert kernel.run(f"%%dialogue debate\n{matter}").error is None
    assert [body.get("temperature") for body in bodies(wire, 3)] == [None, None, 0.2]


@pytest.mark.slow
def test_a_cell_says_what_a_call_may_cost(kernel, wire):
    asked = len(wire.requests)
    out = kernel.run(f"%%dialogue debate -m openai/wire --api-base {wire.openai} --max-call-cost 0.01\nTabs?")
    assert "max_call_cost cannot be kept: the price of openai/wire is unknown" in out.stdout
    assert len(wire.requests) == asked


@pytest.mark.slow
def test_the_listings_are_tables(kernel):
    kernel.run("b = %budget\ns = %sampling")
    assert kernel.run("print(list(b.frame.budget), list(b.frame.columns))").stdout == (
        "['call', 'dialogue', 'day', 'workspace'] ['budget', 'ceiling', 'spent', 'left']\n"
    )
    assert kernel.run("print(s.frame.set_index('preset').temperature['precise'])").stdout == "0.2\n"
    assert "Did you mean precise?" in kernel.run("%%dialogue debate --sampling precize -m local\nTabs?").stdout


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("sampling: precise", ["precise"]),
        ("sampling: precise, pro=creative", ["precise", "pro=creative"]),
        (
            "sampling: {pro: creative, con: {preset: brief, top_k: 3}}",
            {"pro": "creative", "con": {"preset": "brief", "top_k": 3}},
        ),
        ("max-call-cost: 0.5", 0.5),
    ],
)
def test_front_matter_has_the_same_options(line, found):
    (value,) = split(f"---\n{line}\n---\nTabs?")[0].values()
    assert value == found


def test_the_command_line_has_them_too(tmp_path, monkeypatch, capsys):
    with Wire() as wire:
        words = ["run", "debate", "Tabs?", "-m", "openai/wire", "--api-base", wire.openai, "--rounds", "1", "-C", str(tmp_path)]
        monkeypatch.setattr(sys, "argv", ["workbench", *words, "--sampling", "precise", "--sampling", "con=creative", "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code in (0, None)
        assert [body["temperature"] for body in bodies(wire, 3)] == [0.2, 1.0, 0.2]
        monkeypatch.setattr(sys, "argv", ["workbench", *words, "--max-call-cost", "0.1"])
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 2
    assert "max_call_cost cannot be kept" in capsys.readouterr().err


def test_the_presets_are_listed(tmp_path, monkeypatch, capsys):
    (tmp_path / "workbench.toml").write_text('[sampling.mine]\ntemperature = 0.5\ndescription = "My own."')
    monkeypatch.setattr(sys, "argv", ["workbench", "sampling", "--json", "-C", str(tmp_path)])
    with pytest.raises(SystemExit):
        main()
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert listed["mine"] == {"name": "mine", "description": "My own.", "temperature": 0.5}
    assert listed["precise"]["temperature"] == 0.2

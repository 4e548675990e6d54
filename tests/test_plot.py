"""The picture of a dialogue: a bar for every turn in each unit, one colour a speaker, and nothing where nothing is known."""

from dataclasses import replace

import pytest
from stage import card, line, mode_of, orchestra, yes

from workbench.dialogue import Dialogue
from workbench.events import CallEnded, TurnStarted


@pytest.fixture
def orchestrator(tmp_path):
    made, _ = orchestra(tmp_path, yes)
    with made:
        yield made


def bars(figure, axis):
    """Turn number to height, of the row whose axis this is."""
    return {x: y for bar in figure.data if bar.yaxis == axis for x, y in zip(bar.x, bar.y, strict=True)}


def test_every_turn_has_its_seconds_tokens_and_cost(orchestrator):
    dialogue = orchestrator.run(line(3), "Tabs?", models=[card()])
    figure = dialogue.plot()
    by_turn = dialogue.metrics_by_turn
    assert list(bars(figure, "y").values()) == [metrics.latency for metrics in by_turn.values()]
    assert list(bars(figure, "y2").values()) == [metrics.tokens for metrics in by_turn.values()]
    assert list(bars(figure, "y3").values()) == [metrics.cost for metrics in by_turn.values()]
    assert [axis.title.text for axis in figure.select_yaxes()] == ["seconds", "tokens", "USD"]


def test_what_is_free_or_unknown_has_no_row(orchestrator):
    dialogue = orchestrator.run(line(2), "Tabs?", models=[card(price=None)])
    assert [axis.title.text for axis in dialogue.plot().select_yaxes()] == ["seconds", "tokens"]


def test_a_speaker_keeps_one_colour(orchestrator):
    mode = mode_of(*({"role": role, "id": f"{role}{n}", "template": "{topic}"} for n in range(3) for role in ("pro", "con")))
    figure = orchestrator.run(mode, "Tabs?", models=[card()]).plot()
    colours = {bar.name: bar.marker.color for bar in figure.data}
    assert len(figure.data) == 2 * 3
    assert len(set(colours.values())) == 2
    assert sum(bar.showlegend for bar in figure.data) == 2


def test_many_turns_are_numbered_not_named(orchestrator):
    few = orchestrator.run(line(3), "Tabs?", models=[card()]).plot()
    many = orchestrator.run(line(40), "Tabs?", models=[card()]).plot()
    assert next(few.select_xaxes()).ticktext == ("V1", "V2", "V3")
    assert next(many.select_xaxes()).ticktext is None


def test_names_are_no_markup(orchestrator):
    played = orchestrator.run(line(1), "Tabs?", models=[card()]).recorded_events()
    hostile = {"role": "<b>bold</b><img src=x>", "model": "<i>m</i>"}
    events = [replace(event, **hostile) if isinstance(event, TurnStarted) else event for event in played]
    events = [event for event in events if not isinstance(event, CallEnded)]
    text = repr(Dialogue.stored(events).plot().to_dict())
    assert "bold" in text
    assert not any(mark in text for mark in ("<b>", "<img", "<i>"))


def test_a_dialogue_without_turns_draws_an_empty_figure(orchestrator):
    figure = Dialogue.stored([]).plot()
    assert not figure.data

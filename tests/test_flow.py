"""A plan's flow: every turn is drawn once, edges lead to the right, many alike become one box, and the page stays a page."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import chorus, line, mode_of

from workbench.dialogue import ModeLoader
from workbench.dialogue.figures.flow import ALIKE, flow_of
from workbench.dialogue.figures.flow_svg import svg_of
from workbench.dialogue.planning.compiling import compile_mode

TIMES = "\N{MULTIPLICATION SIGN}"
GOLDEN = Path(__file__).parent / "data" / "flow"
"""To make one again: write `svg_of(flow) + "\\n"` and `flow.text() + "\\n"` there, and look at it."""
SVG = "{http://www.w3.org/2000/svg}"


def flow(mode, **parameters):
    return flow_of(compile_mode(ModeLoader().load(mode), parameters))


def layers(drawn):
    return [[drawn.boxes[position].title for position in layer] for layer in drawn.layers]


def picture(html):
    return ET.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])


@pytest.mark.parametrize("name", ["chat", "debate", "parallel", "sequential"])
def test_built_in_modes_are_drawn_as_they_always_were(name):
    drawn = flow(name)
    assert drawn.text() + "\n" == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert svg_of(drawn) + "\n" == (GOLDEN / f"{name}.html").read_text(encoding="utf-8")


@st.composite
def modes(draw):
    """A mode whose turns wait for any of those before them, or for what the structure says."""
    turns = []
    for number in range(draw(st.integers(1, 30))):
        role = draw(st.sampled_from(["pro", "con", "voice_1", "voice_2", "judge"]))
        turn = {"id": f"t{number}", "role": role, "template": "x"}
        if number and draw(st.booleans()):
            turn["depends_on"] = draw(st.lists(st.sampled_from([f"t{n}" for n in range(number)]), max_size=4))
        turns.append(turn)
    return mode_of(*turns, structure=draw(st.sampled_from(["sequential", "parallel"])))


@settings(deadline=None)
@given(modes())
def test_every_turn_is_drawn_once_and_edges_lead_to_the_right(mode):
    plan = compile_mode(ModeLoader().load(mode))
    drawn = flow_of(plan)
    assert sorted(turn.index for box in drawn.boxes for turn in box.turns) == [turn.index for turn in plan.turns]
    for box in drawn.boxes:
        assert all(drawn.boxes[source].layer < box.layer for source in box.after)
        assert box.layer == 1 + max((drawn.boxes[source].layer for source in box.after), default=-1)
    root = picture(svg_of(drawn))
    assert len(root.findall(f"{SVG}g")) == len(drawn.boxes)
    for path in root.iter(f"{SVG}path"):
        if path.get("class") == "wb-line":
            xs = [int(x) for x in re.findall(r"[MH](\d+)|(\d+) \d+(?=M|H|$)", path.get("d")) for x in x if x]
            assert xs == sorted(xs)


@settings(deadline=None)
@given(modes())
def test_edges_left_out_follow_from_those_drawn(mode):
    plan = compile_mode(ModeLoader().load(mode))
    drawn = flow_of(plan)
    place = {turn.id: position for position, box in enumerate(drawn.boxes) for turn in box.turns}
    before = {}
    for position, box in enumerate(drawn.boxes):
        before[position] = set(box.after).union(*(before[source] for source in box.after))
    for turn in plan.turns:
        assert {place[name] for name in turn.depends_on} <= before[place[turn.id]]


def test_a_layer_keeps_the_order_of_the_plan():
    assert layers(flow(chorus(3))) == [["V1", "V2", "V3"]]
    assert layers(flow(line(3))) == [["V1"], ["V2"], ["V3"]]
    assert layers(flow("debate", rounds=1)) == [["Pro"], ["Con"], ["Judge"]]


def test_a_turn_stands_after_the_longest_way_to_it():
    mode = mode_of(
        {"id": "a", "role": "a", "template": "x"},
        {"id": "b", "role": "b", "template": "{a}"},
        {"id": "c", "role": "c", "template": "x", "depends_on": ["a"]},
        {"id": "d", "role": "d", "template": "{a} {b}", "depends_on": ["a", "b", "c"]},
    )
    drawn = flow(mode)
    assert layers(drawn) == [["A"], ["B", "C"], ["D"]]
    assert [drawn.boxes[source].title for source in drawn.boxes[3].after] == ["B", "C"]


@pytest.mark.parametrize(("voices", "boxes"), [(ALIKE, ALIKE + 1), (ALIKE + 1, 2), (50, 2)])
def test_many_alike_are_one_box(voices, boxes):
    drawn = flow("parallel", voices=voices)
    assert len(drawn.boxes) == boxes
    if boxes == 2:
        assert drawn.boxes[0].title == f"Voice {TIMES}{voices}"
        assert drawn.text().splitlines()[0].endswith(f"Voice {TIMES}{voices}")


def test_those_who_wait_for_a_box_of_many_are_a_box_of_many():
    voices = [{"id": f"v{n}", "role": f"voice_{n}", "template": "x", "depends_on": []} for n in range(20)]
    checks = [{"id": f"c{n}", "role": f"check_{n}", "template": f"{{v{n}}}", "depends_on": []} for n in range(20)]
    assert layers(flow(mode_of(*voices, *checks))) == [[f"Voice {TIMES}20"], [f"Check {TIMES}20"]]


def test_different_roles_are_never_one_box():
    assert len(flow(chorus(50)).boxes) == 50


def test_what_does_not_wait_for_the_step_before_says_what_it_waits_for():
    mode = mode_of(
        {"id": "a", "role": "first", "template": "x"},
        {"id": "b", "role": "second", "template": "x", "depends_on": []},
        {"id": "c", "role": "third", "template": "{b}", "depends_on": []},
        {"id": "d", "role": "fourth", "template": "{a} {c}", "depends_on": []},
    )
    assert flow(mode).text() == "1  First  |  Second\n2  Third (after b)\n3  Fourth (after a, c)"


def test_a_long_plan_scrolls_and_a_wide_step_wraps():
    html = svg_of(flow("debate", rounds=100))
    assert int(picture(html).get("width")) > 10_000
    assert ".wb-flow { overflow: auto;" in html
    assert all(len(row) <= 100 for row in flow(chorus(50)).text().splitlines())


def test_edges_between_many_and_many_meet_in_one_point():
    first = [{"id": f"a{n}", "role": f"a{n}", "template": "x"} for n in range(30)]
    second = [{"id": f"b{n}", "role": f"b{n}", "template": "x"} for n in range(30)]
    mode = {"name": "wide", "turns": [{"structure": "parallel", "turns": first}, {"structure": "parallel", "turns": second}]}
    root = picture(svg_of(flow(mode)))
    assert len(root.findall(f"{SVG}circle")) == 1
    assert len([path for path in root.findall(f"{SVG}path") if path.get("class") == "wb-line"]) == 60


def test_an_edge_that_passes_a_column_crosses_no_box():
    late = [{"id": f"m{n}", "role": f"m{n}", "template": "x", "depends_on": ["start"]} for n in range(5)]
    mode = mode_of(
        {"id": "start", "role": "start", "template": "x"},
        *late,
        {"id": "end", "role": "end", "template": "x", "depends_on": ["m0"]},
        {"id": "beside", "role": "beside", "template": "x", "depends_on": ["end", "m4"]},
    )
    root = picture(svg_of(flow(mode)))
    boxes = [[int(rect.get(name)) for name in ("x", "y", "width", "height")] for rect in root.iter(f"{SVG}rect")]
    lanes = [re.search(r"(\d+) (\d+)H(\d+)", path.get("d")) for path in root.iter(f"{SVG}path")]
    lanes = [tuple(map(int, found.groups())) for found in lanes if found]
    assert lanes
    for begin, height, end in lanes:
        assert not any(x < end and begin < x + width and y < height < y + high for x, y, width, high in boxes)


def test_the_picture_stands_alone_and_says_what_it_shows():
    html = svg_of(flow("parallel"))
    root = picture(html)
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "parallel: 4 turns in 2 steps"
    assert "Voice 1  |  Voice 2" in root.find(f"{SVG}desc").text
    assert not re.search(r"<script|href|url\(|\bid=|\son\w+=", html)


def test_texts_are_escaped_and_shortened_but_whole_in_the_tooltip():
    long = "<b>openai/a-model-whose-name-goes-on-and-on-and-on-and-on</b>\u202e"
    html = svg_of(flow("chat"), lambda _box: long)
    group = picture(html).find(f"{SVG}g")
    assert group.findall(f"{SVG}text")[1].text.endswith("…")
    assert long.rstrip("\u202e") in group.find(f"{SVG}title").text
    assert "<b>" not in html
    assert "\u202e" not in html


def test_speakers_have_the_colours_that_they_have_in_the_transcript():
    drawn = flow("debate")
    assert [box.accent for box in drawn.boxes] == [0, 1, 0, 1, 0, 1, 2]

"""Two dialogues side by side: what both say is folded, what differs is marked, and no text does anything."""

import difflib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import card, line, mode_of, orchestra, yes

from workbench.dialogue import Dialogue
from workbench.dialogue.diff import DialogueDiff, compare
from workbench.events import DialogueStarted, TurnCompleted, TurnFailed, TurnStarted, Usage
from workbench.models import Chunk

ATTACKS = json.loads((Path(__file__).parent / "attacks.json").read_text(encoding="utf-8"))
WORDS = st.lists(st.sampled_from([*"to be or not that is the question whether".split(), "\n", "  "])).map(" ".join)


@pytest.fixture
def stage(tmp_path):
    """An orchestrator whose actors number what they say."""

    async def act(request):
        yield Chunk(text=f"Answer {len(actors.asked)} is what there is to say about it, and no more.")
        yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")

    made, actors = orchestra(tmp_path, act)
    with made:
        yield made


def said(name, **texts):
    """A dialogue in which each turn says its text."""
    events, numbers = [DialogueStarted(dialogue=name, seq=1, at=1.0, mode="stage", topic="Tabs?", run={})], iter(range(2, 999))
    for index, (turn, text) in enumerate(texts.items(), 1):
        events.append(TurnStarted(dialogue=name, seq=next(numbers), at=1.0, turn=turn, index=index, role=turn, model="m"))
        events.append(TurnCompleted(dialogue=name, seq=next(numbers), at=2.0, turn=turn, text=text))
    return Dialogue.stored(events)


def test_a_fork_and_its_parent(stage):
    parent = stage.run("debate", "Tabs?", models=[card()], parameters={"rounds": 2})
    fork = stage.fork(f"{parent.id}@con_1", judge=card("other")).wait(10)
    diff = DialogueDiff(parent, fork)
    assert not diff.same
    assert [pair.id for pair in diff.common] == ["pro_1", "con_1"]
    assert [pair.id for pair in diff.pairs] == ["pro_2", "con_2", "verdict"]
    lines = re.sub(r"\d+\.\d s", "0.0 s", diff.text).splitlines()
    assert lines == [
        f"A  {parent.id}, debate",
        "A  completed",
        "A  actor",
        "A  after the fork: 3 turns, 3 calls, 45 tokens, $4.5e-05",
        f"B  {fork.id}, debate",
        f"B  forked from {parent.id} at con_1",
        "B  completed",
        "B  pro: actor, con: actor, judge: other",
        "B  after the fork: 3 turns, 3 calls, 45 tokens, $4.5e-05",
        "",
        "The same up to Con, round 1 (2 turns).",
        "",
        "[Pro, round 2]",
        "  A  actor, 15 tokens, $1.5e-05, 0.0 s",
        "  B  actor, 15 tokens, $1.5e-05, 0.0 s",
        "Answer [-3-] {+6+} is what there is to say about it, and no more.",
        "",
        "[Con, round 2]",
        "  A  actor, 15 tokens, $1.5e-05, 0.0 s",
        "  B  actor, 15 tokens, $1.5e-05, 0.0 s",
        "Answer [-4-] {+7+} is what there is to say about it, and no more.",
        "",
        "[Judge]",
        "  A  actor, 15 tokens, $1.5e-05, 0.0 s",
        "  B  other, 15 tokens, $1.5e-05, 0.0 s",
        "Answer [-5-] {+8+} is what there is to say about it, and no more.",
    ]
    assert "Answer <del>3</del> is what" in diff.html
    assert "Answer <ins>6</ins> is what" in diff.html
    assert "The same up to Con, round 1 (2 turns)." in diff.html


def test_two_forks_share_what_neither_of_them_said(stage):
    parent = stage.run("debate", "Tabs?", models=[card()], parameters={"rounds": 2})
    left, right = (stage.fork(f"{parent.id}@{turn}").wait(10) for turn in ("con_2", "con_1"))
    diff = DialogueDiff(left, right)
    assert [pair.id for pair in diff.common] == ["pro_1", "con_1"]
    assert [side.took for side in diff.sides] == [
        "after the fork: 3 turns, 1 call, 15 tokens, $1.5e-05",
        "after the fork: 3 turns, 3 calls, 45 tokens, $4.5e-05",
    ]


def test_rounds_that_only_one_of_them_has(stage):
    parent = stage.run("debate", "Tabs?", models=[card()], parameters={"rounds": 2})
    longer = stage.fork(f"{parent.id}@con_2", parameters={"rounds": 3}).wait(10)
    for diff in (DialogueDiff(parent, longer), DialogueDiff(longer, parent)):
        assert [pair.id for pair in diff.pairs] == ["pro_3", "con_3", "verdict"]
        assert diff.text.count("does not have this turn") == diff.html.count("Does not have this turn.") == 2
        assert "Answer 6 is what there is" in diff.text


@pytest.mark.parametrize("twin", [False, True])
def test_identical_dialogues(tmp_path, twin):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        one = orchestrator.run(line(3), "Tabs?", models=[card()])
        other = orchestrator.run(line(3), "Tabs?", models=[card()]) if twin else one
        diff = DialogueDiff(one, other)
    assert diff.same
    assert diff.note == "The same throughout (3 turns)."
    assert "<del>" not in diff.html
    assert "<ins>" not in diff.html
    assert [side.took for side in diff.sides] == [
        "in all: 3 turns, 3 calls, 45 tokens, $4.5e-05" if twin else "no turn of its own"
    ] * 2


def test_how_each_ended_is_told(tmp_path):
    async def act(request):
        if request.model == "openai/torn":
            raise ZeroDivisionError
        async for chunk in yes(request):
            yield chunk

    orchestrator, _ = orchestra(tmp_path, act)
    with orchestrator:
        parent = orchestrator.run(line(2), "Tabs?", models=[card()])
        failed = orchestrator.fork(f"{parent.id}@v1", models=[card("torn")]).wait(10)
        limited = orchestrator.fork(f"{parent.id}@v1", limits={"max_calls": 0}).wait(10)
        text = DialogueDiff(parent, failed).text
        assert "B  failed: v2:" in text
        assert ", failed: " in text
        text = DialogueDiff(limited, parent).text
        assert "A  cost limited: max_calls: max_calls=0 are made" in text
        assert ", cancelled" in text


def test_topics_are_told_where_they_differ(stage):
    one, other = (stage.run(mode_of({"role": "a", "template": "x"}), topic, models=[card()]) for topic in ("Tabs?", "Spaces?"))
    diff = DialogueDiff(one, other)
    assert diff.note == "They differ from the first turn on."
    assert "A  Tabs?" in diff.text
    assert "B  Spaces?" in diff.text
    assert "A  Tabs?" not in DialogueDiff(one, one).text


def test_spacing_alone_is_no_difference_to_be_marked():
    diff = DialogueDiff(said("a", v="one two\n\nthree"), said("b", v="one  two three\u200b"))
    assert "They differ only in spaces, or in what cannot be seen." in diff.text
    assert "<ins>" not in diff.html


def test_nothing_said_yet():
    nothing = Dialogue.stored([])
    assert "Neither has said anything." in DialogueDiff(nothing, nothing).text
    assert "does not have this turn" in DialogueDiff(nothing, said("b", v="Yes.")).text


def test_a_failed_turn_is_never_folded_away():
    events = said("a", v="Same.").recorded_events()[:-1]
    events.append(TurnFailed(dialogue="a", seq=9, at=2.0, turn="v", kind="timeout", error="too slow", text="Same."))
    diff = DialogueDiff(Dialogue.stored(events), said("b", v="Same."))
    assert "too slow" in diff.text
    assert "The same text." in diff.text


@given(left=WORDS, right=WORDS)
def test_pieces_are_the_texts_and_what_is_not_marked_is_in_both(left, right):
    ours, theirs = compare(left, right)
    assert "".join(piece.text for piece in ours) == left
    assert "".join(piece.text for piece in theirs) == right
    common = [[word for piece in pieces if not piece.own for word in piece.text.split()] for pieces in (ours, theirs)]
    assert common[0] == common[1]


@given(text=st.text())
def test_a_text_does_not_differ_from_itself(text):
    assert not any(piece.own for pieces in compare(text, text) for piece in pieces)


@given(left=st.text(alphabet="ab \n"), right=st.text(alphabet="ab \n"), most=st.sampled_from([0, 1, 10, 100]))
def test_with_little_time_they_are_the_texts_all_the_same(left, right, most):
    ours, theirs = compare(left, right, most)
    assert ("".join(piece.text for piece in ours), "".join(piece.text for piece in theirs)) == (left, right)


def test_where_words_would_take_long_lines_are_compared_and_where_those_would_nothing_is():
    left = "\n".join(f"alpha {n} beta {n} gamma" for n in range(40))
    right = left.replace("alpha 20", "omega 20")
    words, lines, nothing = (compare(left, right, most)[0] for most in (10**9, 10**4, 0))
    assert [piece.text for piece in words if piece.own] == ["\nalpha"]
    assert [piece.text for piece in lines if piece.own] == ["alpha 20 beta 20 gamma\n"]
    assert [piece.own for piece in nothing] == [True]


def test_steps_bound_what_difflib_does(monkeypatch):
    """A text made to be slow is not searched word by word."""
    searched = []
    real = difflib.SequenceMatcher.find_longest_match
    monkeypatch.setattr(difflib.SequenceMatcher, "find_longest_match", lambda *a: searched.append(1) or real(*a))
    left, right = (" ".join(f"a {letter}{n}" for n in range(20_000)) for letter in "xy")
    ours, _ = compare(left, right)
    assert [piece.own for piece in ours] == [True]
    assert len(searched) < 10


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_hostile_texts_are_shown_and_do_nothing():
    texts = [attack["text"] for attack in ATTACKS if "times" not in attack]
    left = said("<a>", **{f"v{n}": text for n, text in enumerate(texts)})
    right = said("\x1b[31mb", **{f"v{n}": f"{text} and <script>more</script>" for n, text in enumerate(texts)})
    for diff in (DialogueDiff(left, right), DialogueDiff(left, left)):
        found = Tags(diff.html)
        assert found.tags <= {"div", "style", "p", "b", "details", "summary", "section", "h4", "del", "ins"}
        assert found.attributes == {"class"}
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ud800-\udfff]", diff.text + diff.html
        )
    assert "&lt;script&gt;more&lt;/script&gt;</ins>" in DialogueDiff(left, right).html


def test_changes_are_told_apart_without_colours():
    style = DialogueDiff(said("a", v="one"), said("b", v="two")).html
    assert re.search(r"\.wb-diff del \{ text-decoration: line-through", style)
    assert re.search(r"\.wb-diff ins \{ text-decoration: underline", style)

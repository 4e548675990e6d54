"""Static forms of a dialogue say which sub-dialogues it opened, what a person said, and what a person changed."""

import pytest
from stage import card, mode_of, orchestra, yes

from workbench.dialogue import Dialogue
from workbench.events import DialogueSpawned, DialogueStarted, TurnCompleted, TurnStarted, TurnWaits
from workbench.notebook.outputs import plain_text

ONE = {"name": "one", "turns": [{"role": "only", "template": "{topic}"}]}
FORMS = ["markdown", "html", "text", "page"]


def shown(dialogue, form):
    if form == "text":
        return plain_text(dialogue)
    return dialogue._repr_html_() if form == "page" else dialogue.export(form)


@pytest.fixture
def stage(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        yield orchestrator


@pytest.mark.parametrize("form", ["markdown", "html", "page"])
def test_sub_dialogues_are_listed_with_their_ids(stage, form):
    mode = mode_of({"id": "study", "spawn": {"mode": ONE, "topic": "What of {topic}"}}, {"role": "end", "template": "End"})
    dialogue = stage.run(mode, "Tea", models=[card()])
    (child,) = dialogue.children
    assert f"What of Tea (one, completed, dialogue {child.id})" in shown(dialogue, form)


@pytest.mark.parametrize("form", FORMS)
def test_a_persons_turn_and_an_edited_one_are_marked(stage, form):
    mode = mode_of({"role": "pro", "template": "For"}, {"role": "con", "template": "Against", "approve": True})
    dialogue = stage.start(mode, "Tea", participants={"pro": "person"}, models=[card()])
    for event in dialogue.events():
        if isinstance(event, TurnWaits):
            dialogue.answer("By hand.") if event.kind == "answer" else dialogue.approve(text="Changed.")
    found = shown(dialogue.wait(10), form)
    assert found.count("a person, no call") + found.count("<span>a person</span>") == 1
    assert found.count("edited by a person") == 1


@pytest.mark.parametrize("form", ["markdown", "html", "page"])
def test_what_is_waited_for_is_said(form):
    begin = TurnStarted(dialogue="d", seq=1, at=1.0, turn="v", index=1, role="v", model="person")
    waits = TurnWaits(dialogue="d", seq=2, at=1.0, turn="v", kind="answer")
    assert "waits for an answer" in shown(Dialogue.stored([begin, waits]), form)


def test_a_hostile_topic_is_shown_and_does_nothing():
    bad = "<script>x</script> ![y](https://evil.example/y.png)\x1b[31m"
    events = [
        DialogueStarted(dialogue="d", seq=1, at=1.0, mode="m", topic="t", run={}),
        TurnStarted(dialogue="d", seq=2, at=1.0, turn="v", index=1, role="v", model="m"),
        DialogueSpawned(dialogue="d", seq=3, at=1.0, turn="v", child="c", number=1, mode=bad, topic=bad),
        TurnCompleted(
            dialogue="d", seq=4, at=1.0, turn="v", text="Yes.", data={"dialogues": [{"dialogue": "c", "status": bad}]}
        ),
    ]
    dialogue = Dialogue.stored(events)
    html, markdown = dialogue._repr_html_(), dialogue._repr_markdown_()
    assert "not finished, dialogue c" in html
    assert "not finished, dialogue c" in markdown
    for text in (html, markdown):
        assert "<script" not in text
        assert "\x1b" not in text
    assert "<img" not in html
    assert "![y]" not in markdown

"""The tree of forks: who comes from whom, how each differs from its parent, whatever the record says."""

import json
from html.parser import HTMLParser

import pytest
from record_examples import START, whole
from stage import card, line, orchestra, yes

from workbench.dialogue.lineage import Tree
from workbench.errors import RecordError
from workbench.events import event_from_dict, event_to_dict


@pytest.fixture
def stage(tmp_path):
    made, actors = orchestra(tmp_path, yes)
    with made:
        made.actors = actors
        yield made


def related(record, *lines):
    """Store dialogues, each `id parent [topic]`, a second after each other."""
    for number, text in enumerate(lines):
        name, parent, *topic = text.split(maxsplit=2)
        events = [event_to_dict(event) for event in whole(name, at=START + number)]
        events[0]["run"] = {"parent_id": None if parent == "-" else parent, "forked_from": "pro_1", "cast": {}}
        events[0]["topic"] = topic[0] if topic else "Wet?"
        record.write(map(event_from_dict, events))


def ids(tree):
    return [node.row.id for node in tree.nodes]


def test_all_generations_and_what_each_changed(stage):
    first = stage.run("debate", "Tabs?", models=[card()], parameters={"rounds": 2})
    judged = stage.fork(f"{first.id}@con_2", judge=card("other")).wait(10)
    longer = stage.fork(f"{judged.id}@con_2", parameters={"rounds": 3}).wait(10)
    stopped = stage.fork(f"{first.id}@pro_1", limits={"max_calls": 1}).wait(10)
    stage.run(line(1), "Another one", models=[card()])
    lines = Tree(stage.record, judged.id[:6]).text.splitlines()
    assert lines == [
        f"{first.id}  debate: Tabs?; completed, 5 turns, $7.5e-05",
        f"├─ {judged.id} (this one)  from con_2; judge=other; completed, 5 turns, $1.5e-05",
        f"│  └─ {longer.id}  from con_2; rounds=3; completed, 7 turns, $4.5e-05",
        f"└─ {stopped.id}  from pro_1; cost limited, 2 turns, $1.5e-05",
    ]
    assert [row.id for row in stage.children(first.id)] == [judged.id, stopped.id]


def test_one_alone_is_a_tree(stage):
    alone = stage.run(line(1), "Alone", models=[card()])
    assert Tree(stage.record, "last").text == f"{alone.id}  stage: Alone; completed, 1 turn, $1.5e-05"


def test_an_unknown_one_is_named_with_those_near(stage):
    alone = stage.run(line(1), "Alone", models=[card()])
    with pytest.raises(RecordError, match=alone.id):
        Tree(stage.record, "zzz")


def test_a_parent_in_another_record_is_where_the_tree_begins(record):
    related(record, "b a", "c b")
    assert ids(Tree(record, "c")) == ["b", "c"]


@pytest.mark.parametrize("lines", [["a a"], ["a b", "b a"], ["a c", "b a", "c b", "d b"]])
def test_circles_end(record, lines):
    related(record, *lines)
    names = [text.split()[0] for text in lines]
    for name in names:
        assert sorted(ids(Tree(record, name))) == names


def test_a_thousand_generations(record):
    related(record, "d0 -", *(f"d{n} d{n - 1}" for n in range(1, 1001)))
    tree = Tree(record, "d500")
    assert ids(tree) == [f"d{n}" for n in range(1001)]
    assert tree.html.count("<li>") == tree.html.count("</li>") == tree.html.count("<ul>") == 1001
    assert tree.text.splitlines()[2].startswith("   └─ d2")


class Lists(HTMLParser):
    """Checks that lists are nested as they should be, and gathers what stands there."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.deepest = [], set(), 0
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert tag != "ul" or self.open[-1] in ("div", "li")
        assert tag != "li" or self.open[-1] == "ul"
        self.open.append(tag)
        self.tags.add(tag)
        self.deepest = max(self.deepest, self.open.count("ul"))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_is_nested_lists(record):
    related(record, "a -", "b a", "c b", "d b", "e a", "f e", "g f", "h a")
    tree = Tree(record, "d")
    assert ids(tree) == ["a", "b", "c", "d", "e", "f", "g", "h"]
    lists = Lists(tree.html)
    assert (lists.tags, lists.deepest) == ({"div", "style", "ul", "li", "code", "span", "strong"}, 4)
    assert tree.html.count("(this one)") == 1
    assert tree._repr_mimebundle_().keys() == {"text/plain", "text/html"}


def test_hostile_rows_are_shown_and_do_nothing(record):
    hostile = "<img src=x onerror=alert(1)>\x1b[31m\u202e\r\n"
    events = [event_to_dict(event) for event in whole("evil", at=START)]
    events[0] |= {"topic": hostile, "mode": hostile, "run": {"parent_id": "gone", "forked_from": hostile, "cast": [hostile]}}
    record.write(map(event_from_dict, events))
    child = [event_to_dict(event) for event in whole("child", at=START + 1)]
    child[0] |= {"topic": "Other", "run": {"parent_id": "evil", "forked_from": hostile, "cast": {hostile: [{"name": hostile}]},
                                           "parameters": {hostile: hostile}}}  # fmt: skip
    record.write(map(event_from_dict, child))
    tree = Tree(record, "evil")
    assert Lists(tree.html).tags == {"div", "style", "ul", "li", "code", "span", "strong"}
    assert "&lt;img" in tree.html
    assert not set("\x1b\u202e\r") & set(tree.text + tree.html)
    assert len(tree.text.splitlines()) == 2
    assert json.dumps(tree._repr_mimebundle_())

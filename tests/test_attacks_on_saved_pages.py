"""Whatever models say, pages made of it hold only harmless elements, and a saved page keeps its scripts to itself.

The attacks are in attacks.json: `text`, repeated `times` where a small thing does harm by its number.
"""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from workbench.dialogue import Transcript
from workbench.dialogue.export.as_html import fragment
from workbench.dialogue.export.as_replay import to_replay
from workbench.dialogue.export.highlight import CLASSES
from workbench.dialogue.export.markdown import render_markdown
from workbench.events import Call, CallEnded, DialogueStarted, Timings, TurnCompleted, TurnFailed, TurnStarted

ATTACKS = json.loads((Path(__file__).parent / "attacks.json").read_text(encoding="utf-8"))
TEXTS = [attack["text"] * attack.get("times", 1) for attack in ATTACKS]
NAMES = [attack["name"] for attack in ATTACKS]
HTML = set(
    "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong sub sup table tbody td th thead tr ul".split()
)
MATHS = set(
    "math menclose mfrac mi mn mo mover mpadded mphantom mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext "
    "mtr munder munderover".split()
)
ATTRIBUTES = {"a": {"href", "title", "rel", "target"}, "ol": {"start"}, "span": {"class"}, "code": {"class"}}
ATTRIBUTES |= {"td": {"class"}, "th": {"class"}}
FORMULA = re.compile(r"accent|accentunder|column\w+|depth|display\w*|fence|form|height|l(arge)?op|linethickness|.space|math"
                     r"variant|(max|min)size|movablelimits|notation|rowlines|scriptlevel|separator|stretchy|symmetric|voffset|width")  # fmt: skip
OURS = CLASSES | {"wb-math", "wb-source", "wb-right", "wb-center"}
UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class Harmless(HTMLParser):
    """Reads HTML and refuses what no model may bring; `said` is the text."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.said, self.open = "", []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert tag in HTML | MATHS
        if tag not in {"br", "hr"}:
            self.open.append(tag)
        for name, value in attributes:
            if tag in MATHS:
                assert FORMULA.fullmatch(name)
                assert not re.search(r"\d{3}|[():/]", value)
            else:
                assert name in ATTRIBUTES.get(tag, set())
            assert name != "class" or set(value.split()) <= OURS
        given = dict(attributes)
        if "href" in given:
            assert re.match(r"https?:|mailto:", given["href"])
            assert (given["rel"], given["target"]) == ("noopener noreferrer nofollow", "_blank")

    def handle_startendtag(self, tag, attributes):
        assert tag in {"br", "hr"}
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said += data

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


@pytest.mark.parametrize("text", TEXTS, ids=NAMES)
def test_markdown_of_an_attack_is_harmless(text):
    html = render_markdown(text)
    Harmless(html)
    assert not UNSEEN.search(html)


@pytest.mark.parametrize("kind", ["script", "handler", "frame", "style", "mutation"])
def test_html_that_a_model_writes_is_there_to_be_read(kind):
    read = 0
    for attack in ATTACKS:
        if attack["kind"] == kind and not re.search(r"[\x00\n\\`*#|]|&\w+;", attack["text"]):
            assert Harmless(render_markdown(attack["text"])).said.strip() == attack["text"].strip()
            read += 1
    assert read > 3


def dialogue(*texts, error=None):
    """A dialogue in which these are said, thought, asked for and, with an error, what went wrong."""
    start = {"dialogue": "0123456789ab", "at": 1_700_000_000.0}
    events = [DialogueStarted(**start, seq=1, mode=texts[0], topic=texts[0], run={})]
    for index, text in enumerate(texts, start=1):
        turn = {**start, "turn": f"t{index}", "seq": index * 3}
        events.append(TurnStarted(**turn, index=index, role=f"role{index % 3}", model=text if error else "small", round=index))
        call = Call(id=f"c{index}", asked="small", model="small", provider="p", attempt=2, outcome=text if error else "ok",
                    started_at=start["at"], timings=Timings(0.0, 0.1, 1.0), text=text, reasoning=text, error=error)  # fmt: skip
        events.append(CallEnded(**turn, call=call))
        if error:
            events.append(TurnFailed(**turn, kind="capacity", error=text, hint=text, text=text))
        else:
            events.append(TurnCompleted(**turn, text=text, reasoning=text))
    return Transcript(events)


SAID = pytest.mark.parametrize(
    "text", [pytest.param(text, id=name) for text, name in zip(TEXTS, NAMES, strict=True) if text.strip()]
)


def outline(html):
    """What stands around the texts: every tag that is not a model's."""
    return re.findall(r"</?(?:div|section|header|details|summary|style|script|body|html|head|title|meta|b)\b[^>]*>", html)


@SAID
def test_an_attack_changes_nothing_around_it(text):
    for error in (None, "e"):
        assert outline(fragment(dialogue(text, error=error))) == outline(fragment(dialogue("benign", error=error)))


BUNDLE = "export default 1; const page = '</script><!--<script>';"
RICH = "globalThis.rich = /<\\/script>|<!--/u;"


def saved(*texts):
    return to_replay(dialogue(*texts), {"turns": list(texts)}, bundle=BUNDLE, css=".wb-panel { color: red }", rich=RICH)


def scripts(html):
    """The scripts of a page as a browser reads them: attributes and content."""
    return [(found[1], found[2]) for found in re.finditer(r"<script([^>]*)>(.*?)</script\s*>", html, re.DOTALL | re.IGNORECASE)]


@SAID
def test_an_attack_does_not_break_out_of_a_saved_page(text):
    html = saved(text)
    (data, content), (rich, _), (module, _) = scripts(html)
    assert (data, rich, module) == (' type="application/json" id="workbench-replay-data"', "", ' type="module"')
    assert json.loads(content) == {"snapshot": {"turns": [text]}}
    assert not re.search("[<>&\u2028\u2029]", content)
    assert outline(html) == outline(saved("benign"))
    html.encode()


def test_a_saved_page_allows_its_own_scripts_by_their_hashes_and_nothing_else():
    html = saved("hello")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1].replace("&#39;", "'")
    run = [content for attributes, content in scripts(html) if "json" not in attributes]
    hashes = {"'sha256-" + b64encode(sha256(content.encode()).digest()).decode() + "'" for content in run}
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert set(allowed.pop("script-src").split()) == hashes
    assert allowed == {"default-src": "'none'", "style-src": "'unsafe-inline'", "base-uri": "'none'", "form-action": "'none'"}


def test_a_script_in_a_page_still_says_what_it_said():
    (_, _), (_, rich), (_, module) = scripts(saved("hello"))
    assert module == r"export default 1; const page = '\x3c/script>\x3c!--<script>';"
    assert rich == r"globalThis.rich = /<\/script>|\x3c!--/u;"


def test_a_saved_page_needs_the_rich_renderer_only_where_it_is_given_one():
    assert len(scripts(to_replay(dialogue("x"), {}, bundle=BUNDLE, css="", rich=None))) == 2

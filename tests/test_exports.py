"""A dialogue as a file: JSON reads back without loss, Markdown and HTML look as they always did and do no harm, PDF has the text.

`python tests/test_exports.py` writes the golden files anew; read their difference before you commit it.
"""

import json
import re
import string
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from stage import card, line, orchestra, yes

from workbench.dialogue import Dialogue, Transcript
from workbench.dialogue.export.as_html import fragment, page
from workbench.dialogue.export.as_json import read_json, to_json
from workbench.dialogue.export.as_markdown import to_markdown
from workbench.errors import ExportError
from workbench.events import (
    Call,
    CallEnded,
    CallStarted,
    DialogueEnded,
    DialogueStarted,
    Status,
    Timings,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    Usage,
)

DATA = Path(__file__).parent / "data"
AT = 1_700_000_000.0


def call(number, text="", reasoning="", outcome="ok", **more):
    """A call of a fixed dialogue."""
    facts = {
        "id": f"call-{number}", "asked": "small", "model": "small", "provider": "local", "attempt": 1, "outcome": outcome,
        "started_at": AT + number, "timings": Timings(queue=0.0, first_token=0.25, total=1.0), "served": "small-2026",
        "usage": Usage(prompt=100, completion=20, cached=5, reasoning=3), "cost": 0.0125, "finish_reason": "stop",
    }  # fmt: skip
    return Call(**facts | {"text": text, "reasoning": reasoning} | more)


def told(*turns, topic="Is water wet?", mode="debate", name="0123456789ab", reason=None):
    """The events of a dialogue; a turn is role, model, text, reasoning, and an error or None."""
    seq, events = 1, [DialogueStarted(dialogue=name, seq=1, at=AT, mode=mode, topic=topic, run={})]

    def tell(event, /, **fields):
        nonlocal seq
        seq += 1
        events.append(event(dialogue=name, seq=seq, at=AT + seq, **fields))

    for index, (role, model, text, reasoning, error) in enumerate(turns, start=1):
        turn = f"turn_{index}"
        tell(TurnStarted, turn=turn, index=index, role=role, model=model, round=(index + 1) // 2)
        tell(CallStarted, turn=turn, call=f"call-{index}", model=model, attempt=1)
        outcome = {"outcome": "capacity", "usage": None, "cost": None, "error": error} if error else {}
        tell(CallEnded, turn=turn, call=call(index, text, reasoning, **{"model": model, "asked": model} | outcome))
        if error == "cancelled":
            tell(TurnCancelled, turn=turn, text=text, reasoning=reasoning)
        elif error:
            tell(TurnFailed, turn=turn, kind="capacity", error=error, hint=f"Hint: {error}", text=text)
        else:
            tell(TurnCompleted, turn=turn, text=text, reasoning=reasoning)
    tell(DialogueEnded, status=Status.FAILED if reason else Status.COMPLETED, reason=reason)
    return events


FIXED = told(
    ("pro", "small", 'Yes.\n\n1. It **wets**.\n2. See [water](https://example.org/water "Water").\n\n```python\nwet = True\n```',
     "Let me think about *water*.", None),
    ("con", "large", "| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\n~~No~~ `x < y` & <b>bold</b>", "", None),
    ("pro", "small", "I had begun", "", "cancelled"),
    ("con", "large", "", "", "the provider is overloaded"),
    ("judge", "small", "Ελλάδα, 中文, עברית, 😀", "", None),
    reason="con_2: large: the provider is overloaded",
)  # fmt: skip


def golden(name, content):
    """Compare with the file in tests/data, which `python tests/test_exports.py` writes."""
    assert content == (DATA / name).read_text(encoding="utf-8")


def without_style(html):
    return re.sub(r"<style>.*?</style>", "<style></style>", html, flags=re.DOTALL)


def test_markdown_looks_as_it_always_did():
    golden("dialogue.md", to_markdown(Transcript(FIXED)))


def test_html_looks_as_it_always_did():
    golden("dialogue.html", without_style(page(Transcript(FIXED))))


def test_json_looks_as_it_always_did_and_reads_back():
    golden("dialogue.json", to_json(Transcript(FIXED), FIXED))
    assert read_json((DATA / "dialogue.json").read_text(encoding="utf-8")) == FIXED


# JSON


anything = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(
    ["\x00", "\ud83d", "\ude00 alone", "\u202e", "a\x1b[31mb", "\r\n", "\u2028", "\x85", '"}]', "😀" * 3]
)


@given(st.lists(st.tuples(anything, anything, anything, anything, st.none() | anything), max_size=4), anything, anything)
@settings(max_examples=80, deadline=None)
def test_json_reads_back_in_another_workspace_without_loss(turns, topic, reason):
    events = told(*turns, topic=topic, reason=reason or None)
    exported = to_json(Transcript(events), events)
    with tempfile.TemporaryDirectory() as folder:
        orchestrator, _ = orchestra(Path(folder), yes)
        with orchestrator:
            imported = orchestrator.import_json(exported)
            stored = orchestrator.load(imported.id)
        file = Path(folder) / "export.json"
        assert stored.export("json", file) == imported.export("json") == exported
        assert read_json(file.read_text(encoding="utf-8")) == events
    assert vars(stored.transcript) == vars(Transcript(events))


@given(st.lists(st.tuples(anything, anything, anything, anything, st.none() | anything), max_size=3), anything)
@settings(max_examples=80, deadline=None)
def test_any_text_can_be_written_in_every_format_for_people(turns, topic):
    dialogue = Dialogue.stored(told(*turns, topic=topic))
    for fmt in ("markdown", "html"):
        text = dialogue.export(fmt)
        text.encode()
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)


def test_a_real_dialogue_goes_through_json_and_can_be_resumed_there(tmp_path):
    orchestrator, _ = orchestra(tmp_path / "here", yes)
    with orchestrator:
        exported = orchestrator.run(line(3), "Move.", models=[card()], limits={"max_turns": 1}).export("json")
    elsewhere, actors = orchestra(tmp_path / "there", yes)
    with elsewhere:
        moved = elsewhere.import_json(exported)
        assert moved.export("json") == exported
        assert elsewhere.resume(moved.id, limits={"max_turns": 3}).status is Status.COMPLETED
    assert len(actors.asked) == 2


def export_of(events, version=1):
    return json.dumps({"format": "workbench.dialogue", "version": version, "events": events})


WHERE = {"dialogue": "d", "seq": 1, "at": 1}
BROKEN = [
    "", "null", "[]", "{}", "not json", "[" * 100_000, '{"format": "other", "version": 1, "events": []}',
    export_of([], version="2"), export_of(5), export_of([5]), export_of([{"type": "turn_started"}]),
    export_of([{"type": "no_such_event"} | WHERE]),
    export_of([{"type": "text_delta", "turn": "t", "call": "c"} | WHERE]),
    export_of([{"type": "dialogue_ended", "status": "sideways"} | WHERE]),
]  # fmt: skip


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_is_not_an_export_is_refused_in_words(text):
    with pytest.raises(ExportError):
        read_json(text)


def test_an_export_of_a_newer_workbench_asks_for_an_upgrade():
    with pytest.raises(ExportError, match="version 99") as error:
        read_json('{"format": "workbench.dialogue", "version": 99, "events": []}')
    assert "upgrade" in error.value.hint


# Hostile texts

LINKS = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "&#106;avascript:alert(1)", "javascript&colon;alert(1)",
    "javascript&#58;alert(1)", "javascript\\:alert(1)", "java&Tab;script:alert(1)", "&#1;javascript:alert(1)",
    "<javascript:alert(1)>", "< javascript:alert(1)>", "<java\tscript:alert(1)>", "vbscript:x", "file:///etc/passwd",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "\njavascript:alert(1)", "blob:x", "jav\u200bascript:alert(1)",
    "<&#x6A;avascript:alert(1)>",
)  # fmt: skip
ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x></svg>",
    "<iframe src='https://evil.example'></iframe>",
    "<style>*{display:none} @import 'https://evil.example/x.css';</style>",
    "</style><script>alert(1)</script>",
    "<meta http-equiv='refresh' content='0;url=https://evil.example'>",
    "<base href='https://evil.example'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<form action='https://evil.example'><input name=q><button>ok</button></form>",
    "</div></section></div><h1>outside</h1>",
    "</p></b></span></header></title></head><body onload=alert(1)>",
    "<a href='javascript:alert(1)' onclick='alert(1)' style='position:fixed;inset:0'>x</a>",
    '<div style="background:url(https://evil.example/x)">x</div>',
    "<div style='background:\\75 rl(https://evil.example/x)'>x</div>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></math>",
    "<!--><script>alert(1)</script-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?>",
    "```\n</code></pre><script>alert(1)</script>\n```",
    '``` "onmouseover=alert(1)\n<script>alert(1)</script>\n```',
    "`<script>alert(1)</script>`",
    "![track](https://evil.example/pixel.png)",
    "!![track](https://evil.example/pixel.png)",
    "!!!![track][1]\n\n[1]: https://evil.example/pixel.png",
    "[![nested](https://evil.example/p.png)](javascript:alert(1))",
    '[a](https://ok.example "title\\" onclick=alert(1)")',
    "[a](https://ok.example'onclick='alert(1))",
    '<https://ok.example/"onmouseover=alert(1)>',
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    "> [x]: javascript:alert(1)\n\n[x]",
    "- [x]:\n  javascript:alert(1)\n\n[x]",
    "[x\\]y]: javascript:alert(1)\n\n[x\\]y]",
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x9b31m",
    "abc\u202etxt.exe\u202c \u2066x\u2069 \u200bzero\u200b \ufeff",
    "{{ 7 * 7 }} {% for x in y %} ${x} {0.__class__}",
    "&lt;script&gt;alert(1)&lt;/script&gt; &amp;lt;script&amp;gt;",
    "<SCRIPT/SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<video><source onerror=alert(1)></video><object data=x></object><embed src=x>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    "<template><script>alert(1)</script></template><textarea></textarea><script>alert(1)</script>",
    *(f"[link]({destination})" for destination in LINKS),
    *(f"[ref]\n\n[ref]: {destination}" for destination in LINKS),
]
FRAME = {"html", "head", "meta", "title", "style", "body", "div", "p", "section", "header", "b", "span", "details", "summary"}
TEXT = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s", "strong",
    "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
VOID = {"meta", "br", "hr"}
ATTRIBUTES = {
    "html": {"lang"}, "meta": {"charset", "name", "content", "http-equiv"}, "div": {"class", "data-dialogue"}, "p": {"class"},
    "section": {"class"}, "a": {"href", "title", "rel", "target"}, "ol": {"start"},
}  # fmt: skip


class Reader(HTMLParser):
    """Reads HTML as a browser would see it: tags, attributes, what is open, and the style sheets."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.links, self.open, self.styles, self.outline = [], [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "a":
            self.links.append(dict(attributes))
        if tag in {"section", "header", "div"}:
            self.outline.append((tag, len(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert tag in VOID
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.styles.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    def handle_pi(self, data):
        raise AssertionError(f"an instruction: {data}")


def harmless_link(href):
    """Whether a browser takes it for a page or a mailbox, after dropping what browsers drop."""
    seen = href.strip(string.whitespace + "".join(map(chr, range(33)))).translate({9: None, 10: None, 13: None})
    return urlsplit(seen).scheme.lower() in {"", "http", "https", "mailto"}


def hostile(attack):
    """The events of a dialogue in which everybody attacks in every way."""
    return told(
        (attack, attack, attack, attack, None),
        (attack, attack, attack, "", attack),
        (
            "judge",
            "small",
            f"before {attack} after\n\n* {attack}\n\n> {attack}\n\n| {attack} | b |\n|-|-|\n| {attack} | c |",
            "",
            None,
        ),
        topic=attack,
        mode=attack,
        name=attack,
        reason=attack,
    )


def benign():
    return Reader(page(Transcript(hostile("benign"))))


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_html_of_a_hostile_dialogue_is_harmless(attack):
    read, kind = Reader(page(Transcript(hostile(attack)))), benign()
    assert read.open == []
    assert {tag for tag, _ in read.tags} <= FRAME | TEXT
    for tag, attributes in read.tags:
        assert set(attributes) <= ATTRIBUTES.get(tag, set())
    for link in read.links:
        assert harmless_link(link.get("href", ""))
        assert set(link["rel"].split()) >= {"noopener", "noreferrer"}
    assert read.styles == kind.styles
    assert read.outline == kind.outline
    for once in ("meta", "style", "title", "body", "html", "section", "details", "header"):
        assert sum(tag == once for tag, _ in read.tags) == sum(tag == once for tag, _ in kind.tags)


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_markdown_of_a_hostile_dialogue_is_harmless_even_where_html_is_on_and_links_are_not_checked(attack):
    reckless = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    reckless.validateLink = lambda _url: True
    text = to_markdown(Transcript(hostile(attack)))
    read = Reader(reckless.render(text))
    assert {tag for tag, _ in read.tags} <= TEXT
    assert all(harmless_link(link.get("href", "")) for link in read.links)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert [heading for heading in text.splitlines() if heading.startswith("## ")][2] == "## Judge, round 2"
    assert sum(heading.startswith("#") for heading in text.splitlines()) == 4


def test_a_fragment_is_as_harmless_as_a_page_and_stands_in_one_element():
    for attack in ATTACKS:
        read = Reader(fragment(Transcript(hostile(attack))))
        assert read.open == []
        assert [tag for tag, depth in read.outline if depth == 0] == ["div"]


def test_a_page_loads_nothing_and_its_policy_forbids_it():
    html = page(Transcript(FIXED))
    metas = [attributes for tag, attributes in Reader(html).tags if tag == "meta"]
    assert {"http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'unsafe-inline'"} in metas
    assert not re.search(r"(?i)url\(|@import|\bsrc=", html)


def test_ordinary_links_and_code_survive_in_markdown():
    text = "See [this](https://example.org/a_(b)?x=1&y=2), [mail](mailto:a@example.org), `f[0](x)` and handlers[name](event)."
    events = told(("pro", "small", text, "", None))
    assert f"> {text}" in to_markdown(Transcript(events))


# PDF and files


def test_a_pdf_opens_and_has_the_text():
    pymupdf = pytest.importorskip("pymupdf")
    data = Dialogue.stored(FIXED).export("pdf")
    with pymupdf.open(stream=data, filetype="pdf") as document:
        text = "".join(page.get_text() for page in document)
        links = [link.get("uri") for page in document for link in page.get_links()]
    for words in ("Is water wet?", "Ελλάδα", "中文", "wet = True", "the provider is overloaded"):
        assert words in text
    assert all(harmless_link(link) for link in links if link)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("| a | b |\n|-|-|\n| " + "word " * 5000 + " | c |", "word"),
        (">" * 12 + " deep", "deep"),
        (">" * 80 + " x\n\nafter", "after"),
        ("x" * 5000, "xx"),
        ("```\n" + "y" * 4000 + "\n```", "yy"),
    ],
    ids=["a row taller than a page", "quotes", "deep quotes", "a long word", "a long line of code"],
)
def test_a_pdf_comes_to_an_end_whatever_its_text(text, word):
    pymupdf = pytest.importorskip("pymupdf")
    data = Dialogue.stored(told(("pro", "small", text, "", None))).export("pdf")
    with pymupdf.open(stream=data, filetype="pdf") as document:
        said = "".join(page.get_text() for page in document)
    assert word in said
    assert said.count("word") == text.count("word")


def test_html_keeps_what_is_nested_and_what_is_struck_out():
    html = page(Transcript(told(("pro", "small", ">" * 60 + " deep\n\n~~not so~~", "", None))))
    assert "deep" in html
    assert "<s>not so</s>" in html


@pytest.mark.parametrize("fmt", ["json", "markdown", "md", "html", "htm", "pdf", "PDF"])
def test_every_format_is_written_as_it_is_returned(tmp_path, fmt):
    dialogue = Dialogue.stored(told(("pro", "small", "hello", "", None)))
    file = tmp_path / "export"
    content = dialogue.export(fmt, file)
    assert len(file.read_bytes()) == len(content if isinstance(content, bytes) else content.encode())


def test_a_format_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(ExportError, match="docx") as error:
        Dialogue.stored(FIXED).export("docx")
    assert error.value.hint == "There are: json, markdown, html, pdf."


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    dialogue = Dialogue.stored(FIXED)
    (tmp_path / "file").write_text("in the way")
    for path, why in (
        (tmp_path / "missing" / "x.md", "No such file"),
        (tmp_path, "directory"),
        (tmp_path / "file" / "x.md", "directory"),
        (tmp_path / ("x" * 400), "too long"),
        ("nul\x00byte", "null byte"),
    ):
        with pytest.raises(ExportError, match="cannot be written") as error:
            dialogue.export("markdown", path)
        assert why in str(error.value)


if __name__ == "__main__":
    fixed = Transcript(FIXED)
    (DATA / "dialogue.md").write_text(to_markdown(fixed), encoding="utf-8")
    (DATA / "dialogue.html").write_text(without_style(page(fixed)), encoding="utf-8")
    (DATA / "dialogue.json").write_text(to_json(fixed, FIXED), encoding="utf-8")

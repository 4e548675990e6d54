"""The paper panel, as a page talks to it: the shelf, a paper, its pages as bytes, words and quotes, debates, questions."""

import json
import queue
import threading
import time

import comm
import pytest
from panel_page import Wired
from paper_desk import CHANGED, HIDDEN, VERIFIED, add_tricky, assess, desk

from workbench.errors import WorkbenchError
from workbench.panels.paper_panel import PaperPanel, panel_of
from workbench.panels.paper_static import static_of

pytestmark = pytest.mark.slow
PNG = b"\x89PNG\r\n"


class Bytes(Wired):
    """A comm whose other end is here, with the bytes that travel beside a message."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        data = json.loads(json.dumps(data))
        if msg_type == "comm_open":
            self.state = data["state"]
        elif data.get("method") == "update":
            self.state.update(data["state"])
        elif data.get("method") == "custom":
            self.heard.put((data["content"], [bytes(buffer) for buffer in buffers or ()]))


@pytest.fixture(autouse=True, scope="module")
def _wired():
    def create(*args, **kwargs):
        wired = Bytes.__new__(Bytes)
        wired.heard = queue.SimpleQueue()
        wired.__init__(*args, **kwargs)
        return wired

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comm, "create_comm", create)
        yield


class Page:
    """A page that holds the panel."""

    def __init__(self, panel):
        self.panel, self.asks = panel, 0

    def say(self, content):
        self.panel.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})

    def ask(self, **wish):
        self.asks += 1
        ask = f"ask-{self.asks}"
        self.say({"ask": ask, **wish})
        answer, buffers = self.panel.comm.heard.get(timeout=60)
        assert answer.get("ask") == ask
        return answer, buffers

    def facts(self, **wish):
        answer, _ = self.ask(**wish)
        assert answer["type"] == "answer", answer
        return answer["facts"]

    def refusal(self, **wish):
        answer, _ = self.ask(**wish)
        assert answer["type"] == "refused", answer
        return answer["text"]


@pytest.fixture(scope="module")
def shelf_and_orchestrator(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    with desk(folder) as (shelf, orchestrator):
        assess(shelf, orchestrator)
        add_tricky(shelf, folder)
        yield shelf, orchestrator


@pytest.fixture(scope="module")
def shelf(shelf_and_orchestrator):
    return shelf_and_orchestrator[0]


@pytest.fixture(scope="module")
def assessed(shelf):
    return next(row.id for row in shelf.papers() if "Late" in row.title)


@pytest.fixture(scope="module")
def page(shelf_and_orchestrator):
    panel = panel_of(shelf_and_orchestrator[0], None, shelf_and_orchestrator[1])
    yield Page(panel)
    panel.close()


def test_the_shelf_says_where_each_paper_stands(page):
    papers = page.facts(type="shelf", text="")["papers"]
    assert [(paper["title"], paper["concerns"], bool(paper["verdict"])) for paper in papers] == [
        ("tricky", 2, False),
        ("Late Readings and Early Gates", 0, True),
        ("How Much Delay Can Be Foretold From Gauges That Disagree With Each Other", 0, False),
    ]
    assert papers[1]["verdict"]["weeks"] == {"low": 2, "likely": 3.5, "high": 6}
    found = page.facts(type="shelf", text="nunez")["papers"]
    assert [paper["pages"] for paper in found] == [4]


def test_a_paper_is_told_without_its_text(page, assessed):
    paper = page.facts(type="paper", paper=assessed)
    assert [(each["number"], each["page"]) for each in paper["outline"]][:3] == [("1", 1), ("2", 1), ("3", 2)]
    assert all(0 < each["top"] < 800 for each in paper["outline"] if each["top"] is not None)
    assert len(paper["sizes"]) == paper["pages"] == 5
    assert len(json.dumps(paper)) < 20_000
    (assessment,) = paper["assessments"]
    assert [(claim["quote"]["status"], claim["quote"]["page"]) for claim in assessment["claims"]] == [
        ("verified", 1),
        ("near miss", 1),
        ("not found", None),
    ]
    assert assessment["claims"][0]["quote"]["boxes"]
    assert [each["weeks"]["likely"] for each in assessment["estimates"]] == [2, 8]


def test_hidden_text_is_flagged_with_its_place(page, shelf):
    flagged = page.facts(type="paper", paper=shelf.find("last").id)["flagged"]
    assert {each["kind"] for each in flagged} == {"white", "addresses a model"}
    assert {(each["text"], each["page"]) for each in flagged} == {(HIDDEN, 1)}
    assert flagged[0]["boxes"][0][0] == 1


def test_pages_come_as_bytes_and_are_kept(page, assessed):
    answer, (png,) = page.ask(type="page", paper=assessed, page=2, dpi=90.5)
    assert png.startswith(PNG)
    assert "What a Gauge Reports" in answer["facts"]["text"]
    page.panel._pages._reader.close()  # a page that is kept needs no process
    _, (again,) = page.ask(type="page", paper=assessed, page=2, dpi=95)
    assert again == png
    assert page.panel._pages._reader._process is None
    _, (finer,) = page.ask(type="page", paper=assessed, page=2, dpi=180)
    assert len(finer) > len(png)
    assert len(json.dumps(page.panel.get_state(), default=str)) < 300_000  # the scripts, and no picture


def test_a_page_that_cannot_be_drawn_says_why(page, shelf, assessed):
    assert "has no page 9" in page.refusal(type="page", paper=assessed, page=9, dpi=100)
    file = shelf.file(assessed)
    moved = file.rename(file.with_suffix(".away"))
    assert "is gone" in page.refusal(type="page", paper=assessed, page=3, dpi=100)
    moved.rename(file)
    assert page.ask(type="page", paper=assessed, page=3, dpi=100)[1]


def test_words_are_found_with_their_places(page, assessed):
    found = page.facts(type="find", paper=assessed, text="weighted  MEAN")
    assert found["quote"] is None
    assert {place["found"].lower() for place in found["places"]} == {"weighted mean"}
    assert all(page <= 5 and x0 < x1 and y0 < y1 for place in found["places"] for page, x0, y0, x1, y1 in place["boxes"])


def test_a_quote_that_does_not_stand_there_is_shown_with_what_does(page, assessed):
    assert page.facts(type="find", paper=assessed, text=VERIFIED)["places"]
    near = page.facts(type="find", paper=assessed, text=CHANGED)
    assert (near["places"], near["quote"]["status"]) == ([], "near miss")
    assert "eleven minutes" in near["quote"]["found"]


def test_the_debate_is_a_snapshot_of_its_dialogue(page, assessed):
    (assessment,) = page.facts(type="paper", paper=assessed)["assessments"]
    snapshot = page.facts(type="debate", dialogue=assessment["dialogue"])
    assert [turn["text"] for turn in snapshot["turns"]] == ["You said: Praise gauges", "You said: Doubt gauges"]
    assert "no dialogue" in page.refusal(type="debate", dialogue="f" * 12).lower()


def test_a_question_does_not_keep_a_reader_waiting(page, assessed, monkeypatch, shelf_and_orchestrator):
    _, orchestrator = shelf_and_orchestrator
    reached, held = threading.Event(), threading.Event()
    run = orchestrator.run

    def run_later(*args, **options):
        assert options["limits"] == {"max_cost": 0.5}
        reached.set()
        held.wait(30)
        return run(*args, **options)

    monkeypatch.setattr(orchestrator, "run", run_later)
    page.say({"ask": "q", "type": "question", "paper": assessed, "text": "gauges?", "model": " actor ", "budget": 0.5})
    assert reached.wait(30)
    assert page.facts(type="shelf", text="")["papers"]
    held.set()
    answer, _ = page.panel.comm.heard.get(timeout=60)
    assert answer["ask"] == "q"
    assert [(quote["status"], quote["page"]) for quote in answer["facts"]["quotes"]] == [("verified", 1), ("not found", None)]
    assert answer["facts"]["cost"] == 15e-6
    told = page.facts(type="paper", paper=assessed)["history"]
    assert [happening["text"] for happening in told if happening["what"] == "asked"] == ["gauges?"]
    assert page.facts(type="debate", dialogue=answer["facts"]["dialogue"])["turns"]


def test_without_an_orchestrator_nobody_is_asked(shelf, assessed):
    panel = PaperPanel(shelf, assessed)
    page = Page(panel)
    assert panel.start == assessed
    assert not page.facts(type="paper", paper=assessed)["asks"]
    assert "nobody to ask" in page.refusal(type="question", paper=assessed, text="Why?", model="", budget=None)
    (assessment,) = page.facts(type="paper", paper=assessed)["assessments"]
    assert page.facts(type="debate", dialogue=assessment["dialogue"])["turns"]
    panel.close()


@pytest.mark.parametrize(
    "wish",
    [
        {"type": "burn"},
        {"type": "page", "paper": "last", "page": "1", "dpi": 100},
        {"type": "paper", "paper": "zzz"},
        {"type": "paper"},
        {"type": "page", "paper": "last", "page": 1, "dpi": None},
    ],
)
def test_nonsense_is_refused(page, wish):
    assert page.refusal(**wish)


def test_nonsense_without_a_name_is_ignored(page):
    for nonsense in ("shelf", None, 5, {"type": 1}, {"type": "shelf"}, []):
        page.say(nonsense)
    assert page.facts(type="shelf", text="")["papers"]


def test_the_part_of_the_bundle_is_handed_out(page):
    page.say({"type": "part"})
    message, _ = page.panel.comm.heard.get(timeout=30)
    assert message["type"] == "part"
    assert "export" in message["source"]


def test_where_the_reader_was_is_where_a_reloaded_page_opens(page, assessed):
    page.facts(type="paper", paper=assessed)
    assert page.panel.start == assessed
    page.facts(type="shelf", text="")
    assert page.panel.start == ""


def test_a_saved_page_has_a_table_or_a_card(shelf, assessed):
    html = static_of(shelf).html
    assert html.count("<tr>") == 4
    assert "Łucja Wiśniewska" in html
    card = static_of(shelf, assessed)
    assert "Late Readings and Early Gates" in card.html
    assert "Implementable" in card.html
    assert "assessed" in card.text
    panel = PaperPanel(shelf, assessed)
    data, _ = panel._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    assert data["text/html"] == card.html
    panel.close()


def test_a_hostile_title_stays_text(shelf, assessed, monkeypatch):
    rows = shelf.record.papers
    row = next(row for row in rows.all() if row.id == assessed)
    from dataclasses import replace

    hostile = replace(row, title="<img src=x onerror=alert(1)>\u202e\x1b[31m")
    monkeypatch.setattr(shelf, "papers", lambda text="": [hostile])
    static = static_of(shelf)
    assert "<img" not in static.html
    assert "\x1b" not in static.text + static.html
    assert "\u202e" not in static.text + static.html


def test_an_idle_panel_keeps_no_process(page, assessed, monkeypatch):
    monkeypatch.setattr(page.panel._pages, "_idle", 0.05)
    page.ask(type="page", paper=assessed, page=1, dpi=60)
    deadline = time.monotonic() + 30
    while page.panel._pages._reader._process is not None:
        assert time.monotonic() < deadline, "the process stayed"
        time.sleep(0.01)


def test_a_paper_that_is_not_there_cannot_be_opened(shelf):
    with pytest.raises(WorkbenchError, match="no paper"):
        PaperPanel(shelf, "zzz")


def test_the_shelf_opens_its_panel(shelf_and_orchestrator, assessed):
    shelf, orchestrator = shelf_and_orchestrator
    panel = shelf.panel(assessed, orchestrator)
    assert isinstance(panel, PaperPanel)
    assert panel.start == assessed
    assert Page(panel).facts(type="paper", paper=assessed)["asks"]
    panel.close()
    panel.close()

"""`%paper` in a real kernel: tables, a page, an answer with the pages that its quotes stand on, mistakes in one line."""

import json
import shutil

import pytest
from paper_debate import Debate
from paper_files import SAMPLES, TRUTH, pdf_of
from wire import Wire

pytestmark = pytest.mark.slow
QUOTES = ["A gauge that freezes reports a constant value, which the check rejects.", "Gauges never freeze."]


@pytest.fixture(scope="module")
def model():
    answer = json.dumps({"answer": "A <b>constant</b> value.", "quotes": QUOTES})
    with Wire(answer=lambda asked: answer) as wire:
        yield wire


@pytest.fixture(scope="module")
def shelf(kernel):
    out = kernel.run(f"t = %paper add {SAMPLES / 'revtex.pdf'} {SAMPLES / 'acl.pdf'} --offline\nt")
    assert out.status == "ok", out.stdout
    return out.displays[-1]


def shown(kernel, code):
    out = kernel.run(code)
    assert out.status == "ok", out.stdout
    return out.displays[-1]


def test_add_and_list_are_tables(kernel, shelf):
    assert "added" in shelf["text/plain"]
    listed = shown(kernel, "%paper list")
    assert TRUTH["revtex"]["title"] in listed["text/html"]
    assert kernel.run("x = %paper list nunez\nprint(len(x.frame), x.frame.pages[0] > 3)").stdout == "1 True\n"


def test_show_is_a_page_and_binds_the_paper(kernel, shelf):
    page = shown(kernel, "%paper show last -o p")
    assert "Readings and Delays" in page["text/html"]
    assert kernel.run("print(p.title)").stdout == f"{TRUTH['acl']['title']}\n"


def test_search_finds_passages(kernel, shelf):
    found = shown(kernel, "%paper search frozen gauge constant value -n 3")
    assert "constant value" in found["text/html"]


def test_ask_shows_the_page_with_the_quote(kernel, shelf, model):
    code = f'%paper ask last "What does a frozen gauge report?" -m openai/wire --api-base {model.openai} -o a'
    html = shown(kernel, code)["text/html"]
    assert html.count("data:image/png;base64,") == 1
    assert "verified" in html
    assert "not found" in html
    assert "<b>constant" not in html
    assert kernel.run("print(a.verified, [q.status for q in a.quotes])").stdout == "1 ['verified', 'not found']\n"


def test_assess_shows_the_debate_and_ends_in_a_card(kernel, shelf, wire):
    wire.answer = Debate()
    paper = json.loads(kernel.run("x = %paper list knew\nimport json\nprint(json.dumps(x.frame.paper[0]))").stdout)
    out = kernel.run(f"%paper assess {paper} -m openai/a,openai/b --api-base {wire.openai} -o made", person=True)
    assert out.status == "ok", out.stdout
    assert len(out.panels) == 1
    assert any("Rebuttal quotes" in shown.get("text/html", "") for shown in out.updates)  # the transcript in the panel's place
    card = out.displays[-1]
    html = card["text/html"]
    assert html.count("data:image/png;base64,") == 1  # each place is shown once
    assert "unverified: not found" in html
    assert kernel.run("print(made.weeks, len(made.unverified))").stdout == "4 (80 %: 2 to 8) 2\n"

    page = kernel.run("%paper outcome last --worked no --weeks 9").displays[-1]
    assert "it did not work, in 9 weeks" in page["text/plain"]
    assert kernel.run("t = %paper assessments\nprint(list(t.frame.confidence))").stdout == "[0.6]\n"
    out = kernel.run("c = %paper calibration\nc")
    assert "too few: 1 of 10 outcomes" in out.displays[0]["text/plain"]
    assert any("application/vnd.plotly.v1+json" in shown for shown in out.displays)
    assert kernel.run("print(c.frame.coverage[0])").stdout == "0.0\n"
    out = kernel.run(f"%paper assess last -m openai/a --api-base {wire.openai} --dry-run")
    assert "Dry run of feasibility" in out.displays[-1]["text/plain"]
    out = kernel.run("%paper assess")
    assert out.status == "error"
    assert "needs a paper, or --resume" in out.stdout + str(out.displays)


def test_an_unquoted_question_may_end_with_a_question_mark(kernel, shelf, model):
    out = kernel.run(f"%paper ask last -m openai/wire --api-base {model.openai} -o b What does a frozen gauge report?")
    assert out.status == "ok", out.stdout
    assert kernel.run("print(b.question)").stdout == "What does a frozen gauge report?\n"


def test_summaries_say_what_they_cost_and_are_shown_with_the_paper(kernel, shelf):
    with Wire(answer=lambda asked: "It reads **gauges** <script>alert(1)</script> [x](javascript:alert(2)).") as wire:
        asking = f"%paper summarize last --level sentence,paragraph -m openai/wire --api-base {wire.openai}"
        planned = kernel.run(f"{asking} --dry-run")
        assert "2 calls to openai/wire. Expected: " in planned.displays[0]["text/plain"]
        assert not wire.requests
        out = kernel.run(f"{asking} -o s")
        assert out.status == "ok", out.stdout
        *told, page = out.displays
        assert [*told, *out.updates][-1]["text/plain"] == "Summing up: 2 of 2 steps"
        html = page["text/html"]
        assert "Before: 2 calls to openai/wire. Expected: " in html
        assert "It reads <strong>gauges</strong>" in html
        assert "cost unknown" in html
        assert "<script" not in html
        assert "href" not in html
        assert kernel.run("print([each.level for each in s])").stdout == "['sentence', 'paragraph']\n"
        assert "2 of them from before" in shown(kernel, asking)["text/plain"]
        assert len(wire.requests) == 2
    assert "It reads <strong>gauges</strong>" in shown(kernel, "%paper show last")["text/html"]


def test_a_figure_is_a_picture(kernel, shelf):
    assert shown(kernel, "%paper figure last Figure 1")["image/png"]
    assert "There are: Figure 1, Table 1." in kernel.run("%paper figure last 7").stdout


WATCH = """
import asyncio, threading
async def watch():
    while True:
        await asyncio.sleep(0.02)
        seen.update(thread.name for thread in threading.enumerate())
seen = set()
watching = asyncio.ensure_future(watch())
"""


def test_a_cell_that_asks_leaves_the_kernel_free_and_is_interrupted(kernel, shelf):
    kernel.run(WATCH)
    with Wire(faults=lambda asked: "hang") as wire:

        def interrupt(outputs):
            if wire.requests and outputs.displays:
                kernel.manager.interrupt_kernel()
                return True
            return False

        out = kernel.run(f'%paper ask last "Why?" -m openai/wire --api-base {wire.openai}', meanwhile=interrupt, person=True)
    assert out.displays[0]["text/plain"] == "Asking …"
    assert "stopped, and what was done is kept" in out.error
    assert "File " not in out.error
    assert kernel.run("watching.cancel(); print('workbench-paper-command' in seen)").stdout == "True\n"
    assert kernel.run("t = %dialogues\nprint(t.frame.status[0])").stdout == "cancelled\n"


def test_an_interrupt_of_a_folder_keeps_what_was_read(kernel, shelf, folder):
    many = folder / "many"
    many.mkdir()
    for name in ("acl.pdf", "revtex.pdf"):
        shutil.copy(SAMPLES / name, many)
    (many / "long.pdf").write_bytes(pdf_of(*(f"Page {number}\n" + "Rivers run slowly here.\n" * 40 for number in range(900))))

    def interrupt(outputs):
        if any("1/3" in shown["text/plain"] for shown in outputs.displays + outputs.updates):
            kernel.manager.interrupt_kernel()
            return True
        return False

    before = int(kernel.run("t = %paper list\nprint(len(t.frame))").stdout)
    out = kernel.run(f"added = %paper add {many} --offline", meanwhile=interrupt, person=True)
    assert "stopped, and what was done is kept" in out.error
    assert before == int(kernel.run("t = %paper list\nprint(len(t.frame))").stdout)
    (many / "long.pdf").unlink()
    out = kernel.run(f"added = %paper add {many} --offline")
    assert out.status == "ok"
    assert len(out.displays) == 1
    assert "2/2" in [*out.displays, *out.updates][-1]["text/plain"]
    assert kernel.run("print(len(added.frame))").stdout == "2\n"


@pytest.mark.parametrize(("line", "words"), [("%paper --help", "%paper add 2308.08155"), ("%paper ask --help", "--api-base")])
def test_help_has_subcommands_options_and_examples(kernel, line, words):
    assert words in kernel.run(line).stdout


def test_a_question_mark_asks_for_help(kernel):
    help_ = kernel.reply_to(kernel.send("%paper?"))["payload"][0]["data"]["text/plain"]
    assert "%paper SUBCOMMAND --help" in help_


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%paper", "needs a subcommand"),
        ("%paper zoom it", "There are: add, list"),
        ("%paper serch it", "Did you mean search?"),
        ("%paper add", "%paper add --help"),
        ("%paper add nothing.pdf", "no file, URL or arXiv id"),
        ("%paper show", "required: ID"),
        ("%paper show last -m gpt", "unrecognized arguments: -m gpt"),
        ("%paper show zzz", "There is no paper 'zzz'"),
        ("%paper ask last", "required: QUESTION"),
        ("%paper ask last What's new", "no other half"),
        ("%paper search", "required: TEXT"),
        ("%paper summarize last --level novel", "There are: sentence, paragraph"),
        ("%paper add --language deu", "required: PDF"),
    ],
)
def test_a_mistake_is_said_in_a_line(kernel, shelf, line, words):
    out = kernel.run(line)
    assert out.status == "error"
    assert words in out.stdout
    assert "Traceback" not in out.stdout

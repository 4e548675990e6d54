"""`%paper` in a real kernel: tables, a page, an answer with the pages that its quotes stand on, mistakes in one line."""

import json

import pytest
from paper_files import SAMPLES, TRUTH
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


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%paper", "required"),
        ("%paper burn it", "invalid choice"),
        ("%paper add", "needs a PDF"),
        ("%paper add nothing.pdf", "no file, URL or arXiv id"),
        ("%paper show", "needs one paper"),
        ("%paper show zzz", "There is no paper 'zzz'"),
        ("%paper ask last", "needs a paper and a question"),
        ("%paper search", "needs words"),
    ],
)
def test_a_mistake_is_said_in_a_line(kernel, shelf, line, words):
    out = kernel.run(line)
    assert out.status == "error"
    assert words in out.stdout
    assert "Traceback" not in out.stdout

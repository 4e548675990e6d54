"""The paper panel in a real JupyterLab: from the shelf to a verified quote on its page, and back after a reload."""

import json

import pytest
from lab import Notebook, write_notebook
from paper_desk import VERIFIED, add_tricky, assess, desk

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def paper(workspace):
    """Id of a paper that was assessed."""
    with desk(workspace) as (shelf, orchestrator):
        assessed = assess(shelf, orchestrator).paper.id
        add_tricky(shelf, workspace)
    return assessed


def test_a_verified_quote_is_shown_on_its_page(browser, lab, workspace, paper):
    path = write_notebook(workspace, "papers.ipynb", "%load_ext workbench", "%paper panel -o p")
    notebook = Notebook(browser, lab, "papers.ipynb")
    page = notebook.page
    notebook.run_all()
    page.get_by_role("button", name="Late Readings and Early Gates", exact=True).click(timeout=90_000)
    page.get_by_role("img", name="Page 1", exact=True).wait_for(timeout=90_000)

    page.get_by_role("tab", name="Assessment").click()
    page.locator(".wb-quote .wb-entry", has_text=VERIFIED).click()
    marked = page.locator(".wb-marked[data-of=verified][data-current=true]")
    marked.nth(1).wait_for()  # it runs over two lines
    assert page.get_by_role("img", name=f"Verified quote: {VERIFIED}").count() == marked.count()
    notebook.shoot("paper panel verified quote")
    assert page.locator(".wb-claims", has_text="<b>everything</b>").count() == 1

    page.get_by_role("tab", name="Debate").click()
    page.locator(".wb-debate .wb-answer", has_text="Doubt gauges").wait_for()
    page.get_by_role("button", name="← Shelf").click()
    page.get_by_label("Choose Late Readings").check()
    page.get_by_label("Choose How Much Delay").check()
    page.get_by_role("button", name="Compare").click()
    page.locator(".wb-two").get_by_text("Not assessed yet.").wait_for()
    page.locator(".wb-two").get_by_text("72 % likely").wait_for()
    notebook.shoot("paper panel two papers")

    page.locator(".wb-two").get_by_role("button", name="Late Readings and Early Gates").click()
    page.get_by_role("button", name="2 Related Work").wait_for()
    notebook.save()
    notebook.reload()
    page.get_by_role("button", name="2 Related Work").wait_for(timeout=90_000)

    saved = json.loads(path.read_text())
    (output,) = saved["cells"][1]["outputs"]
    assert "Late Readings and Early Gates" in "".join(output["data"]["text/html"])
    page.close()

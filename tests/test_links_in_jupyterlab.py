"""Links of a table in a real JupyterLab: they open panels, also after a reload, and are text once the kernel is gone."""

import pytest
from lab import Notebook, write_notebook
from wire import Wire

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def turns(browser, lab, workspace):
    """A notebook in which the turns of a dialogue were looked for that is longer than its panel, in a window of usual height."""
    with Wire(words=120) as wire:
        cell = f"%%dialogue debate -m openai/wire --api-base {wire.openai} --rounds 9\nTabs?"
        write_notebook(workspace, "turns.ipynb", "%load_ext workbench", cell, "%find --kind turn")
        notebook = Notebook(browser, lab, "turns.ipynb", height=900)
        notebook.run_all()
        notebook.cell(2).locator("[data-wb-place][role=button]").first.wait_for(timeout=120_000)
        yield notebook
        notebook.page.close()


@pytest.fixture
def notebook(browser, lab, workspace):
    """A notebook in which a dialogue was held and looked for."""
    with Wire(words=20) as wire:
        cell = f"%%dialogue debate -m openai/wire --api-base {wire.openai} --rounds 1\nTabs?"
        write_notebook(workspace, "links.ipynb", "%load_ext workbench", cell, "%find Tabs --kind dialogue", "%dialogues")
        notebook = Notebook(browser, lab, "links.ipynb", height=2600)
        notebook.run_all()
        notebook.cell(3).locator("[data-wb-place][role=button]").first.wait_for(timeout=120_000)
        yield notebook
        notebook.page.close()


def test_rows_open_by_mouse_and_keyboard_and_after_a_reload(notebook):
    page = notebook.page
    found, listed = notebook.cell(2), notebook.cell(3)
    found.locator("[data-wb-place]").first.click()
    found.locator(".wb-panel").wait_for(timeout=60_000)
    listed.locator("[data-wb-place]").first.focus()
    page.keyboard.press("Enter")
    listed.locator(".wb-panel").wait_for(timeout=60_000)
    assert listed.locator("[data-wb-place][aria-expanded=true]").count() == 1
    notebook.shoot("rows opened below their tables")
    found.locator("[data-wb-place]").first.click()
    found.locator(".wb-panel").wait_for(state="detached", timeout=60_000)

    notebook.save()
    notebook.reload()
    found.locator("[data-wb-place][role=button]").first.wait_for(timeout=60_000)
    found.locator("[data-wb-place]").first.click()
    found.locator(".wb-panel").wait_for(timeout=60_000)

    notebook.save()
    notebook.shut_down_kernel()
    page.reload()
    notebook.ready()
    found.locator("[data-wb-place]").first.wait_for(timeout=60_000)
    page.wait_for_function("() => !document.body.innerText.includes('Loading widget')")
    assert page.locator("[data-wb-place][role=button]").count() == 0
    assert not page.get_by_text("Error displaying widget").first.is_visible()
    notebook.shoot("a table of links without its kernel")


IN_SIGHT = """turn => {
  const { left, top, width, height } = turn.querySelector(".wb-fold").getBoundingClientRect();
  return turn.contains(document.elementFromPoint(left + width / 2, top + height / 2));
}"""
"""Whether the title of a turn is where a reader sees it, neither outside of what scrolls nor below what covers it."""


def test_a_row_of_a_turn_opens_the_panel_at_this_turn(turns):
    page, found = turns.page, turns.cell(2)

    def row(turn):
        return found.locator("[data-wb-place][role=button]", has_text=f"--turn {turn}").first

    def arrived(turn):
        there = found.locator(f".wb-turn[data-turn={turn}]")
        there.and_(page.locator("[aria-current=true]")).wait_for(timeout=60_000)
        page.wait_for_function(IN_SIGHT, arg=there.element_handle())
        return there

    row("con_5").click()
    arrived("con_5")
    turns.shoot("a panel opened at a turn that was found")
    assert found.locator(".wb-scroll").evaluate("box => box.scrollTop") > 500

    row("pro_2").focus()
    page.keyboard.press("Enter")
    there = arrived("pro_2")
    page.wait_for_function("turn => turn === document.activeElement", arg=there.element_handle())
    turns.shoot("a turn that the keyboard went to")
    page.keyboard.press("Escape")
    page.wait_for_function("row => row === document.activeElement", arg=row("pro_2").element_handle())
    page.keyboard.press("Escape")
    found.locator(".wb-panel").wait_for(state="detached", timeout=60_000)

    turns.save()
    turns.reload()
    row("con_5").wait_for(timeout=60_000)
    row("con_5").click()
    arrived("con_5")

"""Links of a table in a real JupyterLab: they open panels, also after a reload, and are text once the kernel is gone."""

import pytest
from lab import Notebook, write_notebook
from wire import Wire

pytestmark = [pytest.mark.browser, pytest.mark.slow]


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

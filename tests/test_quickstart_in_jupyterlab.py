"""What a newcomer does first: `workbench lab`, run the quickstart, start a dialogue, interrupt it."""

import json
import time

import nbformat
import pytest
from lab import FLAGS, lab_server, lab_url, require_chromium, screenshot
from wire import Wire

from workbench.cli.workspace import init_workspace

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def wire():
    with Wire(words=400, delay=0.02) as server:
        yield server


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, wire):
    folder = tmp_path_factory.mktemp("workspace")
    init_workspace(folder)
    cells = [
        nbformat.v4.new_code_cell("%load_ext workbench"),
        nbformat.v4.new_code_cell(
            f"%%dialogue debate -m openai/wire --api-base {wire.openai} -o d\nShould the *kernel* be <b>interrupted</b>?"
        ),
        nbformat.v4.new_code_cell("print('ran', d.status)"),
    ]
    nb = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nbformat.write(nb, folder / "notebooks" / "live.ipynb")
    return folder


@pytest.fixture(scope="module")
def lab(workspace, tmp_path_factory):
    with lab_server(workspace, tmp_path_factory.mktemp("home")) as (base, token):
        yield base, token


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    path = require_chromium()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_notebook(browser, lab):
    pages = []

    def open_notebook(name):
        page = browser.new_page(viewport={"width": 1280, "height": 1500})
        pages.append(page)
        page.goto(lab_url(*lab, f"notebooks/{name}"))
        page.locator(".jp-Notebook").wait_for(timeout=60_000)
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=60_000)
        return page

    yield open_notebook
    for page in pages:
        page.close()


def run_all(page):
    page.locator(".jp-NotebookPanel .jp-Cell").first.click()
    page.locator("li.lm-MenuBar-item", has_text="Run").first.click()
    page.get_by_text("Run All Cells", exact=True).click()


def test_the_quickstart_runs_to_its_end(open_notebook):
    page = open_notebook("quickstart.ipynb")
    page.get_by_text("Edit", exact=True).click()
    page.get_by_text("Clear Outputs of All Cells").click()
    run_all(page)
    page.locator(".wb-transcript").wait_for(timeout=90_000)
    page.get_by_text("completed True").wait_for(timeout=90_000)
    screenshot(page, "quickstart")
    assert page.locator(".jp-RenderedText[data-mime-type*=stderr]").count() == 0
    assert page.locator(".wb-transcript .wb-turn").count() == 5


def test_turns_stream_and_an_interrupt_stops_the_calls_and_keeps_what_was_said(open_notebook, wire, workspace):
    page = open_notebook("live.ipynb")
    run_all(page)
    page.locator(".wb-transcript .wb-said p").first.wait_for(timeout=60_000)
    before = len(page.locator(".wb-transcript .wb-said").first.inner_text())
    page.wait_for_function(
        f"document.querySelector('.wb-transcript .wb-said')?.innerText.length > {before} + 40", timeout=20_000
    )
    screenshot(page, "streaming")
    asked = len(wire.requests)
    page.get_by_text("Kernel", exact=True).click()
    page.get_by_text("Interrupt Kernel").click()
    page.get_by_text("KeyboardInterrupt").first.wait_for(timeout=20_000)
    deadline = time.monotonic() + 10
    while wire.active and time.monotonic() < deadline:
        time.sleep(0.05)
    assert wire.active == 0
    assert wire.dropped >= 1
    assert len(wire.requests) == asked
    screenshot(page, "interrupted")
    assert page.locator(".wb-transcript .wb-problem", has_text="cancelled").count() == 1
    assert page.locator(".wb-topic").inner_text() == "Should the *kernel* be <b>interrupted</b>?"
    assert page.get_by_text("ran cancelled").count() == 0
    save_and_check(page, workspace)


def save_and_check(page, workspace):
    page.keyboard.press("Control+s")
    page.get_by_text("Saving completed").first.wait_for(timeout=20_000)
    saved = json.loads((workspace / "notebooks" / "live.ipynb").read_text())
    bundles = [output["data"] for cell in saved["cells"] for output in cell.get("outputs", []) if "data" in output]
    static = next(bundle for bundle in bundles if "text/markdown" in bundle)
    assert "cancelled" in "".join(static["text/plain"])

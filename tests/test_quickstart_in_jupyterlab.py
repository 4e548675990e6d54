"""What a newcomer does first: `workbench lab`, run the quickstart, start a dialogue, interrupt it."""

import json
import time

import pytest
from lab import Notebook, write_notebook
from wire import Wire

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def wire():
    with Wire(words=400, delay=0.02) as server:
        yield server


def test_the_quickstart_runs_to_its_end(browser, lab, workspace):
    notebook = Notebook(browser, lab, "quickstart.ipynb", height=1800)
    page = notebook.page
    notebook.menu("Edit", "Clear Outputs of All Cells")
    page.locator(".jp-OutputArea-output").first.wait_for(state="detached")  # only then does a prompt that changes tell of a run
    notebook.run_all()
    page.locator(".wb-panel .wb-answer p").first.wait_for(timeout=90_000)
    page.wait_for_function("document.querySelectorAll('.wb-panel .wb-turn').length >= 4", timeout=90_000)
    page.locator(".wb-panel").scroll_into_view_if_needed()
    notebook.shoot("quickstart running")
    page.get_by_text("evidence:").wait_for(timeout=120_000)
    assert page.locator(".jp-RenderedText[data-mime-type*=stderr]").count() == 0
    assert page.locator(".wb-transcript").count() == 3
    assert (workspace / "notebooks" / "quickstart-debate.html").read_text().count("workbench-replay-data") >= 1
    page.locator(".main-svg").first.scroll_into_view_if_needed()
    notebook.shoot("quickstart plot")
    page.locator(".wb-transcript").first.scroll_into_view_if_needed()
    notebook.shoot("quickstart transcript")
    assert {url.split("/")[2].split(":")[0] for url in notebook.requests if url.startswith(("http", "ws"))} == {"127.0.0.1"}
    page.close()


def test_an_interrupt_stops_the_calls_and_keeps_what_was_said(browser, lab, workspace, wire):
    debate = f"%%dialogue debate -m openai/wire --api-base {wire.openai} -o d\nShould the *kernel* be <b>interrupted</b>?"
    write_notebook(workspace, "live.ipynb", "%load_ext workbench", debate, "print('ran', d.status)")
    notebook = Notebook(browser, lab, "live.ipynb")
    page = notebook.page
    notebook.run_all()
    page.locator(".wb-panel .wb-answer p").first.wait_for(timeout=60_000)
    notebook.menu("Kernel", "Interrupt Kernel")
    page.get_by_text("KeyboardInterrupt").first.wait_for(timeout=60_000)
    deadline = time.monotonic() + 10
    while wire.active and time.monotonic() < deadline:
        time.sleep(0.05)
    assert wire.active == 0
    assert wire.dropped == 1
    assert len(wire.requests) == 1
    notebook.shoot("interrupted")
    page.locator(".wb-transcript .wb-problem", has_text="cancelled").wait_for(timeout=60_000)
    assert page.locator(".wb-topic").inner_text() == "Should the *kernel* be <b>interrupted</b>?"
    assert page.get_by_text("ran cancelled").count() == 0
    notebook.save()
    saved = json.loads((workspace / "notebooks" / "live.ipynb").read_text())
    bundles = [output["data"] for cell in saved["cells"] for output in cell.get("outputs", []) if "data" in output]
    (static,) = (bundle for bundle in bundles if "text/markdown" in bundle)
    assert "cancelled" in "".join(static["text/plain"])
    page.close()

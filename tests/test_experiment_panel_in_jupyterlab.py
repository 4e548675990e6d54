"""The experiment panel in a real JupyterLab: it fills while the cell below runs, stops the run, and is there after a reload."""

import json

import pytest
from experimenters import adder, careful
from lab import Notebook, write_notebook
from wire import Wire

from workbench.cli.workspace import init_workspace

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DEFINITION = """%%experiment sums
cases: sums.jsonl
arms:
  plain: {model: m, prompt: "What is {question}"}
  careful: {model: m, prompt: "With care: what is {question}"}
metrics:
  right: {kind: numeric, expected: answer}
  latency: {kind: latency, margin: 0.2}
  cost: {kind: cost, margin: 0.001}
plan: {primary: right, control: plain, margin: 0.1, hypothesis: "Care <b>helps</b>."}"""


@pytest.fixture(scope="module")
def workspace(folder):
    """A workspace with 400 sums and a model that is better with care, and slow enough to be watched."""
    with Wire(delay=0.02, words=4) as wire:
        wire.answer = adder(lambda prompt: hash(prompt.split()[-3]) % 3 > (0 if careful(prompt) else 1))
        init_workspace(folder)
        card = f'[models.m]\nid = "openai/m"\napi_base = "{wire.openai}"\nconcurrency = 4\nprices = {{input = 100.0, output = 100.0}}\n'
        (folder / "workbench.toml").write_text(card)
        rows = [{"id": f"c{n}", "question": f"{n} + 1?", "answer": n + 1} for n in range(400)]
        (folder / "sums.jsonl").write_text("\n".join(map(json.dumps, rows)))
        yield folder


def test_it_fills_stops_and_stays(browser, lab, workspace):
    path = write_notebook(
        workspace, "sums.ipynb", "%load_ext workbench", DEFINITION, "%experiment panel sums", "%experiment run sums"
    )
    notebook = Notebook(browser, lab, "sums.ipynb")
    page = notebook.page
    notebook.run_all()
    panel = page.locator(".wb-experiment")
    panel.get_by_text("Running", exact=True).wait_for(timeout=180_000)
    panel.locator("svg .wb-exp-line").wait_for(timeout=60_000)
    panel.get_by_text("of 800 observations").wait_for()
    assert panel.get_by_text("Care <b>helps</b>.").count() == 1
    notebook.shoot("experiment panel mid-run")
    panel.get_by_role("button", name="Stop").click()
    panel.get_by_text("Cancelled", exact=True).wait_for(timeout=60_000)
    assert panel.get_by_role("button", name="Stop").count() == 0
    notebook.save()
    notebook.reload()
    panel.get_by_text("Cancelled", exact=True).wait_for(timeout=90_000)
    page.close()
    output = json.loads(path.read_text())["cells"][2]["outputs"][0]["data"]
    assert "Experiment sums" in "".join(output["text/html"])

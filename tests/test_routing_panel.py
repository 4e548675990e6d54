"""`%route --panel` in a real kernel and a real JupyterLab: it follows the record until it is closed, and stays as a figure."""

import json
import re

import pytest
from lab import Notebook, write_notebook
from patience import wait_until
from wire import Wire

from workbench.cli.workspace import init_workspace

pytestmark = pytest.mark.slow
PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
ROUTED = "%%dialogue chat -m route\nWhy does this loop raise an IndexError?"


@pytest.fixture(scope="module")
def server():
    with Wire() as wire:
        yield wire


@pytest.fixture(scope="module")
def workspace(folder, server):
    """A workspace whose turns are routed to two models in turn."""
    init_workspace(folder)
    models = "".join(
        f'[models.{name}]\nid = "openai/{name}"\napi_base = "{server.openai}"\nprovider = "{name}"\n'
        f"prices = {{input = {price}, output = {price}}}\ncapabilities = {{reasoning = {score}}}\n"
        for name, price, score in (("dear", 10.0, 0.9), ("cheap", 1.0, 0.5))
    )
    (folder / "workbench.toml").write_text(f'{models}[routing]\npolicy = "round-robin"\nmodels = ["dear", "cheap"]\n')
    return folder


@pytest.fixture(scope="module")
def kernel(workspace):
    from kernels import kernel_in

    with kernel_in(workspace) as kernel:
        yield kernel


@pytest.fixture
def quick(kernel):
    """The kernel, in which a panel looks every tenth of a second and none follows yet."""
    kernel.run("from workbench.notebook import routing_panel\nrouting_panel.RoutingPanel.__init__.__defaults__ = (0.1, 600)")
    yield kernel
    kernel.run("[panel.close() for panel in list(routing_panel._FOLLOWING.values())]")


def chosen(bundle):
    """How often models were chosen, as a figure says."""
    return {trace["name"]: sum(trace["y"]) for trace in bundle[PLOTLY]["data"] if trace["type"] == "bar"}


def ask(kernel, expression):
    out = kernel.run(f"print({expression})")
    assert out.error is None, out.error
    return out.stdout.strip()


DRAWN = "sum(sum(trace.y) for trace in p._live._figure.data if trace.type == 'bar')"


def test_it_follows_the_record_until_it_is_closed_and_leaves_a_figure(quick):
    out = quick.run("p = %route --panel\np", person=True)
    assert out.error is None, out.error
    assert WIDGET in out.displays[0]
    before = int(ask(quick, DRAWN))
    assert ask(quick, "p.following") == "True"

    quick.run(ROUTED)
    quick.run(ROUTED)
    wait_until(lambda: int(ask(quick, DRAWN)) == before + 2)
    quick.run("%rate last 0.8")
    wait_until(lambda: "'quality'" in ask(quick, "[trace.name for trace in p._live._figure.data]"))

    out = quick.run("p.close(); p.close()")
    assert sum(chosen(out.updates[0]).values()) == before + 2
    assert len(out.updates) == 1
    assert ask(quick, "p.following") == "False"
    quick.run(ROUTED)
    assert int(ask(quick, "p.facts.choices")) == before + 3
    assert ask(quick, "[each.name for each in __import__('threading').enumerate() if each.name == 'routing-panel']") == "[]"


def test_it_draws_what_a_plain_figure_of_the_same_facts_draws(quick):
    quick.run(ROUTED)
    quick.run("p = %route --panel\np", person=True)
    quick.run(ROUTED)
    quick.run("%rate last 0.3")
    wait_until(lambda: ask(quick, "p._live._facts == p.facts") == "True")
    quick.run(ROUTED)  # from here on the traces stay the same, and only their values change
    quick.run(ROUTED)
    wait_until(lambda: ask(quick, "p._live._facts == p.facts") == "True")
    traces = "[trace.to_plotly_json() | {'uid': 0} for trace in {}.data]"
    live, plain = traces.replace("{}", "p._live._figure"), traces.replace("{}", "p.figure")
    assert ask(quick, f"{live} == {plain}") == "True"


def test_a_second_panel_takes_over_from_the_first(quick):
    quick.run("p = %route --panel\np", person=True)
    out = quick.run("q = %route --panel\nq", person=True)
    assert ask(quick, "p.following, q.following") == "False True"
    assert PLOTLY in out.updates[0]


def test_without_news_it_closes_itself(quick):
    quick.run("routing_panel.RoutingPanel.__init__.__defaults__ = (0.1, 0.3)")
    quick.run("p = %route --panel\np", person=True)
    wait_until(lambda: ask(quick, "p.following") == "False")


def test_a_program_gets_the_figure_of_now(quick):
    quick.run(ROUTED)
    out = quick.run("p = %route --panel\np")
    assert len(out.displays) == 1
    assert sum(chosen(out.displays[0]).values()) >= 1
    assert "of them rated" in out.displays[0]["text/plain"]
    assert ask(quick, "p.following") == "False"


def test_a_task_and_the_panel_do_not_go_together(quick):
    out = quick.run("%route --panel Why so.")
    assert out.status == "error"
    assert "takes no task" in out.stdout


@pytest.fixture
def notebook(browser, lab, workspace):
    cells = ("%load_ext workbench", "%route --panel", ROUTED, ROUTED, "%rate last 0.8")
    write_notebook(workspace, "routing.ipynb", *cells)
    notebook = Notebook(browser, lab, "routing.ipynb")
    yield notebook
    notebook.page.close()


@pytest.mark.browser
def test_in_jupyterlab_it_is_live_then_closed_then_a_saved_figure(notebook, workspace):
    page = notebook.page
    notebook.run_cell(0)
    notebook.run_cell(1)
    page.locator(".js-plotly-plot .main-svg").first.wait_for(state="attached", timeout=60_000)
    before = page.locator(".annotation-text", has_text="As of").text_content()
    rated = int((re.findall(r"(\d+) of them rated", before) or ["0"])[0])
    for cell in (2, 3, 4):
        notebook.run_cell(cell)
        notebook.idle()
    page.locator(".annotation-text", has_text=f"{rated + 1} of them rated").wait_for(state="attached", timeout=30_000)
    assert page.locator(".barlayer .point path").count() > 0
    assert page.locator(".js-plotly-plot").count() == 1
    notebook.shoot("routing panel live")

    page.get_by_role("button", name="Stop following").click()
    page.get_by_role("button", name="Stop following").wait_for(state="detached", timeout=20_000)
    page.locator(".js-plotly-plot .main-svg").first.wait_for(state="attached", timeout=20_000)
    notebook.save()
    saved = json.loads((workspace / "notebooks" / "routing.ipynb").read_text())
    outputs = saved["cells"][1]["outputs"]
    assert len(outputs) == 1
    assert {PLOTLY, "text/plain"} <= outputs[0]["data"].keys()  # JupyterLab adds a picture of it
    assert WIDGET not in outputs[0]["data"]
    assert sum(chosen(outputs[0]["data"]).values()) >= 2
    assert len(json.dumps(saved)) < 300_000
    elsewhere = [url for url in notebook.requests if "127.0.0.1" not in url and not url.startswith(("data:", "blob:"))]
    assert elsewhere == []

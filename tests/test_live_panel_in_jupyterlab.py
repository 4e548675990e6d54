"""The live panel in a real JupyterLab: it streams, stops, survives reloads and restarts, and leaves a transcript."""

import pytest
from lab import Notebook, stop_kernels, write_notebook
from patience import wait_until
from wire import Wire, no_faults

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LONG = 50_000
"""Words, a quarter of an hour of them: there is always something left to see, and `hurry` ends it."""


@pytest.fixture(scope="module")
def server():
    with Wire() as wire:
        yield wire


@pytest.fixture
def wire(server):
    """The server, as if it were new."""
    server.requests.clear()
    server.answered.clear()
    server.words, server.delay, server.faults, server.answer = 60, 0.02, no_faults, None
    server.dropped = server.written = 0
    return server


@pytest.fixture
def open_notebook(browser, lab, workspace):
    """Opens notebooks of cells; afterwards nothing of them runs on, not even what was left in the background."""
    opened = []

    def open_notebook(name, *cells, **size):
        write_notebook(workspace, name, "%load_ext workbench", *cells)
        opened.append(Notebook(browser, lab, name, **size))
        return opened[-1]

    yield open_notebook
    for notebook in opened:
        notebook.page.close()
    stop_kernels(*lab)


def debate(wire, *options, topic="Tabs or *spaces*?"):
    return f"%%dialogue debate -m openai/wire --api-base {wire.openai} {' '.join(options)}\n{topic}"


def hurry(wire):
    """Have what is being said, and all that follows, said at once."""
    wire.words, wire.delay = 12, 0


def said(page):
    return page.locator(".wb-panel .wb-answer").all_inner_texts()


def test_turns_stream_while_the_cell_runs_and_become_the_transcript(open_notebook, wire):
    wire.words = LONG
    notebook = open_notebook("stream.ipynb", debate(wire, "--rounds 1"))
    notebook.run_all()
    page = notebook.page
    page.locator(".wb-panel .wb-answer p").first.wait_for(timeout=60_000)
    before = len(said(page)[0])
    page.wait_for_function(f"document.querySelector('.wb-panel .wb-answer').innerText.length > {before} + 60", timeout=60_000)
    notebook.shoot("panel streaming")
    hurry(wire)
    page.locator(".wb-transcript .wb-turn").nth(2).wait_for(timeout=60_000)
    assert page.locator(".wb-panel").count() == 0
    notebook.shoot("panel became transcript")


def test_stop_stops_the_calls_within_a_second_and_keeps_what_was_said(open_notebook, wire):
    wire.words = LONG
    notebook = open_notebook("stop.ipynb", debate(wire, "-o d"), "print(d.status)")
    notebook.run_cell(0)
    notebook.run_cell(1)
    page = notebook.page
    page.locator(".wb-panel .wb-answer p").first.wait_for(timeout=60_000)
    wait_until(lambda: wire.written > 20)
    page.locator(".wb-panel").get_by_role("button", name="Stop").click()
    wait_until(lambda: wire.active == 0)
    page.locator(".wb-transcript .wb-problem", has_text="cancelled").wait_for(timeout=60_000)
    assert len(wire.requests) == 1
    assert wire.dropped == 1
    assert len(page.locator(".wb-transcript .wb-said").first.inner_text()) > 40
    notebook.shoot("panel stopped")


def test_pause_holds_the_next_turn_until_continue(open_notebook, wire):
    wire.words = LONG
    notebook = open_notebook("pause.ipynb", debate(wire, "--rounds 1"))
    notebook.run_all()
    page = notebook.page
    page.locator(".wb-panel .wb-answer p").first.wait_for(timeout=60_000)
    page.locator(".wb-panel").get_by_role("button", name="Pause").click()
    page.locator(".wb-panel").get_by_role("button", name="Continue").wait_for(timeout=60_000)
    hurry(wire)
    wait_until(lambda: wire.active == 0)
    notebook.shoot("panel paused")
    assert len(wire.requests) == 1
    page.locator(".wb-panel").get_by_role("button", name="Continue").click()
    page.locator(".wb-transcript .wb-turn").nth(2).wait_for(timeout=60_000)
    assert len(wire.requests) == 3


def test_a_kernel_restart_in_mid_debate_is_resumed_without_a_repeated_call(open_notebook, wire):
    wire.faults = lambda asked: "stall" if asked.number == 3 else None
    notebook = open_notebook("restart.ipynb", debate(wire, "--rounds 2"), "%dialogue resume last")
    notebook.run_cell(0)
    notebook.run_cell(1)
    wait_until(lambda: len(wire.requests) == 3 and wire.written > 140)
    notebook.restart_kernel()
    wait_until(lambda: wire.active == 0)
    wire.delay = 0.002
    notebook.run_cell(0)
    notebook.run_cell(2)
    notebook.page.locator(".wb-transcript .wb-turn").nth(4).wait_for(timeout=60_000)
    assert len(wire.requests) == 6  # five turns, and the one that the restart cut short
    assert set(wire.answered.values()) == {1}
    notebook.shoot("panel resumed after restart")


def test_a_saved_notebook_shows_the_transcript_without_a_kernel(open_notebook, wire):
    wire.delay = 0
    notebook = open_notebook("saved.ipynb", debate(wire, "--rounds 1", topic="What *stays* when <i>all</i> is gone?"))
    notebook.run_all()
    page = notebook.page
    page.locator(".wb-transcript .wb-turn").nth(2).wait_for(timeout=60_000)
    text = page.locator(".wb-transcript").inner_text()
    notebook.save()
    notebook.shut_down_kernel()
    page.reload()
    page.locator(".wb-transcript .wb-turn").nth(2).wait_for(timeout=60_000)
    assert page.locator(".wb-transcript").inner_text() == text
    notebook.shoot("transcript after reload")


def test_a_reloaded_page_catches_up_with_a_running_dialogue(open_notebook, wire):
    wire.words = LONG
    notebook = open_notebook("reload.ipynb", debate(wire, "--rounds 1", "--background", "-o d"))
    notebook.run_all()
    page = notebook.page
    page.locator(".wb-panel .wb-answer p").first.wait_for(timeout=60_000)
    notebook.save()
    notebook.reload()
    page.locator(".wb-panel .wb-answer p").first.wait_for(timeout=60_000)
    before = len(said(page)[0])
    page.wait_for_function(f"document.querySelector('.wb-panel .wb-answer').innerText.length > {before} + 60", timeout=60_000)
    notebook.shoot("panel after reload")
    page.locator(".wb-panel").get_by_role("button", name="Stop").click()
    wait_until(lambda: wire.active == 0)
    assert wire.dropped == 1
    # Stopped, the panel makes room for the transcript, where the page knows its cell.
    page.locator(".wb-transcript, .wb-panel:has(.wb-standing [data-of=cancelled])").first.wait_for(timeout=60_000)


def test_a_routed_turn_says_who_was_chosen_and_why(open_notebook, wire):
    wire.delay = 0
    route = f"-m route:random --candidates openai/one,openai/two --api-base {wire.openai} --rounds 1 -o d"
    notebook = open_notebook("routed.ipynb", f"%%dialogue debate {route}\nWhich bread?", "d.panel()")
    notebook.run_all()
    page = notebook.page
    page.locator(".wb-panel:has(.wb-standing [data-of=completed])").wait_for(timeout=60_000)
    badges = page.locator(".wb-panel .wb-badge[data-kind=routed] button")
    assert badges.count() == 3
    assert set(badges.all_inner_texts()) <= {"openai/one", "openai/two"}
    badges.first.hover()
    reason = page.locator(".wb-panel .wb-reasons:popover-open")
    reason.wait_for()
    assert reason.inner_text() == "Chosen by random: one of 2, by lot."
    notebook.shoot("panel of a routed debate")


def test_two_views_of_one_dialogue_agree(open_notebook, wire):
    wire.words = 150
    notebook = open_notebook("views.ipynb", debate(wire, "--rounds 1", "--background", "-o d"), "d.panel()", "d.panel()")
    notebook.run_all()
    page = notebook.page
    page.locator(".wb-panel").nth(2).wait_for(timeout=60_000)
    page.locator(".wb-panel:has(.wb-standing [data-of=completed])").nth(1).wait_for(timeout=60_000)
    one, two = (page.locator(".wb-panel").nth(n).locator(".wb-answer").all_text_contents() for n in (0, 1))
    assert one == two
    assert all(one)
    assert len(one) == 3


def test_two_notebooks_at_once_do_not_mix(open_notebook, wire):
    first = open_notebook("first.ipynb", debate(wire, "--rounds 1", topic="The first question"))
    second = open_notebook("second.ipynb", debate(wire, "--rounds 1", topic="The second question"))
    first.run_all()
    second.run_all()
    for notebook, topic in ((first, "The first question"), (second, "The second question")):
        notebook.page.locator(".wb-transcript .wb-turn").nth(2).wait_for(timeout=60_000)
        assert notebook.page.locator(".wb-topic").inner_text() == topic
    assert len(wire.requests) == 6


def test_dark_theme_and_a_narrow_window(open_notebook, wire):
    wire.answer = lambda asked: RICH
    wire.faults = lambda asked: "stall" if asked.number == 3 else None  # it waits there to be looked at
    notebook = open_notebook("dark.ipynb", debate(wire, "--rounds 2", "--background"), width=800, height=1000)
    notebook.menu("Settings", "Theme")
    notebook.page.get_by_text("JupyterLab Dark", exact=True).click()
    notebook.page.locator("body[data-jp-theme-light=false]").wait_for(state="attached", timeout=60_000)
    notebook.run_all()
    page = notebook.page
    page.locator(".wb-panel .wb-answer table").nth(1).wait_for(state="attached", timeout=90_000)
    notebook.shoot("panel dark 800 px")
    assert page.evaluate("(p => p.scrollWidth <= p.clientWidth)(document.querySelector('.wb-panel'))")
    page.locator(".wb-panel").get_by_role("button", name="Stop").click()
    page.locator(".wb-transcript .wb-turn").nth(1).wait_for(timeout=60_000)
    notebook.shoot("transcript dark 800 px")
    assert page.locator(".wb-transcript mjx-container, .wb-transcript .MathJax").count() == 0
    assert "cost, at $5 to $10 a month" in page.locator(".wb-transcript .wb-said").first.inner_text()
    assert page.locator(".wb-transcript math mfrac").count() >= 1
    notebook.menu("Settings", "Theme")
    page.get_by_text("JupyterLab Light", exact=True).click()
    page.locator("body[data-jp-theme-light=true]").wait_for(state="attached", timeout=60_000)


PAIR = """
name: pair
turns:
  - {role: first, template: "On {topic}"}
  - {role: second, template: "After {first}"}
"""
CIRCLE = """
name: circle
roles:
  host: {description: Decides who goes on.}
turns:
  - {id: studies, spawn: {mode: pair, topic: "The costs of {topic}"}}
  - {role: host, template: "{studies} Who goes on?", output_schema: {type: object, required: [next], properties: {next: {enum: [critic, nobody]}}}}
  - {role: con, template: "Go on after {host}"}
  - {role: end, template: "The end of {topic}"}
"""


def test_a_sub_dialogue_is_opened_and_a_person_answers_while_the_cell_runs(open_notebook, wire, folder):
    for name, text in (("pair", PAIR), ("circle", CIRCLE)):
        (folder / "modes" / f"{name}.yaml").write_text(text)
    wire.words = LONG
    wire.faults = lambda asked: "stall" if "The end of" in str(asked.body) else None
    cell = f"%%dialogue circle -m openai/wire -p host=person --api-base {wire.openai} -o d\nTabs?"
    notebook = open_notebook("circle.ipynb", cell, "print(d.transcript['host'].data)")
    notebook.run_cell(0)
    notebook.run_cell(1)
    page = notebook.page
    panel = page.locator(".wb-panel")
    panel.locator(".wb-card-head", has_text="The costs of Tabs?").click(timeout=60_000)
    inside = panel.locator(".wb-inside .wb-turn .wb-answer")
    inside.locator("p").first.wait_for(timeout=60_000)
    before = len(inside.first.inner_text())
    page.wait_for_function(f"document.querySelector('.wb-inside .wb-answer').innerText.length > {before} + 60", timeout=60_000)
    notebook.shoot("panel sub-dialogue streaming")
    hurry(wire)
    panel.get_by_role("button", name="nobody").click(timeout=60_000)
    notebook.shoot("panel person is asked")
    panel.get_by_role("button", name="Answer").click()
    panel.locator(".wb-turn[data-turn=host]", has_text='"next": "nobody"').wait_for(timeout=60_000)
    panel.locator(".wb-part summary").click()
    box = panel.get_by_role("textbox", name="Say something to all, in Markdown")
    box.fill("Think of *blind* readers.")
    box.press("Control+Enter")
    panel.locator(".wb-turn .wb-answer em", has_text="blind").wait_for(timeout=60_000)
    assert notebook.cell(1).locator(".jp-InputPrompt").inner_text() == "[*]:"
    notebook.shoot("panel person interjects")
    panel.get_by_role("button", name="Tree", exact=True).click()
    panel.get_by_role("treeitem").nth(1).click()
    panel.locator(".wb-topic", has_text="The costs of Tabs?").wait_for(timeout=60_000)
    panel.get_by_role("button", name="Back").click()
    panel.locator(".wb-turn[data-turn=end]").wait_for(timeout=60_000)
    panel.get_by_role("button", name="Stop").click()
    page.locator(".wb-transcript .wb-below li", has_text="The costs of Tabs? (pair, completed").wait_for(
        state="attached", timeout=60_000
    )
    notebook.shoot("transcript with a sub-dialogue")
    notebook.run_cell(2)
    page.get_by_text("{'next': 'nobody'}").wait_for(timeout=60_000)


RICH = """The case has **two parts**: cost, at $5 to $10 a month, and the rate $r = \\frac{a}{b}$.

| measure | tabs | spaces |
|---|---:|---:|
| width | 1 | 4 |

```python
def indent(n: int) -> str:
    return "\\t" * n  # one each
```
"""


def test_the_plot_is_drawn_without_a_network(open_notebook, wire):
    wire.delay = 0
    notebook = open_notebook("plot.ipynb", debate(wire, "--rounds 1", "-o d"), "d.plot()")
    notebook.run_all()
    notebook.page.locator(".main-svg").first.wait_for(state="attached", timeout=60_000)
    assert {url.split("/")[2].split(":")[0] for url in notebook.requests if url.startswith(("http", "ws"))} == {"127.0.0.1"}
    notebook.shoot("plot")


def test_tab_completes_modes_in_a_cell(open_notebook, wire):
    notebook = open_notebook("complete.ipynb", "pass")
    notebook.run_cell(0)
    cell = notebook.cell(1).locator(".cm-content")
    cell.click()
    notebook.page.keyboard.press("Control+a")
    notebook.page.keyboard.type("%%dialogue deb")

    def offered():
        notebook.page.keyboard.press("Tab")
        notebook.page.wait_for_timeout(1000)
        return "debate" in cell.inner_text() or notebook.page.locator(".jp-Completer-item", has_text="debate").count() > 0

    wait_until(offered)

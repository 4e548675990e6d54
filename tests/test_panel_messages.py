"""What a page is told by a panel in a real kernel adds up to the dialogue, and what it asks for is done while the cell runs."""

import pytest
from panel_page import Fold
from wire import Wire

pytestmark = pytest.mark.slow
WIDGET = "application/vnd.jupyter.widget-view+json"
MIME = "application/vnd.workbench.dialogue.v1+json"


@pytest.fixture
def wire():
    with Wire(words=30, delay=0.005) as server:
        yield server


def cell(wire, *options, topic="Tabs?"):
    return f"%%dialogue debate -m openai/wire --api-base {wire.openai} --rounds 1 {' '.join(options)}\n{topic}"


def told(out, comm):
    return [message for sender, message in out.told if sender == comm]


def follow(out):
    ((comm, state),) = out.panels
    page = Fold(state["snapshot"])
    for message in told(out, comm):
        page.take(message)
    return page


def late(kernel, out, page):
    """What came after the cell had ended: the teller's last update."""
    comm = out.panels[0][0]
    kernel.tell(comm, {"type": "sync"})
    more = kernel.listen(lambda heard: any(m["type"] == "snapshot" for m in told(heard, comm)))
    for message in told(more, comm):
        page.take(message)
    return page


def test_the_panel_stands_in_the_output_until_the_transcript_takes_its_place(kernel, wire):
    out = kernel.run(cell(wire), person=True)
    assert out.error is None
    (view,) = out.displays
    assert view[WIDGET]["model_id"] == out.panels[0][0]
    (static,) = out.updates
    assert static[MIME]["status"] == "completed"
    assert WIDGET not in static


def test_updates_add_up_to_the_dialogue(kernel, wire):
    out = kernel.run(cell(wire, "-o d"), person=True)
    page = late(kernel, out, follow(out))
    static = out.updates[-1][MIME]
    assert [turn["text"] for turn in page.turns.values()] == [turn["text"] for turn in static["turns"]]
    assert page.dialogue["status"] == "completed"
    assert page.dialogue["tokens"] == static["metrics"]["tokens"]
    assert not page.dialogue["live"]
    assert [turn["id"] for turn in page.dialogue["planned"]] == [turn["id"] for turn in static["turns"]]
    grown = [patch for m in told(out, out.panels[0][0]) if m["type"] == "update" for patch in m["turns"] if "append" in patch]
    assert len(grown) > 3


def test_stop_works_while_the_cell_runs(kernel, wire):
    wire.words, wire.delay = 4000, 0.01

    clicked = []

    def click(outputs):
        if wire.written > 5 and outputs.panels:
            clicked.append(wire.written)
            kernel.tell(outputs.panels[0][0], {"type": "stop"})
        return bool(clicked)

    out = kernel.run(cell(wire), meanwhile=click, person=True)
    assert out.error is None
    assert wire.written - clicked[0] < 100, "at 10 ms a word: within a second"
    assert out.updates[-1][MIME]["status"] == "cancelled"
    assert out.updates[-1][MIME]["turns"][0]["text"]
    assert wire.dropped == 1
    assert len(wire.requests) == 1


def test_pause_and_continue_work_while_the_cell_runs(kernel, wire):
    steps = []

    def click(outputs):
        if not outputs.panels:
            return False
        comm = outputs.panels[0][0]
        if not steps and wire.written > 2:
            kernel.tell(comm, {"type": "pause"})
            steps.append("pause")
        held = [m for m in told(outputs, comm) if m.get("dialogue", {}).get("paused")]
        waiting = held and any(m["dialogue"].get("turns") == 1 for m in told(outputs, comm) if "dialogue" in m)
        if steps == ["pause"] and waiting and not wire.active:
            steps.append(len(wire.requests))
            kernel.tell(comm, {"type": "unpause"})
            return True
        return False

    out = kernel.run(cell(wire), meanwhile=click, person=True)
    assert steps == ["pause", 1]
    assert out.updates[-1][MIME]["status"] == "completed"
    assert len(wire.requests) == 3


def test_resume_works_after_the_cell_and_the_same_panel_shows_it(kernel, wire):
    out = kernel.run(cell(wire, "--max-tokens 100", "-o d"), person=True)
    comm = out.panels[0][0]
    page = follow(out)
    resumed = kernel.run("d.resume(limits={'max_tokens': 100000}).wait()")
    for message in told(resumed, comm):
        page.take(message)
    page = late(kernel, out, page)
    assert page.dialogue["status"] == "completed"
    assert kernel.run("print(d.panel().model_id)").stdout.strip() == comm
    kernel.tell(comm, {"type": "resume"})
    refused = kernel.listen(lambda heard: any(m["type"] == "refused" for m in told(heard, comm)))
    assert "is complete" in next(m["text"] for m in told(refused, comm) if m["type"] == "refused")


def test_a_page_that_asks_gets_everything_and_the_rich_renderer(kernel, wire):
    out = kernel.run(cell(wire), person=True)
    comm = out.panels[0][0]
    page = late(kernel, out, follow(out))
    assert len(page.turns) == 3
    kernel.tell(comm, {"type": "rich"})
    heard = kernel.listen(lambda heard: any(m["type"] == "rich" for m in told(heard, comm)))
    assert heard.told[-1][1]["source"]


def test_nonsense_from_a_page_is_ignored(kernel, wire):
    out = kernel.run(cell(wire), person=True)
    comm = out.panels[0][0]
    for nonsense in ("stop", None, 5, {"type": 1}, {"type": "delete"}, []):
        kernel.tell(comm, nonsense)
    page = late(kernel, out, follow(out))
    assert page.dialogue["status"] == "completed"


def test_an_interrupt_stops_the_awaiting_cell(kernel, wire):
    wire.words, wire.delay = 4000, 0.01

    def interrupt(_outputs):
        if wire.written > 5:
            kernel.manager.interrupt_kernel()
            return True
        return False

    out = kernel.run(cell(wire, "-o cut"), meanwhile=interrupt, person=True)
    assert "stopped, and what was said is kept" in out.error
    assert out.updates[-1][MIME]["status"] == "cancelled"
    assert not wire.active
    assert kernel.run("print(cut.status)").stdout == "cancelled\n"


def test_a_background_cell_returns_at_once_and_ends_as_a_transcript(kernel, wire):
    wire.words = 100
    out = kernel.run(cell(wire, "--background -o b"), person=True)
    assert not out.updates
    assert out.displays[0][WIDGET]
    heard = kernel.listen(lambda heard: any(MIME in update for update in heard.updates))
    assert heard.updates[-1][MIME]["status"] == "completed"
    assert kernel.run("print(b.status)").stdout == "completed\n"


def test_saved_state_has_the_whole_dialogue(kernel, wire):
    out = kernel.run(cell(wire, "-o d"), person=True)
    code = "import json; s = d.panel().get_state('snapshot')['snapshot']; print(json.dumps(s))"
    import json

    state = json.loads(kernel.run(code).stdout)
    assert [turn["text"] for turn in state["turns"]] == [turn["text"] for turn in out.updates[-1][MIME]["turns"]]

"""`%%dialogue` in a real kernel: what streams, what stays in the cell, what an interrupt keeps, what a mistake says."""

import queue
import time

import pytest
from jupyter_client.manager import start_new_kernel
from wire import Wire

pytestmark = pytest.mark.slow
MIME = "application/vnd.workbench.dialogue.v1+json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def kernel(folder):
    manager, client = start_new_kernel(cwd=str(folder))
    yield Kernel(manager, client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def wire():
    with Wire() as server:
        yield server


class Kernel:
    """Runs cells and gathers what they put out."""

    def __init__(self, manager, client):
        self.manager, self.client = manager, client
        assert not self.run("%load_ext workbench").error

    def run(self, code, meanwhile=None):
        message = self.client.execute(code)
        return self.gather(message, meanwhile)

    def gather(self, message, meanwhile=None):
        outputs, deadline = Outputs(), time.monotonic() + 60
        while time.monotonic() < deadline:
            if meanwhile and meanwhile(outputs):
                meanwhile = None
            try:
                reply = self.client.get_iopub_msg(timeout=0.1)
            except queue.Empty:
                continue
            if reply["parent_header"].get("msg_id") == message and outputs.take(reply):
                outputs.status = self.reply_to(message)["status"]
                return outputs
        raise AssertionError("the cell did not end")

    def reply_to(self, message):
        while True:
            reply = self.client.get_shell_msg(timeout=10)
            if reply["parent_header"].get("msg_id") == message:
                return reply["content"]


class Outputs:
    def __init__(self):
        self.updates, self.displays, self.stdout, self.error, self.status = [], [], "", None, ""

    def take(self, reply):
        kind, content = reply["msg_type"], reply["content"]
        if kind == "update_display_data":
            self.updates.append(content["data"])
        elif kind in ("display_data", "execute_result"):
            self.displays.append(content["data"])
        elif kind == "stream":
            self.stdout += content["text"]
        elif kind == "error":
            self.error = f"{content['ename']}: {content['evalue']}\n" + "\n".join(content["traceback"])
        return kind == "status" and content["execution_state"] == "idle"


def cell(wire, *options, topic="Tabs?"):
    return f"%%dialogue debate -m openai/wire --api-base {wire.openai} --rounds 1 {' '.join(options)}\n{topic}"


def test_a_cell_ends_with_one_transcript_in_four_forms(kernel, wire):
    out = kernel.run(cell(wire, "-o d", topic="Tabs & <b>spaces</b>?"))
    assert out.error is None
    live, static = out.displays
    assert live == {"text/plain": "", "text/html": ""}
    assert static.keys() == {"text/plain", "text/markdown", "text/html", MIME}
    assert "Tabs &amp; &lt;b&gt;spaces&lt;/b&gt;?" in static["text/html"]
    assert static[MIME]["status"] == "completed"
    assert [turn["role"] for turn in static[MIME]["turns"]] == ["pro", "con", "judge"]
    assert kernel.run("print(d.status, len(d.turns), d.metrics.calls)").stdout == "completed 3 3\n"


def test_the_transcript_grows_while_the_cell_runs_and_the_display_ends_empty(kernel, wire):
    wire.words, wire.delay = 40, 0.02
    out = kernel.run(cell(wire))
    grown = [update["text/html"] for update in out.updates]
    assert len(grown) > 5
    assert len({len(html) for html in grown}) > 4
    assert any("speaking" in html for html in grown)
    assert grown[-1] == ""


def test_an_interrupt_stops_the_calls_and_keeps_what_was_said(kernel, wire):
    wire.words, wire.delay = 4000, 0.01

    def interrupt(outputs):
        if len(outputs.updates) > 4:
            kernel.manager.interrupt_kernel()
            return True
        return False

    out = kernel.run(cell(wire, "-o cut"), meanwhile=interrupt)
    assert "stopped, and what was said is kept" in out.error
    assert "File " not in out.error
    static = out.displays[-1][MIME]
    assert static["status"] == "cancelled"
    assert static["turns"][0]["text"]
    assert not wire.active
    assert len(wire.requests) == 1
    assert kernel.run("print(cut.status)").stdout == "cancelled\n"


def test_a_later_cell_resumes_it(kernel, wire):
    resume = f"Orchestrator().resume(cut.id, api_base='{wire.openai}')"
    out = kernel.run(f"from workbench import Orchestrator; print({resume}.status)")
    assert out.stdout == "completed\n"
    assert len(wire.requests) == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("debat -m local", "Did you mean debate?"),
        ("debate -m claud", "Did you mean claude"),
        ("debate -p pro", "'pro' is not NAME=VALUE"),
        ("debate --rounds two -m local", "invalid int value"),
        ("debate -m local --cassette nowhere.jsonl", "has no answer to this request"),
        ("", "required: mode"),
    ],
)
def test_a_mistake_is_a_usage_error_that_stops_run_all(kernel, line, said):
    out = kernel.run(f"%%dialogue {line}\nTabs?")
    assert out.status == "error"
    assert "UsageError" in out.stdout
    assert said in out.stdout


def test_a_failed_dialogue_raises_after_its_transcript(kernel, wire):
    wire.faults = lambda asked: "401" if asked.number == 2 else None
    out = kernel.run(cell(wire))
    assert out.displays[-1][MIME]["status"] == "failed"
    assert out.status == "error"
    assert "UsageError: dialogue" in out.stdout


def test_a_reached_limit_is_no_error(kernel, wire):
    out = kernel.run(cell(wire, "--max-tokens 5"))
    assert out.error is None
    assert out.displays[-1][MIME]["status"] == "cost_limited"


def test_dry_run_shows_the_plan_and_calls_nothing(kernel, wire):
    out = kernel.run(cell(wire, "--dry-run"))
    assert "verdict" in out.displays[0]["text/plain"]
    assert not wire.requests


def test_variables_in_the_line_are_not_expanded(kernel, wire):
    kernel.run("secret = 'do not show'")
    kernel.run(cell(wire, "-o d", topic="{secret} $secret"))
    assert kernel.run("print(d.topic)").stdout == "{secret} $secret\n"


def test_orchestrators_work_synchronously_and_awaited_in_a_notebook(kernel, wire):
    code = f"""
from workbench import Orchestrator
o = Orchestrator()
options = dict(models=["openai/wire"], api_base="{wire.openai}", parameters={{"rounds": 1}})
one = o.run("debate", "sync", **options)
two = await o.run_async("debate", "async", **options)
three = await o.start("debate", "started", **options)
print(one.status, two.status, three.status)
"""
    assert kernel.run(code).stdout == "completed completed completed\n"


def test_help_has_examples(kernel):
    message = kernel.client.execute("%%dialogue?")
    help_text = kernel.reply_to(message)["payload"][0]["data"]["text/plain"]
    assert "%%dialogue debate -m local" in help_text
    assert "--budget" in help_text

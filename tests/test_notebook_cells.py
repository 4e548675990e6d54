"""`%%dialogue` in a real kernel, run by a program: what stays in the cell, what an interrupt keeps, what a mistake says."""

import pytest

pytestmark = pytest.mark.slow
MIME = "application/vnd.workbench.dialogue.v1+json"


def cell(wire, *options, topic="Tabs?"):
    return f"%%dialogue debate -m openai/wire --api-base {wire.openai} --rounds 1 {' '.join(options)}\n{topic}"


def test_a_cell_ends_with_one_transcript_in_four_forms(kernel, wire):
    out = kernel.run(cell(wire, "-o d", topic="Tabs & <b>spaces</b>?"))
    assert out.error is None
    (static,) = out.displays
    assert not out.updates
    assert not out.stdout
    assert static.keys() == {"text/plain", "text/markdown", "text/html", MIME}
    assert "Tabs &amp; &lt;b&gt;spaces&lt;/b&gt;?" in static["text/html"]
    assert static[MIME]["status"] == "completed"
    assert [turn["role"] for turn in static[MIME]["turns"]] == ["pro", "con", "judge"]
    assert kernel.run("print(d.status, len(d.turns), d.metrics.calls)").stdout == "completed 3 3\n"


@pytest.mark.parametrize("before", ["%%time\n", "%%capture --no-display\n"])
def test_inside_another_magic_the_cell_blocks_and_works(kernel, wire, before):
    out = kernel.run(before + cell(wire, "-o nested"))
    assert out.error is None
    assert kernel.run("print(nested.status)").stdout == "completed\n"


def test_without_autoawait_the_cell_blocks_and_works(kernel, wire):
    kernel.run("%autoawait off")
    out = kernel.run(cell(wire))
    kernel.run("%autoawait on")
    assert out.displays[-1][MIME]["status"] == "completed"


def test_text_may_be_asked_for(kernel, wire):
    kernel.run("%config DialogueMagics.display = 'text'")
    out = kernel.run(cell(wire))
    kernel.run("%config DialogueMagics.display = 'auto'")
    assert not out.displays
    assert "[Pro] openai/wire" in out.stdout
    assert "completed. 3 turns, 3 calls" in out.stdout


def test_defaults_come_from_config_and_the_cell_wins(kernel, wire):
    kernel.run(f"%config DialogueMagics.api_base = {wire.openai!r}\n%config DialogueMagics.models = 'openai/wire'")
    out = kernel.run("%%dialogue debate --rounds 1\nTabs?")
    assert out.displays[-1][MIME]["turns"][0]["model"] == "openai/wire"
    out = kernel.run("%%dialogue debate --rounds 1 -m openai/other\nTabs?")
    assert out.displays[-1][MIME]["turns"][0]["model"] == "openai/other"
    kernel.run("%config DialogueMagics.api_base = ''\n%config DialogueMagics.models = ''")


def test_a_cell_resumes_a_dialogue_and_its_handle(kernel, wire):
    kernel.run(cell(wire, "--max-tokens 60 -o limited"))
    asked = len(wire.requests)
    out = kernel.run("%%dialogue --resume last --max-tokens 100000")
    assert out.displays[-1][MIME]["status"] == "completed"
    assert len(wire.requests) == 3 > asked
    assert kernel.run("print(limited.status)").stdout == "completed\n"


def test_front_matter_and_variables(kernel, wire):
    kernel.run("claim = 'Tabs are {better} than {{spaces}}'")
    matter = f"---\nmodels: [openai/wire]\napi_base: {wire.openai}\nrounds: 1\noutput: fm\n---\n"
    out = kernel.run("%%dialogue debate\n" + matter + "Is it true: {{claim}}? {other}")
    assert out.error is None
    said = kernel.run("print(fm.topic)").stdout
    assert said == "Is it true: Tabs are {better} than {{spaces}}? {other}\n"


def test_a_detached_dialogue_returns_at_once_and_ends_as_a_transcript(kernel, wire):
    out = kernel.run(cell(wire, "--detach -o away"))
    assert "runs in the background" in out.displays[0]["text/plain"]
    heard = kernel.listen(lambda heard: any(MIME in update for update in heard.updates), seconds=60)
    assert heard.updates[-1][MIME]["status"] == "completed"


def test_an_interrupt_stops_the_calls_and_keeps_what_was_said(kernel, wire):
    wire.words, wire.delay = 4000, 0.01

    def interrupt(_outputs):
        if wire.written > 5:
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
        ("", "needs a mode"),
        ("debate --resume last", "keeps its mode and its topic"),
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
    message = kernel.send("%%dialogue?")
    help_text = kernel.reply_to(message)["payload"][0]["data"]["text/plain"]
    assert "%%dialogue debate -m local" in help_text
    assert "--budget" in help_text

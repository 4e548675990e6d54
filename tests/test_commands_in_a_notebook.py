"""The line magics in a real kernel: what they show, what they return, what a mistake says, and what completes while one types."""

import json

import pytest

from workbench.dialogue import ModeLoader
from workbench.notebook.commands import SUBCOMMANDS

pytestmark = pytest.mark.slow


def shown(kernel, code):
    """What a cell shows, in all its forms."""
    out = kernel.run(code)
    assert out.status == "ok", out.stdout
    return out.displays[-1]


def test_every_command_shows_a_table(kernel, said):
    for command in ("%workbench --no-network", "%models", "%modes", "%dialogues", "%dialogue cost last"):
        bundle = shown(kernel, command)
        assert "<table>" in bundle["text/html"], command
        assert bundle["text/plain"].strip(), command


def test_what_they_return_has_a_frame(kernel, said):
    kernel.run("x = %models deepseek\ny = %modes\nz = %dialogues -n 1\nc = %dialogue cost last\nw = %workbench --no-network")
    out = kernel.run("print(list(x.frame.model), len(y.frame), list(z.frame.dialogue), len(c.frame), 'state' in w.frame)")
    assert out.stdout == f"['deepseek-chat', 'deepseek-reasoner'] {len(ModeLoader().names())} ['{said}'] 3 True\n"


def test_one_mode_is_shown_with_its_flow(kernel):
    bundle = shown(kernel, "%modes debate")
    assert "<svg" in bundle["text/html"]
    assert "makes 2 more" in bundle["text/plain"]


def test_variables_may_name_a_dialogue(kernel, said):
    assert "all" in shown(kernel, "%dialogue cost {d.id}")["text/plain"]


def test_show_leaves_the_transcript_and_binds_it(kernel, said):
    bundle = shown(kernel, f"%dialogue show {said[:6]} -o again")
    assert "application/vnd.workbench.dialogue.v1+json" in bundle
    assert kernel.run("print(again is d)").stdout == "True\n"


def test_show_as_a_panel_is_a_widget(kernel, said):
    assert "application/vnd.jupyter.widget-view+json" in shown(kernel, "%dialogue show last --panel")


@pytest.mark.parametrize("options", ["-o debate.html", "-o debate.json", "-o debate.txt --format markdown"])
def test_export_writes_a_file(kernel, said, folder, options):
    out = kernel.run(f"%dialogue export last {options}")
    name = options.split()[1]
    assert out.stdout == f"Wrote {name}.\n"
    assert "Tabs?" in (folder / name).read_text()
    (folder / name).unlink()


def test_resume_goes_on_and_binds(kernel, wire):
    kernel.run(f"%%dialogue debate -m openai/wire --api-base {wire.openai} --rounds 1 --max-tokens 5 -o short\nTabs?")
    before = len(wire.requests)
    assert kernel.run("print(short.status)").stdout == "cost_limited\n"
    out = kernel.run(f"%dialogue resume last --max-tokens 90000 -p judge=openai/other --api-base {wire.openai} -o whole")
    assert out.status == "ok", out.stdout
    assert kernel.run("print(whole.status, len(whole.turns))").stdout == "completed 3\n"
    assert [request.body["model"] for request in wire.requests[before:]][-1] == "other"


def test_resume_among_other_lines_goes_on_as_well(kernel, wire):
    kernel.run(f"%%dialogue debate -m openai/wire --api-base {wire.openai} --rounds 1 --max-tokens 5 -o short\nTabs?")
    out = kernel.run("before = 1\n%dialogue resume last --max-tokens 90000\nprint(short.status)")
    assert out.stdout.endswith("completed\n")


def test_stop_stops_what_runs_in_the_background(kernel, wire):
    wire.words, wire.delay = 4000, 0.01
    kernel.run(f"%%dialogue debate -m openai/wire --api-base {wire.openai} --background -o long\nTabs?")
    out = kernel.run("%dialogue stop last\nlong.wait()\nprint(long.status)")
    assert "Stopping dialogue" in out.stdout
    assert out.stdout.endswith("cancelled\n")


@pytest.mark.parametrize(
    ("line", "said_"),
    [
        ("%dialogue", "%dialogue needs a subcommand: resume, stop, show, export, cost"),
        ("%dialogue shwo last", "Did you mean show?"),
        ("%dialogue show", "the following arguments are required: id"),
        ("%dialogue show nowhere", "No dialogue begins with 'nowhere'"),
        ("%dialogue resume last", "is complete"),
        ("%dialogue stop last", "does not run: it is completed"),
        ("%dialogue cost last --panel", "%dialogue cost has no option --panel"),
        ("%dialogue stop last -m gpt", "%dialogue stop has no option --models"),
        ("%dialogue export last", "%dialogue export needs a file"),
        ("%dialogue export last -o x.docx", "no format is called 'docx'"),
        ("%dialogue export last -o nowhere/x.html", "cannot be written"),
        ("%dialogue resume last -p pro", "'pro' is not NAME=VALUE"),
        ("%dialogue resume last --budget lots", "invalid float value"),
        ("%dialogue show 'last", "No closing quotation"),
        ("%dialogue resume zzzz", "The newest are"),
        ("%dialogues --status faild", "Did you mean failed?"),
        ("%dialogues -n 0", "a whole number from 1 is needed"),
        ("%dialogues -n many", "invalid int value"),
        ("%modes debat", "Did you mean debate?"),
        ("%modes a b", "unrecognized arguments: b"),
        ("%workbench nurse", "invalid choice"),
        ("%models --redy", "unrecognized arguments"),
    ],
)
def test_a_mistake_is_a_usage_error_that_stops_run_all(kernel, said, line, said_):
    out = kernel.run(line)
    assert out.status == "error"
    assert "UsageError" in out.stdout
    assert said_ in out.stdout
    assert not out.displays


@pytest.mark.parametrize(
    ("asked", "example"),
    [
        ("%dialogue?", "%dialogue resume 3f9a --budget 1.00"),
        ("%dialogues?", "%dialogues -n 5 --status failed"),
        ("%models?", "%models --ready"),
        ("%modes?", "%modes debate"),
        ("%workbench?", "%workbench doctor --no-network"),
        ("%%dialogue?", "%%dialogue debate -m local"),
    ],
)
def test_help_has_examples(kernel, asked, example):
    reply = kernel.reply_to(kernel.client.execute(asked))
    assert example in reply["payload"][0]["data"]["text/plain"]


def test_dry_run_in_a_cell(kernel, wire, folder):
    cell = f"%%dialogue debate --dry-run\n---\nmodels: [openai/wire]\napi_base: {wire.openai}\nrounds: 1\n---\nTabs?"
    bundle = shown(kernel, cell)
    assert {"text/html", "text/markdown", "text/plain"} <= bundle.keys()
    assert "cost unknown" in bundle["text/plain"]
    assert "<svg" in bundle["text/html"]
    assert not wire.requests


def test_a_variable_brings_no_options_into_a_cell(kernel, wire):
    kernel.run("paper = '---\\nrounds: 9\\n---\\nTabs?'")
    out = kernel.run(f"%%dialogue chat -m openai/wire --api-base {wire.openai} -o d\n{{{{paper}}}}")
    assert out.status == "ok", out.stdout
    assert kernel.run("print(repr(d.topic))").stdout == "'---\\nrounds: 9\\n---\\nTabs?'\n"


@pytest.mark.parametrize(
    ("code", "matches", "begin"),
    [
        ("%%dialogue deb", ["debate"], 11),
        ("%%dialogue debate -p ", ["pro=", "con=", "judge="], 21),
        ("%%dialogue debate -p pro=claude-o", ["claude-opus"], 25),
        ("%%dialogue debate -m local,gpt-", ["gpt-mini"], 27),
        ("%%dialogue debate --jud", ["--judge", "--judgements"], 18),
        ("x = %modes seq", ["sequential"], 11),
        ("%dialogue ", [*SUBCOMMANDS], 10),
        ("%models claude-h", ["claude-haiku"], 8),
    ],
)
def test_completion_replaces_pythons_own(kernel, code, matches, begin):
    reply = kernel.complete(code)
    assert reply["matches"] == matches
    assert (reply["cursor_start"], reply["cursor_end"]) == (begin, len(code))


def test_completion_in_the_first_line_of_a_whole_cell(kernel):
    code = "%%dialogue deb -m local\nimport os\nTabs?"
    reply = kernel.complete(code, at=14)
    assert reply["matches"] == ["debate"]
    assert (reply["cursor_start"], reply["cursor_end"]) == (11, 14)


def test_ids_complete_with_their_topics(kernel, said):
    reply = kernel.complete("%dialogue show ")
    assert reply["matches"][0] == said
    assert reply["metadata"]["_jupyter_types_experimental"][0]["type"] == "debate: Tabs?"


def test_elsewhere_completion_is_as_it_was(kernel):
    kernel.run("a_long_name = 1")
    assert "a_long_name" in kernel.complete("a_long_n")["matches"]
    assert "%modes" in kernel.complete("%mod")["matches"]


def test_results_survive_in_a_saved_notebook(kernel, said):
    assert json.dumps(shown(kernel, "%dialogues"))

"""`%fork`, `%diff` and `%tree` in a real kernel: what they show and bind, what a mistake says, what completes."""

import pytest

pytestmark = pytest.mark.slow
MIME = "application/vnd.workbench.dialogue.v1+json"


def test_a_fork_is_shown_like_any_run_and_bound(kernel, wire, said):
    out = kernel.run(f"%fork {said}@con -p judge=openai/other --api-base {wire.openai} -o f")
    assert out.status == "ok", out.stdout
    assert out.displays[-1][MIME]["status"] == "completed"
    assert [turn["model"] for turn in out.displays[-1][MIME]["turns"]] == ["openai/wire", "openai/wire", "openai/other"]
    assert [request.body["model"] for request in wire.requests] == ["wire"] * 3 + ["other"]
    assert kernel.run("print(f.status, f.metrics.calls, f.id != d.id)").stdout == "completed 1 True\n"


@pytest.mark.parametrize("code", ["%fork {d.id}@con -o f", "line = d.id\n%fork {line}@con -o f", "%time %fork {d.id}@2 -o f"])
def test_variables_may_name_it(kernel, wire, said, code):
    kernel.run("line = 'not this one'; magic = d.id")
    out = kernel.run(code)
    assert out.status == "ok", out.stdout
    assert kernel.run("print(f.recorded_events()[0].run['parent_id'] == d.id)").stdout == "True\n"
    assert len(wire.requests) == 4


def test_variables_of_the_notebook_come_before_those_of_the_magic(kernel, wire, said):
    kernel.run("line = magic = name = method = d.id")
    for name in ("line", "magic", "name", "method"):
        out = kernel.run(f"%fork {{{name}}}@con")
        assert out.status == "ok", out.stdout
    assert kernel.run("%dialogue resume {line}").stdout.count("is complete") == 1


def test_while_it_runs_the_kernel_hears_and_an_interrupt_stops_it(kernel, wire, said):
    wire.words, wire.delay = 4000, 0.01
    before = wire.written

    def interrupt(_outputs):
        if wire.written > before + 3:
            kernel.manager.interrupt_kernel()
            return True
        return False

    out = kernel.run(f"%fork {said}@con -o f", meanwhile=interrupt)
    assert "stopped, and what was said is kept" in out.error
    assert out.displays[-1][MIME]["status"] == "cancelled"
    wire.words, wire.delay = 12, 0.0
    out = kernel.run("%dialogue resume {f.id}")
    assert out.displays[-1][MIME]["status"] == "completed"
    assert len(wire.requests) == 3 + 2


def test_in_the_background_the_cell_is_free_at_once(kernel, wire, said):
    out = kernel.run(f"%fork {said}@con --background -o f")
    assert "runs in the background" in out.displays[0]["text/plain"]
    assert kernel.run("print(f.wait(30).status)").stdout.endswith("completed\n")


def test_a_panel_shows_it_to_a_person(kernel, said):
    out = kernel.run(f"%fork {said}@con", person=True)
    assert "application/vnd.jupyter.widget-view+json" in out.displays[0]
    _, state = out.panels[-1]
    assert [turn["id"] for turn in state["snapshot"]["turns"]][:2] == ["pro", "con"]


def test_a_failed_fork_raises_after_its_transcript(kernel, wire, said):
    wire.faults = lambda asked: "401"
    out = kernel.run(f"%fork {said}@con")
    assert out.displays[-1][MIME]["status"] == "failed"
    assert out.status == "error"


@pytest.mark.parametrize("rounds", ["--rounds 3", "--set rounds=3"])
def test_rounds_and_limits(kernel, wire, said, rounds):
    kernel.run(f"%%dialogue debate -m openai/wire --api-base {wire.openai} --rounds 2 -o two\nTabs?")
    asked = len(wire.requests)
    out = kernel.run(f"%fork {{two.id}}@con_2 {rounds} -o f")
    assert out.status == "ok", out.stdout
    assert kernel.run("print(len(f.turns))").stdout == "7\n"
    assert len(wire.requests) == asked + 3
    kernel.run("%fork {two.id}@con_2 --max-tokens 5 -o f")
    assert kernel.run("print(f.status)").stdout == "cost_limited\n"
    assert len(wire.requests) == asked + 3


def test_diff_is_shown_in_two_forms_and_is_a_value(kernel, wire, said):
    wire.answer = lambda asked: "<b>Pro</b> wins."
    kernel.run(f"%fork {said}@con -o f")
    out = kernel.run("x = %diff {d.id} {f.id}\nx")
    bundle = out.displays[-1]
    assert bundle.keys() == {"text/plain", "text/html"}
    assert "The same up to Con (2 turns)." in bundle["text/plain"]
    assert "&lt;b&gt;Pro&lt;/b&gt; wins." in bundle["text/html"]
    assert kernel.run("print([pair.id for pair in x.pairs])").stdout == "['verdict']\n"


def test_tree_has_all_of_them(kernel, said):
    kernel.run(f"%fork {said}@con -o f")
    bundle = kernel.run("%tree").displays[-1]
    assert bundle.keys() == {"text/plain", "text/html"}
    lines = bundle["text/plain"].splitlines()
    assert lines[0].startswith(f"{said}  debate: Tabs?")
    assert "(this one)  from con; completed" in lines[1]
    assert kernel.run(f"t = %tree {said[:8]}\nprint(len(t))").stdout == "2\n"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("%fork", "the following arguments are required: ID@TURN"),
        ("%fork last@cno", "Did you mean con?"),
        ("%fork zzz@con", "No dialogue begins with 'zzz'"),
        ("%fork last@", "is not ID@TURN"),
        ("%fork last@con -p judge", "'judge' is not NAME=VALUE"),
        ("%fork last@con -p jugde=gpt", "Did you mean judge?"),
        ("%fork last@con --budget 1", "max_cost cannot be kept"),
        ("%fork 'last", "No closing quotation"),
        ("%fork last@con --detach", "unrecognized arguments"),
        ("%diff last", "the following arguments are required"),
        ("%diff last zzz", "No dialogue begins with 'zzz'"),
        ("%tree zzz", "No dialogue begins with 'zzz'"),
    ],
)
def test_a_mistake_is_a_usage_error_that_stops_run_all(kernel, wire, said, line, text):
    asked = len(wire.requests)
    out = kernel.run(line)
    assert out.status == "error"
    assert "UsageError" in out.stdout
    assert text in out.stdout
    assert not out.displays
    assert len(wire.requests) == asked


@pytest.mark.parametrize(
    ("asked", "example"), [("%fork?", "%fork last@con_2"), ("%diff?", "%diff 3f9a"), ("%tree?", "%tree 3f9a")]
)
def test_help_has_examples(kernel, asked, example):
    assert example in kernel.reply_to(kernel.client.execute(asked))["payload"][0]["data"]["text/plain"]


@pytest.mark.parametrize("magic", ["fork", "diff", "diff last", "tree"])
def test_ids_complete_with_their_topics(kernel, said, magic):
    reply = kernel.complete(f"%{magic} ")
    assert reply["matches"][0] == said
    assert reply["metadata"]["_jupyter_types_experimental"][0]["type"] == "debate: Tabs?"


def test_turns_roles_and_options_complete(kernel, said):
    assert kernel.complete(f"%fork {said}@")["matches"] == [f"{said}@{turn}" for turn in ("pro", "con", "verdict")]
    assert kernel.complete(f"%fork {said[:6]}@v")["matches"] == [f"{said[:6]}@verdict"]
    assert kernel.complete("%fork last@c")["matches"] == ["last@con"]
    assert kernel.complete(f"%fork {said}@con -p ")["matches"] == ["pro=", "con=", "judge="]
    assert kernel.complete("%fork last@con --back")["matches"] == ["--background"]
    assert kernel.complete("%fork last@con -m claude-h")["matches"] == ["claude-haiku"]
    assert kernel.complete("x = %diff last la")["matches"] == ["last"]

"""`%dialogue` steers a dialogue that runs in the background, from other cells."""

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def debating(kernel, wire):
    """Start a debate in the background, with these options."""

    def start(options):
        base = f"-m openai/wire --api-base {wire.openai} --rounds 1 --background -o d"
        assert kernel.run(f"%%dialogue debate {base} {options}\nTabs?").status == "ok"

    return start


def until(kernel, condition):
    """Let cells look until a condition of `d` is true."""
    for _ in range(400):
        if kernel.run(f"import time; time.sleep(0.02); print(bool({condition}))").stdout == "True\n":
            return
    raise AssertionError(kernel.run("print(repr(d), d.reason, d.waits)").stdout)


def test_a_turn_is_answered_and_another_approved(kernel, debating):
    debating("-p con=person --approve judge")
    until(kernel, "d.waits == {'con': 'answer'}")
    assert kernel.run("%dialogue answer last It's spaces, isn't it?").stdout == "Said.\n"
    until(kernel, "d.waits == {'verdict': 'approval'}")
    assert kernel.run("%dialogue approve last --turn verdict 'A draw.'").stdout == "Approved, with your text.\n"
    until(kernel, "not d.running")
    out = kernel.run("print(d.status, [t.text for t in d.transcript][1:], d.transcript['verdict'].edited)")
    assert out.stdout == "completed [\"It's spaces, isn't it?\", 'A draw.'] True\n"


def test_interject_call_on_skip_pause(kernel, debating):
    debating("-p pro=person")
    until(kernel, "d.waits")
    assert "see it" in kernel.run("%dialogue interject last --name Anna What about both?").stdout
    assert kernel.run("%dialogue call-on last judge Any rule?").stdout == "judge speaks next.\n"
    assert kernel.run("%dialogue skip last con").stdout == "con is left out.\n"
    assert "unpause" in kernel.run("%dialogue pause last").stdout
    kernel.run("%dialogue answer last Tabs.")
    assert kernel.run("%dialogue unpause last").stdout == "It goes on.\n"
    until(kernel, "not d.running")
    assert kernel.run("print([t.id for t in d.transcript])").stdout == "['Anna_added_1', 'judge_added_1', 'pro', 'verdict']\n"


@pytest.mark.parametrize(
    ("line", "said_"),
    [
        ("%dialogue answer last hm", "does not run"),
        ("%dialogue call-on last", "needs a role"),
        ("%dialogue cost last hm", "takes nothing after the dialogue: 'hm'"),
        ("%dialogue pause last --turn x", "has no option --turn"),
    ],
)
def test_what_cannot_be_done_is_a_usage_error(kernel, said, line, said_):
    out = kernel.run(line)
    assert out.status == "error"
    assert said_ in out.stdout


def test_a_program_that_waits_for_nobody_is_stopped(kernel, wire):
    """Kernels that cannot be asked (nbconvert, papermill) have nobody who could answer."""
    out = kernel.run(f"%%dialogue debate -m openai/wire --api-base {wire.openai} --rounds 1 -p con=person -o d\nTabs?")
    assert out.status == "ok"
    assert "nobody is here" in kernel.run("print(d.reason)").stdout

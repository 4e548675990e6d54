"""`--help` at the end of a magic's line, in a kernel: what it does and takes is printed, and nothing is done."""

import pytest


def ours(kernel, kind):
    """The names of the workbench's magics of a kind."""
    listing = (
        f"print(*(name for name, run in get_ipython().magics_manager.magics[{kind!r}].items()"
        " if (getattr(run, '__module__', '') or '').startswith('workbench.')))"
    )
    return kernel.run(listing).stdout.split()


@pytest.mark.parametrize(("kind", "sign", "some"), [("line", "%", "costs"), ("cell", "%%", "dialogue")])
def test_each_magic_prints_its_help(kernel, kind, sign, some):
    names = ours(kernel, kind)
    assert some in names
    for name in names:
        out = kernel.run(f"{sign}{name} --help")
        assert (out.error, out.status) == (None, "ok"), name
        assert f"%{name}" in out.stdout, name
        assert out.displays == [], name


def test_it_stands_at_the_end_and_nothing_is_done(kernel, folder):
    out = kernel.run("%sync otlp --watch --help")
    assert "--retry-dead" in out.stdout
    out = kernel.run("%%dialogue debate -m local --help\nTabs?")
    assert "--budget USD" in out.stdout
    assert not list(folder.glob(".workbench/*"))


def test_what_is_no_question_for_help_is_left_alone(kernel):
    assert "options:" not in kernel.run('%find "--help was"').stdout
    assert kernel.run("print('%%dialogue --help')").stdout == "%%dialogue --help\n"

"""JupyterLab reads what stands between two dollar signs as a formula; in what we show there are amounts of money."""

from pathlib import Path

import pytest

import workbench

ROOT = Path(workbench.__file__).parent
PARTS = [path for path in sorted(ROOT.rglob("*.html.j2")) if "<html" not in path.read_text()]


@pytest.mark.parametrize("template", PARTS, ids=lambda path: path.name)
def test_what_is_shown_in_a_cell_is_left_alone(template):
    assert 'tex2jax_ignore mathjax_ignore"' in template.read_text()


def test_there_are_such_templates():
    assert {"table.html.j2", "transcript.html.j2"} <= {path.name for path in PARTS}

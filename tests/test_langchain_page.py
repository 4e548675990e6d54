"""The examples of docs/langchain.md run, one after the other, before a server that speaks the providers' protocols."""

import re
from pathlib import Path

import pytest
from wire import Wire

PAGE = Path(__file__).parent.parent / "docs" / "langchain.md"


@pytest.fixture
def examples(tmp_path, monkeypatch):
    with Wire() as wire:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("OPENAI_API_KEY", "wb-secret-0123456789abcdef")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "wb-secret-0123456789abcdef")
        monkeypatch.setenv("OPENAI_BASE_URL", wire.openai)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", wire.anthropic)
        tables = {"local": {"id": "openai/wire", "api_base": wire.openai}, "claude-sonnet": {"api_base": wire.anthropic}}
        lines = [f"[models.{name}]\n" + "".join(f"{k} = {v!r}\n" for k, v in fields.items()) for name, fields in tables.items()]
        (tmp_path / "workbench.toml").write_text("\n".join(lines))
        yield re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL), wire


@pytest.mark.slow
def test_the_examples_run(examples):
    blocks, wire = examples
    names = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    names["workbench"].close()
    assert names["d"].status.succeeded
    assert names["d"].metrics.cost > 0
    assert names["state"]["said"]["verdict"]
    assert {asked.protocol for asked in wire.requests} == {"openai", "anthropic"}

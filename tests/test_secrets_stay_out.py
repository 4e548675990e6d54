"""A key goes to its provider and nowhere else: not to the record, exports, errors, tracebacks or representations."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import Wire

from workbench import ModelRegistry, Orchestrator, Settings
from workbench.errors import SettingsError, WorkbenchError, redact
from workbench.settings import RetrySettings

KEY = "wb-secret-0123456789abcdef"


@pytest.fixture
def wire():
    with Wire() as server:
        yield server


@pytest.fixture
def orchestrator(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Orchestrator(settings=Settings(workspace=tmp_path, retry=RetrySettings(base=0.01))) as made:
        yield made


def test_the_key_reaches_the_provider_and_no_file(orchestrator, wire, tmp_path):
    d = orchestrator.run("debate", "T", models=["openai/x"], api_base=wire.openai, parameters={"rounds": 1})
    orchestrator.record.flush()
    assert wire.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    for name in ("json", "markdown", "html"):
        d.export(name, tmp_path / f"d.{name}")
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


def test_a_provider_that_repeats_the_key_is_not_quoted(orchestrator, wire):
    wire.faults = lambda _asked: "401"
    wire.error_text = f"Incorrect API key provided: {KEY}"
    d = orchestrator.run("chat", "T", models=["openai/x"], api_base=wire.openai)
    assert d.status == "failed"
    assert "Incorrect API key provided: [redacted]" in d.reason
    assert KEY not in repr(d.recorded_events())


def test_no_traceback_shows_it(orchestrator, wire):
    with pytest.raises(WorkbenchError) as caught:
        orchestrator.run("chat", "T", models=["openai/x"], api_base=wire.openai, limits={"max_cost": 1})
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert KEY not in shown


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "openai/x", "extra": {"api_key": KEY}},
        {"id": "openai/x", "extra": {"extra_headers": {"X": KEY}}},
        {"id": "openai/x", "api_base": f"http://me:{KEY}@localhost/v1"},
    ],
)
def test_a_card_refuses_secrets(fields, tmp_path):
    with pytest.raises(SettingsError, match="belong in") as caught:
        ModelRegistry(Settings(workspace=tmp_path, models={"mine": fields}))
    assert KEY not in str(caught.value)


@given(st.from_regex(r"\Ask-[A-Za-z0-9]{20,40}\Z"), st.text(alphabet="abc \n:", max_size=20))
def test_whatever_looks_like_a_key_is_blanked(key, around):
    assert key not in redact(f"{around} {key} {around}")

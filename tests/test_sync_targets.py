"""What the vendors' variables mean: which target there is, where it is, and as whom it is spoken to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import SettingsError
from workbench.observe.sync.langsmith import LangSmithTarget
from workbench.observe.sync.targets import set_up, targets_from_environment
from workbench.settings import Settings

LANGFUSE = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-1"}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Makes the target of a name where these are the only variables."""
    for name in os.environ:
        if name.startswith(("LANGFUSE_", "LANGSMITH_", "OTEL_")):
            monkeypatch.delenv(name)

    def make(name: str, **variables: str) -> Any:
        for key, value in variables.items():
            monkeypatch.setenv(key, value)
        (target,) = targets_from_environment(Settings(workspace=tmp_path), [name])
        return target

    return make


def test_langfuse_is_where_its_newer_variable_says_and_in_the_environment_that_is_named(made: Any) -> None:
    assert made("langfuse", **LANGFUSE).id.startswith("langfuse:cloud.langfuse.com")
    where = {"LANGFUSE_BASE_URL": "https://new.example", "LANGFUSE_HOST": "https://old.example"}
    target = made("langfuse", **where, LANGFUSE_TRACING_ENVIRONMENT="lab")
    assert target.id.startswith("langfuse:new.example")
    assert target._environment == "lab"


def test_langsmith_goes_to_the_project_and_workspace_that_are_named(made: Any) -> None:
    plain = made("langsmith", LANGSMITH_API_KEY="lsv2_pt_0")
    assert plain.id.endswith("//default")
    assert "X-Tenant-Id" not in plain._wire._headers
    named = made("langsmith", LANGSMITH_PROJECT="debates", LANGSMITH_WORKSPACE_ID="w1")
    assert named.id.endswith("/w1/debates")
    assert named._wire._headers["X-Tenant-Id"] == "w1", "else it would all go to another workspace"


def test_langsmith_is_the_hosted_service_where_its_address_says_so() -> None:
    addresses = ["", "https://eu.api.smith.langchain.com", "https://langsmith.example/api/v1"]
    assert [LangSmithTarget(each, "key", "lab").hosted for each in addresses] == [True, True, False]


def test_otlp_goes_to_the_address_for_traces_with_the_headers_for_traces(made: Any) -> None:
    base = made("otlp", OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4318/", OTEL_EXPORTER_OTLP_HEADERS="a=Bearer%20x,b=1")
    assert base._wire.base_url + base._path == "http://collector:4318/v1/traces"
    assert {"a": "Bearer x", "b": "1"}.items() <= base._wire._headers.items()
    own = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://other/otel/traces", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "b=2"}
    target = made("otlp", **own, OTEL_RESOURCE_ATTRIBUTES="openinference.project.name=my%20debates")
    assert target._wire.base_url + target._path == "http://other/otel/traces"
    assert {"a": "Bearer x", "b": "2"}.items() <= target._wire._headers.items()
    assert target.id.endswith("#my debates")


def test_a_header_that_is_none_is_not_told_for_it_may_be_a_key(made: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        made("otlp", OTEL_EXPORTER_OTLP_ENDPOINT="http://collector", OTEL_EXPORTER_OTLP_HEADERS="key-without-a-name")
    assert "key-without-a-name" not in str(caught.value)


def test_half_of_the_keys_set_nothing_up(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-1")
    monkeypatch.setenv("LANGSMITH_API_KEY", "lsv2_pt_0")
    assert set_up() == ["langsmith"]
    with pytest.raises(SettingsError, match="langfuse is not set up"):
        made("langfuse")


def test_otlp_takes_only_what_can_be_told_in_spans(made: Any) -> None:
    assert made("otlp", OTEL_EXPORTER_OTLP_ENDPOINT="http://collector").kinds == {"dialogue", "rating", "observation"}

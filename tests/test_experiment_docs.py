"""The examples of docs/experiments.md are experiments."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.experiments.definition import ArmSpec, Definition, MetricSpec, RunLimits
from workbench.experiments.reading import parse_definition

PAGE = Path(__file__).parent.parent / "docs" / "experiments.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_yaml_and_python_define_the_same() -> None:
    (text,) = blocks("yaml")
    (code,) = blocks("python")
    written = parse_definition(text)
    names: dict[str, object] = {}
    exec(code, names)
    said = names["experiment"].definition  # type: ignore[attr-defined]
    assert (written.name, written.arms, written.metrics) == (said.name, said.arms, said.metrics)
    assert written.planned().margin == said.planned().margin == 0.05


def test_every_field_is_described() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for model in (Definition, ArmSpec, MetricSpec, RunLimits):
        for name, field in model.model_fields.items():
            if name not in {"source", "description", "participants"}:
                assert re.search(rf"\b{field.alias or name}\b", text), f"{model.__name__}.{name}"

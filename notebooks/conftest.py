"""nbval compares what people see; the dialogue's JSON beside it holds ids and clock times that differ in every run."""

from __future__ import annotations

import pytest


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Leave the JSON out of the comparison."""
    if collector.path.suffix == ".ipynb" and hasattr(collector, "skip_compare"):
        collector.skip_compare += ("application/vnd.workbench.dialogue.v1+json",)

"""The targets that the environment names, in the variables that the services' own tools read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from workbench.errors import SettingsError
from workbench.events.listening import install, report

if TYPE_CHECKING:
    from workbench.observe.sync.target import Target
    from workbench.settings import Settings

NAMES: Final = ("langfuse", "langsmith", "otlp")
"""What a target is called in commands and settings."""
NEEDS: Final = {
    "langfuse": "LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY (and LANGFUSE_BASE_URL unless it is cloud.langfuse.com)",
    "langsmith": "LANGSMITH_API_KEY (and LANGSMITH_ENDPOINT unless it is the hosted service)",
    "otlp": "OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
}
"""Target to the variables without which it is not there."""
_VARIABLES: Final[dict[str, list[tuple[str, ...]]]] = {
    "langfuse": [("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY")],
    "langsmith": [("LANGSMITH_API_KEY",)],
    "otlp": [("OTEL_EXPORTER_OTLP_ENDPOINT",), ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",)],
}
_LANGFUSE: Final = "https://cloud.langfuse.com"
_LANGSMITH: Final = "https://api.smith.langchain.com"


def targets_from_environment(settings: Settings, names: Sequence[str] = ()) -> list[Target]:
    """Return the targets whose variables are set.

    Args:
        settings: of the workspace, whose `.env` was read with them.
        names: those that are wanted; by default all that there are.

    Raises:
        SettingsError: one that is wanted is unknown or not set up, or none is set up at all.
    """
    made = [_made(name, settings) for name in (names or set_up())]
    install()  # so that what goes wrong on the way is in this workspace's log, where no dialogue runs too
    report("sync_set_up", level="debug", settings=settings, targets=[target.title for target in made])
    return made


def set_up() -> list[str]:
    """Return the names of the targets whose variables are set. Raises a `SettingsError` where none is."""
    found = [name for name in NAMES if any(all(map(_variable, some)) for some in _VARIABLES[name])]
    if not found:
        needs = "\n  ".join(f"{name}: {needs}" for name, needs in NEEDS.items())
        raise SettingsError("No target is set up.", hint=f"Set its variables, in the environment or in .env:\n  {needs}")
    return found


def _made(name: str, settings: Settings) -> Target:
    if name not in NAMES:
        raise SettingsError(f"There is no target {name!r}.", hint=f"There are: {', '.join(NAMES)}.")
    if not any(all(map(_variable, some)) for some in _VARIABLES[name]):
        raise SettingsError(f"{name} is not set up.", hint=f"Set {NEEDS[name]}, in the environment or in .env.")
    return _MAKE[name](settings)


def _langfuse(_settings: Settings) -> Target:
    from workbench.observe.sync.langfuse import LangfuseTarget

    address = _variable("LANGFUSE_BASE_URL") or _variable("LANGFUSE_HOST") or _LANGFUSE
    keys = _variable("LANGFUSE_PUBLIC_KEY"), _variable("LANGFUSE_SECRET_KEY")
    made: Target = LangfuseTarget(address, *keys, environment=_variable("LANGFUSE_TRACING_ENVIRONMENT") or None)
    return made


def _langsmith(_settings: Settings) -> Target:
    from workbench.observe.sync.langsmith import LangSmithTarget

    endpoint, project = _variable("LANGSMITH_ENDPOINT") or _LANGSMITH, _variable("LANGSMITH_PROJECT") or "default"
    return LangSmithTarget(endpoint, _variable("LANGSMITH_API_KEY"), project, _variable("LANGSMITH_WORKSPACE_ID") or None)


def _otlp(settings: Settings) -> Target:
    from workbench.observe.sync.otlp import OtlpTarget

    headers = _pairs("OTEL_EXPORTER_OTLP_HEADERS") | _pairs("OTEL_EXPORTER_OTLP_TRACES_HEADERS")
    base = _variable("OTEL_EXPORTER_OTLP_ENDPOINT").rstrip("/")
    endpoint = _variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or f"{base}/v1/traces"
    return OtlpTarget(endpoint, headers, settings.sync.otlp_flavour, _pairs("OTEL_RESOURCE_ATTRIBUTES"))


_MAKE: Final = {"langfuse": _langfuse, "langsmith": _langsmith, "otlp": _otlp}


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


def _pairs(name: str) -> dict[str, str]:
    """Return what a variable of OpenTelemetry says: `key=value,key=value`, percent-encoded."""
    found: dict[str, str] = {}
    for pair in _variable(name).split(","):
        key, equals, value = pair.partition("=")
        if pair.strip() and not (equals and key.strip()):
            raise SettingsError(f"{name} is not key=value,key=value.", hint="Percent-encode commas and spaces in values.")
        if key.strip():
            found[unquote(key.strip())] = unquote(value.strip())
    return found

"""Where the workbench looks for things, and what a user may set.

A *workspace* is the folder that holds `workbench.toml`; without one, it is the current folder. Values come from, strongest
first: arguments, environment variables, `.env`, `workbench.toml`, the defaults below.
"""

from __future__ import annotations

import os
import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from workbench.errors import SettingsError

CONFIG_NAME = "workbench.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecordSettings(_Section):
    """`[record]`: where what happened is kept."""

    url: str | None = None
    """SQLAlchemy URL; by default SQLite at `.workbench/records.db`. Also `WORKBENCH_RECORD_URL`."""


class ReplaySettings(_Section):
    """`[replay]`: answer from a cassette instead of a provider."""

    cassette: Path | None = None
    """JSON Lines file of recorded answers. Also `WORKBENCH_CASSETTE`."""
    record: bool = False
    """Ask the provider where the cassette has no answer, and append it. Also `WORKBENCH_CASSETTE_RECORD=1`."""
    pace: float = Field(default=0.0, ge=0)
    """1 plays answers back as fast as they once came, 0 at once. Also `WORKBENCH_CASSETTE_PACE`."""

    @property
    def asks_models(self) -> bool:
        """Whether a model may really be asked: always without a cassette, and while one is being recorded."""
        return self.cassette is None or self.record


class DefaultSettings(_Section):
    """`[defaults]`: what a dialogue gets unless it says otherwise."""

    model: str | None = None
    """Model card for every role that names none. Also `WORKBENCH_MODEL`, `DEFAULT_MODEL`."""
    roles: dict[str, str] = Field(default_factory=dict)
    """Role to model card, whatever a mode names."""
    capabilities: dict[str, str] = Field(default_factory=dict)
    """What a role requires to model card. Also `REASONING_MODEL`, `ANALYSIS_MODEL`, `CODING_MODEL`, `WRITING_MODEL`."""
    fallback: str | None = None
    """Model card that stands behind every model that has no fallbacks. Also `FALLBACK_MODEL`."""
    max_output: int = Field(default=1024, gt=0)
    """Tokens a turn may produce unless its role says otherwise."""


class KindSettings(_Section):
    """`[routing.kinds.NAME]`: a kind of task of your own, by example."""

    examples: list[str] = Field(min_length=1)
    capability: str | None = None
    """The score on a model card that counts for it; by default its own name."""


class RoutingSettings(_Section):
    """`[routing]`: which model gets a turn where a role's model is `route`."""

    policy: str = "learned"
    """Chooses where `route` alone is said; docs/routing.md lists them."""
    models: list[str] = Field(default_factory=list)
    """The candidates; by default all models whose key is set."""
    willing_to_pay: float | None = Field(default=None, gt=0)
    """USD for a whole point of quality in one call; without it cost does not count."""
    good_enough: float = Field(default=0.7, ge=0, le=1)
    """The declared score from which on a cheaper model will do."""
    seed: int | None = None
    """Of what policies draw; without it every process draws anew."""
    kinds: dict[str, KindSettings] = Field(default_factory=dict)


class BudgetSettings(_Section):
    """`[budget]`: ceilings in USD; None is no ceiling."""

    call: float | None = Field(default=None, ge=0)
    """Of a single call. Also `WORKBENCH_BUDGET_CALL`."""
    dialogue: float | None = Field(default=None, ge=0)
    """Of a dialogue with its sub-dialogues, unless the run says otherwise. Also `WORKBENCH_BUDGET_DIALOGUE`."""
    day: float | None = Field(default=None, ge=0)
    """Of all recorded calls of a calendar day, local time. Also `WORKBENCH_BUDGET_DAY`."""
    workspace: float | None = Field(default=None, ge=0)
    """Of all recorded calls ever. Also `WORKBENCH_BUDGET_WORKSPACE`."""


class RetrySettings(_Section):
    """`[retry]`: how the client deals with failures that may pass."""

    attempts: int = Field(default=4, ge=1)
    """Tries for each model of a chain, the first included."""
    base: float = Field(default=0.5, ge=0)
    """Seconds; the n-th wait is drawn evenly from 0 to base · 2^(n-1), at most `cap`."""
    cap: float = Field(default=30.0, ge=0)
    max_retry_after: float = Field(default=60.0, ge=0)
    """Seconds; a provider that asks for a longer wait is given up in favour of the next model."""
    breaker_failures: int = Field(default=5, ge=1)
    """Failures in a row after which a provider is left alone."""
    breaker_seconds: float = Field(default=30.0, gt=0)
    """How long it is left alone before one probe may try again."""


class LogSettings(_Section):
    """`[log]`: what is written down for those who look for what went wrong."""

    level: Literal["debug", "info", "warning", "error", "off"] = "info"
    """The least that is written. Also `WORKBENCH_LOG`."""
    file: str = ".workbench/logs/workbench.jsonl"
    """JSON Lines, below the workspace; `off` for none. Also `WORKBENCH_LOG_FILE`."""
    stderr: bool = False
    """Whether lines go to stderr as well. Also `WORKBENCH_LOG_STDERR=1`."""
    format: Literal["console", "json"] = "console"
    """Of the lines on stderr. Also `WORKBENCH_LOG_FORMAT`."""
    prompts: bool = False
    """Whether topics, prompts and answers are written too. Also `WORKBENCH_LOG_PROMPTS=1`."""
    redact: tuple[str, ...] = ()
    """Regular expressions; what they match is blanked, as keys always are."""
    megabytes: float = Field(default=5.0, gt=0)
    """From which size on a new file is begun."""
    files: int = Field(default=5, ge=2)
    """How many are kept, the newest included."""

    @field_validator("level", mode="before")
    @classmethod
    def _lower(cls, level: Any) -> Any:
        return level.lower() if isinstance(level, str) else level

    @field_validator("redact")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        return patterns


class SyncSettings(_Section):
    """`[sync]`: copying the record to services. What these need is said in their own environment variables: docs/sync.md."""

    watch: list[Literal["langfuse", "langsmith", "otlp"]] = Field(default_factory=list)
    """Targets that a notebook keeps up to date as long as its kernel runs."""
    otlp_flavour: Literal["phoenix"] | None = None
    """Whose attributes OTLP spans carry besides those of OpenTelemetry's conventions."""


class Settings(_Section):
    """Everything that `workbench.toml` may say."""

    workspace: Path = Field(default_factory=Path.cwd, exclude=True)
    record: RecordSettings = RecordSettings()
    replay: ReplaySettings = ReplaySettings()
    defaults: DefaultSettings = DefaultSettings()
    retry: RetrySettings = RetrySettings()
    routing: RoutingSettings = RoutingSettings()
    budget: BudgetSettings = BudgetSettings()
    sync: SyncSettings = SyncSettings()
    log: LogSettings = LogSettings()
    sampling: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Sampling presets by name; `workbench.models.presets.Preset` checks them."""
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Model cards by name; `workbench.models.ModelCard` checks them."""

    @property
    def record_url(self) -> str:
        """SQLAlchemy URL of the record."""
        return self.record.url or f"sqlite:///{self.workspace / '.workbench' / 'records.db'}"

    @property
    def log_file(self) -> Path | None:
        """Where log lines go; None for nowhere."""
        return None if "off" in (self.log.file, self.log.level) else self.workspace / self.log.file

    @property
    def mode_folders(self) -> tuple[Path, ...]:
        """Where the user's own modes may lie, nearest first."""
        return (self.workspace / "modes", self.workspace)


def find_workspace(start: Path | None = None) -> Path:
    """Return the nearest folder at or above `start` with a `workbench.toml`, else `start` (default: current folder)."""
    start = (start or Path.cwd()).resolve()
    return next((folder for folder in (start, *start.parents) if (folder / CONFIG_NAME).is_file()), start)


def load_settings(workspace: Path | str | None = None) -> Settings:
    """Read the settings of a workspace and its `.env`.

    Args:
        workspace: the folder; by default the nearest one with a `workbench.toml`.

    Raises:
        SettingsError: the file is not TOML, or a key or value is not known.
    """
    root = Path(workspace).resolve() if workspace else find_workspace()
    load_env(root)
    path = root / CONFIG_NAME
    data = _read_toml(path) if path.is_file() else {}
    _apply_environment(data)
    try:
        return Settings(workspace=root, **data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{path}: {where}: {first['msg']}", hint="docs/settings.md lists every key.") from None


def with_cassette(settings: Settings, cassette: Path | str | None, pace: float | None = None) -> Settings:
    """Return settings that answer from a cassette, given relative to the current folder, at a pace; what is None stays."""
    changes: dict[str, Any] = {} if cassette is None else {"cassette": Path(cassette).resolve()}
    if pace is not None:
        changes["pace"] = pace
    if not changes:
        return settings
    return settings.model_copy(update={"replay": settings.replay.model_copy(update=changes)})


@lru_cache(maxsize=32)
def load_env(root: Path) -> None:
    """Load `.env` of a workspace once; variables that are already set win."""
    if (root / ".env").is_file():
        from dotenv import load_dotenv

        load_dotenv(root / ".env", override=False)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None


def _apply_environment(data: dict[str, Any]) -> None:
    for variable, section, key in (
        ("WORKBENCH_RECORD_URL", "record", "url"),
        ("WORKBENCH_CASSETTE", "replay", "cassette"),
        ("WORKBENCH_CASSETTE_RECORD", "replay", "record"),
        ("WORKBENCH_CASSETTE_PACE", "replay", "pace"),
        ("DEFAULT_MODEL", "defaults", "model"),
        ("WORKBENCH_MODEL", "defaults", "model"),
        ("FALLBACK_MODEL", "defaults", "fallback"),
        ("WORKBENCH_BUDGET_CALL", "budget", "call"),
        ("WORKBENCH_BUDGET_DIALOGUE", "budget", "dialogue"),
        ("WORKBENCH_BUDGET_DAY", "budget", "day"),
        ("WORKBENCH_BUDGET_WORKSPACE", "budget", "workspace"),
        ("WORKBENCH_LOG", "log", "level"),
        ("WORKBENCH_LOG_FILE", "log", "file"),
        ("WORKBENCH_LOG_STDERR", "log", "stderr"),
        ("WORKBENCH_LOG_FORMAT", "log", "format"),
        ("WORKBENCH_LOG_PROMPTS", "log", "prompts"),
    ):
        if value := os.environ.get(variable):
            data.setdefault(section, {})[key] = value
    for capability in ("reasoning", "analysis", "coding", "writing"):
        if value := os.environ.get(f"{capability.upper()}_MODEL"):
            data.setdefault("defaults", {}).setdefault("capabilities", {})[capability] = value

"""The schema of an experiment: cases, arms, metrics and plan, as YAML or Python says them.

A field that cannot be honoured does not exist here: unknown keys are errors. `reading` turns YAML into this and names line,
field and fix; `experiment` takes the same from Python.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from workbench.dialogue.fallbacks import Fallbacks
from workbench.dialogue.rules.mode import LimitsSpec, SamplingSpec
from workbench.errors import WorkbenchError
from workbench.experiments.plan import Plan
from workbench.experiments.statistics.families import Correction
from workbench.experiments.statistics.observations import Better, Metric

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_\-]{0,63}$")]
Kind: TypeAlias = Literal[
    "latency", "cost", "tokens", "exact_match", "numeric", "regex", "json_valid", "judge", "pairwise", "human", "function"
]
MEASURED: Final = ("latency", "cost", "tokens")
"""Kinds that are columns of every observation already."""
COLUMNS: Final = frozenset(
    {"case", "arm", "repeat", "status", "error", "fallback", "dialogue", "latency", "cost", "tokens", "started_at", "output"}
)
"""What a table of observations holds beside metrics."""
_BINARY: Final = frozenset({"exact_match", "numeric", "regex", "json_valid"})
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "exact_match": ("expected",),
    "numeric": ("expected",),
    "regex": ("pattern",),
    "judge": ("model", "rubric"),
    "pairwise": ("model",),
    "function": ("call", "better"),
}


def _named_kind(name: str, spec: Any) -> Any:
    """Return a metric with the kind that its name is, where it says none."""
    if spec is None:
        return {"kind": name}
    return {"kind": name} | spec if isinstance(spec, dict) and name in get_args(Kind) else spec


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceSpec(_Part):
    """Where cases come from: a file, or a data set of Hugging Face."""

    file: str | None = Field(default=None, description="A .jsonl, .json, .csv or .parquet file, relative to the workspace.")
    dataset: str | None = Field(default=None, description="Name of a Hugging Face data set; read as a stream.")
    config: str | None = Field(default=None, description="Of the data set.")
    split: str = Field(default="test", description="Of the data set.")
    revision: str | None = Field(default=None, description="Commit of the data set; name one to get the same cases again.")
    limit: int | None = Field(default=None, ge=1, description="Take the first so many.")

    @model_validator(mode="after")
    def _one_place(self) -> SourceSpec:
        if (self.file is None) == (self.dataset is None):
            raise ValueError("say file: … or dataset: …")
        return self


class ArmSpec(_Part):
    """A variant: a model with a prompt, a mode, or a Python function."""

    model: str | None = Field(default=None, description="Card, LiteLLM id, or route:POLICY; answers the prompt alone.")
    prompt: str | None = Field(default=None, description="What the model is asked; {column} is filled in from the case.")
    system: str = Field(default="", description="System prompt, the same for every case.")
    mode: str | None = Field(default=None, description="Mode that is run.")
    topic: str | None = Field(default=None, description="What the mode is about; {column} is filled in from the case.")
    participants: dict[str, str] = Field(default_factory=dict, description="Role of the mode to model.")
    models: list[str] = Field(default_factory=list, description="Dealt out to the roles of the mode.")
    judge: str | None = Field(default=None, description="Model for the role that decides.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Of the mode.")
    candidates: list[str] = Field(default_factory=list, description="What a policy may choose from.")
    sampling: SamplingSpec = Field(default=SamplingSpec(), description="How answers are drawn: a preset, or values.")
    api_base: str | None = Field(default=None, description="OpenAI-compatible endpoint for models named by id.")
    call: str | None = Field(default=None, description="Python function as MODULE:NAME; takes the case, returns the output.")
    source: str | None = Field(default=None, description="SHA-256 of the function's source; filled in.")

    @model_validator(mode="after")
    def _one_kind(self) -> ArmSpec:
        given = [name for name in ("model", "mode", "call") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"an arm has one of model, mode and call; this one has {' and '.join(given) or 'none'}")
        needs = {"model": "prompt", "mode": "topic"}
        if (text := needs.get(given[0])) and not (getattr(self, text) or "").strip():
            raise ValueError(f"an arm with a {given[0]} needs {text}, such as {text}: '{{question}}'")
        fits = {
            "model": {"prompt", "system", "sampling", "candidates", "api_base"},
            "mode": {"topic", "participants", "models", "judge", "parameters", "candidates", "sampling", "api_base"},
            "call": {"source"},
        }
        for name in sorted(self.model_fields_set - fits[given[0]] - {given[0]}):
            if getattr(self, name) != type(self).model_fields[name].get_default(call_default_factory=True):
                raise ValueError(f"{name} does not go with {given[0]}")
        return self

    @property
    def template(self) -> str:
        """What columns of a case are filled into; empty for a function."""
        return self.prompt or self.topic or ""


class MetricSpec(_Part):
    """How an observation is measured."""

    kind: Kind
    better: Better | None = Field(default=None, description="higher or lower; known for every kind but function.")
    margin: float | None = Field(default=None, gt=0, description="The smallest difference that matters.")
    expected: str | None = Field(default=None, description="Column of the case with the right answer.")
    extract: str | None = Field(default=None, description="Pattern; what its last match (its group) says is the answer.")
    tolerance: float = Field(default=0.0, ge=0, description="How far a number may be off.")
    relative: float = Field(default=0.0, ge=0, description="How far it may be off as a share of the right one.")
    pattern: str | None = Field(default=None, description="Pattern that the output must hold.")
    schema_: dict[str, Any] | None = Field(default=None, alias="schema", description="JSON Schema that the output must fit.")
    model: str | None = Field(default=None, description="The judge.")
    rubric: str = Field(default="", description="What the judge goes by.")
    scale: tuple[int, int] = Field(default=(1, 5), description="Lowest and highest mark.")
    call: str | None = Field(default=None, description="Python function as MODULE:NAME; takes output and case.")
    source: str | None = Field(default=None, description="SHA-256 of the function's source; filled in.")
    binary: bool = Field(default=False, description="Whether a function's value is 0 or 1 by its nature.")

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _whole(self) -> MetricSpec:
        for name in _NEEDS.get(self.kind, ()):
            if not getattr(self, name):
                raise ValueError(f"{self.kind} needs {name}")
        if self.scale[0] >= self.scale[1]:
            raise ValueError("scale goes from the lowest mark to the highest, such as [1, 5]")
        return self

    @field_validator("extract", "pattern")
    @classmethod
    def _a_pattern(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"{value!r} is no pattern: {error}") from None
        return value

    @property
    def direction(self) -> Better:
        """Which way is better."""
        return self.better or ("lower" if self.kind in MEASURED else "higher")

    def metric(self, name: str) -> Metric:
        """Return it as the statistics know it."""
        return Metric(name, self.direction, margin=self.margin, binary=self.binary or self.kind in _BINARY)


class PlanSpec(_Part):
    """What is to be shown; see `plan.Plan`."""

    hypothesis: str = ""
    primary: str
    better: Better | None = None
    margin: float | None = Field(default=None, gt=0)
    alpha: float = Field(default=0.05, gt=0, lt=1)
    power: float = Field(default=0.8, gt=0, lt=1)
    control: str
    correction: Correction = "holm"
    prices: list[str] = Field(default_factory=lambda: ["latency", "cost"])
    cases: int | None = Field(default=None, ge=1)


class RunLimits(_Part):
    """What a run may take; None is no ceiling."""

    max_cost: float | None = Field(default=None, ge=0, description="USD of the whole run, judges included.")
    max_tokens: int | None = Field(default=None, ge=0, description="Of the whole run.")
    max_calls: int | None = Field(default=None, ge=0, description="Of the whole run.")
    per_minute: float | None = Field(default=None, gt=0, description="Observations that may begin in a minute, by provider.")
    observation: LimitsSpec = Field(default=LimitsSpec(), description="Ceilings of a single observation.")


class Definition(_Part):
    """An experiment."""

    name: Name
    description: str = ""
    cases: list[dict[str, Any]] | SourceSpec = Field(description="Mappings, a file, or a data set.")
    id: str | None = Field(default=None, description="Column that names a case; by default `id`, else its number.")
    arms: dict[Name, ArmSpec] = Field(min_length=1)
    metrics: dict[Name, MetricSpec]
    plan: PlanSpec | None = None
    repeats: int = Field(default=1, ge=1, le=1000)
    seed: int = 0
    fallbacks: Fallbacks = "allow"
    cache: bool = Field(default=False, description="Whether repeats may have the same seed, and so the same answer.")
    concurrency: int | None = Field(default=None, ge=1, description="Observations at once; by default what the cards allow.")
    limits: RunLimits = RunLimits()

    @field_validator("cases", mode="before")
    @classmethod
    def _a_file(cls, value: Any) -> Any:
        return {"file": value} if isinstance(value, str) else value

    @field_validator("metrics", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: _named_kind(name, spec) for name, spec in value.items()}
        if isinstance(value, list):
            kinds = [item if isinstance(item, str) else item.get("kind", "") for item in value if isinstance(item, (str, dict))]
            if len(kinds) != len(value) or len(set(kinds)) != len(kinds):
                raise ValueError("each kind stands once in a list; give names to have one twice: {strict: {kind: …}}")
            return dict(zip(kinds, value, strict=True))
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Definition:
        for name, spec in self.metrics.items():
            if name in COLUMNS and spec.kind != name:
                raise ValueError(f"metrics: {name} is a column of every result; choose another name")
        if self.plan is None:
            return self
        if self.plan.control not in self.arms:
            raise ValueError(f"plan.control: there is no arm {self.plan.control}; there are {', '.join(self.arms)}")
        if self.plan.primary not in self.metrics:
            raise ValueError(f"plan.primary: there is no metric {self.plan.primary}; there are {', '.join(self.metrics)}")
        said, known = self.plan.better, self.metrics[self.plan.primary].direction
        if said is not None and said != known:
            raise ValueError(f"plan.better: {self.plan.primary} is better when {known}, by its metric")
        return self

    def limited(self, limits: Mapping[str, float]) -> Definition:
        """Return it with other limits.

        Raises:
            WorkbenchError: there is no such limit, or it is none.
        """
        if not limits:
            return self
        try:
            new = RunLimits.model_validate(self.limits.model_dump() | dict(limits))
        except ValidationError as error:
            first = error.errors()[0]
            raise WorkbenchError(f"limits: {first['loc'][0]}: {first['msg']}", hint="Such as max_cost=2.0, in USD.") from None
        return self.model_copy(update={"limits": new})

    def planned(self) -> Plan:
        """Return the plan; where none is given, the first metric decides and the first arm is the control."""
        spec = self.plan or PlanSpec(primary=next(iter(self.metrics)), control=next(iter(self.arms)))
        metric = self.metrics[spec.primary]
        values = spec.model_dump() | {"better": metric.direction, "margin": spec.margin or metric.margin}
        return Plan.from_dict(values)

    def statistics(self) -> list[Metric]:
        """Return the metrics as the statistics know them, the primary one with the plan's margin."""
        plan = self.planned()
        found = {name: spec.metric(name) for name, spec in self.metrics.items()}
        primary = found[plan.primary]
        found[plan.primary] = Metric(primary.name, primary.better, margin=plan.margin, binary=primary.binary)
        return list(found.values())

"""The schema of a mode: who takes part, who speaks when, what each turn sees.

Two spellings of turns. The short one is a number of `turns` with `prompts` for some of them; the long one is a list of turns
and blocks. `workbench.dialogue.plan` compiles both to the same thing. A field that the engine cannot honour yet does not
exist here: unknown keys are errors.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

from workbench.dialogue.parameters import Parameter

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_\-]{0,63}$")]
Structure = Literal["sequential", "parallel"]
Sees = Literal["all", "previous", "none"] | list[str]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SamplingSpec(_Part):
    """How answers are drawn. What is left out is the model's default."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, gt=0, description="Tokens that the answer may have.")
    stop: list[str] = Field(default_factory=list)


class RoleSpec(_Part):
    """A part in the dialogue."""

    description: str = ""
    system: str = Field(default="", description="System prompt; {topic} is filled in.")
    model: str | None = Field(default=None, description="Model card that plays it unless the run says otherwise.")
    requires: list[str] = Field(default_factory=list, description="Capabilities that its model must declare.")
    sampling: SamplingSpec = SamplingSpec()


class CheckSpec(_Part):
    """What an answer must satisfy; one that does not is asked for again, with the feedback."""

    condition: str = Field(description="Expression on the answer's own data, such as `score >= 7`.")
    attempts: int = Field(default=2, ge=1, le=5, description="Answers that may be asked for, the first included.")
    feedback: str = Field(default="", description="What the model is told after an answer that does not satisfy it.")


class VoteSpec(_Part):
    """A turn without a model: counts what earlier turns chose."""

    of: list[str] | str = Field(description="Turn, or turns, whose answers are counted.")
    field: str = Field(
        default="choice", description="Field of their data with the option; in an auction, how sure a bidder is."
    )
    ranking: str = Field(default="ranking", description="Field with all options from best to worst, where `method` is ranked.")
    weight: str = Field(default="confidence", description="Field with the weight of a vote; in an auction, the price of a bid.")
    method: str = Field(
        default="majority", description="majority, plurality, weighted, ranked or auction; or a parameter that says which."
    )
    tie: Literal["none", "first"] = Field(default="none", description="No winner, or the option that was named first.")


class ForeachSpec(_Part):
    """Takes a block once for each item of a list that an earlier turn gave; `{item}` is the item."""

    over: str = Field(description="Expression that gives the list, such as `plan.topics`.")
    at_most: int | str = Field(default=5, description="A number, or the name of a parameter.")


class ConvergeSpec(_Part):
    """Ends a repeated block once its speakers agree; the dialogue's status is then `converged`."""

    when: str | None = Field(
        default=None, description="Expression on a round's results that says so: a judge's answer, for one."
    )
    field: str = Field(default="position", description="Field of their data that is compared.")
    threshold: float = Field(default=1.0, gt=0, le=1, description="Share of the speakers that must give the same answer.")
    window: int = Field(default=1, ge=1, le=10, description="Rounds in a row for which it must hold.")


class TurnSpec(_Part):
    """One contribution of one role."""

    role: Name | None = None
    id: Name | None = Field(default=None, description="What later templates call it; by default the role's name.")
    participant: str | None = Field(default=None, description="Model card that plays the role.")
    requires: list[str] = Field(default_factory=list, description="Capabilities that the model must declare.")
    template: str | None = Field(default=None, description="The prompt: {topic}, {previous} and the ids of turns.")
    opening: str | None = Field(default=None, description="The prompt in the first round of a repeated block.")
    sees: Sees | None = Field(
        default=None,
        description="Earlier turns that stand before the prompt: all, previous, none, or ids. By default none where a "
        "template says what it wants, else all.",
    )
    depends_on: list[str] | None = Field(default=None, description="Ids that must be complete first; by default by order.")
    when: str | None = Field(default=None, description="Expression on earlier results; the turn is skipped where it is false.")
    output_schema: dict[str, Any] | None = Field(
        default=None, description="JSON Schema of the answer; it is asked for, checked, and mended once."
    )
    check: CheckSpec | None = None
    vote: VoteSpec | None = Field(default=None, description="Count earlier answers instead of asking a model.")
    sampling: SamplingSpec | None = None


class BlockSpec(_Part):
    """Turns that belong together, and how often they are taken."""

    repeat: int | str = Field(default=1, description="A number, or the name of a parameter.")
    structure: Structure = Field(default="sequential", description="Within the block: one after the other, or at once.")
    until: str | None = Field(default=None, description="Expression on a round's results; once it is true, no further round.")
    converge: ConvergeSpec | None = None
    foreach: ForeachSpec | None = None
    turns: list[TurnSpec] = Field(min_length=1)

    @field_validator("repeat")
    @classmethod
    def _positive(cls, value: int | str) -> int | str:
        if isinstance(value, int) and not 1 <= value <= 1000:  # noqa: PLR2004 - a bound, not a meaning
            raise ValueError("a block is repeated 1 to 1000 times")
        return value


def _kind(value: object) -> str:
    """Tell a block from a turn, so that an error speaks of the one that was meant."""
    if isinstance(value, dict):
        return "block" if value.keys() & {"turns", "repeat", "until", "converge", "foreach"} else "turn"
    return "block" if isinstance(value, BlockSpec) else "turn"


Item = Annotated[Annotated[BlockSpec, Tag("block")] | Annotated[TurnSpec, Tag("turn")], Discriminator(_kind)]


class LimitsSpec(_Part):
    """Ceilings that a dialogue never passes; None is no ceiling."""

    max_cost: float | None = Field(default=None, ge=0, description="USD.")
    max_tokens: int | None = Field(default=None, ge=0, description="Prompt and completion tokens of all calls.")
    max_turns: int | None = Field(default=None, ge=0)
    max_calls: int | None = Field(default=None, ge=0)
    timeout: float | None = Field(default=None, gt=0, description="Seconds for one run.")


class Mode(_Part):
    """A declarative description of a dialogue."""

    name: Name
    description: str = ""
    version: str | int = 1
    extends: str | None = Field(default=None, description="A mode to start from: a name, or a file beside this one.")
    structure: Structure = "sequential"
    parameters: dict[str, Parameter] = Field(
        default_factory=dict, description="Values that a run may change, with defaults: numbers, words, lists of words."
    )
    roles: dict[Name, RoleSpec] = Field(default_factory=dict)
    turns: Annotated[
        Annotated[int, Field(ge=1, le=1000), Tag("number")] | Annotated[list[Item], Field(min_length=1), Tag("list")],
        Discriminator(lambda value: "list" if isinstance(value, list | tuple) else "number"),
    ] = 1
    prompts: dict[str, TurnSpec] = Field(default_factory=dict, description="turn_1, turn_2 … when `turns` is a number.")
    overrides: dict[str, dict[str, Any]] = Field(default_factory=dict, description="Changes to turns of the mode extended.")
    additional_turns: dict[str, TurnSpec] = Field(default_factory=dict, description="Further prompts, by turn_N.")
    limits: LimitsSpec = LimitsSpec()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a mode file, for editors."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Workbench mode"}
    return Mode.model_json_schema() | head

"""The schema of a mode: who takes part, who speaks when, what each turn sees.

Two spellings of turns. The short one is a number of `turns` with `prompts` for some of them; the long one is a list of turns
and blocks. `workbench.dialogue.planning.compiling` makes the same thing of both. A field that the engine cannot honour yet does
not exist here: unknown keys are errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from workbench.dialogue.rules.parameters import Parameter
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from langgraph.graph import StateGraph

    from workbench.dialogue.orchestrator import Orchestrator
    from workbench.dialogue.running.langgraph import State

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_\-]{0,63}$")]
Structure = Literal["sequential", "parallel"]
Sees = Literal["all", "previous", "none"] | list[str]
Strategy = Literal["full", "selected", "last", "relevant", "summarised"]
Step = Literal["cheaper", "fewer_rounds", "stop"]
Overflow = Literal["refuse", "leave_out", "shorten", "summarise"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SamplingSpec(_Part):
    """How answers are drawn: a preset's name, values, or both, where the values come first. The model settles the rest."""

    preset: str | None = Field(default=None, description="Name of a preset; `workbench sampling` lists them.")
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=1, description="Likeliest tokens to draw from, where the provider takes it.")
    max_tokens: int | None = Field(default=None, gt=0, description="Tokens that the answer may have.")
    timeout: float | None = Field(default=None, gt=0, description="Seconds without a byte after which a call counts as hung.")
    fallbacks: list[str] = Field(default_factory=list, description="Models that stand behind the role's own.")
    stop: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"preset": value} if isinstance(value, str) else value

    def over(self, under: SamplingSpec) -> SamplingSpec:
        """Return it with what it leaves out taken from another one."""
        return SamplingSpec.model_validate(under.model_dump(exclude_defaults=True) | self.model_dump(exclude_defaults=True))


class RoleSpec(_Part):
    """A part in the dialogue."""

    description: str = ""
    system: str = Field(default="", description="System prompt; {topic} is filled in.")
    model: str | None = Field(default=None, description="Model card that plays it unless the run says otherwise.")
    requires: list[str] = Field(default_factory=list, description="Capabilities that its model must declare.")
    prefer: list[str] = Field(
        default_factory=list, description="Capabilities or tags that decide between models which all declare what is required."
    )
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


class HookSpec(_Part):
    """A turn without a model: what a function that the run was started with makes of earlier turns."""

    name: Name = Field(description="Which function; whoever starts the dialogue hands it in under this name.")
    of: list[str] | str = Field(description="Turn, or turns, whose results it is given.")
    otherwise: str = Field(default="", description="What the turn says where no such function was handed in.")


class JudgeSpec(_Part):
    """A turn that compares contestants, two at a time, in both orders, without their names."""

    of: list[Name] = Field(
        min_length=1, description="Roles whose turns are judged, 2 to 6; `voice` is all of voice_1, voice_2 …"
    )
    orders: str = Field(
        default="both", description="both, or one, which is cheaper and cannot tell whether the order decided; or a parameter."
    )


class ForeachSpec(_Part):
    """Takes a block once for each item of a list that an earlier turn gave; `{item}` is the item."""

    over: str = Field(description="Expression that gives the list, such as `plan.topics`.")
    at_most: int | str = Field(default=5, description="A number, or the name of a parameter.")


class ConvergeSpec(_Part):
    """Ends a repeated block once its speakers have come to rest; the dialogue's status is then `converged`."""

    method: Literal["agreement", "similarity"] = Field(
        default="agreement",
        description="agreement: they give the same answer. similarity: each says nearly what it said in the round before, by "
        "the meaning of the text.",
    )

    when: str | None = Field(
        default=None, description="Expression on a round's results that says so: a judge's answer, for one."
    )
    field: str = Field(
        default="position", description="Field of their data that is compared; similarity takes the text where there is none."
    )
    threshold: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Share of the speakers that must give the same answer; or how alike two texts must be, 1 for the same.",
    )
    window: int = Field(default=1, ge=1, le=10, description="Rounds in a row for which it must hold.")


class ContextSpec(_Part):
    """Which of the turns that a turn sees it is shown, and how."""

    strategy: Strategy = Field(
        default="full",
        description="full: all. selected: those that `turns` names. last: the latest. relevant: closest in meaning to the "
        "prompt. summarised: a summary of each.",
    )
    turns: list[str | int] = Field(default_factory=list, description="With selected: ids of turns, or their numbers from 1.")
    last: int | None = Field(
        default=None, ge=1, description="With last: so many turns. With summarised: so many of the latest stay whole."
    )
    relevant: int | None = Field(default=None, ge=1, description="With relevant: at most so many turns.")
    share: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="What is shown takes at most this share of the tokens of all that the turn sees. With summarised: how long "
        "a summary is beside its text, by default 0.2.",
    )
    overflow: Overflow = Field(
        default="refuse",
        description="What becomes of turns that would pass the share or the model's window. refuse: an error. leave_out: the "
        "oldest (with relevant: the least relevant) are left out. shorten: of each text the sentences closest to the prompt "
        "stay. summarise: the oldest become summaries.",
    )

    @model_validator(mode="after")
    def _fields_fit_the_strategy(self) -> ContextSpec:
        for field, strategies in {"turns": ("selected",), "last": ("last", "summarised"), "relevant": ("relevant",)}.items():
            if getattr(self, field) and self.strategy not in strategies:
                raise ValueError(f"{field} goes with strategy: {' or '.join(strategies)}, not with {self.strategy}")
        if self.strategy == "selected" and not self.turns:
            raise ValueError("strategy: selected needs turns, such as turns: [1, 2, 4]")
        if self.strategy in {"last", "relevant"} and not (self.share or getattr(self, self.strategy)):
            raise ValueError(f"strategy: {self.strategy} needs {self.strategy}, such as {self.strategy}: 4, or share: 0.3")
        if self.strategy in {"full", "selected"} and self.share and self.overflow == "refuse":
            raise ValueError("share needs overflow: leave_out, shorten or summarise")
        return self


class LimitsSpec(_Part):
    """Ceilings that a dialogue never passes; None is no ceiling."""

    max_cost: float | None = Field(default=None, ge=0, description="USD.")
    max_tokens: int | None = Field(default=None, ge=0, description="Prompt and completion tokens of all calls.")
    max_turns: int | None = Field(default=None, ge=0)
    max_calls: int | None = Field(default=None, ge=0)
    max_call_cost: float | None = Field(default=None, ge=0, description="USD that a single call may cost.")
    timeout: float | None = Field(default=None, gt=0, description="Seconds for one run.")
    max_depth: int = Field(default=2, ge=0, le=4, description="How deep sub-dialogues go.")
    downgrade: tuple[Step, ...] = Field(
        default=(),
        description="What happens, in this order, before a ceiling in USD would be passed. cheaper: a cheaper model is asked. "
        "fewer_rounds: the remaining rounds are skipped, and money is kept back for the turns that close. stop: the dialogue "
        "ends as cost_limited, as it does at the end of the list in any case.",
    )

    @field_validator("downgrade")
    @classmethod
    def _a_path(cls, value: tuple[Step, ...]) -> tuple[Step, ...]:
        if len(set(value)) < len(value):
            raise ValueError("each step stands once")
        if "stop" in value[:-1]:
            raise ValueError("nothing comes after stop")
        return value


class SpawnSpec(_Part):
    """A turn without a model of its own: opens sub-dialogues, waits for all of them, and is what they came to."""

    mode: str | dict[str, Any] = Field(description="The mode of the sub-dialogues: a name, a file, or a mode written out here.")
    over: str | None = Field(
        default=None, description="Expression that gives the list of their topics, such as `plan.topics`; by default one."
    )
    topic: str = Field(default="{item}", description="Template of a topic: {item}, {topic}, and the ids of turns.")
    at_most: int | str = Field(default=3, description="Sub-dialogues at most: a number, or the name of a parameter.")
    parameters: dict[str, Parameter] = Field(default_factory=dict, description="Of their mode.")
    participants: dict[str, str] = Field(
        default_factory=dict, description="Their roles to roles of this mode, or to models. Roles of the same name need none."
    )
    limits: LimitsSpec = Field(default=LimitsSpec(), description="Of each; what they spend counts for this dialogue too.")


SYNONYMS: Final = {"context_from": "sees", "context_compression": "context", "validate": "check"}
"""Other words for fields of a turn."""


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
    hook: HookSpec | None = Field(default=None, description="Call a function of the program instead of asking a model.")
    judge: JudgeSpec | None = Field(
        default=None, description="Judge between roles, in both orders; an order that decides is a tie."
    )
    spawn: SpawnSpec | None = Field(default=None, description="Open sub-dialogues instead of asking a model.")
    context: ContextSpec | None = Field(
        default=None, description="Which of the turns that it sees are shown, and how: whole, shortened, or summed up."
    )
    approve: bool = Field(default=False, description="A person approves or edits the text before another turn sees it.")
    sampling: SamplingSpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_word(cls, value: Any) -> Any:
        """Read the other words that people know for a field; where both stand, as in an override, the other one is newer."""
        if not isinstance(value, dict):
            return value
        return {name: given for name, given in value.items() if name not in SYNONYMS} | {
            SYNONYMS[name]: given for name, given in value.items() if name in SYNONYMS
        }

    @model_validator(mode="after")
    def _one_kind(self) -> TurnSpec:
        unspoken = [name for name in ("vote", "spawn", "hook") if getattr(self, name) is not None]
        asked = ["output_schema", "check", "template", "opening", "sampling", "context"]
        given = [name for name in asked if getattr(self, name) is not None] + ["approve"] * self.approve
        settled = [name for name in (*unspoken, *asked, "sees", "approve") if getattr(self, name)]
        if self.judge is not None and (more := [name for name in settled if name not in ("template", "opening", "sampling")]):
            raise ValueError(
                f"a judge sees what its contestants said and answers in a form of its own; {more[0]} has no place in it"
            )
        if unspoken and (len(unspoken) > 1 or given):
            raise ValueError(f"a turn with {unspoken[0]} asks no model, so {(unspoken[1:] + given)[0]} has no place in it")
        return self


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

    def to_langgraph(self, orchestrator: Orchestrator | None = None, **options: Any) -> StateGraph[State]:
        """Return the mode as a LangGraph `StateGraph` with a node for each turn; compile it, and give it a `topic`.

        Args:
            orchestrator: whose models and client are used; by default a new one for the workspace.
            options: as for `Orchestrator.prepare`: participants, models, judge, parameters, seed, api_base, stream.

        Raises:
            ModeError: the mode does what a graph cannot: it has ceilings, or waits for a person.
            WorkbenchError: the extra `langgraph` is not installed; and as for `Orchestrator.prepare`.
        """
        from workbench.dialogue.orchestrator import Orchestrator

        try:
            from workbench.dialogue.running.langgraph import graph_of
        except ImportError as error:
            raise WorkbenchError("LangGraph is not installed", hint="pip install 'dialogue-workbench[langgraph]'") from error
        whose = orchestrator or Orchestrator()
        spec, _ = whose.prepare(self, "the topic comes with the state", **options)
        return graph_of(spec, whose.client)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a mode file, for editors."""
    schema = Mode.model_json_schema()
    fields = schema["$defs"]["TurnSpec"]["properties"]
    fields |= {other: fields[name] for other, name in SYNONYMS.items()}
    drawn = schema["$defs"]["SamplingSpec"]
    schema["$defs"]["SamplingSpec"] = {"anyOf": [{"type": "string", "description": "Name of a preset."}, drawn]}
    return schema | {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Workbench mode"}

"""Judges and families: who is warned of a judge that may favour its own, where, and that nobody is refused."""

import json

import pytest
from stage import card, orchestra
from typer.testing import CliRunner

from workbench.cli.app import app
from workbench.dialogue import ModeLoader
from workbench.dialogue.casting.fairness import dry_run_warnings
from workbench.events import Status, Usage
from workbench.models import Chunk, ModelCard, ModelConfig, ModelRegistry
from workbench.models.families import family_of
from workbench.notebook.dry_run import DryRun
from workbench.notebook.outputs import static_bundle
from workbench.settings import Settings


@pytest.mark.parametrize(
    ("fields", "family"),
    [
        ({"id": "anthropic/claude-sonnet-4-5", "family": "claude"}, "claude"),
        ({"id": "openrouter/anthropic/claude-3.5-sonnet"}, "claude"),
        ({"id": "gpt-4o"}, "gpt"),
        ({"id": "azure/o3-mini"}, "gpt"),
        ({"id": "groq/llama-3.3-70b"}, "llama"),
        ({"id": "openai/llama3.2", "family": "open", "api_base": "http://localhost:1/v1"}, "llama"),
        ({"id": "openai/my-finetune", "api_base": "http://localhost:1/v1"}, None),
        ({"id": "openai/my-finetune", "api_base": "http://localhost:1/v1", "family": "qwen"}, "qwen"),
        ({"id": "hosted_vllm/default", "family": "open"}, None),
        ({"id": "xai/next"}, "grok"),
        ({"id": "together_ai/secret"}, None),
        ({"id": "openai/wire", "family": "Anthropic"}, "claude"),
    ],
)
def test_the_family_is_what_the_card_tells(fields, family):
    assert family_of(ModelCard(name="x", **fields)) == family


def test_of_the_cards_that_come_along_only_open_endpoints_are_unknown():
    unknown = {model.name for model in ModelRegistry(Settings()) if family_of(model) is None}
    assert unknown == {"vllm", "lm-studio"}


async def act(request):
    judgement = {"winner": "tie", "reason": "So.", "scores": {"A": 5, "B": 5}, "quotes": []}
    judges = "Judge between" in request.messages[-1]["content"]
    yield Chunk(text=json.dumps(judgement) if judges else "Well.")
    yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")


@pytest.fixture
def stage(tmp_path):
    orchestrator, _ = orchestra(tmp_path, act)
    with orchestrator:
        yield orchestrator


def prepared(stage, mode="judged_debate", **families):
    """A run in which each role is played by a model of this family, or of none that is known."""
    cast = {role: card(f"{role}-model", **({"family": family} if family else {})) for role, family in families.items()}
    return stage.prepare(mode, "Is water wet?", participants=cast, parameters={"rounds": 1})


@pytest.mark.parametrize(
    ("families", "says"),
    [
        ({"pro": "claude", "con": "gemini", "judge": "grok"}, []),
        ({"pro": "claude", "con": "gemini", "judge": "claude"}, ["same family as pro (claude)"]),
        ({"pro": "claude", "con": "anthropic", "judge": "claude"}, ["same family as pro and con (claude)"]),
        ({"pro": "claude", "con": None, "judge": "gemini"}, ["Whether judge (judge-model)", "as con is unknown"]),
        ({"pro": "claude", "con": "gemini", "judge": None}, ["as pro and con is unknown"]),
    ],
)
def test_a_run_carries_its_warnings(stage, families, says):
    spec, parts = prepared(stage, **families)
    assert len(spec.warnings) == bool(says)
    for text in says:
        assert text in spec.warnings[0]
        assert text in DryRun(spec, parts).text


def test_a_fallback_counts_too_and_the_same_model_needs_no_family(stage):
    spec, _ = stage.prepare(
        "judged_debate",
        "Is water wet?",
        participants={
            "pro": card("a", family="claude"),
            "con": card("b", family="gemini"),
            "judge": ModelConfig(card("c", family="grok"), fallbacks=[card("d", family="gemini")]),
        },
    )
    assert "same family as con (gemini)" in spec.warnings[0]
    alone, _ = stage.prepare("judged_debate", "Is water wet?", models=[card("a")])
    assert "same family as pro and con (one model, a)" in alone.warnings[0]


def test_words_of_a_judge_are_warned_of_in_the_dry_run_alone(stage):
    spec, parts = prepared(stage, "debate", pro="claude", con="gemini", judge="claude")
    assert spec.warnings == ()
    assert "same family as pro (claude)" in dry_run_warnings(spec)[0]
    assert "Warning: judge belongs to the same family as pro (claude)" in DryRun(spec, parts).text
    unknown, _ = prepared(stage, "debate", pro="claude", con="gemini", judge=None)
    assert dry_run_warnings(unknown) == []


@pytest.mark.parametrize("mode", sorted(mode.name for mode in ModeLoader().modes()))
def test_every_mode_can_be_looked_at(stage, mode):
    spec, _ = stage.prepare(mode, "Is water wet?", models=[card("a", family="claude")])
    told = any("same family" in warning for warning in dry_run_warnings(spec))
    assert told == bool({"judge", "arbitrator"} & spec.plan().roles.keys())


def test_whoever_looks_at_the_run_reads_the_warning_and_it_runs(stage):
    dialogue = stage.run("judged_debate", "Is water wet?", models=[card("a")], parameters={"rounds": 1})
    assert dialogue.status is Status.COMPLETED
    (warning,) = dialogue.warnings
    assert "one model, a" in warning
    assert f"**Warning:** {warning}" in dialogue.export("markdown")
    assert warning in dialogue.export("html")
    assert json.loads(dialogue.export("json"))["warnings"] == [warning]
    assert static_bundle(dialogue)["text/plain"].startswith(f"Warning: {warning}\n")
    assert stage.load(dialogue.id).warnings == [warning]


def test_another_judge_on_a_resume_is_looked_at_anew(stage):
    stopped = stage.run("judged_debate", "Water.", models=[card("a", family="claude")], limits={"max_turns": 2})
    assert stopped.warnings
    gone_on = stage.resume(stopped.id, judge=card("b", family="gemini"), limits={"max_turns": 100})
    assert gone_on.status is Status.COMPLETED
    assert gone_on.warnings == []


def test_the_terminal_tells_it_too(tmp_path):
    options = ["--dry-run", "-C", str(tmp_path), "-p", "pro=local", "-p", "con=local-qwen", "-p", "judge=local"]
    shown = CliRunner().invoke(app, ["run", "judged_debate", "Water.", *options])
    assert "Warning: judge belongs to the same family as pro (smollm)" in shown.output
    told = json.loads(CliRunner().invoke(app, ["run", "judged_debate", "Water.", "--json", *options]).stdout)
    assert "smollm" in told["warnings"][0]

"""Who plays whom: by role, by name, dealt out, by default, by capability; and a resume changes only what it is told to."""

import pytest
from stage import card, chorus, line, mode_of, orchestra, quick, yes
from wire import Wire

from workbench.dialogue import Orchestrator
from workbench.errors import ModeError, ModelError, UnknownModelError
from workbench.events import Status
from workbench.models import ModelConfig
from workbench.settings import DefaultSettings

HOSTED = (
    "ANTHROPIC_API_KEY", "COHERE_API_KEY", "DEEPSEEK_API_KEY", "GEMINI_API_KEY", "GROQ_API_KEY", "MISTRAL_API_KEY",
    "OPENAI_API_KEY", "OPENROUTER_API_KEY", "TOGETHERAI_API_KEY", "XAI_API_KEY",
)  # fmt: skip


@pytest.fixture
def no_keys(monkeypatch):
    for name in HOSTED:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cast(tmp_path):
    """Who would play: role to the name of its first model."""
    orchestrator, _ = orchestra(tmp_path, yes)

    def cast(mode, **options):
        _, parts = orchestrator.prepare(mode, "Cast.", **options)
        return {role: part.chain[0].name for role, part in parts.items()}

    with orchestrator:
        yield cast


A, B, C, D = card("a"), card("b"), card("c"), card("d")


def test_a_role_is_bound_by_its_name(cast):
    assert cast("debate", participants={"pro": A, "con": B, "judge": C}) == {"pro": "a", "con": "b", "judge": "c"}


def test_the_models_given_are_dealt_out_to_the_roles_that_are_left(cast):
    assert cast("debate", models=[A, B]) == {"pro": "a", "con": "b", "judge": "a"}
    assert cast("debate", participants={"pro": C}, models=[A, B]) == {"pro": "c", "con": "a", "judge": "b"}


def test_the_judge_is_the_role_that_decides(cast):
    assert cast("debate", models=[A, B], judge=C) == {"pro": "a", "con": "b", "judge": "c"}
    assert cast("parallel", models=[A], judge=C)["synthesiser"] == "c"
    assert cast("debate", models=[A], judge=C, participants={"judge": D})["judge"] == "d"


def test_a_mode_without_a_judge_says_so(cast):
    with pytest.raises(ModeError, match="has no judge") as error:
        cast(line(2), models=[A], judge=C)
    assert "v1, v2" in error.value.hint


def test_the_instances_of_a_parallel_role_may_be_bound_together_or_one_by_one(cast):
    everybody = cast("parallel", participants={"voice": A, "voice_2": B, "synthesiser": C})
    assert everybody == {"voice_1": "a", "voice_2": "b", "voice_3": "a", "synthesiser": "c"}


def test_the_instances_of_a_role_that_the_mode_does_not_declare_may_be_bound_together_too(cast):
    mode = mode_of({"repeat": 2, "structure": "parallel", "turns": [{"role": "voice", "template": "x"}]})
    assert cast(mode, participants={"voice": A}) == {"voice_1": "a", "voice_2": "a"}


def test_a_role_whose_name_begins_like_another_is_another(cast):
    mode = mode_of({"role": "judge", "template": "x"}, {"role": "judge_assistant", "template": "x"})
    assert cast(mode, participants={"judge": A}, models=[B]) == {"judge": "a", "judge_assistant": "b"}


def test_a_mode_names_its_own_participants_and_they_can_be_replaced_by_that_name(cast):
    mode = mode_of(
        {"role": "a", "participant": "gpt-mini", "template": "x"}, {"role": "b", "participant": "local", "template": "x"}
    )
    assert cast(mode, participants={"gpt-mini": A}) == {"a": "a", "b": "local"}
    assert cast(mode, participants={"b": B, "gpt-mini": A}) == {"a": "a", "b": "b"}


def test_a_role_that_names_a_model_keeps_it_before_the_default(tmp_path):
    settings = quick(tmp_path, defaults=DefaultSettings(model="local"))
    mode = mode_of({"role": "a", "template": "x"}, {"role": "b", "participant": "local-qwen", "template": "x"})
    with Orchestrator(settings=settings) as orchestrator:
        _, parts = orchestrator.prepare(mode, "Default.")
    assert {role: (part.chain[0].name, part.why) for role, part in parts.items()} == {
        "a": ("local", "the workspace's default"),
        "b": ("local-qwen", "named by the mode"),
    }


def test_the_best_model_with_a_key_that_declares_what_is_required_plays(cast, no_keys, monkeypatch):
    mode = mode_of({"role": "a", "requires": ["coding"], "template": "x"})
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-key-0001")
    assert cast(mode)["a"].startswith("claude")
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-test-key-0002")
    assert cast(mode)["a"].startswith("claude")
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert cast(mode)["a"].startswith("deepseek")


def test_a_capability_that_nobody_declares_is_named(cast, no_keys):
    with pytest.raises(ModelError, match="juggling") as error:
        cast(mode_of({"role": "a", "requires": ["juggling"], "template": "x"}))
    assert "doctor" in error.value.hint


def test_a_model_without_its_key_is_refused_before_anything_is_recorded(tmp_path, no_keys):
    with Orchestrator(settings=quick(tmp_path)) as orchestrator:
        with pytest.raises(ModelError, match="ANTHROPIC_API_KEY"):
            orchestrator.run("debate", "Keys.", models=["claude"])
        assert orchestrator.record.summaries() == []


def test_a_model_without_its_key_may_stand_before_a_fallback_that_can_be_called(cast, no_keys):
    assert cast(line(1), models=[ModelConfig("claude", fallbacks=["local"])]) == {"v1": "claude-sonnet"}


@pytest.mark.parametrize(("name", "near"), [("prro", "pro"), ("jugde", "judge"), ("zebra", "pro, con, judge")])
def test_a_role_that_does_not_exist_suggests_those_that_do(cast, name, near):
    with pytest.raises(ModeError, match=f"has no role '{name}'") as error:
        cast("debate", participants={name: A}, models=[B])
    assert near in error.value.hint


def test_a_model_that_does_not_exist_suggests_those_that_do(cast):
    with pytest.raises(UnknownModelError) as error:
        cast("debate", models=["claude-sonett"])
    assert "claude-sonnet" in error.value.hint


def models_of(wire):
    return [asked.body["model"] for asked in wire.requests]


def test_a_resume_keeps_models_and_endpoint(tmp_path):
    with Wire() as wire:
        with Orchestrator(settings=quick(tmp_path)) as orchestrator:
            options = {"models": ["openai/a", "openai/b", "openai/c"], "api_base": wire.openai, "limits": {"max_turns": 2}}
            dialogue = orchestrator.run("debate", "Keep.", parameters={"rounds": 1}, **options)
        with Orchestrator(settings=quick(tmp_path)) as orchestrator:
            assert orchestrator.resume(dialogue.id, limits={"max_turns": 3}).status is Status.COMPLETED
        assert models_of(wire) == ["a", "b", "c"]


def test_a_resume_changes_only_the_role_and_the_endpoint_that_it_names(tmp_path):
    with Wire() as old, Wire() as new, Orchestrator(settings=quick(tmp_path)) as orchestrator:
        options = {"models": ["openai/a", "openai/b", "openai/c"], "api_base": old.openai}
        dialogue = orchestrator.run("debate", "Change.", parameters={"rounds": 2}, limits={"max_turns": 1}, **options)
        other = ModelConfig("openai/other", api_base=new.openai)
        dialogue = orchestrator.resume(dialogue.id, participants={"con": other}, limits={"max_turns": 3})
        assert (models_of(old), models_of(new)) == (["a", "a"], ["other"])
        dialogue = orchestrator.resume(dialogue.id, api_base=new.openai, limits={"max_turns": 4})
        assert (models_of(old), models_of(new)) == (["a", "a"], ["other", "other"])
        judge = ModelConfig("openai/j", api_base=old.openai)
        dialogue = orchestrator.resume(dialogue.id, judge=judge, limits={"max_turns": 5})
        assert (models_of(old), models_of(new)) == (["a", "a", "j"], ["other", "other"])
    asked = [turn.model.removeprefix("openai/") for turn in dialogue.transcript]
    assert (asked, dialogue.status) == (["a", "other", "a", "other", "j"], Status.COMPLETED)


def test_a_resume_that_names_what_does_not_exist_leaves_the_dialogue_to_others(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        dialogue = orchestrator.run(line(2), "Wrong.", models=[A], limits={"max_turns": 1})
        before = orchestrator.record.dialogues().loc[0].to_dict()
        with pytest.raises(ModeError, match="has no role"):
            orchestrator.resume(dialogue.id, participants={"nobody": A})
        with pytest.raises(UnknownModelError):
            orchestrator.resume(dialogue.id, models=["no-such-model"])
        assert str(orchestrator.record.dialogues().loc[0].to_dict()) == str(before)


def test_what_the_files_say_now_does_not_change_what_a_dialogue_began_with(tmp_path):
    """The mode's file is rewritten between run and resume."""
    modes = tmp_path / "modes"
    modes.mkdir()
    file = modes / "own.yaml"
    file.write_text('name: own\nturns: [{role: a, template: "one"}, {role: b, template: "two"}]\n')
    orchestrator, actors = orchestra(tmp_path, yes)
    with orchestrator:
        dialogue = orchestrator.run("own", "Files.", models=[A], limits={"max_turns": 1})
        file.write_text('name: own\nturns: [{role: z, template: "other"}]\n')
        orchestrator.resume(dialogue.id, limits={"max_turns": 2})
    assert [request.messages[-1]["content"] for request in actors.asked] == ["one", "two"]


def test_every_voice_of_a_chorus_may_have_a_model_of_its_own(tmp_path):
    orchestrator, actors = orchestra(tmp_path, yes)
    with orchestrator:
        dialogue = orchestrator.run(chorus(4), "Own.", models=[A, B, C, D])
    assert {turn.role: turn.served for turn in dialogue.transcript} == {"v1": "a", "v2": "b", "v3": "c", "v4": "d"}
    assert {request.model for request in actors.asked} == {"openai/a", "openai/b", "openai/c", "openai/d"}


@pytest.fixture
def by_default(tmp_path, monkeypatch, no_keys):
    """The chains of a debate in a workspace with these defaults, and these variables."""

    def chains(defaults="", **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        (tmp_path / "workbench.toml").write_text(f"[defaults]\n{defaults}\n")
        monkeypatch.setenv("OPENAI_API_KEY", "x")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
        with Orchestrator(tmp_path) as orchestrator:
            _, parts = orchestrator.prepare("debate", "Tabs?")
            return {role: [card.name for card in part.chain] for role, part in parts.items()}

    return chains


def test_the_workspace_maps_roles_and_capabilities_to_models(by_default):
    chains = by_default('model = "local"\nroles = {judge = "claude-opus"}\ncapabilities = {reasoning = "gpt-mini"}')
    assert chains == {"pro": ["gpt-mini"], "con": ["gpt-mini"], "judge": ["claude-opus"]}


def test_the_environment_is_stronger_than_the_workspace(by_default):
    chains = by_default(
        'model = "local"\ncapabilities = {reasoning = "gpt-mini"}', REASONING_MODEL="gpt", DEFAULT_MODEL="gpt-mini"
    )
    assert chains == {"pro": ["gpt"], "con": ["gpt"], "judge": ["gpt-mini"]}


def test_the_last_resort_stands_behind_every_model_that_can_have_one(by_default):
    assert by_default('model = "gpt"', FALLBACK_MODEL="gpt-mini")["pro"] == ["gpt", "gpt-mini"]
    assert by_default('model = "gpt-mini"', FALLBACK_MODEL="gpt-mini")["pro"] == ["gpt-mini"]
    assert by_default('model = "gpt"', FALLBACK_MODEL="grok")["pro"] == ["gpt"], "its key is not set"

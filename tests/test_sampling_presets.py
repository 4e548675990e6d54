"""Sampling presets: named, checked, resolved into the run, and sent as each provider takes them."""

import hashlib
import json

import pytest
from stage import card, line, mode_of, orchestra, quick, yes
from wire import Wire
from wired import card as wired_card

from workbench.dialogue import ModeLoader, Orchestrator
from workbench.errors import ModeError, SettingsError, WorkbenchError
from workbench.events import Status
from workbench.models import Client, Model, ModelRegistry
from workbench.models.client import takes_top_k
from workbench.models.presets import SamplingPresets
from workbench.models.provider import Request, Sampling
from workbench.models.providers.local import _body
from workbench.models.providers.replay import request_key
from workbench.settings import Settings, load_settings

PRECISE, CREATIVE = (SamplingPresets(Settings()).get(name) for name in ("precise", "creative"))


def drawn(actors):
    return [request.sampling for request in actors.asked]


def test_the_built_in_presets_suit_every_default_card():
    presets = list(SamplingPresets(Settings()))
    assert {each.name for each in presets} == {"deterministic", "precise", "balanced", "creative", "brief", "thorough"}
    assert [each.name for each in presets if each.temperature is not None and each.top_p is not None] == []
    assert all(each.description for each in presets)


def test_a_workspace_adds_presets_and_changes_fields_of_those_that_exist(tmp_path):
    (tmp_path / "workbench.toml").write_text(
        '[sampling.precise]\ntop_p = 0.5\n[sampling.mine]\ntemperature = 1.5\nstop = ["END"]\n'
    )
    presets = SamplingPresets(load_settings(tmp_path))
    assert (presets.get("precise").temperature, presets.get("precise").top_p) == (PRECISE.temperature, 0.5)
    assert presets.get("mine").drawing == {"temperature": 1.5, "stop": ("END",)}


@pytest.mark.parametrize(
    ("toml", "message", "hint"),
    [
        ("[sampling.mine]\ntemprature = 1", "[sampling.mine] temprature", "Did you mean temperature?"),
        ("[sampling.mine]\ntemperature = 9", "[sampling.mine] temperature", "docs/budgets.md"),
    ],
)
def test_a_field_without_sense_is_refused_with_the_nearest(tmp_path, toml, message, hint):
    (tmp_path / "workbench.toml").write_text(toml)
    with pytest.raises(SettingsError) as caught:
        Orchestrator(tmp_path)
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("sampling", "error"),
    [
        ("precize", "no sampling preset is called 'precize'\n  Did you mean precise?"),
        ("pra=precise", "mode stage has no role 'pra' to sample for"),
        ({"v1": {"temprature": 1}}, "sampling of v1: temprature: .*\n  Did you mean temperature?"),
        ({"v1": {"temperature": 7}}, "sampling of v1: temperature"),
    ],
)
def test_a_wish_without_sense_is_refused_before_anything_is_called(tmp_path, sampling, error):
    orchestrator, actors = orchestra(tmp_path, yes)
    with orchestrator:
        with pytest.raises(WorkbenchError, match=error):
            orchestrator.run(line(2), "x", models=[card()], sampling=sampling)
        assert actors.asked == []
        assert orchestrator.record.summaries() == []


def test_a_mode_that_names_an_unknown_preset_says_so(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    mode = line(1) | {"roles": {"v1": {"sampling": "creatve"}}}
    with (
        orchestrator,
        pytest.raises(ModeError, match=r"mode stage: no sampling preset is called 'creatve'\n  Did you mean creative"),
    ):
        orchestrator.run(mode, "x", models=[card()])


def test_a_role_takes_a_preset_and_differs_from_it(tmp_path):
    orchestrator, actors = orchestra(tmp_path, yes)
    roles = {"a": {"sampling": "creative"}, "b": {"sampling": {"preset": "creative", "temperature": 0.3, "stop": ["END"]}}}
    mode = mode_of(
        {"role": "a", "template": "x"}, {"role": "b", "template": "y"},
        {"id": "c", "role": "a", "template": "z", "sampling": "brief"},
    ) | {"roles": roles}  # fmt: skip
    with orchestrator:
        orchestrator.run(mode, "x", models=[card(api_base="http://127.0.0.1:9")])
    a, b, c = drawn(actors)
    assert (a.temperature, a.top_k, a.stop) == (CREATIVE.temperature, CREATIVE.top_k, ())
    assert (b.temperature, b.top_k, b.stop) == (0.3, CREATIVE.top_k, ("END",))
    assert (c.temperature, c.max_tokens) == (0.3, 400)


@pytest.mark.parametrize(
    ("wish", "temperatures"),
    [
        ("precise", [0.2, 0.2, 0.2]),
        ("v1=creative", [1.0, 0.9, None]),
        (["precise", "v1=creative"], [1.0, 0.2, 0.2]),
        ("precise,v1=creative", [1.0, 0.2, 0.2]),
        ({"all": "precise", "v3": {"temperature": 0.0}}, [0.2, 0.2, 0.0]),
        ({"v3": {"preset": "precise", "top_p": 0.5}}, [None, 0.9, 0.2]),
    ],
)
def test_what_the_run_says_comes_before_what_the_mode_says(tmp_path, wish, temperatures):
    orchestrator, actors = orchestra(tmp_path, yes)
    mode = line(3) | {"roles": {"v2": {"sampling": {"temperature": 0.9}}}}
    with orchestrator:
        orchestrator.run(mode, "x", models=[card()], sampling=wish)
    assert [each.temperature for each in drawn(actors)] == temperatures


def test_instances_of_a_parallel_role_and_sub_dialogues_draw_as_their_role_does(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        spec, _ = orchestrator.prepare("consensus", "x", models=[card()], sampling="voice=creative")
        assert {turn.sampling.temperature for turn in spec.plan().turns if turn.role.startswith("voice_")} == {1.0}
        spec, _ = orchestrator.prepare("branching_debate", "x", models=[card()], sampling="judge=precise")
    child = next(iter(spec.spawns.values()))
    assert child.plan().by_id["verdict"].sampling.temperature == 0.2


def test_a_resume_samples_as_it_began_whatever_the_file_says_by_then(tmp_path):
    file = tmp_path / "workbench.toml"
    file.write_text("[sampling.mine]\ntemperature = 0.11\n[sampling.own]\ntemperature = 0.77")
    mode = line(2) | {"roles": {"v1": {"sampling": "mine"}, "v2": {"sampling": "mine"}}}
    with Wire() as wire:
        options = {"models": ["openai/wire"], "api_base": wire.openai, "sampling": {"v2": "own"}}
        with Orchestrator(tmp_path) as orchestrator:
            stopped = orchestrator.run(mode, "x", limits={"max_calls": 1}, **options)
            assert stopped.status is Status.COST_LIMITED
        file.write_text("[sampling.mine]\ntemperature = 1.99\ntop_k = 3")
        with Orchestrator(tmp_path) as orchestrator:
            assert orchestrator.resume(stopped.id, limits={"max_calls": 9}).status is Status.COMPLETED
    assert [(each.body["temperature"], each.body.get("top_k")) for each in wire.requests] == [(0.11, None), (0.77, None)]


@pytest.mark.parametrize("protocol", ["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("sampling", [True, False])
def test_top_k_reaches_the_providers_that_take_it_and_is_left_out_where_the_card_says_so(tmp_path, protocol, sampling):
    with Wire() as wire, Orchestrator(settings=quick(tmp_path)) as orchestrator:
        chosen = wired_card(wire, protocol, sampling=sampling)
        dialogue = orchestrator.run("chat", "x", models=[chosen], sampling={"all": {"top_k": 7, "temperature": 0.5}})
        assert dialogue.status is Status.COMPLETED, dialogue.reason
    body = wire.requests[0].body
    config = body.get("generationConfig", body)
    found = config.get("top_k", config.get("topK", config.get("extra_body", {}).get("top_k")))
    assert (found, config.get("temperature")) == ((7, 0.5) if sampling else (None, None))


def test_top_k_is_for_those_that_know_it():
    takes = {each.name for each in ModelRegistry() if takes_top_k(each)}
    assert {"claude-opus", "gemini-pro", "vllm", "ollama", "local"} <= takes
    assert not takes & {"gpt", "gpt-mini", "mistral-large", "grok", "deepseek-chat", "deepseek-reasoner", "llama"}
    assert _body(Request(model="local/x", messages=(), sampling=Sampling(top_k=5)))["top_k"] == 5


def test_a_request_without_top_k_has_the_key_that_it_always_had():
    request = Request("m", ({"role": "user", "content": "x"},), Sampling(temperature=0.5, max_tokens=3, stop=("E",)))
    sampling = {"temperature": 0.5, "max_tokens": 3, "stop": ["E"]}
    text = json.dumps({"model": "m", "messages": list(request.messages), "sampling": sampling}, sort_keys=True)
    assert request_key(request) == hashlib.sha256(text.encode()).hexdigest()[:32]
    other = Request("m", request.messages, Sampling(temperature=0.5, max_tokens=3, stop=("E",), top_k=1))
    assert request_key(other) != request_key(request)


def test_a_preset_brings_patience_and_models_that_stand_behind(tmp_path):
    (tmp_path / "workbench.toml").write_text(
        '[models.spare]\nid = "openai/spare"\napi_base = "http://127.0.0.1:9"\n'
        '[sampling.safe]\ntimeout = 7.5\nfallbacks = ["spare"]'
    )
    orchestrator, actors = orchestra(tmp_path, yes)
    with Orchestrator(settings=load_settings(tmp_path), client=orchestrator.client) as workbench:
        spec, parts = workbench.prepare(line(1), "x", models=[card()], sampling="safe")
        assert [each.name for each in parts["v1"].chain] == ["actor", "spare"]
        alone, _ = workbench.prepare(line(1), "x", models=[card()], sampling="safe", fallbacks="forbid")
        assert [each.name for each in alone.cast["v1"]] == ["actor"]
        workbench.run(line(1), "x", models=[card()], sampling="safe")
    assert actors.asked[0].timeout == 7.5
    assert json.loads(json.dumps(spec.dump()))["sampling"]["all"]["timeout"] == 7.5


async def test_one_question_takes_a_preset_too(tmp_path, monkeypatch):
    (tmp_path / "workbench.toml").write_text("[sampling.mine]\ntemperature = 0.33\ntimeout = 9\nmax_tokens = 5")
    monkeypatch.chdir(tmp_path)
    _, actors = orchestra(tmp_path, yes)
    model = Model(card(), client=Client(quick(tmp_path), actors))
    await model.chat("Hm?", sampling="mine", max_tokens=8)
    assert [piece async for piece in model.stream("Hm?", sampling="mine")]
    first, second = actors.asked
    assert (first.sampling.temperature, first.sampling.max_tokens, first.timeout) == (0.33, 8, 9)
    assert (second.sampling.max_tokens, second.timeout) == (5, 9)
    with pytest.raises(WorkbenchError, match="Did you mean mine"):
        await model.complete("Hm?", sampling="mime")


def test_the_schema_of_a_mode_takes_a_name_where_sampling_stands():
    import jsonschema

    from workbench.dialogue.rules.mode import json_schema

    mode = {"name": "m", "roles": {"a": {"sampling": "precise"}}, "turns": [{"role": "a", "sampling": {"preset": "brief"}}]}
    jsonschema.validate(mode, json_schema())
    assert ModeLoader().load(mode).roles["a"].sampling.preset == "precise"

"""Which models there are, what a name means, and how a workspace adds its own."""

import pytest
from wire import key_of
from wired import QUESTION, ask

from workbench.errors import ModelError, SettingsError, UnknownModelError, redact
from workbench.events import Usage
from workbench.models import Model, ModelCard, ModelConfig, ModelRegistry, Prices
from workbench.settings import Settings, load_settings

KEYS = ("ANTHROPIC", "OPENAI", "GEMINI", "DEEPSEEK", "XAI", "MISTRAL", "GROQ")


@pytest.fixture
def registry(tmp_path):
    return ModelRegistry(Settings(workspace=tmp_path))


@pytest.fixture
def cards_of(tmp_path):
    """Reads the cards of a workspace with this `workbench.toml`."""

    def read(toml):
        (tmp_path / "workbench.toml").write_text(toml, encoding="utf-8")
        return ModelRegistry(load_settings(tmp_path))

    return read


@pytest.fixture
def no_keys(monkeypatch):
    for name in KEYS:
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)


@pytest.mark.parametrize(
    ("name", "provider", "key"),
    [
        ("claude-opus", "anthropic", "ANTHROPIC_API_KEY"),
        ("claude-sonnet", "anthropic", "ANTHROPIC_API_KEY"),
        ("claude-haiku", "anthropic", "ANTHROPIC_API_KEY"),
        ("gemini-pro", "gemini", "GEMINI_API_KEY"),
        ("gemini-flash", "gemini", "GEMINI_API_KEY"),
        ("deepseek-chat", "deepseek", "DEEPSEEK_API_KEY"),
        ("deepseek-reasoner", "deepseek", "DEEPSEEK_API_KEY"),
        ("gpt", "openai", "OPENAI_API_KEY"),
        ("gpt-mini", "openai", "OPENAI_API_KEY"),
        ("grok", "xai", "XAI_API_KEY"),
        ("mistral-large", "mistral", "MISTRAL_API_KEY"),
        ("llama", "groq", "GROQ_API_KEY"),
    ],
)
def test_hosted_models_come_with_what_is_known_about_them(registry, no_keys, name, provider, key):
    card = registry.get(name)
    assert (card.provider, card.key) == (provider, key)
    assert card.prices.input > 0
    assert card.prices.output >= card.prices.input
    assert card.context_window >= card.max_output > 0
    assert card.latency
    assert {"reasoning", "analysis", "coding", "writing", "maths", "speed", "json"} <= card.capabilities.keys()
    assert not card.ready


@pytest.mark.parametrize("name", ["deepseek-chat", "deepseek-reasoner"])
def test_deepseeks_prices_tell_cached_input_apart(registry, name):
    assert registry.get(name).prices == Prices(input=0.28, cached_input=0.028, output=0.42)


@pytest.mark.parametrize("name", ["vllm", "ollama", "lm-studio"])
def test_servers_of_the_users_own_need_no_key_and_have_no_price(registry, no_keys, name):
    card = registry.get(name)
    assert card.api_base.startswith("http://localhost:")
    assert card.ready
    assert card.cost(Usage(prompt=1, completion=1)) is None


def test_the_local_model_is_free_and_always_ready(registry, no_keys):
    card = registry.get("local")
    assert (card.local, card.ready, card.cost(Usage(prompt=9, completion=9))) == (True, True, 0.0)


def test_no_two_cards_answer_to_one_name(registry):
    names = [name for card in registry for name in (card.name, *card.aliases)]
    assert sorted(names) == sorted(set(names)) == registry.names


def test_every_card_has_an_id_that_litellm_or_this_process_understands(registry):
    from workbench.models.providers.litellm import knows

    assert [card.name for card in registry if not (card.local or knows(card.id))] == []


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        (Usage(prompt=1_000_000, completion=0), 0.28),
        (Usage(prompt=1_000_000, completion=0, cached=1_000_000), 0.028),
        (Usage(prompt=0, completion=1_000_000), 0.42),
        (Usage(prompt=0, completion=1_000_000, reasoning=900_000), 0.42),
        (Usage(prompt=3, completion=5, cached=2), (1 * 0.28 + 2 * 0.028 + 5 * 0.42) / 1e6),
    ],
)
def test_cost_is_prices_times_tokens(registry, usage, usd):
    assert registry.get("deepseek-chat").cost(usage) == pytest.approx(usd)


def test_cached_input_costs_as_much_as_input_unless_the_card_says_otherwise():
    assert Prices(input=2.0, output=1.0).cost(Usage(prompt=1_000_000, completion=0, cached=500_000)) == 2.0


def test_adding_a_model_is_one_entry(cards_of):
    card = cards_of('[models.mine]\nid = "openai/qwen3-8b"\napi_base = "http://localhost:9/v1"\n').get("mine")
    assert (card.name, card.id, card.provider, card.family, card.prices) == (
        "mine",
        "openai/qwen3-8b",
        "openai",
        "openai",
        None,
    )
    assert card.ready


def test_a_model_of_the_workspace_answers(cards_of, wire, client):
    registry = cards_of(f'[models.mine]\nid = "openai/qwen3-8b"\napi_base = "{wire.openai}"\n')
    assert ask(client, registry.get("mine")).model == "mine"
    assert wire.requests[0].body["model"] == "qwen3-8b"


def test_one_field_of_a_card_can_be_changed_alone(cards_of, registry):
    changed = cards_of("[models.claude-sonnet]\nconcurrency = 3\n").get("claude")
    assert changed == registry.get("claude-sonnet").model_copy(update={"concurrency": 3})


def test_a_workspaces_card_may_take_the_alias_of_another(cards_of):
    registry = cards_of('[models.claude]\nid = "openai/mine"\n')
    assert registry.get("claude").id == "openai/mine"
    assert registry.get("claude-sonnet").id.startswith("anthropic/")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('api_base = "http://localhost/v1"', ["[models.mine] id", "required"]),
        ('id = "openai/x"\ntimout = 3', ["[models.mine] timout", "Did you mean timeout?"]),
        ('id = "openai/x"\nprices = {input = 1}', ["[models.mine] prices.output", "required"]),
        ('id = "openai/x"\nprices = {input = -1, output = 1}', ["[models.mine] prices.input", "greater than or equal to 0"]),
        ('id = "openai/x"\ncapabilities = {maths = 7}', ["[models.mine] capabilities", "between 0 and 1", "maths"]),
        ('id = "openai/x"\nconcurrency = 0', ["[models.mine] concurrency", "greater than or equal to 1"]),
        ('id = "openai/x"\ntimeout = 0', ["[models.mine] timeout", "greater than 0"]),
        ('id = "openai/x"\nname = "other"', ["[models.mine] name", "[models.other]"]),
        ("id = 3", ["[models.mine] id", "valid string"]),
    ],
)
def test_a_bad_entry_names_the_card_and_the_field(cards_of, entry, words):
    with pytest.raises(SettingsError) as caught:
        cards_of(f"[models.mine]\n{entry}\n")
    for word in words:
        assert word in str(caught.value)


def test_an_entry_that_is_no_table_is_named(cards_of, tmp_path):
    with pytest.raises(SettingsError, match=r"workbench\.toml: models\.mine"):
        cards_of('[models]\nmine = "openai/x"\n')


@pytest.mark.parametrize(
    ("model_id", "provider", "key"),
    [
        ("openrouter/qwen/qwen3-8b", "openrouter", "OPENROUTER_API_KEY"),
        ("anthropic/claude-3-haiku-20240307", "anthropic", "ANTHROPIC_API_KEY"),
        ("together_ai/meta-llama/Llama-3-8b", "together_ai", "TOGETHERAI_API_KEY"),
        ("gpt-4o", "openai", "OPENAI_API_KEY"),
    ],
)
def test_any_id_that_litellm_understands_is_a_model(registry, model_id, provider, key):
    card = registry.get(model_id)
    assert (card.name, card.id, card.provider, card.key) == (model_id, model_id, provider, key)
    assert card.prices is None


def test_a_bare_name_is_whatever_a_server_calls_its_model(registry, wire, client):
    card = registry.get("qwen3", api_base=wire.openai)
    assert (card.name, card.id, card.ready) == ("qwen3", "openai/qwen3", True)
    assert ask(client, card).text
    assert wire.requests[0].body["model"] == "qwen3"


def test_a_server_of_the_users_own_gets_a_placeholder_where_no_key_is_set(registry, wire, client, no_keys):
    ask(client, registry.get("qwen3", api_base=wire.openai))
    assert key_of(wire.requests[0]) == "not-needed"


def test_an_endpoint_applies_to_cards_that_speak_openai_and_leaves_the_others(registry):
    there = "http://there/v1"
    assert registry.get("vllm", api_base=there).api_base == there
    assert registry.get("gpt", api_base=there).api_base == there
    assert registry.get("claude-opus", api_base=there).api_base is None
    assert registry.get("gpt", api_base=there).provider != registry.get("gpt").provider


def test_aliases_and_ids_find_the_card(registry):
    assert registry.get("claude") == registry.get("claude-sonnet") == registry.get(registry.get("claude").id)
    assert "claude" in registry
    assert "clod" not in registry


def test_a_name_that_means_nothing_says_where_names_stand(registry):
    with pytest.raises(UnknownModelError, match="workbench models"):
        registry.get("qqqqqqqq")


def test_a_card_made_in_python_joins_the_others(registry):
    registry.register(ModelCard(name="mine", id="openai/x", aliases=("me",)))
    assert registry.get("me").id == "openai/x"


def scored(name, prices=None, key=None, **capabilities):
    return ModelCard(name=name, id=f"openai/{name}", capabilities=capabilities, prices=prices, key=key)


def test_the_most_capable_come_first_then_the_cheapest(cards_of):
    registry = cards_of("")
    registry._cards.clear()
    for card in (
        scored("weak", Prices(input=0, output=0), logic=0.2, prose=0.2),
        scored("dear", Prices(input=1, output=9), logic=0.9, prose=0.5),
        scored("cheap", Prices(input=1, output=2), logic=0.9, prose=0.5),
        scored("unpriced", None, logic=0.9, prose=0.5),
        scored("writer", Prices(input=1, output=9), prose=1.0),
        scored("locked", Prices(input=1, output=1), key="A_KEY_THAT_IS_NOT_SET", logic=1.0, prose=1.0),
    ):
        registry.register(card)
    assert [card.name for card in registry.capable(["logic", "prose"])] == ["cheap", "dear", "unpriced", "weak"]
    assert registry.capable(["prose"])[0].name == "writer"
    assert registry.capable(["logic"], only_ready=False)[0].name == "locked"
    assert registry.capable(["singing"]) == []


def test_a_config_is_the_model_and_its_stand_ins_in_order(registry):
    mine = ModelCard(name="mine", id="openai/mine")
    chain = ModelConfig("claude", [mine, "qwen3"], api_base="http://there/v1").chain(registry)
    assert [card.name for card in chain] == ["claude-sonnet", "mine", "qwen3"]
    assert [card.api_base for card in chain] == [None, None, "http://there/v1"]


def test_a_config_with_an_unknown_stand_in_is_refused_before_anything_is_asked(registry, client):
    with pytest.raises(UnknownModelError, match="claude-sonet"):
        Model(ModelConfig("claude", ["claude-sonet"]), registry=registry, client=client)


def test_extra_parameters_of_a_card_go_out_with_every_call(wire, client):
    card = ModelCard(name="m", id="openai/m", api_base=wire.openai, extra={"extra_body": {"top_k": 7}})
    ask(client, card)
    assert wire.requests[0].body["top_k"] == 7


def test_a_cards_api_key_is_read_when_it_is_used_and_blanked_ever_after(monkeypatch):
    card = ModelCard(name="m", id="openai/m", key="SOME_API_KEY")
    assert not card.ready
    monkeypatch.setenv("SOME_API_KEY", "hush-hush-4711")
    assert card.ready
    assert card.api_key() == "hush-hush-4711"
    assert redact("it was hush-hush-4711.") == "it was [redacted]."


def test_a_key_that_no_card_names_is_blanked_too(wire, client, monkeypatch):
    monkeypatch.setenv("PERPLEXITYAI_API_KEY", "hush-hush-4712")
    wire.faults, wire.says = lambda _asked: "says", (401, "Bad key hush-hush-4712")
    card = ModelCard(name="m", id="perplexity/sonar", api_base=None, extra={"base_url": wire.openai})
    with pytest.raises(ModelError) as caught:
        ask(client, card, messages=QUESTION)
    assert "Bad key [redacted]" in str(caught.value)


def test_an_entry_under_an_alias_changes_the_card_behind_it(tmp_path):
    registry = ModelRegistry(Settings(workspace=tmp_path, models={"claude": {"concurrency": 2}}))
    assert registry.get("claude-sonnet").concurrency == 2
    assert registry.get("claude").name == "claude-sonnet"


def test_an_entry_with_an_id_may_take_an_alias_for_itself(tmp_path):
    registry = ModelRegistry(Settings(workspace=tmp_path, models={"claude": {"id": "openai/mine"}}))
    assert registry.get("claude").id == "openai/mine"
    assert registry.get("claude-sonnet").id.startswith("anthropic/")

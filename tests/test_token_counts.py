"""Tokens are counted by the model's own tokenizer where it lies on this machine, without a network, and estimated elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.dialogue.money.budget import prompt_bound
from workbench.models import ModelCard, ModelRegistry
from workbench.models.provider import Request, Sampling
from workbench.models.providers.local import LocalProvider
from workbench.models.tokens import LONGEST, Count, count_tokens, estimate_tokens
from workbench.models.vocabulary import vocabulary_of
from workbench.models.weights import pull

TEXTS = [
    "hello world",
    "Hello,   world\n\n\n  x\ty 12345 67.89",
    "naïve café 日本語のテキスト Привет мир ١٢٣ ½ ²",
    "a" * 500,
    " " * 300 + "\n" * 100 + " \n \n",
    "<|im_end|> and <|im_start|>user\n <|endoftext|>",
    "don't WE'LL I'M they'RE 'S",
    "def f(x):\n    return x**2  # ok\r\n\r\nend \x00\x1b[31m",
    "👩‍👩‍👧 e\u0301 \u200d \u00a0\u00a0x",
    "",
]


def card(model: str, **fields) -> ModelCard:
    return ModelCard(name="x", id=model, **fields)


@pytest.fixture(scope="session")
def weights() -> Path:
    return pull("smollm2-135m")


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
async def test_a_local_models_messages_are_counted_as_llama_cpp_counts_them(weights, text):
    messages = (
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": text},
        {"role": "assistant", "content": text},
        {"role": "user", "content": "And?"},
    )
    provider = LocalProvider()
    request = Request(model="local/smollm2-135m", messages=messages, sampling=Sampling(max_tokens=1))
    usage = [chunk async for chunk in provider.stream(request)][-1].usage
    await provider.aclose()
    assert count_tokens(messages, ModelRegistry().get("local")) == Count(usage.prompt, exact=True)


def test_any_gguf_file_is_counted_and_a_broken_one_estimated(weights, tmp_path):
    mine = tmp_path / "mine.gguf"
    mine.symlink_to(weights)
    assert count_tokens("twelve small fish", card(f"local/{mine}")) == Count(4, exact=True)
    for name, content in {
        "broken": b"GGUF\x03\x00",
        "other": b"no such thing at all",
        "cut": weights.read_bytes()[:100_000],
    }.items():
        broken = tmp_path / f"{name}.gguf"
        broken.write_bytes(content)
        assert vocabulary_of(broken) is None
        assert count_tokens("twelve small fish", card(f"local/{broken}")) == Count(5, exact=False)
    assert not count_tokens("twelve small fish", card("local/never-pulled")).exact


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("openai/gpt-5-mini", 6),
        ("gpt-4o", 6),
        ("azure/gpt-4.1", 6),
        ("openrouter/openai/gpt-5", 6),
        ("groq/openai/gpt-oss-20b", 6),
        ("openai/gpt-3.5-turbo", 6),
        ("openai/text-davinci-003", 7),
    ],
)
def test_openai_models_are_counted_whoever_serves_them(model, tokens):
    assert count_tokens("Tabs are better than two spaces", card(model)) == Count(tokens, exact=True)


@pytest.mark.parametrize(
    "model", ["anthropic/claude-sonnet-4-5", "openai/llama3.2", "hosted_vllm/default", "xai/gpt-4o", "gemini/gemini-2.5-pro"]
)
def test_other_models_are_estimated(model):
    assert count_tokens("a text of 23 characters", card(model)) == Count(6, exact=False)


def test_messages_of_hosted_models_are_never_called_exact():
    messages = [{"role": "user", "content": "Tabs are better than two spaces"}]
    counted = count_tokens(messages, card("openai/gpt-5"))
    assert not counted.exact
    assert 6 < counted.tokens < prompt_bound(messages)


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_is_counted_below_the_budgets_bound(text):
    for model in ("openai/gpt-5", "local/smollm2-135m", "mistral/mistral-large-latest"):
        bound = prompt_bound([{"content": text}])
        assert count_tokens(text, card(model)).tokens <= bound


def test_what_is_too_long_is_estimated():
    for model in ("openai/gpt-5", "local/smollm2-135m"):
        for unit in ("a", " ", "\n", "0123456789"):
            assert count_tokens(unit * (LONGEST // len(unit)), card(model)).exact
            longer = unit * (3 * LONGEST // len(unit))
            assert count_tokens(longer, card(model)) == Count(3 * LONGEST // 4, exact=False)


def test_prose_is_estimated_within_a_quarter():
    prose = Path(__file__).with_name("data").joinpath("deliberation.json").read_text("utf-8")
    exact = count_tokens(prose, card("openai/gpt-5")).tokens
    assert abs(estimate_tokens(prose) - exact) < exact / 4


PROBE = """
import sys

def refuse(event, args):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
        print("tried", event)
        raise OSError("no network here")

sys.addaudithook(refuse)
from workbench.models import ModelCard
from workbench.models.tokens import count_tokens
for model in ("openai/gpt-5", "openai/gpt-4", "openai/text-davinci-003", "openai/gpt2", "openai/ada"):
    print(count_tokens("Tabs", ModelCard(name="x", id=model)).exact)
print("litellm" in sys.modules)
"""


def probe(**environment: str) -> list[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TIKTOKEN", "DATA_GYM"))}
    done = subprocess.run([sys.executable, "-c", PROBE], env=clean | environment, check=True, capture_output=True, text=True)
    return done.stdout.split("\n")[:-1]


def test_nothing_is_fetched_and_litellm_not_imported():
    assert probe() == ["True", "True", "True", "False", "False", "False"]


def test_a_cache_of_ones_own_without_the_encodings_means_estimates(tmp_path):
    assert probe(TIKTOKEN_CACHE_DIR=str(tmp_path)) == ["False"] * 6

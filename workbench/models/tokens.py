"""How many tokens a text takes: counted by the model's own tokenizer where that lies on this machine, else estimated.

Counted are OpenAI's models (tiktoken with the encodings that LiteLLM brings along) and local weights (the vocabulary in their
file). Nobody else publishes a tokenizer that may be used without a network, so the others are estimated from bytes, like texts
too long to be counted in a second. An estimate may be too small. What a text can take at most is another question: budgets
answer it with a token for every byte (`workbench.dialogue.money.budget`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Final

from workbench.errors import WeightsError
from workbench.models.card import ModelCard
from workbench.models.vocabulary import Vocabulary, vocabulary_of

BYTES_PER_TOKEN: Final = 4
"""Of English prose it is 4.5, of code 3.5, of most other scripts less than one would think: their letters are 2 or 3 bytes."""
PER_MESSAGE: Final = 4
"""Tokens that a chat template usually puts around a message."""
LONGEST: Final = 400_000
"""Characters; longer texts are estimated. Up to here counting takes less than a second, and tiktoken's regular expressions do
not run out of stack on blanks, which they do from a million on."""
_FILES: Final = {
    "o200k_base": "fb374d419588a4632f3f557e76b4b70aebbca790",
    "o200k_harmony": "fb374d419588a4632f3f557e76b4b70aebbca790",
    "cl100k_base": "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    "p50k_base": "ec7223a39ce59f226a68acc30dc1af2788490e15",
}
"""Encoding to the file that tiktoken would otherwise fetch; the names are hashes of addresses."""
_CACHE: Final = "TIKTOKEN_CACHE_DIR"


@dataclass(frozen=True, slots=True)
class Count:
    """A number of tokens, and whether the model's own tokenizer counted them."""

    tokens: int
    exact: bool


def count_tokens(what: str | Sequence[Mapping[str, str]], card: ModelCard) -> Count:
    """Return the tokens that a text, or the messages of a call, take in a model. The first call for a model takes a second.

    Args:
        what: a text, or messages with `role` and `content`. Messages are counted exactly only for local models: what hosted
            ones put around a message is not known.
        card: of the model.

    >>> count_tokens("How many tokens is that?", ModelCard(name="gpt", id="openai/gpt-5"))
    Count(tokens=6, exact=True)
    >>> count_tokens("How many tokens is that?", ModelCard(name="claude", id="anthropic/claude-sonnet-4-5"))
    Count(tokens=6, exact=False)
    """
    if isinstance(what, str):
        return _counted(what, _counter(card.id))
    vocabulary = _vocabulary(card.id)
    if vocabulary and (prompt := vocabulary.render(what)) is not None:
        return _counted(prompt, vocabulary.count)
    counter = _counter(card.id)
    tokens = sum(_counted(message["content"], counter).tokens + PER_MESSAGE for message in what)
    return Count(tokens + PER_MESSAGE, exact=False)


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text takes in any model.

    >>> estimate_tokens("How many tokens is that?")
    6
    """
    return ceil(len(text.encode(errors="surrogatepass")) / BYTES_PER_TOKEN)


def _counted(text: str, counter: Callable[[str], int] | None) -> Count:
    if counter is None or len(text) > LONGEST:
        return Count(estimate_tokens(text), exact=False)
    return Count(counter(text), exact=True)


def _counter(model: str) -> Callable[[str], int] | None:
    """Return what counts a text for a LiteLLM id, None where nothing here does."""
    if vocabulary := _vocabulary(model):
        return vocabulary.count
    return _openai(model)


def _vocabulary(model: str) -> Vocabulary | None:
    if not model.startswith("local/"):
        return None
    from workbench.models.weights import is_source, weights_path

    name = model.removeprefix("local/")
    if name.endswith(".gguf") and not is_source(name):
        return vocabulary_of(Path(name).expanduser().resolve())
    try:
        return vocabulary_of(weights_path(name))
    except WeightsError:
        return None


@cache
def _openai(model: str) -> Callable[[str], int] | None:
    """Return tiktoken's counter for one of OpenAI's models, whoever serves it."""
    *servers, name = model.split("/")
    if servers and not {"openai", "azure"} & set(servers):
        return None
    from tiktoken.model import encoding_name_for_model

    try:
        return _encoding(encoding_name_for_model(name))
    except KeyError:
        return None


@cache
def _encoding(name: str) -> Callable[[str], int] | None:
    """Return an encoding's counter; None where its file is not on this machine, for tiktoken would fetch it."""
    litellm = find_spec("litellm")  # found, not imported: that would take seconds
    if litellm is None or litellm.origin is None or name not in _FILES:
        return None
    shipped = Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers"
    folder = os.environ.setdefault(_CACHE, str(shipped))  # as LiteLLM itself does once it is imported
    if not Path(folder, _FILES[name]).is_file():
        return None
    import tiktoken

    encoding = tiktoken.get_encoding(name)
    return lambda text: len(encoding.encode_ordinary(text))

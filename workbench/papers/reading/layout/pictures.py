"""Where on a page a figure is: the drawings and images next to its caption, with the letters in them.

It is searched above the caption and below it, and the side with something nearer to it wins. What is drawn belongs to the
figure as long as no line of running text stands between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from workbench.papers.reading.paper import Box

_NEAR: Final = 70.0
"""Points from a caption to its figure at most."""
_APART: Final = 45.0
"""Points between two parts of one figure at most."""
_RUNNING: Final = 25
"""Letters of a line, on average, from which a block of two lines is running text and no inscription."""
_LONG: Final = 45
"""Letters of a single line that is."""
_INSCRIBED: Final = 12.0
"""Points around what is drawn in which an inscription's middle lies."""
_TALL: Final = 15.0
"""Points; only what is as tall belongs to what stands beside it, as the rules of a formula in the next column do not."""
_MARGIN: Final = 4.0
_SPECK: Final = 3.0
"""Points; what is smaller in both directions is a speck."""


def area_of(page: Any, caption: Box, others: Sequence[Box] = ()) -> Box | None:
    """Return the box of the figure that a caption is of, caption included; None where nothing is drawn near it.

    Args:
        page: of PyMuPDF.
        caption: where it is printed.
        others: the other captions of the page; no figure reaches beyond one.
    """
    running, inscribed = _texts(page)
    drawn = [box for box in _drawn(page) if not any(_within(box, text) for text in running)]
    walls = [*(box for box in running if not _overlap(box, caption)), *others]
    sides = [_grown(caption, drawn, walls, above=above) for above in (True, False)]
    found = [(distance, box) for distance, box in sides if box is not None]
    if not found:
        return None
    _, box = min(found, key=lambda side: side[0])
    around = (box[0] - _INSCRIBED, box[1] - _INSCRIBED, box[2] + _INSCRIBED, box[3] + _INSCRIBED)
    inside = [line for line in inscribed if _within(line, around) and not any(_within(line, other) for other in others)]
    x0, y0, x1, y1 = _union([box, caption, *inside])
    width, height = page.rect.width, page.rect.height
    return (max(0.0, x0 - _MARGIN), max(0.0, y0 - _MARGIN), min(width, x1 + _MARGIN), min(height, y1 + _MARGIN))


def _grown(caption: Box, drawn: Sequence[Box], walls: Sequence[Box], *, above: bool) -> tuple[float, Box | None]:
    """Return what is drawn on one side of a caption, and how near the nearest of it is."""
    side = [box for box in drawn if (box[3] <= caption[1] + _MARGIN if above else box[1] >= caption[3] - _MARGIN)]
    region: Box | None = None
    nearest = _NEAR
    left = sorted(side, key=lambda box: _distance(box, caption))
    while True:
        start = region or caption
        most = _APART if region else _NEAR
        fits = (box for box in left if _distance(box, start) <= most and _abreast(box, start, caption))
        box = next((box for box in fits if not _walled(box, start, walls)), None)
        if box is None:
            return nearest, region
        nearest = nearest if region else _distance(box, caption)
        region = _union([region, box]) if region else box
        left.remove(box)


def _drawn(page: Any) -> list[Box]:
    """Return the images and clusters of drawings of a page, without backgrounds, rules that span it, and specks."""
    boxes = [tuple(info["bbox"]) for info in page.get_image_info()] + [tuple(box) for box in page.cluster_drawings()]
    whole = page.rect.width * page.rect.height
    return [
        box
        for box in boxes
        if (box[2] - box[0]) * (box[3] - box[1]) < 0.8 * whole
        and max(box[2] - box[0], box[3] - box[1]) > _SPECK
        and not (box[3] - box[1] < _SPECK and box[2] - box[0] > 0.7 * page.rect.width)
    ]


def _texts(page: Any) -> tuple[list[Box], list[Box]]:
    """Return the blocks of running text of a page, and the lines that are none."""
    running: list[Box] = []
    inscribed: list[Box] = []
    for block in page.get_text("dict")["blocks"]:
        lines = block.get("lines", ())
        letters = [sum(map(str.isalpha, "".join(span["text"] for span in line["spans"]))) for line in lines]
        if letters and (max(letters) > _LONG or (len(letters) > 1 and sum(letters) / len(letters) > _RUNNING)):
            running.append(tuple(block["bbox"]))
        else:
            inscribed += [tuple(line["bbox"]) for line in lines]
    return running, inscribed


def _walled(box: Box, start: Box, walls: Sequence[Box]) -> bool:
    """Whether a line of running text stands between two boxes."""
    top, bottom = min(box[3], start[3]), max(box[1], start[1])
    left, right = max(min(box[0], start[0]), 0), max(box[2], start[2])
    return any(top - 1 <= (w[1] + w[3]) / 2 <= bottom + 1 and w[0] < right and w[2] > left for w in walls)


def _abreast(box: Box, region: Box, caption: Box) -> bool:
    """Whether a box lies above or below a region or its caption, and not in another column."""
    return any(min(box[2], other[2]) - max(box[0], other[0]) > 0 for other in (region, caption)) or (
        region != caption and box[3] - box[1] > _TALL and min(box[3], region[3]) - max(box[1], region[1]) > 0
    )


def _distance(a: Box, b: Box) -> float:
    across = max(0.0, max(a[0], b[0]) - min(a[2], b[2]))
    down = max(0.0, max(a[1], b[1]) - min(a[3], b[3]))
    return max(across, down)


def _within(box: Box, area: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return area[0] <= x <= area[2] and area[1] <= y <= area[3]


def _overlap(a: Box, b: Box) -> bool:
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


def _union(boxes: Sequence[Box]) -> Box:
    return (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))

"""The Python half of the widgets, and their built bundle in `static`.

A panel is an anywidget: a model that lives in the kernel, drawn by any number of views in any number of pages. `facts` says
what a page is told about a dialogue and `form` what it asks a person; `told` and `changes` find what is new since the last
time, `family` watches a dialogue and its sub-dialogues, `dialogue_panel` tells the pages and hears them, `wishes` does what a
person wants. `saved` is all of it for a page without a kernel, and `bundle` reads the front end, built from `widgets/`.

Papers have a panel of their own: `paper_panel` hears the pages and `paper_answers` answers them, with `paper_facts` of what a
paper says, `paper_story` of what became of it, and `paper_pages` of how it looks; `paper_static` is for pages without a kernel.

`opener` lets rows of a table open panels below it.

Dialogues reach this room by entry points, because rooms below must not import it: `d.panel()` and `d.save("….html")`; papers by
`shelf.panel()`.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from workbench.dialogue import Dialogue
    from workbench.panels.dialogue_panel import DialoguePanel

_PANELS: Final[weakref.WeakKeyDictionary[Dialogue, weakref.ref[DialoguePanel]]] = weakref.WeakKeyDictionary()


def panel_of(dialogue: Dialogue) -> DialoguePanel:
    """Return the one panel of a dialogue, so that everything that shows it agrees."""
    known = _PANELS.get(dialogue)
    panel = known() if known else None
    if panel is None or panel.comm is None:
        from workbench.panels.dialogue_panel import DialoguePanel

        panel = DialoguePanel(dialogue)
        _PANELS[dialogue] = weakref.ref(panel)
    return panel


def replay_page(dialogue: Dialogue) -> str:
    """Return a page that replays a dialogue, complete in one file."""
    from workbench.dialogue.export.as_replay import to_replay
    from workbench.panels.bundle import needs_rich, script, styles
    from workbench.panels.saved import saved_family

    transcripts, snapshot = saved_family(dialogue)
    rich = script("rich") if any(map(needs_rich, transcripts)) else None
    return to_replay(transcripts[0], snapshot, bundle=script("panels"), css=styles(), rich=rich)

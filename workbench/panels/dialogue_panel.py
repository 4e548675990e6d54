"""The live panel of a dialogue.

A thread of its own gathers what happened and tells the pages at most fifteen times a second, so neither the engine nor the
kernel's loop waits for a browser. Updates are numbered; a page that missed one, or was loaded later, gets all that was told
so far. Buttons come back as messages, which are handled while a cell runs as long as that cell awaits.
"""

from __future__ import annotations

import queue
import threading
from typing import Any, Final

import anywidget
import traitlets

from workbench.dialogue.dialogue import Dialogue
from workbench.errors import WorkbenchError
from workbench.events import DialogueResumed, DialogueStarted, Event, TurnSkipped
from workbench.panels.bundle import STATIC, script
from workbench.panels.changes import Facts, changed, turn_patch
from workbench.panels.facts import dialogue_facts, plan_facts, turn_facts

PERIOD: Final = 1 / 15
"""Seconds between two updates; a browser takes a few hundred messages a second from a kernel, all panels together."""


def _fresh(_value: object, panel: DialoguePanel) -> Facts:
    """Return the snapshot as it stands whenever a page or a saved notebook asks for the widget's state."""
    return panel.everything()


class DialoguePanel(anywidget.AnyWidget):
    """Shows a dialogue while it runs and after it: display it, or let it be the last expression of a cell.

    Args:
        dialogue: running or stored.
    """

    _esm = STATIC / "panels.js"
    _css = STATIC / "panels.css"
    kind = traitlets.Unicode("dialogue").tag(sync=True)
    snapshot = traitlets.Dict().tag(sync=True, to_json=_fresh)

    def __init__(self, dialogue: Dialogue) -> None:
        self.dialogue = dialogue
        self._number = 0
        self._told: Facts = {}
        self._told_turns: dict[str, Facts] = {}
        self._telling = threading.RLock()
        self._news: queue.SimpleQueue[Event | object] = queue.SimpleQueue()
        self._teller: threading.Thread | None = None
        super().__init__()
        self.on_msg(self._asked)
        _past, self._detach = dialogue._watch(self._happened)  # noqa: SLF001 - a panel sees every run, `events` only one

    def close(self) -> None:
        """Take the panel off all pages."""
        self._detach()
        super().close()

    def everything(self) -> Facts:
        """Return all that the pages have been told by now, brought up to date."""
        with self._telling:
            self._update()
            turns = sorted(self._told_turns.values(), key=lambda turn: turn["index"])
            return {"n": self._number, "dialogue": self._told, "turns": turns}

    def _happened(self, event: Event | object) -> None:
        """Note an event, or the end of a run; called on the engine's loop."""
        self._news.put(event)
        if self._teller is None or not self._teller.is_alive():
            self._teller = threading.Thread(target=self._tell, name=f"panel-{self.dialogue.id}", daemon=True)
            self._teller.start()

    def _tell(self) -> None:
        """Tell the pages what is new until the run is over."""
        pause = threading.Event()
        while True:
            live = self.dialogue.running
            with self._telling:
                self._update()
            if not live and self._news.empty():
                break
            pause.wait(PERIOD)
        self.send_state("snapshot")

    def _update(self) -> None:
        """Send what differs from what was told last."""
        touched, run_changed = self._touched()
        live, transcript = self.dialogue.running, self.dialogue.snapshot()
        facts = dialogue_facts(transcript, live=live, can=self.dialogue.can)
        if run_changed or "planned" not in self._told:
            facts |= plan_facts(transcript.run, transcript.skipped)
        if live != self._told.get("live"):
            touched = {turn.id for turn in transcript.turns}
        after = [turn_facts(turn, live=live) for turn in transcript.turns if turn.id in touched]
        patches = [patch for turn in after if (patch := turn_patch(self._told_turns.get(turn["id"]), turn))]
        self._told_turns |= {turn["id"]: turn for turn in after}
        news = changed(self._told, facts)
        self._told = self._told | facts
        if patches or news.keys() - {"now", "ran"}:
            self._number += 1
            self.send({"type": "update", "n": self._number, "dialogue": news, "turns": patches})

    def _touched(self) -> tuple[set[str], bool]:
        """Return the turns that events have touched since the last update, and whether the plan is another one."""
        touched, run_changed = set(), False
        while not self._news.empty():
            event = self._news.get()
            touched.add(getattr(event, "turn", ""))
            run_changed |= isinstance(event, DialogueStarted | DialogueResumed | TurnSkipped)
        return touched, run_changed

    def _asked(self, _widget: object, content: Any, _buffers: object) -> None:
        """Do what a page asks for."""
        match content:
            case {"type": "sync"}:
                self.send({"type": "snapshot", **self.everything()})
            case {"type": "rich"}:
                self.send({"type": "rich", "source": script("rich")})
            case {"type": "stop"}:
                self.dialogue.cancel()
            case {"type": "pause"}:
                self.dialogue.pause()
            case {"type": "unpause"}:
                self.dialogue.unpause()
            case {"type": "resume"}:
                threading.Thread(target=self._resume, daemon=True).start()  # it reads the record
            case _:
                pass

    def _resume(self) -> None:
        try:
            self.dialogue.resume()
        except WorkbenchError as error:
            self.send({"type": "refused", "text": str(error)})

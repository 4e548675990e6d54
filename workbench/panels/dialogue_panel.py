"""The live panel of a dialogue.

A thread of its own gathers what happened and tells the pages at most fifteen times a second, so neither the engine nor the
kernel's loop waits for a browser. Updates are numbered; a page that missed one, or was loaded later, gets all that was told
so far. What a person does on a page comes back as messages, which are handled while a cell runs as long as that cell awaits.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import anywidget
import traitlets

from workbench.dialogue.dialogue import Dialogue
from workbench.errors import WorkbenchError
from workbench.panels.bundle import STATIC, script
from workbench.panels.facts import Facts
from workbench.panels.family import Family
from workbench.panels.wishes import grant, tree_facts

PERIOD: Final = 1 / 15
"""Seconds between two updates; a browser takes a few hundred messages a second from a kernel, all panels together."""


def _fresh(_value: object, panel: DialoguePanel) -> Facts:
    """Return the snapshot as it stands whenever a page or a saved notebook asks for the widget's state."""
    return panel.everything()


class DialoguePanel(anywidget.AnyWidget):
    """Shows a dialogue while it runs and after it: display it, or let it be the last expression of a cell.

    Args:
        dialogue: running or stored.
        turn: id of the one that it opens at; without, at the end of one that runs, else at the beginning.
    """

    _esm = STATIC / "panels.js"
    _css = STATIC / "panels.css"
    kind = traitlets.Unicode("dialogue").tag(sync=True)
    turn = traitlets.Unicode().tag(sync=True)
    snapshot = traitlets.Dict().tag(sync=True, to_json=_fresh)

    def __init__(self, dialogue: Dialogue, turn: str = "") -> None:
        self.dialogue = dialogue
        self._number = 0
        self._telling = threading.RLock()
        self._waking = threading.Lock()
        self._teller: threading.Thread | None = None
        self._wishes = ThreadPoolExecutor(1, thread_name_prefix=f"panel-{dialogue.id}")
        with self._telling:  # nothing is told before the widget is there
            self._family = Family(dialogue, self._wake)
            super().__init__(turn=turn)
        self.on_msg(self._asked)

    def close(self) -> None:
        """Take the panel off all pages."""
        self._family.close()
        self._wishes.shutdown(wait=False)
        super().close()

    def everything(self) -> Facts:
        """Return all that the pages have been told by now, brought up to date."""
        with self._telling:
            self._update()
            return {"n": self._number, **self._family.everything()}

    def _wake(self) -> None:
        """See to it that somebody tells what happened; called on the engine's loop."""
        with self._waking:
            if self._teller is None:
                self._teller = threading.Thread(target=self._tell, name=f"panel-{self.dialogue.id}", daemon=True)
                self._teller.start()

    def _tell(self) -> None:
        """Tell the pages what is new until nothing runs any more."""
        pause, over = threading.Event(), False
        while not over:
            with self._telling:
                if self._family.stirs:
                    self._update()
            pause.wait(PERIOD)
            with self._waking:
                over = not self._family.live
                if over:
                    self._teller = None
        self.send_state("snapshot")

    def _update(self) -> None:
        """Send what differs from what was told last."""
        own, others = self._family.news()
        if own or others:
            self._say(**(own or {}), **({"others": others} if others else {}))

    def _say(self, **news: Any) -> None:
        self._number += 1
        self.send({"type": "update", "n": self._number, **news})

    def _asked(self, _widget: object, content: Any, _buffers: object) -> None:
        """Do what a page asks for; what reads the record or waits for the engine on a thread, one after the other."""
        match content:
            case {"type": "sync"}:
                self.send({"type": "snapshot", **self.everything()})
            case {"type": "rich"}:
                self.send({"type": "rich", "source": script("rich")})
            case {"type": "stop" | "pause" | "unpause" as action, **more}:
                self._steer(action, more.get("of"))
            case {"type": str(), **more} if isinstance(more.get("of", ""), str):
                self._wishes.submit(self._serve, content)
            case _:
                pass

    def _steer(self, action: str, of: object) -> None:
        """Act at once, whatever else a page has asked for."""
        dialogue = self._family.known(of) if isinstance(of, str) else self.dialogue
        if dialogue is not None:
            {"stop": dialogue.cancel, "pause": dialogue.pause, "unpause": dialogue.unpause}[action]()

    def _serve(self, wish: dict[str, Any]) -> None:
        ask = {"ask": wish["ask"]} if isinstance(wish.get("ask"), str) else {}
        try:
            self._do(wish, ask)
        except WorkbenchError as error:
            self.send({"type": "refused", "text": str(error), **ask})
        except Exception as error:  # noqa: BLE001 - a defect must be seen by who waits, not lost with the thread
            self.send({"type": "refused", "text": f"{type(error).__name__}: {error}", **ask})

    def _do(self, wish: dict[str, Any], ask: dict[str, str]) -> None:
        of = self._family.find(wish.get("of", self.dialogue.id))
        match wish["type"]:
            case "tree":
                self.send({"type": "tree", "nodes": tree_facts(of)})
            case "open":
                with self._telling:
                    self._family.tell(of)
                    self._update()
            case "close":
                with self._telling:
                    if self._family.hush(of.id):
                        self._say(others=[{"of": of.id, "gone": True}])
            case _:
                came = grant(of, wish)
                self.send({"type": "done", **ask, **({"id": came.id} if came else {})})

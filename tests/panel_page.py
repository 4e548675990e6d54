"""A page that holds a panel, without a browser: it folds what the kernel says, as the front end does, and says what a page says."""

from __future__ import annotations

import json
import queue
import time

import comm
from comm.base_comm import BaseComm


class Fold:
    """What a page knows: the panel's own dialogue, and those told beside it."""

    def __init__(self, snapshot):
        self.take({"type": "snapshot", **snapshot})

    def take(self, message):
        if message["type"] == "snapshot":
            self.number = message["n"]
            self.dialogue, self.turns = _whole(message)
            self.others = {other["dialogue"]["id"]: _whole(other) for other in message["others"]}
        elif message["type"] == "update" and message["n"] > self.number:
            assert message["n"] == self.number + 1
            self.number = message["n"]
            self.dialogue = _patched(self.dialogue, self.turns, message)
            for patch in message.get("others", ()):
                self._take_other(patch)

    def _take_other(self, patch):
        if patch.get("gone"):
            del self.others[patch["of"]]
            return
        dialogue, turns = self.others.setdefault(patch["of"], ({}, {}))
        self.others[patch["of"]] = _patched(dialogue, turns, patch), turns


def _whole(message):
    return message["dialogue"], {turn["id"]: dict(turn) for turn in message["turns"]}


def _patched(dialogue, turns, message):
    for patch in message.get("turns", ()):
        turn = turns.setdefault(patch["id"], {"text": "", "reasoning": ""})
        turn["text"] += patch.get("append", "")
        turn["reasoning"] += patch.get("append_reasoning", "")
        turn.update({name: value for name, value in patch.items() if not name.startswith("append")})
    return dialogue | message.get("dialogue", {})


class Wired(BaseComm):
    """A comm whose other end is here. Every message passes JSON, as it would on its way to a page."""

    heard: queue.SimpleQueue

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        data = json.loads(json.dumps(data))
        if msg_type == "comm_open":
            self.state = data["state"]
        elif data.get("method") == "custom":
            self.heard.put(data["content"])


def wire_comms(monkeypatch):
    """Connect the widgets of this process to pages of a test."""

    def create(*args, **kwargs):
        wired = Wired.__new__(Wired)
        wired.heard = queue.SimpleQueue()
        wired.__init__(*args, **kwargs)
        return wired

    monkeypatch.setattr(comm, "create_comm", create)


class Page(Fold):
    """A page of a panel in this process; its comm must be wired."""

    def __init__(self, panel):
        self.panel, self.comm, self.replies, self.asks = panel, panel.comm, [], 0
        super().__init__(self.comm.state["snapshot"])

    def say(self, **content):
        self.send(content)

    def send(self, content):
        self.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})

    def until(self, true, seconds=20):
        """Read what the kernel says until it is enough; return what `true` returned."""
        deadline = time.monotonic() + seconds
        while not (found := true(self)):
            assert time.monotonic() < deadline, f"it never came: {self.dialogue}"
            try:
                self._hear(self.comm.heard.get(timeout=0.2))
            except queue.Empty:
                continue
        return found

    def ask(self, **wish):
        """Ask for something and wait for the answer to it."""
        self.asks += 1
        ask = f"ask-{self.asks}"
        self.say(ask=ask, **wish)
        return self.until(lambda page: next((reply for reply in page.replies if reply.get("ask") == ask), None))

    def card(self, topic):
        """The card of a sub-dialogue of the panel's own dialogue; None while there is none."""
        return next((card for card in self.dialogue["children"] if card["topic"] == topic), None)

    def _hear(self, message):
        if message["type"] in ("snapshot", "update"):
            self.take(message)
        else:
            self.replies.append(message)

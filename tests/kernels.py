"""A real kernel: runs cells as a front end would, gathers what they put out, and speaks to widgets."""

from __future__ import annotations

import queue
import time
from contextlib import contextmanager

from jupyter_client.manager import start_new_kernel


@contextmanager
def kernel_in(folder):
    """A kernel whose current folder is `folder`, with the extension loaded."""
    manager, client = start_new_kernel(cwd=str(folder))
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


class Kernel:
    """Runs cells. With `person=True` a cell runs as if someone could answer it, as in JupyterLab; else as a program runs it."""

    def __init__(self, manager, client):
        self.manager, self.client = manager, client
        assert not self.run("%load_ext workbench").error

    def run(self, code, meanwhile=None, person=False, seconds=60):
        return self.gather(self.send(code, person=person), meanwhile, seconds)

    def send(self, code, person=False):
        return self.client.execute(code, allow_stdin=person)

    def gather(self, message, meanwhile=None, seconds=60):
        """Gather a cell's outputs to its end; `meanwhile` sees them grow until it returns True."""
        outputs, deadline = Outputs(), time.monotonic() + seconds
        while time.monotonic() < deadline:
            if meanwhile and meanwhile(outputs):
                meanwhile = None
            try:
                reply = self.client.get_iopub_msg(timeout=0.05)
            except queue.Empty:
                continue
            mine = reply["parent_header"].get("msg_id") == message
            if outputs.take(reply, mine) and mine:
                outputs.status = self.reply_to(message)["status"]
                return outputs
        raise AssertionError(f"the cell did not end: {outputs.stdout} {outputs.error}")

    def listen(self, until, seconds=30):
        """Gather what comes from the kernel, whichever cell it belongs to, until it is enough."""
        outputs, deadline = Outputs(), time.monotonic() + seconds
        while not until(outputs):
            assert time.monotonic() < deadline, "it never came"
            try:
                outputs.take(self.client.get_iopub_msg(timeout=0.05), mine=True)
            except queue.Empty:
                continue
        return outputs

    def reply_to(self, message):
        while True:
            reply = self.client.get_shell_msg(timeout=10)
            if reply["parent_header"].get("msg_id") == message:
                return reply["content"]

    def complete(self, code, at=None):
        """What may stand at a place of a cell, by default its end."""
        return self.reply_to(self.client.complete(code, len(code) if at is None else at))

    def tell(self, comm, content):
        """Send a widget a message, as a click does."""
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        self.client.shell_channel.send(message)


class Outputs:
    """What a cell put out, and what widgets said meanwhile."""

    def __init__(self):
        self.updates, self.displays, self.stdout, self.error, self.status = [], [], "", None, ""
        self.widgets, self.told, self.states = [], [], []

    def take(self, reply, mine):
        kind, content = reply["msg_type"], reply["content"]
        if kind == "comm_open":
            self.widgets.append((content["comm_id"], content["data"].get("state", {})))
        elif kind == "comm_msg" and content["data"].get("method") == "custom":
            self.told.append((content["comm_id"], content["data"]["content"]))
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.states.append((content["comm_id"], content["data"]["state"]))
        elif kind == "update_display_data":
            self.updates.append(content["data"])
        elif not mine:
            return False
        elif kind in ("display_data", "execute_result"):
            self.displays.append(content["data"])
        elif kind == "stream":
            self.stdout += content["text"]
        elif kind == "error":
            self.error = f"{content['ename']}: {content['evalue']}\n" + "\n".join(content["traceback"])
        return kind == "status" and content["execution_state"] == "idle"

    @property
    def panels(self):
        """Widgets that show something of the workbench, with what they showed first."""
        return [(comm, state) for comm, state in self.widgets if "snapshot" in state]

"""The orchestrator with a record that is copied: to a service that is down, or to one that takes everything."""

from __future__ import annotations

import gc
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from contestants import Ours


class Copied(Ours):
    """As `Ours`, with a watch that finds nobody there."""

    def __init__(self, base: str, folder: Path) -> None:
        super().__init__(base, folder)
        self._service: subprocess.Popen[str] | None = None
        self._watch: Any = None

    def sequence(self, turns: int, *, stream: bool = False, pace: str = "0/0") -> None:
        """One dialogue, turn after turn, while the watch tries."""
        first = self._watch is None
        down = self._target("otlp", "http://127.0.0.1:9")
        if first:
            from workbench.observe.sync.watch import Watch

            self._watch = Watch(self.orchestrator.record, lambda: [down])
            time.sleep(1)
        super().sequence(turns, stream=stream, pace=pace)
        if first and not self.orchestrator.record.outbox.standing(down.id).left:  # looked up in the round that does not count
            raise RuntimeError("nothing waits for the service that is down")

    def fill(self, dialogues: int, turns: int, target: str) -> None:
        """Write dialogues that are to go to a target."""
        record = self.orchestrator.record
        where = self._target(target, self._url)
        record.outbox.switch_on(where.id, where.title, where.kinds)
        for _ in range(dialogues):
            record.write(dialogue(secrets.token_hex(6), turns))
        gc.collect()

    def deliver(self, dialogues: int, turns: int, target: str) -> None:
        """Write some more, and copy everything; on the loop of the dialogues, as a cell does."""
        from workbench.loop import run
        from workbench.observe.sync.syncing import sync

        self.fill(dialogues, turns, target)
        where = self._target(target, self._url)
        if problems := run(sync(self.orchestrator.record, [where])):
            raise RuntimeError(str(problems))
        standing = self.orchestrator.record.outbox.standing(where.id)
        if standing.left or standing.dead:
            raise RuntimeError(f"not all arrived: {standing}")
        gc.collect()

    @property
    def _url(self) -> str:
        """Address of the service, which is started on first use and ends with this process's pipes."""
        if self._service is None:
            command = [sys.executable, str(Path(__file__).parent / "sync_takes_all.py")]
            self._service = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            port = self._service.stdout.readline().strip() if self._service.stdout else ""
            self._place = f"http://127.0.0.1:{port}"
        return self._place

    def _target(self, name: str, url: str) -> Any:
        if name == "langfuse":
            from workbench.observe.sync.langfuse import LangfuseTarget

            return LangfuseTarget(url, "pk-lf-bench", "sk-lf-bench")
        if name == "langsmith":
            from workbench.observe.sync.langsmith import LangSmithTarget

            return LangSmithTarget(url, "lsv2_pt_bench", "bench")
        from workbench.observe.sync.otlp import OtlpTarget

        return OtlpTarget(f"{url}/v1/traces")


def dialogue(name: str, turns: int) -> list[Any]:
    """Return the events of a dialogue: turns with a prompt of 2 kB and an answer of 1 kB, a call each."""
    import workbench.events as ev

    prompt, said, now = "Argue it well. " * 130, "It rests on evidence. " * 45, time.time() - turns
    events: list[Any] = [ev.DialogueStarted(dialogue=name, seq=1, at=now, mode="bench", topic="Tabs?", run={})]
    for number in range(turns):
        seq, at, turn = 4 * number + 2, now + number, f"t{number}"
        call = ev.Call(
            id=f"{name}{number}", asked="bench", model="bench", provider="openai", attempt=1, outcome="ok", started_at=at,
            timings=ev.Timings(queue=0.0, first_token=0.1, total=0.5), served="bench", finish_reason="stop", text=said,
            usage=ev.Usage(prompt=500, completion=250), cost=0.001,
        )  # fmt: skip
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": prompt}]
        facts = {"dialogue": name, "turn": turn}
        events += [
            ev.TurnStarted(**facts, seq=seq, at=at, index=number + 1, role="pro", model="bench", messages=messages),
            ev.CallStarted(**facts, seq=seq + 1, at=at, call=call.id, model="bench", attempt=1),
            ev.CallEnded(**facts, seq=seq + 2, at=at + 0.5, call=call),
            ev.TurnCompleted(**facts, seq=seq + 3, at=at + 0.5, text=said),
        ]
    end = {"dialogue": name, "seq": 4 * turns + 2, "at": now + turns}
    return [*events, ev.DialogueEnded(**end, status=ev.Status.COMPLETED)]

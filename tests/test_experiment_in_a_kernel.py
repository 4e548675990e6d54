"""`%experiment run` in a real kernel: the cell awaits, tells how far it is in place, and an interrupt keeps what is complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from wire import Wire

pytestmark = pytest.mark.slow
CELL = """%%experiment echoes -o exp
cases: [{{q: one}}, {{q: two}}, {{q: three}}, {{q: four}}, {{q: five}}, {{q: six}}]
arms:
  plain: {{model: openai/wire, prompt: "{{q}}", api_base: "{base}"}}
  call: {{call: "__main__:shout"}}
metrics: {{latency: , words: {{kind: function, call: "__main__:words", better: lower}}}}
concurrency: 1
"""


def test_a_cell_awaits_a_run_and_an_interrupt_keeps_what_is_complete(kernel: Any, folder: Path) -> None:
    with Wire(words=3) as wire:
        kernel.run("def shout(case):\n    return case['q'].upper()\ndef words(output, case):\n    return len(output.split())")
        page = kernel.run(CELL.format(base=wire.openai))
        assert page.status == "ok", page.stdout
        assert "not run yet" in page.displays[-1]["text/plain"]
        assert (folder / "experiments" / "echoes" / "experiment.yaml").is_file()

        wire.faults = lambda asked: "hang" if len(wire.requests) >= 4 else None
        cell = kernel.send("%experiment run echoes")

        def interrupt(_outputs: Any) -> bool:
            if len(wire.requests) >= 4:
                kernel.manager.interrupt_kernel()
                return True
            return False

        stopped = kernel.gather(cell, interrupt)
        assert stopped.status == "error"
        assert "%experiment resume echoes" in str(stopped.error)
        kept = int(kernel.run("print(len(exp.results))").stdout)
        assert 3 <= kept < 12
        wire.faults = lambda asked: None
        done = kernel.run(
            "x = %experiment resume echoes\nprint(x.experiment.status, len(x.experiment.results), x.frame.words.tolist())"
        )
        assert done.stdout.strip().splitlines()[-1] == "completed 12 [3.0, 1.0]", done.error

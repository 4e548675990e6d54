"""An experiment in a record as the sync finds it: cases, a run, its observations, and the judge that spoke of them."""

from __future__ import annotations

import json
from dataclasses import replace

from record_examples import START, whole

from workbench.records import Record
from workbench.records.experiments import CaseRow, ExperimentRow, ObservationRow, RunRow

ARM = "plain/short"


def judged_experiment(record: Record, cases: int = 2, filling: str = "") -> RunRow:
    """Keep an experiment of one arm that has ended; all observations were judged in one dialogue, one was a dialogue itself.

    Args:
        record: that it is kept in.
        cases: how many.
        filling: what is in each case besides.
    """
    definition = {
        "name": "sums",
        "arms": {ARM: {"model": "small", "prompt": "{question}"}},
        "metrics": {"right": {"kind": "numeric", "expected": "answer"}},
        "repeats": 1,
    }
    row = ExperimentRow("e0123456789", "sums", START, "f" * 64, "{}", json.dumps(definition))
    data = [{"id": f"c{n}", "question": f"{n} + 1?", "answer": n + 1, "filling": filling} for n in range(cases)]
    record.experiments.keep(row, [CaseRow(n, case["id"], json.dumps(case)) for n, case in enumerate(data)])
    run = replace(RunRow.new(row.id, cases, "{}"), created_at=START, ended_at=START + 50, status="completed")
    record.experiments.begin(run)
    for name in ("first", "judge"):
        begun, *rest = whole(f"{run.id}-{name}", turns=1)
        record.write([replace(begun, run={"parent_id": run.id}), *rest])
    record.experiments.observe(run.id, [observation(run, number) for number in range(cases)])
    return run


def observation(run: RunRow, number: int, right: float = 1.0) -> ObservationRow:
    """What came of a case. The judge is named twice, beside one whose dialogue is gone; a score is no number."""
    said = {"dialogues": [f"{run.id}-judge", "gone"], "reason": "because"}
    notes = {"judges": {"right": {"reason": "because"}}, "pairs": {"right": said, "again": said}}
    return ObservationRow(
        number=number, arm=ARM, repeat=0, case_id=f"c{number}", attempt=1, status="ok", error=None, fallback=0,
        dialogue_id=f"{run.id}-first" if number == 0 else None, started_at=START + number, latency=0.5, cost=0.01, tokens=20,
        output=f"It is {number + 1}", scores=json.dumps({"right": right, "odd": float("nan")}), notes=json.dumps(notes),
    )  # fmt: skip

"""An experiment in one file: definition, plan and seal, cases, manifest, observations and report. It opens on another machine.

Nothing of a bundle is written to disk by its own names: known members are read, up to a size, checked, and put into the record.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import asdict
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from workbench.dialogue.orchestrator import Orchestrator
from workbench.errors import WorkbenchError
from workbench.experiments.plan import digest
from workbench.experiments.reproduce import digest_of
from workbench.records.experiments import CaseRow, ExperimentRow, ObservationRow, RunRow

if TYPE_CHECKING:
    from workbench.experiments.experiment import Experiment

LARGEST: Final = 512 * 2**20
"""Bytes that the members of a bundle may have together, unpacked."""
_VERSION: Final = 1
_MEMBERS: Final = frozenset({"bundle.json", "cases.jsonl", "observations.jsonl", "results.parquet", "report.html", "report.md"})


class BundleError(WorkbenchError):
    """A file is no bundle, or one that is not to be opened."""


def write_bundle(experiment: Experiment, path: str | Path, *, figures: bool = True) -> Path:
    """Write an experiment with its run to a zip file, and return where.

    Args:
        experiment: with a run.
        path: of the file.
        figures: whether the report in HTML has its figures, which take 1.5 MB.

    Raises:
        WorkbenchError: there is no run, or the file cannot be written.
    """
    path, rows, row, run = Path(path), experiment.orchestrator.record.experiments, experiment.keep(), experiment.run_row
    if run is None:
        raise WorkbenchError(f"{experiment.name} has not been run", hint="`run` begins a run.")
    analysis = experiment.compare()
    manifest = json.loads(run.manifest) | {"analysis": digest_of(analysis)}
    kept = RunRow(**asdict(run) | {"owner": None, "manifest": json.dumps(manifest)})
    head = {"version": _VERSION, "experiment": asdict(row), "run": asdict(kept)}
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("bundle.json", json.dumps(head))
            with bundle.open("cases.jsonl", "w") as member:
                for case in rows.cases(row.id):
                    member.write(json.dumps(asdict(case)).encode() + b"\n")
            with bundle.open("observations.jsonl", "w") as member:
                for observation in rows.observations(run.id):
                    member.write(json.dumps(asdict(observation)).encode() + b"\n")
            bundle.writestr("report.html", experiment.report("html", figures=figures))
            bundle.writestr("report.md", experiment.report("markdown"))
            if (table := _parquet(experiment)) is not None:
                bundle.writestr("results.parquet", table)
    except OSError as error:
        raise BundleError(f"{path} cannot be written: {error.strerror}") from None
    return path


def open_bundle(path: str | Path, orchestrator: Orchestrator) -> Experiment:
    """Take the experiment of a bundle into the record, and return it with its run. What is there already stays as it is.

    Its dialogues are not in it: results, comparison, plots and report are all there.

    Raises:
        BundleError: the file is no bundle, is too large, or contradicts itself or the record.
    """
    from workbench.experiments.experiment import Experiment

    try:
        with zipfile.ZipFile(path) as bundle:
            _check_members(bundle)
            head = json.loads(bundle.read("bundle.json"))
            row, run = _rows(head)
            cases = [_as(CaseRow, line) for line in _lines(bundle, "cases.jsonl")]
            observations = [_as(ObservationRow, line) for line in _lines(bundle, "observations.jsonl")]
    except FileNotFoundError:
        raise BundleError(f"{path} does not exist") from None
    except (
        OSError,
        zipfile.BadZipFile,
        json.JSONDecodeError,
        UnicodeDecodeError,
        RecursionError,
        NotImplementedError,
    ) as error:
        raise BundleError(f"{path} is no bundle: {error}", hint="`workbench experiment bundle` writes one.") from None
    _check(row, run, cases, observations)
    rows = orchestrator.record.experiments
    kept = rows.keep(row, cases)
    if run.id not in {each.id for each in rows.runs()}:
        run = RunRow(**asdict(run) | {"experiment_id": kept.id, "owner": None})
        rows.begin(run)
        rows.observe(run.id, observations)
        rows.end(run.id, run.status, run.reason)
    elif rows.run(run.id).experiment_id != kept.id:
        raise BundleError(f"the record has another run {run.id}", hint="Open the bundle in a workspace of its own.")
    return Experiment.load(run.id, orchestrator)


def _check_members(bundle: zipfile.ZipFile) -> None:
    names = bundle.namelist()
    if strange := [name for name in names if name not in _MEMBERS]:
        raise BundleError(f"the bundle holds {strange[0][:80]!r}, which belongs to none", hint="It was not opened.")
    if len(names) != len(set(names)) or "bundle.json" not in names:
        raise BundleError("the file is no bundle: a part of it is missing, or there twice")
    if sum(member.file_size for member in bundle.infolist()) > LARGEST:  # no more than this is unpacked, whatever follows
        raise BundleError(f"the bundle is larger than {LARGEST // 2**20} MB unpacked", hint="It was not opened.")


def _lines(bundle: zipfile.ZipFile, name: str) -> list[str]:
    if name not in bundle.namelist():
        raise BundleError(f"the bundle has no {name}")
    return [line for line in bundle.read(name).decode().split("\n") if line]


def _rows(head: Any) -> tuple[ExperimentRow, RunRow]:
    if not isinstance(head, dict) or head.get("version") != _VERSION:
        raise BundleError("this workbench cannot read the bundle's version", hint="Upgrade: pip install -U dialogue-workbench")
    return _as(ExperimentRow, json.dumps(head.get("experiment"))), _as(RunRow, json.dumps(head.get("run")))


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _as(kind: Any, text: str | bytes) -> Any:
    try:
        return _adapter(kind).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "line"
        raise BundleError(f"the bundle is damaged: {kind.__name__} {where}: {first['msg']}") from None


def _check(row: ExperimentRow, run: RunRow, cases: list[CaseRow], observations: list[ObservationRow]) -> None:
    """Refuse a bundle whose parts do not belong together."""
    try:
        form = json.loads(row.form)
        whole = digest(form) == row.sha256
        ids = form["cases"]["ids"] == [case.case_id for case in cases] and form["cases"]["sha256"] == _cases_hash(cases)
    except (json.JSONDecodeError, KeyError, TypeError, RecursionError):
        whole = ids = False
    numbers = {case.number for case in cases}
    if not whole:
        raise BundleError("the bundle's definition is not the one that its hash is of", hint="Somebody changed it.")
    if not ids or numbers != set(range(len(cases))):
        raise BundleError("the bundle's cases are not those of its definition", hint="Somebody changed them.")
    if run.experiment_id != row.id or not {each.number for each in observations} <= numbers:
        raise BundleError("the bundle's observations are not of its experiment", hint="Somebody changed them.")


def _cases_hash(cases: list[CaseRow]) -> str:
    found = hashlib.sha256()
    for case in cases:
        found.update(f"{json.dumps(case.case_id)}:{json.dumps(json.loads(case.data), sort_keys=True)}\n".encode())
    return found.hexdigest()


def _parquet(experiment: Experiment) -> bytes | None:
    if find_spec("pyarrow") is None:
        return None
    table: bytes = experiment.results.to_parquet(index=False)
    return table

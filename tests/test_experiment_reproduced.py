"""A run says under which circumstances it was made, is made again from the record, and opens on another machine."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from experimenters import PRICES, adder, careful, prompt_of, sums, workshop
from wire import Asked, Wire

from workbench.dialogue import Orchestrator
from workbench.errors import WorkbenchError
from workbench.experiments import Experiment, bundle
from workbench.experiments.bundle import BundleError, open_bundle, write_bundle
from workbench.experiments.reproduce import reproduce, rerun

SECRET = "sk-abcdefgh1234567890"


@pytest.fixture
def adding() -> Any:
    with Wire() as wire:
        wire.answer = adder(lambda prompt: careful(prompt) or " 1 + 1" in prompt)
        yield wire


@pytest.fixture
def done(tmp_path: Path, adding: Wire) -> Any:
    """A run that has ended, in a repository with a change that is not committed."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=A", "-c", "user.email=a@b.c"]
    (tmp_path / "prompt.txt").write_text("one", encoding="utf-8")
    for words in (["init", "-q"], ["add", "prompt.txt"], ["commit", "-qm", "One"]):
        subprocess.run([*git, *words], check=True)
    (tmp_path / "prompt.txt").write_text(f"two, with {SECRET}", encoding="utf-8")
    with workshop(tmp_path, adding) as orchestrator:
        experiment = sums(orchestrator, 8)
        experiment.seal()
        yield experiment.run()


def test_the_manifest_has_commit_changes_packages_models_prompts_and_no_secret(done: Experiment) -> None:
    manifest = done.manifest
    assert len(manifest["git"]["commit"]) == 40
    assert manifest["git"]["dirty"]
    assert "+two, with [redacted]" in manifest["git"]["diff"]
    assert SECRET not in json.dumps(manifest)
    assert "numpy" in {name.lower() for name in manifest["packages"]}
    assert manifest["models"]["m"]["prices"] == PRICES
    assert manifest["prompts"]["plain"] != manifest["prompts"]["careful"]
    assert manifest["seed"] == 0


def test_a_seal_is_stored_before_the_run_and_departures_are_found(done: Experiment) -> None:
    sealed = done.sealed
    assert sealed is not None
    assert sealed.intact
    assert sealed.form["cases"]["ids"] == [f"c{number}" for number in range(8)]
    assert not done.compare().departures
    other = sums(done.orchestrator, 8, repeats=2).run()
    assert "repeats" in {each.what for each in other.compare().departures}
    with pytest.raises(WorkbenchError, match="has observations already"):
        other.seal()


def test_results_are_made_again_from_the_record_bit_for_bit(done: Experiment, tmp_path: Path) -> None:
    found = reproduce(done)
    assert found.same
    assert found.reported is None
    done.report("markdown", tmp_path / "r.md")
    again = reproduce(Experiment.load(str(done.run_id), done.orchestrator))
    assert again.reported == again.analysis == found.analysis
    assert "bit for bit" in again.text

    with sqlite3.connect(done.orchestrator.settings.record_url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE observations SET output = 'It is 3', cost = 0 WHERE case_id = 'c1' AND arm = 'careful'")
    changed = reproduce(Experiment.load(str(done.run_id), done.orchestrator))
    assert not changed.same
    assert "case c1, careful, repeat 0: output is kept as 'It is 3'" in changed.text
    assert "right is kept as True, and the rule says False" in changed.text


def test_a_run_is_made_anew_and_tested_for_being_the_same(done: Experiment, adding: Wire) -> None:
    found = rerun(done)
    assert found.same, found.text
    assert found.before != found.after
    adding.answer = adder(lambda prompt: not careful(prompt))
    assert not rerun(done).same


def test_a_bundle_opens_on_another_machine(done: Experiment, tmp_path: Path) -> None:
    path = write_bundle(done, tmp_path / "sums.zip")
    with Orchestrator(tmp_path_of(tmp_path, "elsewhere")) as there:
        opened = open_bundle(path, there)
        assert opened.status == "completed"
        assert opened.results.equals(done.results)
        assert opened.compare().to_json() == done.compare().to_json()
        assert opened.sealed == done.sealed
        assert opened.manifest["git"] == done.manifest["git"]
        assert open_bundle(path, there).run_id == opened.run_id, "opened twice, it is there once"
        assert len(there.record.experiments.runs()) == 1


def tmp_path_of(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def changed(path: Path, to: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """Write a bundle again, with each part as a function says."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            if (part := change(name, source.read(name))) is not None:
                target.writestr(*part)
    return to


def test_a_bundle_that_is_not_to_be_opened_is_refused_and_leaves_nothing(
    done: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = write_bundle(done, tmp_path / "sums.zip")

    def swapped(name: str, old: bytes, new: bytes) -> Callable[[str, bytes], tuple[str, bytes]]:
        return lambda part, data: (part, data.replace(old, new) if part == name else data)

    bad = {
        "which belongs to none": lambda name, data: ("../../evil.py" if name == "report.md" else name, data),
        "a part of it is missing": lambda name, data: None if name == "bundle.json" else (name, data),
        "has no cases": lambda name, data: None if name == "cases.jsonl" else (name, data),
        "cases are not those": swapped("cases.jsonl", b"1 + 1?", b"1 + 2?"),
        "not the one that its hash is of": swapped("bundle.json", b"With care", b"Without care"),
        "cannot read the bundle's version": swapped("bundle.json", b'"version": 1', b'"version": 9'),
        "damaged: ObservationRow attempt": swapped("observations.jsonl", b'"attempt": 1', b'"attempt": "1"'),
        "damaged: ObservationRow line": swapped("observations.jsonl", b"{", b"["),
        "is no bundle": swapped("bundle.json", b"{", b"["),
    }
    with Orchestrator(tmp_path_of(tmp_path, "elsewhere")) as there:
        for said, change in bad.items():
            with pytest.raises(BundleError, match=said):
                open_bundle(changed(whole, tmp_path / "bad.zip", change), there)
        (tmp_path / "none.zip").write_bytes(b"PK no")
        for path, said in (("none.zip", "is no bundle"), ("nowhere.zip", "does not exist")):
            with pytest.raises(BundleError, match=said):
                open_bundle(tmp_path / path, there)
        monkeypatch.setattr(bundle, "LARGEST", 1000)
        with pytest.raises(BundleError, match="larger than"):
            open_bundle(whole, there)
        assert there.record.experiments.all() == []


def test_answers_of_both_arms_were_asked_for(done: Experiment, adding: Wire) -> None:
    def kind(asked: Asked) -> bool:
        return careful(prompt_of(asked))

    assert sum(map(kind, adding.requests)) == len(adding.requests) / 2

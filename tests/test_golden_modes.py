"""Every built-in mode, on answers that a small local model once gave: its golden transcript comes out again, byte for byte.

`GOLDEN_WRITE=1` writes the transcripts anew from the cassettes; `scripts/record_modes.py` records the cassettes.
"""

import os

import pytest
from golden import FOLDER, RUNS, cassette_of, family, perform, transcript_of

from workbench.dialogue import ModeLoader

MODES = sorted(mode.name for mode in ModeLoader().modes())


@pytest.fixture(autouse=True)
def no_model(monkeypatch, tmp_path):
    """Weights are nowhere: a model that is asked fails."""
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "empty"))


def test_every_built_in_mode_has_a_run_its_files_and_a_line_in_the_docs():
    assert sorted(RUNS) == MODES
    described = (FOLDER.parent.parent.parent / "docs" / "modes.md").read_text("utf-8").partition("## The built-in modes")[2]
    assert [mode for mode in MODES if f"`{mode}`" not in described] == []
    assert {path.stem for path in FOLDER.glob("*.jsonl")} == {path.stem for path in FOLDER.glob("*.md")} == set(RUNS)


@pytest.mark.parametrize("mode", MODES)
def test_its_golden_transcript_comes_out_again(mode, tmp_path):
    dialogue, text = perform(mode, tmp_path)
    assert dialogue.status.succeeded, dialogue.reason
    if os.environ.get("GOLDEN_WRITE"):
        transcript_of(mode).write_text(text, "utf-8")
    assert text.encode() == transcript_of(mode).read_bytes()


@pytest.mark.parametrize("mode", MODES)
def test_its_cassette_holds_the_answers_it_needs_and_no_others(mode, tmp_path):
    dialogue, _ = perform(mode, tmp_path)
    calls = [call for each in family(dialogue) for turn in each.transcript for call in turn.calls]
    assert [call.text for call in calls if not call.ok] == []
    assert len(calls) == len(cassette_of(mode).read_text("utf-8").strip().split("\n"))


def test_a_sub_dialogue_stands_in_the_transcript_of_its_parent():
    text = transcript_of("branching_debate").read_text("utf-8")
    assert text.count("### debate: ") == len([line for line in text.split("\n") if line.startswith("#### verdict")])
    assert text.count("### debate: ") >= 1


def test_the_files_stay_small():
    sizes = {mode: cassette_of(mode).stat().st_size + transcript_of(mode).stat().st_size for mode in RUNS}
    assert max(size for mode, size in sizes.items() if mode != "branching_debate") < 40_000, sizes
    assert sizes["branching_debate"] < 80_000  # three dialogues in one
    assert sum(sizes.values()) < 500_000

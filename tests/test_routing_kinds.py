"""What kind of task a text is, is told by rules, by a small model on this machine, and by a user's examples; no model is asked."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.routing.kinds import FEATURES, OTHER, Kinds, built_in

PLAIN = [
    ("code", "Write a Python script that renames files."),
    ("code", "SELECT name FROM users WHERE id = 3; why is this query slow?"),
    ("maths", "Solve the equation 2x + 3 = 9."),
    ("maths", "How many apples are left if 3 of 12 are eaten?"),
    ("creative", "Compose a limerick about a parrot."),
    ("summarise", "TL;DR of this thread, please."),
    ("extract", "Extract all dates as JSON."),
    ("judge", "Rate this answer on a scale from 1 to 5."),
    ("translate", "Translate the sentence into French."),
    ("rewrite", "Proofread this letter."),
    ("analysis", "Compare the two laws and their implications."),
    ("plan", "Make a schedule for the move."),
]
SUBTLE = [
    ("code", "My view returns a 500 whenever the form is empty."),
    ("maths", "A shirt costs 20 euros and is reduced by a quarter. What do I pay?"),
    ("creative", "Tell me something for bedtime, with a dragon and a baker in it."),
    ("extract", "Which phone numbers are there in this message?"),
    ("translate", "What do Italians say for 'see you tomorrow'?"),
    ("rewrite", "This paragraph reads badly. Can you mend the wording?"),
    ("judge", "Here are two replies. Whose is better?"),
    ("summarise", "Give me a short overview of this chapter."),
]


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    return Kinds()


@pytest.mark.parametrize(("kind", "text"), PLAIN)
def test_rules_tell_plain_tasks(kind, text):
    assert Kinds(embedder=None).label(text).kind == kind


def test_the_embedding_model_tells_what_rules_do_not(kinds):
    rules = sum(Kinds(embedder=None).label(text).kind == kind for kind, text in SUBTLE)
    both = sum(kinds.label(text).kind == kind for kind, text in SUBTLE)
    assert both >= 2 * rules + 2
    assert both >= 0.75 * len(SUBTLE)
    assert sum(kinds.label(text).kind == kind for kind, text in PLAIN) >= len(PLAIN) - 1


def test_without_the_extra_rules_decide_alone(monkeypatch):
    monkeypatch.setattr("workbench.routing.kinds.find_spec", lambda _: None)
    kinds = Kinds()
    assert kinds.label("Translate this into German.").kind == "translate"
    assert kinds.label("Zzz.") == type(kinds.label("Zzz."))(OTHER, kinds.label("Zzz.").scores, ())
    with pytest.raises(WorkbenchError, match="example") as refused:
        kinds.add("legal", ["Review this contract."])
    assert "embeddings" in refused.value.hint


def test_a_user_adds_a_kind_by_example():
    kinds = Kinds()
    text = "Does clause 4 of this lease bind the tenant?"
    assert kinds.label(text).kind != "legal"
    kinds.add("legal", ["Is this contract clause enforceable?", "Which law governs this lease?"], capability="reasoning")
    assert kinds.label(text).kind == "legal"
    assert kinds.capability("legal") == kinds.task(text).capability == "reasoning"
    assert kinds.label("Write a Python script that renames files.").kind == "code"
    assert "legal" not in {kind.name for kind in Kinds()}


def test_a_user_adds_examples_to_a_kind_that_exists():
    kinds = Kinds()
    kinds.add("creative", ["Name this potion.", "Name that spell."])
    assert kinds.capability("creative") == "writing"
    assert len(next(kind for kind in kinds if kind.name == "creative").examples) == len(built_in()["creative"].examples) + 2
    assert kinds.label("Name the wand.").kind == "creative"


@pytest.mark.parametrize(("name", "examples"), [("", ["a"]), ("x", []), ("x", ["  "])])
def test_a_kind_needs_a_name_and_an_example(name, examples):
    with pytest.raises(WorkbenchError, match="at least one example"):
        Kinds().add(name, examples)


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=200))
@settings(deadline=None, max_examples=50)
def test_any_text_has_a_kind_and_features(text):
    kinds = Kinds()
    label = kinds.label(text)
    assert label.kind in {OTHER, *built_in()}
    assert len(label.features) == FEATURES
    assert np.isfinite(label.features).all()


@pytest.mark.parametrize("filler", ["SELECT ", "def ", "if ", "how many ", "A. ", "1 + ", "$", "class ( "])
def test_long_hostile_texts_are_read_in_bounded_steps(filler):
    label = Kinds(embedder=None).label(filler * 300_000)
    assert label.kind in {OTHER, *built_in()}


def test_what_is_wanted_counts_at_both_ends():
    quiet = "The harbour was quiet that day, and boats lay in rows. " * 20
    material = f"{quiet} She read a poem, then a story. {quiet}"  # words of other kinds count less in between
    assert Kinds(embedder=None).label(f"{material}\nSummarise this.").kind == "summarise"
    assert Kinds(embedder=None).label(f"Translate this:\n{material}").kind == "translate"


def test_a_given_kind_is_kept_and_its_capability_found(kinds):
    task = kinds.task("Whatever.", "code")
    assert (task.kind, task.capability, len(task.features)) == ("code", "coding", FEATURES)
    assert kinds.task("Whatever.", "gsm8k").capability == "gsm8k"


def test_many_texts_at_once_are_labelled_as_one_by_one(kinds):
    texts = [text for _, text in PLAIN]
    together = kinds.labels(texts)
    assert [label.kind for label in together] == [kinds.label(text).kind for text in texts]
    assert kinds.labels([]) == []


def test_nothing_that_asks_a_model_is_loaded():
    assert "litellm" not in sys.modules or "workbench.models.client" in sys.modules

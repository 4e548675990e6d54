"""A turn is shown what its rule says, within what there is room for; what is missing or shorter is announced or refused."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench.dialogue.prompts.arrangement import Room, Seen, notice_of
from workbench.dialogue.prompts.compression import arrange
from workbench.dialogue.prompts.extracts import GAP, pieces
from workbench.dialogue.rules.mode import ContextSpec
from workbench.errors import ErrorKind, ModeError, ModelError, WorkbenchError
from workbench.models import ModelRegistry
from workbench.models.embeddings import local_embedder
from workbench.models.tokens import count_tokens

DELIBERATION = json.loads(Path(__file__).with_name("data").joinpath("deliberation.json").read_text("utf-8"))
ROOMY = Room(turn="judge", model="gpt-mini", window=400_000, answer=1000, stands=200)
QUESTION = "Which effects does the closure have on shops, on the fire service and on the air, and what would it cost?"


@cache
def tokens(text: str) -> int:
    return count_tokens(text, ModelRegistry().get("gpt-mini")).tokens


def turn(index: int, text: str, id_: str = "", label: str = "", count=len) -> Seen:
    label = label or f"Turn {index}"
    return Seen(id_ or f"t{index}", index, label, text, count(f"{label}:\n{text}\n\n"))


def turns(*texts: str) -> list[Seen]:
    return [turn(index, text) for index, text in enumerate(texts, 1)]


DEBATE = [turn(index, one["text"], one["id"], one["label"], tokens) for index, one in enumerate(DELIBERATION, 1)]
WHOLE = sum(one.tokens for one in DEBATE)


def shown(spec: ContextSpec, seen=None, room: Room = ROOMY, *, prompt: str = QUESTION, count=tokens, **more):
    return arrange(spec, DEBATE if seen is None else seen, room, prompt=prompt, count=count, **more)


def ids(arrangement) -> list[str]:
    return [part.id for part in arrangement.parts]


def said(arrangement) -> list[tuple[str, str]]:
    return [(part.label, part.text) for part in arrangement.parts]


class Forbidden:
    def embed(self, texts):
        raise AssertionError("nothing had to be compared")


LINES = st.lists(st.text(alphabet="ab .\n", max_size=80), max_size=12)
TEXTS = LINES.map(lambda lines: turns(*lines))


@given(TEXTS, st.text(max_size=40))
def test_full_shows_all_and_a_new_turn_changes_nothing_before_it(seen, text):
    before = shown(ContextSpec(), seen, count=len, embedder=Forbidden())
    after = shown(ContextSpec(), [*seen, turn(len(seen) + 1, text)], count=len, embedder=Forbidden())
    assert [part.text for part in before.parts] == [one.text for one in seen]
    assert after.parts[: len(seen)] == before.parts
    assert before.notice == ""


@given(TEXTS, st.text(max_size=40), st.integers(1, 6))
def test_last_shows_the_latest_and_only_the_first_of_them_gives_way(seen, text, last):
    spec = ContextSpec(strategy="last", last=last)
    before = shown(spec, seen, count=len, embedder=Forbidden())
    after = shown(spec, [*seen, turn(len(seen) + 1, text)], count=len, embedder=Forbidden())
    assert ids(before) == [one.id for one in seen[-last:]]
    assert said(after) == [*said(before), (f"Turn {len(seen) + 1}", text)][-last:]
    assert after.left_out == tuple(range(1, max(0, len(seen) + 1 - last) + 1))


@given(TEXTS, st.text(max_size=40), st.integers(1, 3))
def test_summaries_stay_what_they_are_when_turns_are_added(seen, text, last):
    spec, known = ContextSpec(strategy="summarised", last=last, share=0.1), {}
    before = shown(spec, seen, count=len)
    known = {request.key: f"sum of {request.turn}" for request in before.wanted}
    before = shown(spec, seen, count=len, summaries=known)
    after = shown(spec, [*seen, turn(len(seen) + 1, text)], count=len, summaries=known)
    settled = max(0, len(seen) - last)
    assert before.wanted == ()
    assert {request.turn for request in after.wanted} <= {f"t{settled + 1}"}
    assert after.parts[:settled] == before.parts[:settled]


SPECS = st.sampled_from(
    [
        ContextSpec(overflow=overflow, **fields)
        for overflow in ("leave_out", "shorten", "summarise", "refuse")
        for fields in (
            {"strategy": "full"},
            {"strategy": "selected", "turns": [1, "t2", "turn_4"]},
            {"strategy": "last", "last": 3},
            {"strategy": "last", "share": 0.4},
            {"strategy": "relevant", "relevant": 3},
            {"strategy": "relevant", "relevant": 4, "share": 0.3},
            {"strategy": "summarised"},
            {"strategy": "summarised", "last": 2, "share": 0.5},
        )
    ]
    + [
        ContextSpec(strategy=strategy, share=0.3, overflow=overflow, turns=[1, 3] if strategy == "selected" else [])
        for overflow in ("leave_out", "shorten", "summarise")
        for strategy in ("full", "selected")
    ]
)
PROSE = st.lists(st.sampled_from([*(one["text"][:cut] for one in DELIBERATION for cut in (40, 400)), "", "Yes."]), max_size=8)


def answered(spec: ContextSpec, seen: list[Seen], room: Room):
    """Return what is shown once every summary is there, and the words of a refusal."""
    known: dict[str, str] = {}
    try:
        arrangement = shown(spec, seen, room, count=len)
        while arrangement.wanted:
            known |= {request.key: request.messages[0]["content"][-request.most :] for request in arrangement.wanted}
            arrangement = shown(spec, seen, room, count=len, summaries=known)
    except (ModelError, ModeError) as error:
        return None, error.message
    return arrangement, ""


@settings(deadline=None)  # the first example loads the model
@given(SPECS, PROSE.map(lambda texts: turns(*texts)), st.integers(0, 3000), st.booleans())
def test_nothing_is_lost_in_silence_and_nothing_passes_the_room(spec, seen, window, exact):
    room = Room(turn="judge", model="m", window=window, answer=50, stands=50, exact=exact)
    arrangement, refusal = answered(spec, seen, room)
    if arrangement is None:
        assert "turn judge" in refusal
        return
    by_id = {one.id: one for one in seen}
    assert sorted([*arrangement.left_out, *(part.index for part in arrangement.parts)]) == [one.index for one in seen]
    assert [part.index for part in arrangement.parts] == sorted(part.index for part in arrangement.parts)
    for part in arrangement.parts:
        assert part.tokens == len(f"{part.label}:\n{part.text}\n\n")
        if part.how == "whole":
            assert part.text == by_id[part.id].text
        else:
            assert part.text.startswith({"shortened": "[Shortened", "summary": "[Summary]\n"}[part.how])
    total = sum(part.tokens for part in arrangement.parts)
    assert total + len(arrangement.notice) <= (window if exact else int(window * 0.9)) - 100
    if spec.share and spec.strategy != "summarised":
        assert total <= spec.share * sum(one.tokens for one in seen)


def test_a_turn_that_asks_for_three_turns_gets_those_below_thirty_per_cent_of_the_whole():
    spec = ContextSpec(strategy="selected", turns=[1, 2, 4], share=0.3, overflow="shorten")
    arrangement = shown(spec)
    assert ids(arrangement) == ["opening_for", "opening_against", "air"]
    assert {part.how for part in arrangement.parts} == {"shortened"}
    prompt = "\n\n".join([*(f"{part.label}:\n{part.text}" for part in arrangement.parts), arrangement.notice])
    assert 0.2 * WHOLE < tokens(prompt) < 0.3 * WHOLE + tokens(arrangement.notice)
    assert arrangement.notice == "[5 earlier turns are left out: 3, 5-8]"
    for part in arrangement.parts:
        source = next(one.text for one in DEBATE if one.id == part.id)
        kept = [piece.strip() for piece in part.text.split("\n", 1)[1].split(GAP)]
        assert all(piece in source for piece in kept)
    assert "dispersion model" in arrangement.texts["air"] or "nitrogen dioxide" in arrangement.texts["air"]
    assert "eighteen per cent" in arrangement.texts["opening_against"]


def test_a_share_is_filled_to_the_last_token():
    seen = [Seen(f"t{index}", index, "x", "x", 1) for index in range(1, 101)]
    arrangement = shown(ContextSpec(strategy="last", share=0.3), seen)
    assert [part.index for part in arrangement.parts] == list(range(71, 101))


def test_what_fits_the_share_already_is_left_as_it_is():
    arrangement = shown(ContextSpec(strategy="selected", turns=["money"], share=0.3, overflow="shorten"))
    assert said(arrangement) == [("Treasurer", DEBATE[4].text)]


@pytest.mark.parametrize(
    ("question", "turn_id"),
    [
        ("How much longer would the ambulance need to reach a patient?", "emergency"),
        ("Is the limit for nitrogen dioxide beside the school met?", "air"),
        ("What does the grant pay for, and what must be borrowed?", "money"),
        ("How do wheelchair users and blind people reach the shops?", "access"),
        ("What did the survey of households say?", "residents"),
        ("Wann und wie laden die Lastwagen ihre Waren ab?", "deliveries"),
    ],
)
def test_the_relevant_turn_is_found_in_any_language(question, turn_id):
    assert turn_id in ids(shown(ContextSpec(strategy="relevant", relevant=2), prompt=question))


def test_relevant_turns_keep_their_order_and_their_share():
    arrangement = shown(ContextSpec(strategy="relevant", share=0.4))
    assert [part.index for part in arrangement.parts] == sorted(part.index for part in arrangement.parts)
    assert 0.2 * WHOLE < sum(part.tokens for part in arrangement.parts) <= 0.4 * WHOLE
    assert {"emergency", "air"} & set(ids(arrangement))


@pytest.mark.parametrize(
    ("share", "kept"), [(0.35, ["when the power fails"]), (0.5, ["when the power fails", "failed in the raised position"])]
)
def test_a_shortened_text_keeps_the_sentences_that_answer(share, kept):
    prompt = "How often did the bollards fail, and what happens when the power fails?"
    arrangement = shown(ContextSpec(share=share, overflow="shorten"), prompt=prompt)
    assert all(sentence in arrangement.texts["emergency"] for sentence in kept)


def test_short_texts_stay_whole_beside_long_ones():
    seen = [turn(1, "I abstain."), turn(2, DEBATE[1].text), turn(3, DEBATE[2].text)]
    room = Room(turn="judge", model="m", window=1300, answer=100, stands=0)
    arrangement = shown(ContextSpec(overflow="shorten"), seen, room, count=len)
    assert [part.how for part in arrangement.parts] == ["whole", "shortened", "shortened"]


def test_without_a_rule_what_does_not_fit_is_refused_with_sizes_and_ways_out():
    room = Room(turn="verdict", model="local", window=1024, answer=200, stands=150)
    with pytest.raises(ModelError) as caught:
        shown(ContextSpec(), room=room)
    assert caught.value.kind is ErrorKind.CONTEXT_TOO_LONG
    for said_ in ("local", "verdict", f"{WHOLE:,}", "1,024", "200", "150", "leave_out or shorten or summarise", "max_tokens"):
        assert said_ in str(caught.value)


def test_a_prompt_that_does_not_fit_alone_is_refused():
    room = Room(turn="verdict", model="local", window=1024, answer=900, stands=150)
    with pytest.raises(ModelError, match="its prompt alone takes 150"):
        shown(ContextSpec(strategy="last", last=1, overflow="leave_out"), [], room)


def test_a_window_with_room_for_nothing_is_refused_and_a_share_is_obeyed():
    tight = Room(turn="verdict", model="local", window=400, answer=200, stands=150)
    for overflow in ("leave_out", "shorten", "summarise"):
        with pytest.raises(ModelError, match="verdict"):
            shown(ContextSpec(overflow=overflow), room=tight)
    first = shown(ContextSpec(strategy="last", share=0.3), DEBATE[:1])
    assert (first.parts, first.notice) == ((), "[1 earlier turn is left out: 1]")


def test_a_share_that_summaries_cannot_keep_is_refused_as_the_modes():
    with pytest.raises(ModeError, match=r"its share is .* of") as caught:
        shown(ContextSpec(share=0.05, overflow="summarise"))
    assert "Raise share" in str(caught.value)


def test_an_estimate_leaves_a_tenth_of_the_window_free():
    counted = Room(turn="x", model="m", window=1000, answer=100, stands=100)
    estimated = Room(turn="x", model="m", window=1000, answer=100, stands=100, exact=False)
    assert (counted.tokens, estimated.tokens) == (800, 700)
    assert Room(turn="x", model="m", window=None, answer=100, stands=100).tokens is None


def test_an_unknown_window_bounds_nothing():
    room = Room(turn="x", model="m", window=None, answer=100, stands=100)
    assert len(shown(ContextSpec(), room=room).parts) == len(DEBATE)


def test_summaries_are_asked_for_once_and_serve_every_later_turn():
    spec = ContextSpec(strategy="summarised", last=2)
    first = shown(spec)
    assert [request.turn for request in first.wanted] == [one.id for one in DEBATE[:-2]]
    request = first.wanted[4]
    assert DEBATE[4].text in request.messages[0]["content"]
    assert "Treasurer" in request.messages[0]["content"]
    assert request.most < DEBATE[4].tokens / 3
    known = {request.key: f"What {request.turn} said, in short." for request in first.wanted}
    again = shown(spec, summaries=known)
    assert again.wanted == ()
    assert again.texts["money"] == "[Summary]\nWhat money said, in short."
    assert again.texts["residents"] == DEBATE[-1].text
    coarser = [replace(one, tokens=2 * one.tokens) for one in DEBATE[:-1]]
    other = shown(spec, coarser, summaries=known, count=lambda text: 2 * tokens(text))
    assert other.wanted == ()


def test_an_empty_summary_leaves_its_turn_out_and_says_so():
    spec = ContextSpec(strategy="summarised")
    known = {request.key: " \n" if request.turn == "air" else "In short." for request in shown(spec).wanted}
    arrangement = shown(spec, summaries=known)
    assert arrangement.wanted == ()
    assert arrangement.notice == "[1 earlier turn is left out: 4]"


def test_the_oldest_become_summaries_until_the_rest_fits():
    room = Room(turn="x", model="m", window=WHOLE, answer=150, stands=100)
    arrangement = shown(ContextSpec(overflow="summarise"), room=room)
    assert [part.how for part in arrangement.parts] == ["summary"] * 2 + ["whole"] * 6


def test_least_relevant_turns_go_first():
    spec = ContextSpec(strategy="relevant", relevant=4, overflow="leave_out")
    most = shown(spec)
    room = Room(turn="x", model="m", window=700, answer=50, stands=50)
    fewer = shown(spec, room=room)
    assert set(ids(fewer)) < set(ids(most))
    closest = ids(shown(ContextSpec(strategy="relevant", relevant=1)))
    assert set(closest) <= set(ids(fewer))


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"strategy": "selected"}, "needs turns"),
        ({"strategy": "last"}, "needs last"),
        ({"strategy": "relevant"}, "needs relevant"),
        ({"turns": [1]}, "turns goes with strategy: selected"),
        ({"strategy": "relevant", "relevant": 2, "last": 2}, "last goes with strategy: last or summarised"),
        ({"strategy": "full", "share": 0.3}, "share needs overflow"),
        ({"strategy": "full", "share": 30, "overflow": "shorten"}, "less than 1"),
        ({"strategy": "newest"}, "'full', 'selected'"),
        ({"window": 3}, "Extra inputs"),
    ],
)
def test_a_rule_that_makes_no_sense_is_told(fields, complaint):
    with pytest.raises(ValidationError, match=complaint):
        ContextSpec(**fields)


def test_every_field_of_a_rule_is_described():
    assert all(field.get("description") for field in ContextSpec.model_json_schema()["properties"].values())


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_pieces_make_up_the_text(text):
    assert "".join(pieces(text)) == text


@pytest.mark.parametrize("unit", ["a", " ", "\n", ".", "?! ", "one two. ", "语。", '."'])
def test_a_megabyte_is_taken_apart(unit):
    text = unit * (1_000_000 // len(unit))
    parts = pieces(text)
    assert "".join(parts) == text
    assert max(map(len, parts)) <= 400


@given(st.sets(st.integers(1, 60), min_size=1))
def test_the_notice_names_every_turn(left_out):
    notice = notice_of(sorted(left_out))
    spans = notice.rstrip("]").split(": ")[1].split(", ")
    named = [n for a, _, b in (span.partition("-") for span in spans) for n in range(int(a), int(b or a) + 1)]
    assert named == sorted(left_out)
    assert notice.startswith(f"[{len(left_out)} earlier turn")


def test_without_the_extra_only_what_compares_texts_fails():
    class Missing:
        def embed(self, texts):
            raise WorkbenchError("not installed")

    assert shown(ContextSpec(strategy="last", last=2), embedder=Missing()).parts
    with pytest.raises(WorkbenchError, match="not installed"):
        shown(ContextSpec(strategy="relevant", relevant=2), embedder=Missing())
    assert shown(ContextSpec(strategy="relevant", relevant=2), embedder=local_embedder()).parts

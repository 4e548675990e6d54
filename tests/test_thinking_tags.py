"""Thinking between tags: however an answer is cut into pieces, the same is thought and the same is said."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.models.provider import Chunk
from workbench.models.providers.thinking import Thinking


def told(pieces, reasoning=""):
    """Return what is thought and what is said in an answer that comes in these pieces."""
    thinking = Thinking()
    chunks = [Chunk(reasoning=reasoning), *map(Chunk, pieces), Chunk(finish_reason="stop")]
    parted = [thinking.parted(chunk) for chunk in chunks]
    return "".join(chunk.reasoning for chunk in parted), "".join(chunk.text for chunk in parted)


@pytest.mark.parametrize(
    ("answer", "thought", "said"),
    [
        ("<think>Hm.</think>Yes.", "Hm.", "Yes."),
        ("\n<think>\nHm.\n</think>\n\nYes. \n", "\nHm.\n", "Yes. \n"),
        ("<think></think>\n\nYes.", "", "Yes."),
        ("<think>Cut off </thi", "Cut off </thi", ""),
        ("<thi", "", "<thi"),
        ("  Yes, <think> is a tag.</think>", "", "  Yes, <think> is a tag.</think>"),
        ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
        ("<thinking>no</thinking>", "", "<thinking>no</thinking>"),
        ("", "", ""),
    ],
)
def test_only_thinking_at_the_beginning_is_taken_out(answer, thought, said):
    assert told([answer]) == told(list(answer)) == (thought, said)
    assert told([answer], reasoning="apart")[0] == f"apart{thought}"


fragments = st.lists(st.sampled_from(["<think>", "</think>", "<", "</", "think>", "a", " ", "\n"]), max_size=12).map("".join)


@given(fragments, st.data())
@example("<think>a</</think>b", None)
def test_it_does_not_matter_where_an_answer_is_cut(answer, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=6))) if data else range(len(answer) + 1)
    edges = [0, *cuts, len(answer)]
    pieces = [answer[begin:end] for begin, end in pairwise(edges)]
    assert told(pieces) == told([answer])


def test_an_answer_that_comes_whole_is_parted_at_once():
    whole = Thinking().parted(Chunk("<think>Hm.</think> Yes.", finish_reason="stop", served="m"))
    assert whole == replace(whole, text="Yes.", reasoning="Hm.", served="m")

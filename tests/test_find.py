"""What the record has is found by its words and by what else is known of it, the same in both databases."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_examples import START, ended, run_script, started, turn, whole
from test_record_migrations import _connect, _make_old_record

from workbench.errors import RecordError
from workbench.events import (
    CallEnded,
    DialogueResumed,
    DialogueStarted,
    Event,
    Status,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
)
from workbench.records import Record
from workbench.records.search.finding import Asked, Found
from workbench.records.search.indexing import bring_up_to_date


def said(dialogue: str, *texts: str, topic: str = "Is water wet?", at: float = START, **run: object) -> list[Event]:
    """A dialogue with these turns."""
    events: list[Event] = [replace(started(dialogue, at, **run), topic=topic)]
    for number, text in enumerate(texts, 1):
        *before, last = turn(dialogue, number)
        events += [*before, replace(last, text=text)]
    shift = at - START
    return [events[0], *(replace(event, at=event.at + shift) for event in [*events[1:], ended(dialogue, len(texts))])]


def turns_found(record: Record, text: str = "", **more: object) -> list[str]:
    found = record.search(Asked(text, kinds=("turn",), **more))
    return [f"{hit.source.item}.{hit.source.part[-1]}" for hit in found.hits]


def marked(found: Found) -> list[str]:
    return ["".join(f"[{piece.text}]" if piece.hit else piece.text for piece in hit.snippet) for hit in found.hits]


FOUND = {
    "cache": ["a.1"],
    "caches OR cache": ["a.2", "a.1"],
    "cach*": ["a.2", "a.1"],
    "CACHE": ["a.1"],
    "creme": ["a.3"],
    "CRÈME brûlée": ["a.3"],
    '"prompt cache"': ["a.1"],
    '"cache prompt"': [],
    "the -slow": ["a.1"],
    'the -"are slow"': ["a.1"],
    "prompt the slow": [],
    "gpt-4.1": ["a.2"],
    "学习": ["a.4"],
    "习学": [],
    "ไทย": ["a.5"],
    "한국": ["a.5"],
    "don't": ["a.4"],
    "AND cache": ["a.1"],
    "snow_man": ["a.5"],
}
REFUSED = ['"prom*', "-the", "?!", "x" * 2000]


def test_words_phrases_beginnings_and_what_must_not_be_there(record: Record) -> None:
    texts = [
        "Use the prompt cache.",
        "The caches are slow in GPT-4.1.",
        "Crème brûlée",
        "机器学习 and don\u2019t",
        "ภาษาไทย 한국어는 snow_man",
    ]
    record.write(said("a", *texts))
    assert {query: turns_found(record, query) for query in FOUND} == FOUND
    for query in REFUSED:
        with pytest.raises(RecordError) as caught:
            turns_found(record, query)
        assert caught.value.hint


def test_what_is_marked_is_what_was_looked_for(record: Record) -> None:
    long = "word " * 300
    record.write(said("a", f"{long}Then the Prompt\n cache <b>helped</b> Crème. {long}", "nothing of it"))
    [text] = marked(record.search(Asked('"prompt cache" creme', kinds=("turn",))))
    assert "Then the [Prompt cache] <b>helped</b> [Crème]." in text
    assert text.startswith("…")
    assert text.endswith("…")
    assert len(text) < 250
    assert marked(record.search(Asked("wet"))) == ["Is water [wet]?"]


def test_filters_alone_and_together_with_words(record: Record) -> None:
    record.write(said("old", "apples", at=START - 8 * 86400))
    failing: list[Event] = [
        started("bad", START),
        TurnStarted(dialogue="bad", seq=2, at=START + 1, turn="turn_1", index=1, role="con", model="large"),
        TurnFailed(dialogue="bad", seq=3, at=START + 2, turn="turn_1", kind="timeout", error="no apples came", text="I thi"),
        replace(ended("bad", 1), seq=4, status=Status.FAILED),
    ]
    record.write(failing)
    fell = turn("new", 1)
    assert isinstance(fell[2], CallEnded)
    fell[2] = replace(fell[2], call=replace(fell[2].call, asked="small", model="large", cost=0.75))
    record.write([started("new", START + 10), *fell, replace(ended("new", 1), at=START + 30)])

    assert turns_found(record, status="failed") == ["bad.1"]
    assert turns_found(record, "apples", status="failed", role="con") == ["bad.1"]
    assert turns_found(record, "apples") == ["bad.1", "old.1"]
    assert turns_found(record, since=START - 86400) == ["bad.1", "new.1"]
    assert turns_found(record, "apples", since=START - 86400) == ["bad.1"]
    assert turns_found(record, model="large") == ["bad.1", "new.1"]
    assert turns_found(record, model="sm*") == ["new.1", "old.1"]
    assert turns_found(record, model="s_all") == []
    assert turns_found(record, cost_over=0.5) == ["new.1"]
    assert turns_found(record, mode="chat") == []
    assert [hit.source.item for hit in record.search(Asked("wet", kinds=("dialogue",), status="failed")).hits] == ["bad"]
    assert [hit.source.item for hit in record.search(Asked(kinds=("dialogue",), cost_over=0.5)).hits] == ["new"]
    found = record.search(Asked(limit=2))
    assert (len(found.hits), found.more) == (2, True)
    assert not record.search(Asked(limit=6)).more
    for wrong in ({"kinds": ("turns",)}, {"sort": "best"}, {"sort": "relevance"}, {"limit": 0}, {"since": "soon"}):
        with pytest.raises(RecordError):
            record.search(Asked(**wrong))


def test_what_is_said_of_it_most_comes_first_by_relevance(record: Record) -> None:
    record.write(said("a", "gold gold gold gold", f"gold {'and many other things ' * 40}"))
    assert turns_found(record, "gold") == ["a.2", "a.1"]
    assert turns_found(record, "gold", sort="relevance") == ["a.1", "a.2"]


def test_a_dialogue_changes_and_a_turn_is_said_again(record: Record) -> None:
    record.write([started("d"), *turn("d", 1)[:1]])
    assert [hit.status for hit in record.search(Asked("wet")).hits] == ["running"]
    assert [hit.source.item for hit in record.search(Asked(status="interrupted")).hits] == ["d"]
    record.write(
        [
            TurnCancelled(dialogue="d", seq=3, at=START + 1, turn="turn_1", text="half an answer"),
            replace(ended("d", 1), seq=4, status=Status.CANCELLED),
        ]
    )
    assert turns_found(record, "half") == ["d.1"]
    assert [hit.status for hit in record.search(Asked("wet")).hits] == ["cancelled"]
    again = [replace(event, seq=event.seq + 4, at=event.at + 9) for event in turn("d", 1)]
    record.write([DialogueResumed(dialogue="d", seq=5, at=START + 5, run={}), *again, replace(ended("d", 1), seq=20)])
    assert turns_found(record, "half") == []
    assert turns_found(record, "answer") == ["d.1"]
    assert turns_found(record, status="cancelled") == []
    assert [hit.status for hit in record.search(Asked("wet")).hits] == ["completed"]


def test_a_forks_copies_are_found_where_they_were_said(record: Record) -> None:
    record.write(said("d", "gold"))
    copy = [started("f", START + 9, parent_id="d", forked_from="turn_1"), *turn("f", 1)]
    assert isinstance(copy[-1], TurnCompleted)
    copy[-1] = replace(copy[-1], text="gold", copied_from="d")
    record.write(copy)
    assert turns_found(record, "gold") == ["d.1"]
    record.rebuild()
    assert turns_found(record, "gold") == ["d.1"]
    orphan = [replace(event, dialogue="g") for event in copy]
    orphan[-1] = replace(orphan[-1], copied_from="elsewhere")
    record.write(orphan)
    assert turns_found(record, "gold") == ["g.1", "d.1"]


def test_an_old_record_is_found_in_whole_after_it_was_brought_forward(
    record_url: str, open_record: Callable[[], Record]
) -> None:
    _make_old_record(record_url, [started("old")])
    with _connect(record_url).begin() as connection:
        old = sa.MetaData()
        old.reflect(connection)
        row = dict.fromkeys(("turn", "role", "model", "reasoning"), "x")
        row |= {"dialogue_id": "old", "position": 1, "status": "completed", "text": "quicksilver runs"}
        connection.execute(old.tables["turns"].insert(), row | {"started_at": START, "ended_at": START} | dict.fromkeys(
            ("prompt_tokens", "completion_tokens"), 0))  # fmt: skip
    record = open_record()
    assert [hit.source.kind for hit in record.search(Asked("quicksilver")).hits] == ["turn"]
    assert [hit.source.kind for hit in record.search(Asked("wet")).hits] == ["dialogue"]


def test_made_again_the_index_finds_the_same(record: Record) -> None:
    record.write(said("a", "gold and silver", "silver"))
    record.write(whole("b"))
    asked = [Asked("silver"), Asked("gold -silver"), Asked("answer"), Asked(status="completed"), Asked("wet")]
    before = [record.search(each) for each in asked]
    record.rebuild()
    assert [record.search(each) for each in asked] == before


def test_two_look_at_once_and_nothing_comes_twice(record_url: str, open_record: Callable[[], Record]) -> None:
    first, second = open_record(), open_record()
    for number in range(20):
        first.write(said(f"d{number}", "gold"))
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda record=record: found.append(turns_found(record, "gold", limit=50)))
        for record in (first, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(each) for each in found] == [20, 20]
    assert [len(set(each)) for each in found] == [20, 20]


def test_a_process_killed_while_it_indexes_loses_nothing(record_url: str, open_record: Callable[[], Record]) -> None:
    record = open_record()
    for number in range(5):
        record.write(said(f"d{number}", "gold"))
    died = run_script(
        """
        import workbench.records.search.indexing as indexing
        from workbench.records.search.finding import Asked
        indexing.BATCH = 4
        record = Record.open(sys.argv[1])
        record.search(Asked("gold"), lambda done, total: done >= 8 and os.kill(os.getpid(), 9))
        """,
        record_url,
    )
    assert died.returncode == -9
    assert sorted(turns_found(record, "gold")) == [f"d{number}.1" for number in range(5)]


def test_texts_of_all_kinds_can_be_kept_and_looked_for(record: Record) -> None:
    hostile = ["\x00\ud800", "a" * 5000, "' OR 1=1 --", "word " * 50_000, "\u0301\u200d\ufeff", "🎉 NEAR(a b)", '"*^:{}']
    record.write(said("a", *hostile))
    assert turns_found(record, "1=1") == ["a.3"]
    assert turns_found(record, "word") == ["a.4"]
    assert turns_found(record, "near") == ["a.6"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40) | st.text("\"*-():^{}+ ORANDNEAR'\\&|!<>aé机", max_size=30))
def test_no_query_is_an_error_of_the_database(record: Record, text: str) -> None:
    if not record.search(Asked(limit=1)).hits:
        record.write(said("a", "an OR a é 机 O' near"))
    refused: RecordError | None = None
    try:
        assert len(record.search(Asked(text)).hits) <= 2
    except RecordError as error:
        refused = error
    assert refused is None or (refused.hint and refused.__cause__ is None)


_TEXTS = st.lists(st.lists(st.sampled_from("red green blue gold red9 Räd".split()), min_size=1, max_size=6), max_size=4)
_PARTS = st.lists(
    st.tuples(st.sampled_from(["", "-"]), st.sampled_from(["red", "gre*", '"red green"', "gold", "RAD"])),
    min_size=1,
    max_size=4,
).filter(lambda parts: any(not sign for sign, _ in parts))
_numbers = itertools.count()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=_TEXTS, query=_PARTS)
def test_what_a_plain_loop_finds_is_found(record: Record, texts: list[list[str]], query: list[tuple[str, str]]) -> None:
    name, asked = f"d{next(_numbers)}", " ".join(sign + word for sign, word in query)
    record.write(said(name, *map(" ".join, texts)))
    expected = {number for number, words in enumerate(texts, 1) if all(_has(words, word) != bool(sign) for sign, word in query)}
    mine = [each for each in turns_found(record, asked, limit=1000) if each.startswith(f"{name}.")]
    assert {int(each[-1]) for each in mine} == expected


def _has(words: list[str], wanted: str) -> bool:
    folded = [word.lower().replace("ä", "a") for word in words]
    wanted = wanted.lower()
    if wanted.endswith("*"):
        return any(word.startswith(wanted[:-1]) for word in folded)
    if wanted.startswith('"'):
        return wanted.strip('"') in " ".join(folded) and any(
            pair == tuple(wanted.strip('"').split()) for pair in itertools.pairwise(folded)
        )
    return wanted in folded


def test_indexing_says_how_far_it_is(record: Record) -> None:
    record.write(whole("d"))
    told: list[tuple[int, int]] = []
    assert bring_up_to_date(record._engine, "here", lambda done, total: told.append((done, total))) == 4
    assert told == [(4, 4)]
    assert bring_up_to_date(record._engine, "here") == 0


def test_a_dialogue_that_began_is_there_before_it_ends(record: Record) -> None:
    record.write([DialogueStarted(dialogue="d", seq=1, at=START, mode="chat", topic="Tin?", run={})])
    assert [hit.source.mode for hit in record.search(Asked("tin")).hits] == ["chat"]

"""Where the time of a dialogue went: stretches of its turns, the critical path, and the sentence about it."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_examples import START, started, whole
from stage import card, line, orchestra, yes

from workbench.events import (
    Call,
    CallEnded,
    CallStarted,
    DialogueEnded,
    DialogueResumed,
    DialogueSpawned,
    Status,
    Timings,
    TurnCompleted,
    TurnStarted,
    TurnWaits,
    Usage,
)
from workbench.models import ModelConfig
from workbench.notebook.waterfall import waterfall as page_of
from workbench.observe.span import Span, Trace
from workbench.observe.waterfall import waterfall_of


def called(name, model, start, total, first=None, outcome="ok", *, attempt=1, queue=0.0, asked=None, why=None, cost=0.25):
    ok = outcome == "ok"
    return Call(
        id=name,
        asked=asked or model,
        model=model,
        provider="p",
        attempt=attempt,
        outcome=outcome,
        started_at=START + start,
        timings=Timings(queue, first, total),
        served=model if ok else None,
        usage=Usage(100, 20) if ok else None,
        cost=cost if ok else None,
        text="said" if ok else "",
        error=None if ok else "no",
        fallback_reason=why,
    )


class Story:
    """Writes events of a dialogue and of its sub-dialogues down, at seconds after the start."""

    def __init__(self, name="d"):
        self.name, self.events, self._numbers = name, [started(name)], itertools.count(2)

    def tell(self, cls, at, of=None, **fields):
        self.events.append(cls(dialogue=of or self.name, seq=next(self._numbers), at=START + at, **fields))

    def turn(self, name, index, begin, end, *calls, role="pro", of=None, waits=None, inside=None, model="small"):
        self.tell(TurnStarted, begin, of, turn=name, index=index, role=role, model=model, round=None)
        for each in calls:
            at = each.started_at - START
            self.tell(CallStarted, at, of, turn=name, call=each.id, model=each.model, attempt=each.attempt)
            self.tell(CallEnded, at + each.timings.total, of, turn=name, call=each)
        if waits:
            self.tell(TurnWaits, waits, of, turn=name, kind="approval")
        if inside:
            inside()
        self.tell(TurnCompleted, end, of, turn=name, text="said")

    def shown(self, record, end):
        self.tell(DialogueEnded, end, status=Status.COMPLETED)
        record.write(self.events)
        return page_of(record, self.name)


@pytest.fixture
def sqlite(sqlite_url):
    from workbench.records import Record

    with Record.open(sqlite_url) as record:
        yield record


def test_a_call_is_queue_first_token_and_answer(sqlite):
    story = Story()
    story.turn("one", 1, 0, 10, called("a", "small", 2, 8, 3, queue=2))
    page = story.shown(sqlite, 10)
    assert page.waterfall.shares == pytest.approx({"waiting for small": 0.8, "queue": 0.2})
    assert page.sentence == "Of 10.0 s: 80% waiting for small, 20% queue."
    (row,) = page.frame.to_dict("records")
    assert (row["queue"], row["first_token"], row["answer"], row["critical"]) == (2, 3, 5, 10)


def test_failed_tries_and_the_pauses_between_them_are_told_apart_from_the_answer(sqlite):
    story = Story()
    story.turn(
        "one",
        1,
        0,
        10,
        called("a", "far", 0, 1, outcome="rate_limit"),
        called("b", "far", 3, 1, outcome="timeout", attempt=2),
        called("c", "near", 5, 5, 1, asked="far", why="far: timeout"),
    )
    page = story.shown(sqlite, 10)
    (row,) = page.frame.to_dict("records")
    assert (row["failed"], row["pause"], row["first_token"], row["answer"]) == (2, 3, 1, 4)
    assert page.waterfall.shares == pytest.approx({"failed calls and retries": 0.5, "waiting for near": 0.5})
    assert row["model"] == "far, near"


def test_what_ran_beside_the_critical_path_is_no_part_of_it(sqlite):
    story = Story()
    story.turn("slow", 1, 0, 8, called("a", "slow", 0, 8))
    story.turn("quick", 2, 0, 3, called("b", "quick", 0, 3))
    story.turn("last", 3, 8, 10, called("c", "quick", 8, 2))
    page = story.shown(sqlite, 10)
    assert page.waterfall.shares == pytest.approx({"waiting for slow": 0.8, "waiting for quick": 0.2})
    assert page.frame.critical.tolist() == [8, 0, 2]


def test_people_and_stops_are_told_apart(sqlite):
    story = Story()
    story.turn("one", 1, 0, 30, called("a", "small", 0, 10), waits=10)
    story.tell(DialogueEnded, 30, status=Status.CANCELLED)
    story.tell(DialogueResumed, 90, run={})
    story.turn("two", 2, 90, 100, called("b", "small", 90, 10))
    page = story.shown(sqlite, 100)
    assert page.waterfall.worked == pytest.approx(20)
    assert page.sentence.startswith("Of 20.0 s: 100% waiting for small. People were waited for 20.0 s")
    assert page.sentence.endswith("It stood still for 1 min 0 s between its runs.")


def test_sub_dialogues_stand_below_the_turn_that_opened_them(sqlite):
    story = Story()

    def inside():
        for number in (1, 2):
            child = f"c{number}"
            story.tell(DialogueSpawned, 1, turn="research", child=child, number=number, mode="chat", topic="<b>What?</b>")
            begun = started(child, START + 1, parent_id="d", spawned_by="research")
            story.events.append(replace(begun, topic="<b>What?</b>"))
            story.turn("answer", 1, 1, 1 + 4 * number, called(f"k{number}", "small", 1, 4 * number), of=child)
            story.tell(DialogueEnded, 1 + 4 * number, child, status=Status.COMPLETED)

    story.turn("research", 1, 0, 10, inside=inside, model="sub-dialogues")
    page = story.shown(sqlite, 10)
    assert [(row.depth, row.head) for row in page.waterfall.rows] == [(0, False), (1, True), (2, False), (1, True), (2, False)]
    assert page.frame.critical.tolist() == [2, 0, 0, 0, 8]
    assert page.waterfall.shares == pytest.approx({"waiting for small": 0.8, "in between": 0.2})
    drawn = page.figure.to_json()
    assert "<b>What" not in json.loads(drawn)["layout"]["yaxis"]["ticktext"][1]
    assert "&lt;b&gt;What" in page.html


@st.composite
def traces(draw):
    """Turns that run beside and after each other, their calls anywhere within, as clocks have them."""
    spans = [Span(("d",), None, "dialogue", "m", 0.0, float(draw(st.integers(1, 50))), "d")]
    for number in range(draw(st.integers(0, 6))):
        begin = draw(st.floats(0, 50))
        end = begin + draw(st.floats(0, 50))
        turn = Span(("d", "t", str(number)), ("d",), "turn", f"t{number}", begin, end, "d", role="pro", speaker="model")
        spans.append(turn)
        for each in range(draw(st.integers(0, 3))):
            at = draw(st.floats(0, 60))
            spans.append(
                Span(
                    (*turn.key, str(each)),
                    turn.key,
                    draw(st.sampled_from(["call", "call", "wait"])),
                    "call",
                    at,
                    at + draw(st.floats(0, 20)),
                    "d",
                    model="x",
                    queue=draw(st.floats(0, 9)),
                    status=draw(st.sampled_from(["ok", "failed"])),
                    attempt=draw(st.integers(1, 3)),
                    first_token_at=draw(st.none() | st.just(at)),
                )
            )
    return Trace("d", "m", "t", (), "d", 0.0, spans[0].ended_at, "completed", tuple(spans))


@given(traces())
def test_the_critical_path_has_no_holes_and_shares_add_up(trace):
    found = waterfall_of(trace)
    at = 0.0
    for stretch in found.path:
        assert stretch.begin == pytest.approx(at, abs=1e-9)
        assert stretch.end >= stretch.begin - 1e-9
        at = stretch.end
    assert at == pytest.approx(found.seconds)
    if found.worked > 1e-6:
        assert sum(found.shares.values()) == pytest.approx(1)


def test_a_dialogue_with_a_fallback_shows_its_own(tmp_path):
    from workbench.errors import ErrorKind, ModelError

    async def moody(request):
        if request.model == "openai/off":
            raise ModelError(ErrorKind.AUTHENTICATION, "no key", model="off")
        async for chunk in yes(request):
            yield chunk

    workbench, _ = orchestra(tmp_path, moody)
    with workbench:
        dialogue = workbench.run(line(2), "t", models=[ModelConfig(card("off"), [card("on", provider="other")])])
        page = dialogue.waterfall()
    assert page.frame.model.tolist() == ["off, on", "off, on"]
    hatched = [trace for trace in page.figure.data if trace.name == "fallback's answer"]
    assert len(hatched[0].y) == 2
    assert sum(page.waterfall.shares.values()) == pytest.approx(1)


def test_long_dialogues_are_drawn_by_what_took_longest(sqlite):
    sqlite.write(whole("d", turns=150))
    page = page_of(sqlite, "d")
    assert len(page.frame) == 150
    assert len(page.figure.layout.yaxis.ticktext) == 120

"""Laws that hold for every mode: it ends within its limits, in one order whatever is faster, and from any cut to the same end.

Modes are made up here from all that the schema can say, with sub-dialogues; answers depend on the prompt alone.
"""

import asyncio
import json
import random
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import card, orchestra

from workbench.dialogue import ModeLoader
from workbench.events import Status, TurnStarted, Usage
from workbench.models import Chunk

DATA = {
    "type": "object",
    "required": ["score", "items", "choice"],
    "properties": {
        "score": {"type": "integer"},
        "items": {"type": "array", "items": {"type": "string"}},
        "choice": {"type": "string"},
    },
}
PAIR = {"name": "pair", "turns": [{"role": "x", "template": "On {topic}"}, {"role": "y", "template": "{x}"}]}
LENIENT = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def answer(prompt):
    seed = zlib.crc32(prompt.encode())
    return json.dumps({"score": seed % 11, "items": ["u", "v", "w"][: seed % 4], "choice": "ab"[seed % 2]})


def act(seed):
    """Answers after a number of turns of the loop that differs from run to run."""
    chance = random.Random(seed)

    async def act(request):
        for _ in range(chance.randrange(5)):
            await asyncio.sleep(0)
        prompt = request.messages[-1]["content"]
        yield Chunk(text=answer(prompt) if "JSON Schema" in prompt else f"<{zlib.crc32(prompt.encode())}>")
        yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")

    return act


def turn_of(draw, name, known):
    """A turn that may look at those with data."""
    template = draw(st.sampled_from(["x", "{previous}", "{topic}!"]))
    spec = {"id": name, "role": draw(st.sampled_from("abcd")), "template": template}
    if draw(st.booleans()):
        spec["output_schema"] = DATA
    if known and draw(st.integers(0, 3)) == 0:
        spec["when"] = f"{draw(st.sampled_from(known))}.score >= {draw(st.integers(0, 10))}"
    if draw(st.integers(0, 4)) == 0:
        spec["sees"] = "all"
    return spec


def block_of(draw, name, known):
    """A block that goes through a list, or is repeated, perhaps until a score is good enough."""
    turns = [turn_of(draw, f"{name}{letter}", known) for letter in "mn"[: draw(st.integers(1, 2))]]
    spec = {"turns": turns, "structure": draw(st.sampled_from(["sequential", "parallel"]))}
    if draw(st.booleans()):
        return spec | {"foreach": {"over": f"{draw(st.sampled_from(known))}.items", "at_most": 3}}
    spec["repeat"] = draw(st.integers(1, 3))
    scored = [each["id"] for each in turns if "output_schema" in each and "when" not in each]
    if scored and spec["structure"] == "sequential" and spec["repeat"] > 1 and draw(st.booleans()):
        spec["until"] = f"{scored[0]}.score >= 5"
    return spec


def vote_of(draw, name, known):
    """A count of what turns with data chose."""
    return {"id": name, "vote": {"of": draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))}}


def spawn_of(draw, name, known):
    """A turn that opens sub-dialogues."""
    over = f"{draw(st.sampled_from(known))}.items"
    return {"id": name, "spawn": {"mode": PAIR, "over": over, "at_most": draw(st.integers(1, 3))}}


@st.composite
def modes(draw):
    """A valid mode of up to a dozen turns."""
    items = [{"id": "t0", "role": "a", "template": "{topic}", "output_schema": DATA}]
    known = ["t0"]
    for number in range(1, draw(st.integers(1, 5))):
        make = draw(st.sampled_from([turn_of, turn_of, block_of, vote_of, spawn_of]))
        items.append(make(draw, f"t{number}", known))
        if "output_schema" in items[-1] and "when" not in items[-1]:
            known = [*known, f"t{number}"]
    return {"name": "made_up", "turns": items}


def family(dialogue):
    return [dialogue, *(each for child in dialogue.children for each in family(child))]


def story(dialogue):
    """What was said in a dialogue and in its sub-dialogues; ids of dialogues are made up anew in each run."""
    said = {turn.id: "" if turn.model == "sub-dialogues" else turn.text for turn in dialogue.transcript}
    return dialogue.status, said, sorted(dialogue.transcript.skipped), [story(child) for child in dialogue.children]


@given(mode=modes(), seed=st.integers(0, 10**6), limit=st.none() | st.integers(0, 12))
@LENIENT
def test_it_ends_within_its_limits(tmp_path_factory, mode, seed, limit):
    orchestrator, actors = orchestra(tmp_path_factory.mktemp("any"), act(seed))
    with orchestrator:
        dialogue = orchestrator.start(mode, "Tea", models=[card()], limits={"max_calls": limit}).wait(30)
        assert dialogue.status in (Status.COMPLETED, Status.COST_LIMITED), dialogue.reason
        assert (dialogue.status is Status.COST_LIMITED) <= (limit is not None)
        assert len(actors.asked) <= (limit if limit is not None else 1000)
        assert actors.on == 0
        assert sum(each.metrics.calls for each in family(dialogue)) == len(actors.asked)
        started = [event.turn for event in dialogue.recorded_events() if isinstance(event, TurnStarted)]
        assert len(started) == len(set(started))


@given(mode=modes(), seeds=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)))
@LENIENT
def test_whoever_is_faster_the_transcript_is_the_same(tmp_path_factory, mode, seeds):
    stories = []
    for seed in seeds:
        orchestrator, _ = orchestra(tmp_path_factory.mktemp("any"), act(seed))
        with orchestrator:
            stories.append(story(orchestrator.run(mode, "Tea", models=[card()])))
    assert stories[0] == stories[1]


@given(mode=modes(), seeds=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), share=st.floats(0, 1))
@LENIENT
def test_cut_after_any_event_it_resumes_to_the_same_story(tmp_path_factory, mode, seeds, share):
    whole, first = orchestra(tmp_path_factory.mktemp("whole"), act(seeds[0]))
    with whole:
        done = whole.run(mode, "Tea", models=[card()])
        events = sorted((e for each in family(done) for e in each.recorded_events()), key=lambda e: (e.at, e.dialogue, e.seq))
        wanted = story(done)
    kept = events[: max(1, int(share * (len(events) - 1)))]
    orchestrator, actors = orchestra(tmp_path_factory.mktemp("cut"), act(seeds[1]))
    with orchestrator:
        orchestrator.record.write(kept)
        resumed = orchestrator.resume(done.id)
        assert story(resumed) == wanted
        answered = {event.call.id for event in kept if event.type == "call_ended"}
        assert len(actors.asked) == len(first.asked) - len(answered)


@given(mode=modes(), seed=st.integers(0, 10**6), after=st.integers(0, 30))
@LENIENT
def test_stopped_anywhere_it_leaves_no_call_and_resumes_to_the_same_story(tmp_path_factory, mode, seed, after):
    folder = tmp_path_factory.mktemp("stop")
    calm, _ = orchestra(folder / "calm", act(seed))
    with calm:
        wanted = story(calm.run(mode, "Tea", models=[card()]))
    orchestrator, actors = orchestra(folder / "stopped", act(seed))
    with orchestrator:
        dialogue = orchestrator.start(mode, "Tea", models=[card()])
        for number, _event in enumerate(dialogue.events()):
            if number == after:
                dialogue.cancel()
        dialogue.wait(30)
        assert actors.on == 0
        assert not any(each.running for each in family(dialogue))
        if not dialogue.status.succeeded:
            dialogue.resume().wait(30)
        assert story(dialogue) == wanted


@pytest.mark.slow
def test_two_hundred_turns_and_fifty_branches_from_a_file(tmp_path):
    branches = [
        {
            "structure": "sequential",
            "turns": [{"role": f"b{n}", "id": f"b{n}_{step}", "template": "{previous}"} for step in range(3)],
        }
        for n in range(50)
    ]
    lines = ["name: wide", "structure: parallel", "turns:"]
    for branch in branches:
        lines.append("  - turns:")
        lines += [f"      - {{role: {t['role']}, id: {t['id']}, template: '{t['template']}'}}" for t in branch["turns"]]
    (tmp_path / "wide.yaml").write_text("\n".join(lines))
    late = [f"  - {{role: s, id: s{n}, template: 'step {n} {{previous}}'}}" for n in range(50)]
    (tmp_path / "whole.yaml").write_text(
        "name: whole\nturns:\n  - structure: parallel\n    turns:\n"
        + "".join(f"      - {{role: b{n}, id: c{n}, template: 'branch {n}'}}\n" for n in range(50))
        + "\n".join(f"  - {{role: d{n}, id: d{n}, depends_on: [c{n}], template: 'on {{c{n}}}'}}" for n in range(50))
        + "\n"
        + "\n".join(f"  - {{role: e{n}, id: e{n}, depends_on: [d{n}], template: 'on {{d{n}}}'}}" for n in range(50))
        + "\n"
        + "\n".join(late)
    )
    orchestrator, actors = orchestra(tmp_path, act(1))
    with orchestrator:
        wide = orchestrator.run(tmp_path / "wide.yaml", "Tea", models=[card()])
        assert (wide.status, len(wide.transcript)) == (Status.COMPLETED, 150)
        assert actors.most > 25
        whole = orchestrator.run(tmp_path / "whole.yaml", "Tea", models=[card()])
        assert (whole.status, len(whole.transcript)) == (Status.COMPLETED, 200)
        assert ModeLoader.from_file(tmp_path / "whole.yaml").name == "whole"

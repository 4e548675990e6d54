"""What a turn is shown of the others: chosen, shortened or summed up as its mode says, inside the window, and never cut in silence."""

import json

import pytest
from stage import card, mode_of, orchestra

from workbench.events import CallEnded, Status, Usage
from workbench.models import Chunk
from workbench.models.tokens import estimate_tokens

SUBJECTS = [
    "the price of tea in the shops",
    "a cat that sleeps on the roof",
    "the engine of an old red car",
    "rain over the dry fields",
    "a letter from the tax office",
]


def essay(subject, sentences=40):
    return " ".join(f"Sentence {n} tells something new about {subject}." for n in range(sentences))


async def speak(request):
    """Answer with an essay on the subject of the prompt, or sum up in a few words."""
    asked = request.messages[-1]["content"]
    if asked.startswith("Sum up what"):
        text = "In short: " + asked.rsplit("tells something new about ", 1)[1].split(".")[0]
    elif asked.endswith("The end."):
        text = "done"
    else:
        text = essay(asked.splitlines()[-1])
    yield Chunk(text=text)
    yield Chunk(finish_reason="stop", usage=Usage(prompt=100, completion=50), served="actor")


def talk(**last):
    turns = [{"role": f"s{n}", "id": f"t{n}", "template": subject} for n, subject in enumerate(SUBJECTS, 1)]
    return mode_of(*turns, {"role": "end", "template": "The end.", "sees": "all", **last})


@pytest.fixture
def play(tmp_path):
    opened = []

    def play(mode, act=speak, **options):
        orchestrator, actors = orchestra(tmp_path / str(len(opened)), act)
        opened.append(orchestrator)
        dialogue = orchestrator.run(mode, "Things", **({"models": [card()]} | options))
        dialogue.actors = actors
        return dialogue

    yield play
    for orchestrator in opened:
        orchestrator.close()


def prompt(dialogue, turn="end"):
    return dialogue.transcript[turn].messages[-1]["content"]


def test_without_a_rule_all_that_it_sees_is_shown(play):
    dialogue = play(talk())
    assert all(essay(subject) in prompt(dialogue) for subject in SUBJECTS)


def test_one_that_asks_for_turns_1_2_and_4_gets_those_in_less_than_a_third_of_the_whole(play):
    whole = estimate_tokens(prompt(play(talk())))
    rule = {"strategy": "selected", "turns": [1, 2, 4], "share": 0.28, "overflow": "shorten"}
    dialogue = play(talk(context=rule))
    assert dialogue.status is Status.COMPLETED, dialogue.reason
    shown = prompt(dialogue)
    assert [subject in shown for subject in SUBJECTS] == [True, True, False, True, False]
    assert "[2 earlier turns are left out: 3, 5]" in shown
    assert estimate_tokens(shown) < 0.3 * whole


def test_the_last_turns_alone(play):
    shown = prompt(play(talk(context={"strategy": "last", "last": 2})))
    assert [essay(subject) in shown for subject in SUBJECTS] == [False, False, False, True, True]
    assert "[3 earlier turns are left out: 1-3]" in shown


def test_the_relevant_turns_alone(play):
    mode = talk(context={"strategy": "relevant", "relevant": 1}, template="What do cars have under the hood? The end.")
    shown = prompt(play(mode))
    assert [essay(subject) in shown for subject in SUBJECTS] == [False, False, True, False, False]


def test_summaries_are_asked_for_once_and_paid_openly(play):
    rule = {"strategy": "summarised", "last": 1}
    mode = talk(context=rule)
    mode["turns"].append({"role": "after", "template": "The end.", "sees": ["t1", "t2"], "context": {"strategy": "summarised"}})
    dialogue = play(mode)
    assert dialogue.status is Status.COMPLETED, dialogue.reason
    shown = prompt(dialogue)
    assert essay(SUBJECTS[4]) in shown
    assert "In short: a cat that sleeps on the roof" in shown
    assert "In short: a cat that sleeps on the roof" in prompt(dialogue, "after")
    purposes = [
        event.call.purpose for event in dialogue.recorded_events() if isinstance(event, CallEnded) and event.call.purpose
    ]
    assert len(purposes) == len(set(purposes)) == 4
    assert dialogue.metrics.calls == len(dialogue.actors.asked) == 7 + 4
    assert dialogue.transcript["end"].text == "done", "a summary is not the answer"


def test_a_resume_knows_the_summaries_and_does_not_take_one_for_the_answer(tmp_path):
    broken = True

    async def act(request):
        if request.messages[-1]["content"].endswith("The end.") and broken:
            raise RuntimeError("no")
        async for chunk in speak(request):
            yield chunk

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        dialogue = orchestrator.run(talk(context={"strategy": "summarised"}), "Things", models=[card()])
        assert dialogue.status is Status.FAILED
        broken, asked = False, len(actors.asked)
        dialogue.resume().wait(10)
        assert (dialogue.status, dialogue.text) == (Status.COMPLETED, "done")
        assert len(actors.asked) - asked == 1


def test_what_does_not_fit_the_window_is_refused_by_name_before_it_is_paid(play):
    dialogue = play(talk(), models=[card(context_window=2500, max_output=100)])
    assert dialogue.status is Status.FAILED
    assert "turn end does not fit" in dialogue.reason
    assert "the window has 2,500" in dialogue.reason
    assert "set overflow: leave_out or shorten or summarise" in dialogue.transcript["end"].hint
    assert all(essay(subject) in prompt(dialogue) for subject in SUBJECTS), "the record shows what did not fit"
    assert len(dialogue.actors.asked) == 5


@pytest.mark.parametrize("overflow", ["leave_out", "shorten", "summarise"])
def test_what_does_not_fit_is_made_to_fit_as_the_mode_says(play, overflow):
    small = card(context_window=2500, max_output=100)
    dialogue = play(talk(context={"overflow": overflow}), models=[small])
    assert dialogue.status is Status.COMPLETED, dialogue.reason
    assert estimate_tokens(prompt(dialogue)) < 2500
    assert {"leave_out": "left out", "shorten": "[Shortened", "summarise": "[Summary]"}[overflow] in prompt(dialogue)


def test_its_own_turns_come_back_as_its_own_words_shortened_or_not(play):
    mode = mode_of(
        {"role": "a", "id": "a1", "template": SUBJECTS[0]},
        {"role": "b", "id": "b1", "template": SUBJECTS[1]},
        {"role": "a", "id": "a2", "template": "The end.", "sees": "all", "context": {"strategy": "last", "last": 1}},
    )
    messages = play(mode).transcript["a2"].messages
    assert [message["role"] for message in messages] == ["user"]
    assert "[1 earlier turn is left out: 1]" in messages[0]["content"]


def test_rounds_end_once_speakers_say_the_same_again_by_meaning(play):
    said = iter([
        "Tea is better because it is mild.", "Coffee is better because it wakes you up.",
        "Cocoa, I now think, since children like it.", "Water, for it costs nothing at all.",
        "Cocoa, I now think, as children like it.", "Water, since it costs nothing at all.",
        "never", "never",
    ])  # fmt: skip

    async def act(_request):
        yield Chunk(text=next(said))
        yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")

    mode = {
        "name": "talk",
        "turns": [
            {
                "repeat": 6,
                "converge": {"method": "similarity", "threshold": 0.8},
                "turns": [{"role": "x", "template": "?"}, {"role": "y", "template": "?"}],
            }
        ],
    }
    dialogue = play(mode, act)
    assert dialogue.status is Status.CONVERGED
    assert len(dialogue.transcript) == 6
    assert "the one who changed most is" in dialogue.reason


def test_similarity_compares_a_field_where_there_is_one(play):
    schema = {"type": "object", "required": ["position"], "properties": {"position": {"type": "string"}}}
    said = iter([("Tea.", "red"), ("Tea, still.", "blue"), ("Tea, of course.", "x")])

    async def act(_request):
        position, noise = next(said)
        yield Chunk(text=json.dumps({"position": position, "noise": noise * 200}))
        yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")

    turn = {"role": "x", "template": "?", "output_schema": schema}
    converge = {"method": "similarity", "threshold": 0.5}
    dialogue = play({"name": "talk", "turns": [{"repeat": 4, "converge": converge, "turns": [turn]}]}, act)
    assert (dialogue.status, len(dialogue.transcript)) == (Status.CONVERGED, 2)

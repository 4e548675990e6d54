"""Judgements end to end: what a judge is shown and not shown, both orders, more than two contestants, resumes, and what is refused."""

import asyncio
import json
import re
import threading
import time

import pytest
from mortal import Nursery
from stage import card, mode_of, orchestra
from wire import Wire, words_for

from workbench.dialogue import ModeLoader, Transcript
from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.prompts.anonymous import names_of, without_announcement
from workbench.errors import ModeError
from workbench.events import Status, Usage
from workbench.models import Chunk
from workbench.records import Record

JUDGED = {"judge": {"of": ["pro", "con"]}, "id": "verdict", "role": "judge"}
SAYS = {"pro": "**Pro:** Water is wet.", "con": "Fish would disagree."}


def debate(*contestants, **judge):
    """A mode in which each contestant speaks once and a judge follows."""
    turns = [{"role": role, "template": f"You are {role}. {{topic}}"} for role in contestants]
    return mode_of(*turns, JUDGED | {"judge": {"of": list(contestants)}} | judge)


def judgement(winner, *quotes, a=5, b=5):
    said = [{"speaker": speaker, "quote": quote} for speaker, quote in quotes]
    return json.dumps({"winner": winner, "reason": "So it is.", "scores": {"A": a, "B": b}, "quotes": said})


def shown(prompt):
    """What the judge is shown: letter to text, in order."""
    said, _, _ = prompt.partition("\n\nThe topic:")
    return re.findall(r"^(Speaker [AB])(?:, round \d+)?:\n(.*?)(?=\n\nSpeaker [AB]|\Z)", said, re.DOTALL | re.MULTILINE)


def prefers(text):
    """A judge for whom one text is the best, in whatever place, and who quotes it."""

    def judge(prompt):
        winner = next((speaker[-1] for speaker, said in shown(prompt) if text in said), "tie")
        return judgement(winner, (winner, text)) if winner != "tie" else judgement("tie")

    return judge


def first(_prompt):
    """A judge who prefers what stands first."""
    return judgement("A")


@pytest.fixture
def play(tmp_path):
    opened = []

    def play(mode, judge, says=SAYS, **options):
        async def act(request):
            prompt = request.messages[-1]["content"]
            role = re.match(r"You are (\w+)", prompt)
            judges = any("Judge between" in message["content"] for message in request.messages)
            text = judge(prompt) if judges else says.get(role and role[1], "Well.")
            yield Chunk(text=text)
            yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")

        orchestrator, actors = orchestra(tmp_path / str(len(opened)), act)
        opened.append(orchestrator)
        dialogue = orchestrator.run(mode, "Is water wet?", **{"models": [card("m1"), card("m2"), card("m3")]} | options)
        dialogue.prompts = [r.messages for r in actors.asked if "Judge between" in r.messages[-1]["content"]]
        return dialogue

    yield play
    for orchestrator in opened:
        orchestrator.close()


def test_both_orders_are_judged_and_the_verdict_names_the_role(play):
    dialogue = play(debate("pro", "con"), prefers("Water is wet."))
    assert dialogue.status is Status.COMPLETED
    assert [turn.id for turn in dialogue.transcript] == ["pro", "con", "verdict_ab", "verdict_ba", "verdict"]
    verdict = dialogue.transcript["verdict"]
    assert (verdict.data["winner"], verdict.data["consistency"], verdict.data["verified"]) == ("pro", 1, 2)
    assert "The winner is Pro: both orders say so." in verdict.text
    assert not verdict.calls
    assert {dialogue.transcript[turn].data["winner"] for turn in ("verdict_ab", "verdict_ba")} == {"A", "B"}


def test_the_orders_are_the_reverse_of_each_other_and_nothing_else_differs(play):
    dialogue = play(debate("pro", "con"), first)
    one, other = (dialogue.transcript[turn].messages[-1]["content"] for turn in ("verdict_ab", "verdict_ba"))
    assert shown(one) == [("Speaker A", "**Speaker A:** Water is wet."), ("Speaker B", "Fish would disagree.")]
    assert shown(other) == [("Speaker A", "Fish would disagree."), ("Speaker B", "**Speaker B:** Water is wet.")]
    assert one.partition("The topic:")[2] == other.partition("The topic:")[2]


def test_a_judge_who_prefers_what_stands_first_finds_no_winner(play):
    verdict = play(debate("pro", "con"), first).transcript["verdict"]
    assert (verdict.data["winner"], verdict.data["tie"], verdict.data["consistency"]) == (None, True, 0)
    assert [one["winner"] for one in verdict.data["by_order"]] == ["pro", "con"]
    assert "A tie of Pro and Con: the orders disagree." in verdict.text


def test_no_name_of_a_role_or_a_model_reaches_the_judge(play):
    says = {"pro": "# m1 (Pro), round 1\nWater is wet.", "con": "M2: Fish would disagree."}
    dialogue = play(debate("pro", "con"), first, says)
    for messages in dialogue.prompts:
        assert not re.search(r"\b(pro|con|m1|m2)\b", json.dumps(messages), re.IGNORECASE)
    assert len(dialogue.prompts) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Pro: yes", "Speaker A: yes"),
        ("**Pro, round 2:** yes", "**Speaker A, round 2:** yes"),
        ("## pro (round 2)\nyes", "## Speaker A\nyes"),
        ("> Claude-Sonnet: yes", "> Speaker A: yes"),
        ("[Pro]: yes", "[Speaker A]: yes"),
        ("Pro (claude-sonnet): yes", "Speaker A: yes"),
        ("Pro and con: both matter", "Pro and con: both matter"),
        ("Proof: it is", "Proof: it is"),
        ("Well.\nPro: cheap", "Well.\nPro: cheap"),
        ("", ""),
    ],
)
def test_an_announcement_at_the_beginning_becomes_the_letter(text, told):
    chain = (card("claude-sonnet"),)
    assert without_announcement(text, names_of("pro", chain), "Speaker A") == told


def test_a_long_debate_is_shown_turn_by_turn_in_either_order():
    plan = compile_mode(ModeLoader().load("judged_debate"), {"rounds": 2})
    assert plan.by_id["verdict_ab"].sees == ("pro_1", "con_1", "pro_2", "con_2")
    assert plan.by_id["verdict_ba"].sees == ("con_1", "pro_1", "con_2", "pro_2")
    assert set(plan.by_id["verdict_ab"].depends_on) == set(plan.by_id["verdict_ba"].depends_on)
    assert set(plan.by_id["verdict"].depends_on) >= {"verdict_ab", "verdict_ba"}
    assert "verdict_ab" not in plan.by_id["verdict_ba"].depends_on
    assert [turn.id for turn in plan.spoken][-2:] == ["verdict_ab", "verdict_ba"]
    assert plan.roles.keys() == {"pro", "con", "judge"}


def test_the_built_in_mode_runs_and_one_order_is_a_parameter(play):
    both = play("judged_debate", first, parameters={"rounds": 1})
    assert both.transcript["verdict"].data["consistency"] == 0
    one = play("judged_debate", first, parameters={"rounds": 1, "orders": "one"})
    assert [turn.id for turn in one.transcript] == ["pro", "con", "verdict_ab", "verdict"]
    assert (one.transcript["verdict"].data["winner"], one.transcript["verdict"].data["consistency"]) == ("pro", None)


def test_three_are_judged_in_pairs(play):
    says = {"a": "one", "b": "two", "c": "three"}
    dialogue = play(debate("a", "b", "c"), prefers("two"), says)
    data = dialogue.transcript["verdict"].data
    assert (data["winner"], data["points"]) == ("b", {"a": 0.5, "b": 2, "c": 0.5})
    assert len(dialogue.prompts) == 6
    assert "Points, one for each pair won: A 0.5, B 2, C 0.5." in dialogue.transcript["verdict"].text


def test_voices_of_a_parallel_block_are_judged_and_their_number_does_not_show(play):
    mode = {
        "name": "choir",
        "turns": [
            {"repeat": 2, "structure": "parallel", "turns": [{"role": "voice", "template": "You are voice. {topic}"}]},
            JUDGED | {"judge": {"of": ["voice"]}},
        ],
    }
    dialogue = play(mode, first)
    assert dialogue.transcript["verdict"].data["points"] == {"voice_1": 0.5, "voice_2": 0.5}
    assert not any("oice" in message["content"] for messages in dialogue.prompts for message in messages)


def test_a_verdict_in_each_round_sees_what_was_said_until_then_and_may_end_the_rounds(play):
    mode = {
        "name": "rounds",
        "turns": [
            {
                "repeat": 3,
                "until": 'verdict.winner == "con"',
                "turns": [
                    {"role": "pro", "template": "You are pro."},
                    {"role": "con", "template": "You are con."},
                    JUDGED,
                ],
            },
            {"role": "end", "template": "The verdict: {verdict}"},
        ],
    }
    dialogue = play(mode, prefers("Fish would disagree."))
    first_round = ["pro_1", "con_1", "verdict_1_ab", "verdict_1_ba", "verdict_1"]
    assert [turn.id for turn in dialogue.transcript] == [*first_round, "end"]
    assert "The winner is Con" in dialogue.transcript["end"].messages[-1]["content"]
    stubborn = play(mode, first)
    assert len(shown(stubborn.transcript["verdict_2_ab"].messages[-1]["content"])) == 4


def test_a_condition_decides_on_the_whole_judgement(play):
    mode = mode_of(
        {"role": "pro", "template": "You are pro."},
        {"role": "con", "template": "You are con."},
        JUDGED | {"when": 'pro.text == "never"'},
        {"role": "end", "template": "So: {verdict}"},
    )
    dialogue = play(mode, first)
    assert [turn.id for turn in dialogue.transcript] == ["pro", "con", "end"]
    assert dialogue.transcript.skipped.keys() == {"verdict_ab", "verdict_ba", "verdict"}


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        (debate("pro"), "has 1 contestant"),
        (debate(*"abcdefg"), "has 7 contestants"),
        (debate("pro", "con", judge={"of": ["pro", "nobody"]}), "no turn of 'nobody' comes before it"),
        (debate("pro", "judge", judge={"of": ["pro", "judge"]}), "judge would judge itself"),
        (debate("pro", "con", judge={"of": ["pro", "con"], "orders": "random"}), "there is no order 'random'"),
        (debate("pro", "con", template="Weigh {pro}."), "the template names {pro}"),
        (debate("pro", "con", template="Weigh {previous}."), "the template names {previous}"),
        (debate("pro", "con", template="Weigh {turn_2}."), "the template names {turn_2}"),
        (debate("pro", "con", sees="all"), "sees has no place in it"),
        (debate("pro", "con", output_schema={"type": "object"}), "output_schema has no place in it"),
        (debate("pro", "con", vote={"of": "pro"}), "vote"),
    ],
)
def test_what_cannot_be_judged_is_refused_before_anything_is_asked(mode, says):
    with pytest.raises(ModeError) as refused:
        compile_mode(ModeLoader().load(mode))
    assert says in str(refused.value)


def test_an_answer_in_another_form_is_asked_for_again(play):
    def judge(prompt):  # both orders are asked at once, so an answer goes by what is asked and not by its place
        if said := shown(prompt):
            return "Speaker A wins." if "wet" in said[0][1] else '{"winner": "Pro"}'
        return judgement("A" if "Speaker A wins." in prompt else "B")

    dialogue = play(debate("pro", "con"), judge, limits={"max_calls": 6})
    assert dialogue.transcript["verdict"].data["winner"] == "pro"
    assert dialogue.metrics.calls == 6


def test_what_people_do_in_a_run_is_judged_too(tmp_path):
    """A contestant who was called on says more, a person says something, and one of the orders is left out."""
    ready, go = threading.Event(), threading.Event()

    async def act(request):
        prompt = request.messages[-1]["content"]
        if "You are con" in prompt:
            ready.set()
            await asyncio.to_thread(go.wait, 20)
        said = (
            judgement("B", ("B", "More of pro"))
            if "Judge between" in prompt
            else "More of pro"
            if "Say more" in prompt
            else "Well."
        )
        yield Chunk(text=said)
        yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        dialogue = orchestrator.start(debate("pro", "con"), "Is water wet?", models=[card("m1"), card("m2"), card("m3")])
        assert ready.wait(20)
        dialogue.call_on("pro", "Say more.")
        dialogue.interject("I drink it.", "Anna")
        dialogue.skip("verdict_ab")
        go.set()
        dialogue.wait(20)
        (prompt,) = [r.messages[-1]["content"] for r in actors.asked if "Judge between" in r.messages[-1]["content"]]
        data = dialogue.transcript["verdict"].data
    assert shown(prompt)[:2] == [("Speaker A", "Well."), ("Speaker B", "Well.")]
    assert "Speaker B:\nMore of pro" in prompt
    assert "Anna:\nI drink it." in prompt
    assert (data["winner"], data["consistency"]) == ("pro", None)
    assert [quote["status"] for quote in data["quotes"]] == ["verified"]


def test_quotes_are_shown_wherever_the_verdict_is(play):
    def judge(prompt):
        return judgement("A", ("A", "Water is wet."), ("B", "Never said."))

    dialogue = play(debate("pro", "con"), judge)
    data = dialogue.transcript["verdict"].data
    assert [quote["status"] for quote in data["quotes"]] == ["verified", "not found", "other speaker", "not found"]
    for text in (dialogue.export("markdown"), dialogue.export("html")):
        assert "1 of 4 stand word for word" in text
        assert "not found; ascribed to Con" in text
    exported = json.loads(dialogue.export("json"))
    assert exported["turns"][-1]["data"]["quotes"][0]["turn"] == "pro"


@pytest.mark.slow
def test_a_judge_killed_between_the_orders_is_asked_for_the_second_one_only(sqlite_url):
    def answer(asked):
        prompt = asked.body["messages"][-1]["content"]
        if "Judge between" not in prompt:
            return " ".join(words_for(asked, 8))
        return judgement("A" if "round 1:\n" in prompt else "tie")

    topic = "Both orders, or none."
    with Nursery() as nursery, Wire(answer=answer) as wire, Record.open(sqlite_url) as record:
        options = {"models": ["openai/wire-1", "openai/wire-2", "openai/wire-3"], "api_base": wire.openai}
        mode = {"name": "slow", "extends": "judged_debate"}
        wire.faults = lambda asked: "hang" if asked.number == 4 else None
        process = nursery.start("run", sqlite_url, mode, topic, parameters={"rounds": 1}, **options)
        _wait_until(lambda: (found := _found(record, topic)) and len(found.data) == 1 and len(wire.requests) == 4)
        process.kill()
        wire.faults = lambda asked: None
        done = next(row for row in record.summaries(limit=1) if row.topic == topic)
        assert nursery.start("resume", sqlite_url, done.id).result()["status"] == "completed"
        verdict = Transcript(record.events(done.id))["verdict"]
    assert len(wire.requests) == 5
    assert wire.requests[3].body == wire.requests[4].body
    assert verdict.data["tie"]


def _found(record, topic):
    row = next((row for row in record.summaries(limit=1) if row.topic == topic), None)
    return row and Transcript(record.events(row.id))


def _wait_until(condition, seconds=30):
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not happen"
        time.sleep(0.005)

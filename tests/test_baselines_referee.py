"""Answers without a key: both orders, ties, identical answers, families, and what an interval over one topic means."""

import pytest
from minds import Mind, cases
from stage import card, orchestra

from workbench.dialogue.baselines import compare, resume
from workbench.errors import ErrorKind, ModelError, WorkbenchError

ONE_ROUND = {"rounds": 1}


def mine(text):
    """Whether an answer is the debate's; the others of a case that is open err, each in its own words."""
    return text == "42"


def open_mind(prefers):
    return Mind(right=lambda approach, _case: approach == "debate", prefers=prefers)


def judged(folder, mind, number=2, **options):
    options = {"referee": card("referee", family="elsewhere"), "baselines": ["single", "chain_of_thought"]} | options
    orchestrator, actors = orchestra(folder, mind)
    with orchestrator:
        models = options.pop("models", [card(family="here")])
        result = compare(orchestrator, "debate", cases(number, None), models=models, parameters=ONE_ROUND, **options)
        return result, actors, {run.dialogue: orchestrator.load(run.dialogue) for run in result.runs}


def test_the_better_answer_wins_in_both_orders(tmp_path):
    result, actors, _ = judged(tmp_path, open_mind(lambda a, _b: "A" if mine(a) else "B"))
    assert {one.winner for one in result.judgements} == {"debate"}
    row = result.rows[1]
    assert (row.quality, row.gain) == (0.0, 1.0)
    asked = [r.messages[-1]["content"] for r in actors.asked if "Which answer is better" in r.messages[-1]["content"]]
    assert len(asked) == 2 * 2 * 2
    assert sum("Answer A:\n\n42" in prompt for prompt in asked) == sum("Answer B:\n\n42" in prompt for prompt in asked) == 4


@pytest.mark.parametrize("always", ["A", "B", "tie"])
def test_a_referee_that_looks_at_the_order_sees_only_ties(tmp_path, always):
    result, _, _ = judged(tmp_path, open_mind(lambda _a, _b: always))
    assert {one.winner for one in result.judgements} == {"tie"}
    assert result.rows[1].gain == 0.0
    assert result.verdict.kind == "cannot_tell"


def test_an_answer_may_win_in_one_order_and_tie_in_the_other(tmp_path):
    result, _, _ = judged(tmp_path, open_mind(lambda a, _b: "A" if mine(a) else "tie"))
    assert {one.winner for one in result.judgements} == {"tie"}


def test_nobody_is_named_to_the_referee(tmp_path):
    _, actors, _ = judged(tmp_path, open_mind(lambda _a, _b: "A"))
    asked = [r for r in actors.asked if "Which answer is better" in r.messages[-1]["content"]]
    for request in asked:
        text = (
            " ".join(message["content"] for message in request.messages)
            .replace("single errs", "")
            .replace("chain_of_thought errs", "")
        )
        assert not any(word in text for word in ("debate", "single", "chain_of_thought", "actor"))


def test_both_orders_are_dialogues_of_the_record(tmp_path):
    orchestrator, _ = orchestra(tmp_path, open_mind(lambda a, _b: "A" if mine(a) else "B"))
    with orchestrator:
        options = {"referee": card("referee"), "baselines": ["single"], "judgements": 2, "parameters": ONE_ROUND}
        result = compare(orchestrator, "debate", cases(1, None), models=[card()], **options)
        for one in result.judgements:
            orders = [orchestrator.load(name) for name in one.dialogues]
            assert [found.mode for found in orders] == ["preference", "preference"]
            assert [found.transcript.data["preference"]["winner"] for found in orders] == ["A", "B"]
            assert {orchestrator.record.summary(found.id).parent_id for found in orders} == {result.id}


def test_judgements_of_a_case_are_averaged_first(tmp_path):
    votes = iter(["A", "B"] * 2 + ["A", "A"] * 2)
    result, _, _ = judged(tmp_path, open_mind(lambda _a, _b: next(votes, "A")), baselines=["single"], judgements=2, at_once=1)
    assert result.difference("single").n == 2
    assert any("averaged first" in note for note in result.notes)


def test_one_topic_speaks_of_the_referee_alone(tmp_path):
    result, _, _ = judged(tmp_path, open_mind(lambda a, _b: "A" if mine(a) else "B"), 1, baselines=["single"], judgements=6)
    assert result.difference("single").n == 6
    assert result.difference("single").low > 0
    assert any("speaks of the referee's noise on it, and of no other topic" in note for note in result.notes)


def test_the_same_answer_is_a_tie_without_asking(tmp_path):
    result, actors, _ = judged(tmp_path, Mind())
    assert {one.winner for one in result.judgements} == {"tie"}
    assert not any(one.dialogues for one in result.judgements)
    assert not any("Which answer is better" in request.messages[-1]["content"] for request in actors.asked)


def test_a_side_without_an_answer_has_lost(tmp_path):
    class Dumb(Mind):
        def say(self, prompt):
            return "hm" if "without working it out" in prompt or "You answered" in prompt else super().say(prompt)

    result, _, _ = judged(tmp_path, Dumb(), baselines=["single"])
    assert {one.winner for one in result.judgements} == {"debate"}
    assert any("single gave no answer on 2 of 2 cases; these count as lost" in note for note in result.notes)


def test_a_judgement_that_fails_is_left_out_and_asked_again(tmp_path):
    class Down(Mind):
        down = True

        def say(self, prompt):
            if self.down and "Which answer is better" in prompt and "case 1" in prompt:
                raise ModelError(ErrorKind.AUTHENTICATION, "no entry", model="referee")
            return super().say(prompt)

    mind = Down(right=lambda approach, _case: approach == "debate", prefers=lambda a, _b: "A" if mine(a) else "B")
    orchestrator, _ = orchestra(tmp_path, mind)
    with orchestrator:
        options = {"referee": card("referee"), "baselines": ["single"], "parameters": ONE_ROUND}
        result = compare(orchestrator, "debate", cases(2, None), models=[card()], **options)
        assert [one.winner for one in result.judgements] == [None, "debate"]
        assert any("no answer in 1 of 2 judgements" in note for note in result.notes)
        mind.down = False
        assert [one.winner for one in resume(orchestrator, result.id).judgements] == ["debate", "debate"]


@pytest.mark.parametrize(
    ("family", "says"), [("here", "of the same family (here) as actor"), ("elsewhere", None), ("openai", "Nobody knows")]
)
def test_a_referee_of_the_family_is_warned_of(tmp_path, family, says):
    result, _, _ = judged(tmp_path, Mind(), 1, referee=card("referee", family=family), baselines=["single"])
    found = [note for note in result.notes if "favour its own" in note]
    assert bool(found) == bool(says)
    assert not says or says in found[0]


def test_several_debaters_are_mentioned(tmp_path):
    result, _, _ = judged(tmp_path, Mind(), 1, models=[card("a"), card("b"), card("c")], baselines=["single"])
    assert any("Several models debated; alone answered a." in note for note in result.notes)


def test_without_key_and_referee_nothing_runs(tmp_path, monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "DEEPSEEK_API_KEY", "XAI_API_KEY", "MISTRAL_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    orchestrator, _ = orchestra(tmp_path, Mind())
    with orchestrator, pytest.raises(WorkbenchError, match="a referee has to compare"):
        compare(orchestrator, "debate", cases(1, None), models=[card()])
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test-123456")
    with orchestrator:
        result = compare(orchestrator, "debate", cases(1, None), models=[card()], baselines=["single"], parameters=ONE_ROUND)
    assert result.setup.referee[0].family == "claude"

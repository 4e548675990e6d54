"""What the debate bought, from end to end: the verdicts, what the record keeps, what failed, and going on after a stop."""

import asyncio
import json

import pytest
from minds import Mind, cases, often
from stage import card, orchestra

from workbench.dialogue.baselines import Step, compare, compare_async, resume, resume_async
from workbench.dialogue.lineage import Tree
from workbench.errors import ErrorKind, ModelError, RecordError, WorkbenchError

ONE_ROUND = {"rounds": 1}


def compared(folder, mind, number=4, expected=42, **options):
    orchestrator, _ = orchestra(folder, mind)
    with orchestrator:
        return compare(orchestrator, "debate", cases(number, expected), models=[card()], parameters=ONE_ROUND, **options)


def rows(result):
    return {row.approach: row for row in result.rows}


def test_a_debate_that_adds_something_is_worth_it(tmp_path):
    result = compared(tmp_path, Mind(right=lambda approach, case: approach == "debate" or case % 3 == 0), 24)
    found = rows(result)
    assert found["debate"].quality == 1.0
    assert found["single"].quality == pytest.approx(1 / 3)
    assert found["single"].gain == pytest.approx(2 / 3)
    assert result.verdict.worth
    assert result.verdict.text.startswith("Debate: it is better than every baseline. The debate was right in 100 %")
    assert "Each point over a single answer took $" in result.verdict.text
    taken = found["debate"].spend - found["single"].spend
    assert result.verdict.price_per_point == pytest.approx(taken / (200 / 3))


def test_a_debate_that_adds_nothing_is_not(tmp_path):
    share = often(0.7)
    result = compared(tmp_path, Mind(right=lambda _approach, case: share(case)), 60, baselines=["chain_of_thought"])
    assert result.verdict.kind == "do_not_debate"
    assert result.verdict.text.startswith("Do not debate: whatever it adds to chain of thought is less than 5 points.")


def test_few_cases_cannot_tell_and_say_how_many_would(tmp_path):
    result = compared(tmp_path, Mind(right=lambda approach, case: approach == "debate" or case > 1), 4)
    assert result.verdict.kind == "cannot_tell"
    assert not result.verdict.worth
    assert result.verdict.text.startswith("Do not debate yet: 4 cases cannot tell.")
    assert f"About {result.verdict.needed // 100 * 100:,}"[:8] in result.verdict.text
    one = compared(tmp_path / "one", Mind(), 1)
    assert one.verdict.text.startswith("Do not debate yet: 1 case cannot tell.")
    assert any("One case says nothing of others" in note for note in one.notes)


def test_one_weak_baseline_is_not_enough(tmp_path):
    """Better than a single answer and no better than a chain of thought is not worth the money."""
    result = compared(tmp_path, Mind(right=lambda approach, case: approach != "single"), 40, margin=0.1)
    assert rows(result)["single"].p_better < 0.001
    assert result.verdict.kind == "do_not_debate"


def test_a_debate_has_to_beat_every_baseline(tmp_path):
    """Far better than a single answer, a little better than a chain of thought: that cannot be told yet."""
    right = {"debate": lambda _case: True, "single": lambda _case: False, "chain_of_thought": lambda case: case > 2}
    mind = Mind(right=lambda approach, case: right[approach](case))
    result = compared(tmp_path, mind, 20, baselines=["single", "chain_of_thought"])
    assert rows(result)["single"].p_better < 0.001
    assert (result.verdict.kind, result.verdict.best) == ("cannot_tell", "chain_of_thought")


def test_wrong_numbers_are_adjusted_for_being_many(tmp_path):
    mind = Mind(right=lambda approach, case: approach == "debate" or case % 2 == 0)
    all_five = compared(tmp_path / "a", mind, 12)
    alone = compared(tmp_path / "b", mind, 12, baselines=["single"])
    assert rows(all_five)["single"].p_better > rows(alone)["single"].p_better
    assert any("Holm for 5 comparisons" in note for note in all_five.notes)


def test_everything_is_in_the_record_and_linked(tmp_path):
    orchestrator, _ = orchestra(tmp_path, Mind())
    with orchestrator:
        result = compare(orchestrator, "debate", cases(2), models=[card()], parameters=ONE_ROUND)
        children = orchestrator.children(result.id)
        assert {run.dialogue for run in result.runs} == {result.id, *(child.id for child in children)}
        assert len(Tree(orchestrator.record, result.id)) == 12
        assert sorted(child.mode for child in children if child.topic.endswith("case 2?")) == [
            "chain_of_thought", "consultancy", "debate", "self_consistency", "self_correction", "single",
        ]  # fmt: skip
        modes = {child.mode for child in children}
    assert "debate" in modes


def test_steps_are_told(tmp_path):
    told: list[Step] = []
    result = compared(tmp_path, Mind(), 2, notify=told.append)
    assert {step.comparison for step in told} == {result.id}
    ended = [step for step in told if step.status != "running"]
    assert [step.done for step in ended] == list(range(1, 13))
    assert {step.total for step in told} == {12}
    assert str(told[0]).startswith("0 of 12: case 1, debate: running (")


def test_a_provider_that_fails_leaves_a_gap_that_is_reported(tmp_path):
    class Failing(Mind):
        def say(self, prompt):
            if "without working it out" in prompt and "case 2" in prompt:
                raise ModelError(ErrorKind.AUTHENTICATION, "no entry", model="actor")
            return super().say(prompt)

    result = compared(tmp_path, Failing(), 3)
    found = rows(result)
    assert (found["single"].cases, found["single"].missing) == (2, 1)
    assert found["chain_of_thought"].cases == 3
    failed = next(run for run in result.runs if run.status == "failed")
    assert any(f"single is missing on 1 of 3 cases ({failed.dialogue} failed)" in note for note in result.notes)


def test_a_debate_that_a_provider_fails_costs_no_baselines(tmp_path):
    class Failing(Mind):
        def say(self, prompt):
            if "Open the debate" in prompt:
                raise ModelError(ErrorKind.AUTHENTICATION, "no entry", model="actor")
            return super().say(prompt)

    result = compared(tmp_path, Failing(), 2)
    assert [run.approach for run in result.runs] == ["debate", "debate"]
    assert result.verdict.kind == "cannot_tell"
    assert "on no case did the debate and a baseline both come to an end" in result.verdict.text


def test_who_cannot_give_data_is_wrong_and_not_left_out(tmp_path):
    class Prose(Mind):
        def say(self, prompt):
            return "forty-two" if "without working it out" in prompt or "You answered" in prompt else super().say(prompt)

    found = rows(compared(tmp_path, Prose(), 2))
    assert (found["single"].no_answer, found["single"].quality, found["single"].missing) == (2, 0.0, 0)


@pytest.mark.parametrize("stop_after", [1, 4, 9, 17, 26])
def test_going_on_after_a_stop_pays_for_nothing_twice(tmp_path, stop_after):
    whole = compared(tmp_path / "whole", Mind(), 2, at_once=1)
    orchestrator, actors = orchestra(tmp_path / "cut", Mind())
    told: list[Step] = []

    async def interrupted():
        stopping = asyncio.ensure_future(
            compare_async(
                orchestrator, "debate", cases(2), models=[card()], parameters=ONE_ROUND, at_once=1, notify=told.append
            )
        )
        while len(actors.asked) < stop_after and not stopping.done():
            await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping

    with orchestrator:
        asyncio.run(interrupted())
        result = resume(orchestrator, told[-1].comparison, notify=told.append)
        assert result.id == told[0].comparison
        assert [(run.approach, run.size, run.answer) for run in result.runs] == [
            (run.approach, run.size, run.answer) for run in whole.runs
        ]
        complete = [
            call for run in result.runs for turn in orchestrator.load(run.dialogue).transcript for call in turn.calls if call.ok
        ]
        prompts = [
            (turn.id, run.dialogue) for run in result.runs for turn in orchestrator.load(run.dialogue).transcript if turn.calls
        ]
        assert len(complete) == len(prompts)
        before = len(actors.asked)
        again = resume(orchestrator, result.id[:8])
        assert again.rows == result.rows
        assert len(actors.asked) == before


async def test_both_ways_wait_on_any_loop(tmp_path):
    orchestrator, actors = orchestra(tmp_path, Mind())
    result = await compare_async(orchestrator, "debate", cases(1), models=[card()], parameters=ONE_ROUND)
    before = len(actors.asked)
    assert (await resume_async(orchestrator, result.id)).rows == result.rows
    assert len(actors.asked) == before
    await asyncio.to_thread(orchestrator.close)


def test_only_a_comparison_can_be_gone_on_with(tmp_path):
    orchestrator, _ = orchestra(tmp_path, Mind())
    with orchestrator:
        alone = orchestrator.run("chat", "Is this case 1?", models=[card()])
        with pytest.raises(WorkbenchError, match="does not begin a comparison"):
            resume(orchestrator, alone.id)
        with pytest.raises(RecordError):
            resume(orchestrator, "feed")


def test_a_result_is_shown_in_every_form(tmp_path):
    result = compared(tmp_path, Mind(right=lambda approach, case: approach == "debate"), 3)
    assert list(result.table.index) == [row.approach for row in result.rows]
    assert len(result.frame) == 18
    assert set(result.frame["right"]) == {0, 1}
    for text in (repr(result), result._repr_markdown_(), result._repr_html_()):
        assert "debate (debate)" in text
        assert "self consistency" in text
    assert json.loads(json.dumps(result.to_dict()))["verdict"]["kind"] == result.verdict.kind
    figure = result.plot()
    assert [trace.name for trace in figure.data][:2] == ["debate (debate)", "single"]
    assert [trace.y[0] for trace in figure.data] == [row.quality for row in result.rows]
    assert figure.data[0].x[0] == result.rows[0].spend


def test_hostile_names_and_answers_are_text(tmp_path):
    class Hostile(Mind):
        def say(self, prompt):
            return json.dumps({"answer": "<img src=x onerror=alert(1)>|`"}) if "JSON" in prompt else super().say(prompt)

    mode = {"name": "sly", "turns": 2, "prompts": {"turn_1": {"role": "a"}, "turn_2": {"role": "b"}}}
    orchestrator, _ = orchestra(tmp_path, Hostile())
    with orchestrator:
        result = compare(orchestrator, mode, cases(2), models=[card("<b>sly</b>"), card("other")])
    assert any("alone answered <b>sly</b>" in note for note in result.notes)
    for text in (result._repr_html_(), result._repr_markdown_(), repr(result.plot().to_dict())):
        assert "<img" not in text
        assert "<b>" not in text

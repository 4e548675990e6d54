"""Turns run as soon as what they depend on is complete, and the transcript keeps the mode's order."""

from hypothesis import given
from hypothesis import strategies as st

from workbench.dialogue import ModeLoader
from workbench.dialogue.planning.compiling import compile_mode


def depends(mode, **parameters):
    return {t.id: set(t.depends_on) for t in compile_mode(ModeLoader().load(mode), parameters).turns}


def test_a_parallel_block_waits_for_what_came_before_and_all_wait_for_it():
    turns = depends("parallel", voices=2)
    assert turns == {"answer_1": set(), "answer_2": set(), "synthesis": {"answer_1", "answer_2"}}


def test_each_parallel_voice_is_a_role_of_its_own():
    plan = compile_mode(ModeLoader().load("parallel"), {"voices": 2})
    assert list(plan.roles) == ["voice_1", "voice_2", "synthesiser"]


def test_a_parallel_mode_runs_everything_at_once():
    mode = {"name": "x", "structure": "parallel", "turns": 3, "prompts": {"turn_1": {"role": "a", "template": "{topic}"}}}
    assert depends(mode) == {"turn_1": set(), "turn_2": set(), "turn_3": set()}


def test_explicit_dependencies_replace_the_order():
    mode = {
        "name": "x",
        "turns": [
            {"role": "a", "template": "1"},
            {"role": "b", "template": "2", "depends_on": []},
            {"role": "c", "template": "{a}", "depends_on": ["b"]},
        ],
    }
    assert depends(mode) == {"a": set(), "b": set(), "c": {"a", "b"}}


def test_a_repeated_name_means_the_latest_turn_of_it():
    mode = {
        "name": "x",
        "turns": [{"repeat": 2, "turns": [{"role": "a", "template": "1"}, {"role": "b", "template": "{a}"}]}],
    }
    plan = compile_mode(ModeLoader().load(mode))
    assert plan.by_id["b_2"].names == {"a": ("a_2",)}


@st.composite
def modes(draw):
    turn = st.fixed_dictionaries(
        {"role": st.sampled_from("abc")},
        optional={
            "template": st.sampled_from(["{topic}", "{previous}", "x"]),
            "sees": st.sampled_from(["all", "previous", "none"]),
        },
    )
    block = st.fixed_dictionaries(
        {"turns": st.lists(turn, min_size=1, max_size=3), "repeat": st.integers(1, 3)},
        optional={"structure": st.sampled_from(["parallel", "sequential"])},
    )
    items = draw(st.lists(st.one_of(turn, block), min_size=1, max_size=5))
    return {"name": "x", "structure": draw(st.sampled_from(["parallel", "sequential"])), "turns": items}


@given(modes())
def test_every_mode_can_run_to_its_end(mode):
    turns = compile_mode(ModeLoader().load(mode)).turns
    done: set[str] = set()
    for turn in turns:
        assert set(turn.depends_on) <= done
        assert set(turn.sees) <= set(turn.depends_on)
        done.add(turn.id)
    assert len(done) == len(turns)

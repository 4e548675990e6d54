"""Every built-in mode as a LangGraph graph: the same answers give the same transcript as the engine's own run."""

import pytest
from scripted import USUAL, Script
from stage import card, mode_of, orchestra

from workbench.dialogue import ModeLoader
from workbench.errors import ErrorKind, ModeError, ModelError
from workbench.models.langchain.chat import ChatWorkbench

pytest.importorskip("langgraph")

MODES = sorted(mode.name for mode in ModeLoader().modes())
CAST = {"models": [card("a"), card("b"), card("c")]}
BASELINES = {'{"answer":': {"answer": "42"}}
HOLDS_NOT = {"Does_it_hold?": {"holds": False, "problem": "much"}}
LOW = {"Mark_it:": {"score": 3, "feedback": "more"}}


def echo(answers):
    """Answer by what is asked and nothing else, so that the order in which parallel turns are asked does not matter."""
    script = Script(**(USUAL | BASELINES | answers))

    async def act(request):
        script.asked.clear()
        script.asked += [""] * (sum(map(ord, str(request.messages))) % 1000)
        async for chunk in script(request):
            yield chunk

    return act


@pytest.fixture
def both(tmp_path):
    """Runs a mode by the engine and as a graph; gives both transcripts as texts, data and skips."""
    opened = []

    def stage(answers):
        orchestrator, _ = orchestra(tmp_path / str(len(opened)), echo(answers))
        opened.append(orchestrator)
        return orchestrator

    def both(mode, answers=(), **options):
        answers = dict(answers)
        options = CAST | options
        dialogue = stage(answers).run(mode, "Which way?", **options)
        other = stage(answers)
        graph = other.modes.load(mode).to_langgraph(other, **options).compile()
        return dialogue, graph

    yield both
    for orchestrator in opened:
        orchestrator.close()


def unnumbered(data):
    """Data without the ids of sub-dialogues, which are drawn."""
    if isinstance(data, dict):
        return {name: unnumbered(value) for name, value in data.items() if name != "dialogue"}
    return [unnumbered(value) for value in data] if isinstance(data, list) else data


def same(dialogue, state):
    transcript = dialogue.transcript
    assert dialogue.status.succeeded, dialogue.reason
    assert state["said"] == transcript.said
    assert unnumbered(state.get("data", {})) == unnumbered({i: data for i, data in transcript.data.items() if data is not None})
    assert state.get("skipped", {}) == {turn: event.reason for turn, event in transcript.skipped.items()}
    assert (state.get("converged") or None) == (dialogue.reason if dialogue.status == "converged" else None)


@pytest.mark.parametrize("mode", MODES)
async def test_a_built_in_mode_says_the_same(both, mode):
    dialogue, graph = both(mode)
    same(dialogue, await graph.ainvoke({"topic": "Which way?"}))


@pytest.mark.parametrize(
    ("mode", "answers"),
    [
        ("loop", HOLDS_NOT),
        ("linear", LOW),
        ("supervisor", {"Who_goes_next": {"next": "critic", "task": "work"}}),
        ("hierarchical", {"Divide_it": {"parts": ["a", "b", "c", "d"]}}),
        ("market", {"Bid_for_it": {"confidence": 0.0, "price": 10}}),
    ],
)
async def test_other_answers_take_the_same_other_way(both, mode, answers):
    dialogue, graph = both(mode, answers)
    same(dialogue, await graph.ainvoke({"topic": "Which way?"}))


def test_it_runs_synchronously_too(both):
    dialogue, graph = both("debate", parameters={"rounds": 2})
    same(dialogue, graph.invoke({"topic": "Which way?"}))


def test_it_streams_what_happens_in_a_turn(both):
    _, graph = both("chat")
    events = list(graph.stream({"topic": "Which way?"}, stream_mode="custom"))
    assert [event["type"] for event in events] == ["turn_started", "call_started", "text_delta", "call_ended", "turn_completed"]


def test_parallel_turns_are_nodes_side_by_side(both):
    _, graph = both("parallel")
    edges = {(edge.source, edge.target) for edge in graph.get_graph().edges}
    assert {("__start__", f"answer_{n}") for n in (1, 2, 3)} <= edges
    assert {(f"answer_{n}", "synthesis") for n in (1, 2, 3)} <= edges
    assert ("synthesis", "__end__") in edges


def test_a_checkpointer_goes_on_after_a_failure_and_asks_only_what_is_missing(tmp_path):
    from langgraph.checkpoint.memory import InMemorySaver

    asked = []

    async def act(request):
        prompt = request.messages[-1]["content"]
        asked.append(prompt)
        if len(asked) == 2:
            raise ModelError(ErrorKind.BAD_REQUEST, "no", model="a")
        async for chunk in echo({})(request):
            yield chunk

    orchestrator, _ = orchestra(tmp_path, act)
    with orchestrator:
        mode = orchestrator.modes.load("sequential")
        graph = mode.to_langgraph(orchestrator, **CAST).compile(checkpointer=InMemorySaver())
        thread = {"configurable": {"thread_id": "1"}}
        with pytest.raises(ModelError, match=r"b: improvement: .*no"):
            graph.invoke({"topic": "Which way?"}, thread)
        state = graph.invoke(None, thread)
    assert list(state["said"]) == ["draft", "improvement", "final"]
    assert len(asked) == 4


def test_sub_dialogues_run_inside_their_node(both):
    mode = {
        "name": "outer",
        "turns": [
            {"role": "lead", "template": "Divide_it".replace("_", " "), "output_schema": {"type": "object", "required": ["parts"], "properties": {"parts": {"type": "array"}}}},
            {"id": "deeper", "spawn": {"mode": "chat", "over": "lead.parts"}},
            {"role": "end", "template": "{deeper}"},
        ],
    }  # fmt: skip
    dialogue, graph = both(mode)
    state = graph.invoke({"topic": "Which way?"})
    assert state["said"] == dialogue.transcript.said
    assert [each["topic"] for each in state["data"]["deeper"]["dialogues"]] == ["the left half", "the right half"]


def test_turns_may_be_called_like_parts_of_the_state(both):
    dialogue, graph = both(mode_of({"role": "data", "template": "one"}, {"role": "skipped", "template": "{data}"}))
    same(dialogue, graph.invoke({"topic": "Which way?"}))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"limits": {"max_calls": 3}}, "keeps no ceilings: max_calls"),
        ({"approve": ["answer"]}, "waits for a person"),
        ({"participants": {"answer": "person"}, "models": []}, "waits for a person"),
    ],
)
def test_what_a_graph_cannot_do_is_refused_by_name(tmp_path, options, why):
    orchestrator, _ = orchestra(tmp_path, echo({}))
    with orchestrator, pytest.raises(ModeError, match=why):
        orchestrator.modes.load(mode_of({"role": "answer"})).to_langgraph(orchestrator, **(CAST | options))


def test_a_failed_turn_fails_the_graph_with_the_reason(tmp_path):
    async def broken(request):
        raise ModelError(ErrorKind.CONTENT_FILTER, "not that", model="a")
        yield

    orchestrator, _ = orchestra(tmp_path, broken)
    with orchestrator, pytest.raises(ModelError, match="a: answer: not that") as caught:
        orchestrator.modes.load("chat").to_langgraph(orchestrator, **CAST).compile().invoke({"topic": "T"})
    assert caught.value.kind is ErrorKind.CONTENT_FILTER


def test_langchain_models_play_in_it_as_well(tmp_path):
    orchestrator, _ = orchestra(tmp_path, echo({}))
    with orchestrator:
        from workbench.models import Model

        chat = ChatWorkbench(model=Model(card("a"), client=orchestrator.client))
        graph = orchestrator.modes.load("chat").to_langgraph(orchestrator, models={"assistant": chat}).compile()
        assert graph.invoke({"topic": "T"})["said"].keys() == {"answer"}

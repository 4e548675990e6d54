"""Who is measured: the bare library, our client, our engine, our orchestrator, and LangGraph.

Each contestant lives in a process of its own (`worker.py`), so that none of them profits or suffers from what another one
imported or configured. Imports are made on first use, because first use is measured too.
"""

from __future__ import annotations

import asyncio
import gc
import operator
import secrets
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Final, TypedDict

import shape

KEY: Final = "not-needed"
MODEL: Final = "openai/bench"
CONCURRENCY: Final = 400
BEAT: Final = 0.002
"""Seconds between two beats of the heart that notices a blocked event loop."""


async def heartbeat(gaps: list[float]) -> None:
    """Note how late each beat comes, in seconds, until cancelled."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(BEAT)
        gaps.append(time.perf_counter() - began - BEAT)


class LiteLLM:
    """`litellm.acompletion` in a loop, as anybody would write it."""

    def __init__(self, base: str, folder: Path) -> None:
        self.base, self.folder = base, folder
        self._runner = asyncio.Runner()

    def load(self) -> None:
        """Import it; the others import when they are first used."""
        import litellm

        litellm.suppress_debug_info = True

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the loop of this contestant."""
        return self._runner.run(coroutine)

    def beating(self, work: str, **options: Any) -> list[float]:
        """Do some work while a heart beats on the loop, and return its gaps."""
        gaps: list[float] = []

        async def both() -> None:
            heart = asyncio.create_task(heartbeat(gaps))
            await asyncio.sleep(20 * BEAT)
            await getattr(self, f"_{work}")(**options)
            heart.cancel()

        self.run(both())
        return gaps

    def sequence(self, turns: int, *, stream: bool = False, pace: str = "0/0") -> None:
        """One dialogue, turn after turn."""
        self.run(self._sequence(turns, stream=stream, pace=pace))

    def parallel(self, width: int, pace: str) -> None:
        """One dialogue whose turns all run at once."""
        self.run(self._parallel(width, pace))

    def crowd(self, dialogues: int, turns: int, pace: str) -> None:
        """Many dialogues at once, each turn after turn."""
        self.run(self._crowd(dialogues, turns, pace))

    async def _sequence(self, turns: int, *, stream: bool = False, pace: str = "0/0") -> None:
        previous = ""
        for number in range(turns):
            previous = await self._ask(shape.messages(number, previous), stream=stream, pace=pace)
            check(previous)

    async def _parallel(self, width: int, pace: str) -> None:
        await asyncio.gather(*(self._ask(shape.messages(0, ""), stream=False, pace=pace) for _ in range(width)))

    async def _crowd(self, dialogues: int, turns: int, pace: str) -> None:
        await asyncio.gather(*(self._sequence(turns, pace=pace) for _ in range(dialogues)))

    async def _ask(self, messages: list[dict[str, str]], *, stream: bool, pace: str) -> str:
        import litellm

        api_base = f"{self.base}/{pace}/v1"
        if not stream:
            answer = await litellm.acompletion(model=MODEL, messages=messages, api_base=api_base, api_key=KEY)
            return answer.choices[0].message.content
        pieces = await litellm.acompletion(
            model=MODEL,
            messages=messages,
            api_base=api_base,
            api_key=KEY,
            stream=True,
            stream_options={"include_usage": True},
        )
        return "".join([piece.choices[0].delta.content or "" async for piece in pieces if piece.choices])


class LangGraph(LiteLLM):
    """A graph of two nodes that call `litellm.acompletion`, with the SQLite checkpointer, synchronously durable as ours is."""

    def __init__(self, base: str, folder: Path) -> None:
        super().__init__(base, folder)
        self._graphs: dict[tuple[bool, str], Any] = {}

    async def _sequence(self, turns: int, *, stream: bool = False, pace: str = "0/0") -> None:
        graph = await self._graph(stream=stream, pace=pace)
        config = {"configurable": {"thread_id": secrets.token_hex(6)}, "recursion_limit": turns + 2}
        state = {"turns": turns, "said": []}
        if stream:
            async for _piece in graph.astream(state, config, stream_mode="custom", durability="sync"):
                pass
            said = (await graph.aget_state(config)).values["said"]
        else:
            said = (await graph.ainvoke(state, config, durability="sync"))["said"]
        check(said[-1], len(said) == turns)

    async def _graph(self, *, stream: bool, pace: str) -> Any:
        if (stream, pace) not in self._graphs:
            self._graphs[stream, pace] = await self._make(stream=stream, pace=pace)
        return self._graphs[stream, pace]

    async def _make(self, *, stream: bool, pace: str) -> Any:
        import aiosqlite
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
        from langgraph.graph import END, START, StateGraph

        async def speak(state: State) -> dict[str, Any]:
            said = state["said"]
            messages = shape.messages(len(said), said[-1] if said else "")
            said_now = self._ask_aloud(messages, pace) if stream else self._ask(messages, stream=False, pace=pace)
            return {"said": [await said_now]}

        def following(state: State) -> str:
            return END if len(state["said"]) == state["turns"] else shape.role(len(state["said"]))

        graph: Any = StateGraph(State)
        for name in shape.ROLES:
            graph.add_node(name, speak)
            graph.add_conditional_edges(name, following)
        graph.add_edge(START, shape.role(0))
        saver = AsyncSqliteSaver(await aiosqlite.connect(self.folder / f"langgraph-{secrets.token_hex(4)}.db"))
        return graph.compile(checkpointer=saver)

    async def _ask_aloud(self, messages: list[dict[str, str]], pace: str) -> str:
        import litellm
        from langgraph.config import get_stream_writer

        write, text = get_stream_writer(), []
        pieces = await litellm.acompletion(
            model=MODEL,
            messages=messages,
            api_base=f"{self.base}/{pace}/v1",
            api_key=KEY,
            stream=True,
            stream_options={"include_usage": True},
        )
        async for piece in pieces:
            if piece.choices and (content := piece.choices[0].delta.content):
                text.append(content)
                write(content)
        return "".join(text)


class State(TypedDict):
    """What the graph remembers."""

    turns: int
    said: Annotated[list[str], operator.add]


class Ours:
    """The orchestrator with its durable record, as a user calls it."""

    def __init__(self, base: str, folder: Path) -> None:
        self.base, self.folder = base, folder
        self._made: Any = None
        self._held: list[Any] = []

    def load(self) -> None:
        """Import what a caller has at hand; what it needs it imports itself."""
        import workbench.dialogue  # noqa: F401

    @property
    def orchestrator(self) -> Any:
        """The one orchestrator, made on first use."""
        if self._made is None:
            from workbench.dialogue import Orchestrator
            from workbench.settings import Settings

            self._made = Orchestrator(settings=Settings(workspace=self.folder))
        return self._made

    def card(self, pace: str) -> Any:
        """The model, with room for every call at once."""
        from workbench.models import ModelCard

        return ModelCard(name="bench", id=MODEL, api_base=f"{self.base}/{pace}/v1", concurrency=CONCURRENCY)

    def start(self, mode: dict[str, Any], *, stream: bool = False, pace: str = "0/0") -> Any:
        """Start one dialogue."""
        return self.orchestrator.start(mode, shape.TOPIC, models=[self.card(pace)], stream=stream)

    def beating(self, work: str, **options: Any) -> list[float]:
        """Do some work while a heart beats on the engine's loop, and return its gaps."""
        from workbench.loop import submit

        gaps: list[float] = []
        heart = submit(heartbeat(gaps))
        time.sleep(20 * BEAT)
        getattr(self, work)(**options)
        heart.cancel()
        return gaps

    def sequence(self, turns: int, *, stream: bool = False, pace: str = "0/0") -> None:
        """One dialogue, turn after turn."""
        done = finished(self.start(shape.sequence(turns), stream=stream, pace=pace))
        asked = shape.messages(turns - 1, shape.ANSWER if turns > 1 else "")
        check(done.text, len(done.transcript) == turns, done.transcript.turns[-1].messages == asked)

    def parallel(self, width: int, pace: str) -> None:
        """One dialogue whose turns all run at once."""
        check(finished(self.start(shape.parallel(width), pace=pace)).text)

    def crowd(self, dialogues: int, turns: int, pace: str) -> None:
        """Many dialogues at once, each turn after turn."""
        running = [self.start(shape.sequence(turns), pace=pace) for _ in range(dialogues)]
        for dialogue in running:
            check(finished(dialogue).text)

    def hold(self, dialogues: int, turns: int) -> None:
        """Finish many dialogues, one after the other, and keep them all."""
        for _ in range(dialogues):
            self._held.append(finished(self.start(shape.sequence(turns))))
        gc.collect()

    def begin(self, dialogues: int, turns: int, pace: str) -> None:
        """Start many dialogues and return when all of them wait for the provider."""
        self._held += [self.start(shape.sequence(turns), pace=pace) for _ in range(dialogues)]
        for dialogue in self._held:
            next(event for event in dialogue.events() if event.type == "call_started")
        gc.collect()

    def let_go(self) -> None:
        """Wait for what runs, and forget everything that was kept."""
        for dialogue in self._held:
            dialogue.wait()
        self._held.clear()
        gc.collect()


class Engine(Ours):
    """The engine without the record: its events are read and dropped."""

    def sequence(self, turns: int, *, stream: bool = False, pace: str = "0/0") -> None:
        """One dialogue, turn after turn."""
        from workbench.loop import run

        spec, _ = self.orchestrator.prepare(shape.sequence(turns), shape.TOPIC, models=[self.card(pace)], stream=stream)
        check(run(self._drain(spec)))

    async def _drain(self, spec: Any) -> str:
        from workbench.dialogue.running.engine import Engine as TheEngine
        from workbench.events import DialogueStarted, TurnCompleted

        last = ""
        engine = TheEngine(secrets.token_hex(6), spec, self.orchestrator.client)
        async for event in engine.run(lambda e: e.event(DialogueStarted, mode="bench", topic=shape.TOPIC, run={})):
            if isinstance(event, TurnCompleted):
                last = event.text
        return last


class Client(Ours):
    """The client alone, in a loop: retries, limits and prices, but neither engine nor record."""

    def sequence(self, turns: int, *, stream: bool = False, pace: str = "0/0") -> None:
        """One dialogue, turn after turn."""
        from workbench.loop import run

        run(self._talk(turns, stream=stream, pace=pace))

    async def _talk(self, turns: int, *, stream: bool, pace: str) -> None:
        client, chain, previous = self.orchestrator.client, (self.card(pace),), ""
        for number in range(turns):
            completion = await client.complete(chain, shape.messages(number, previous), stream=stream)
            previous = completion.text
            check(previous)


def finished(dialogue: Any) -> Any:
    """Wait for one of our dialogues, and refuse to measure one that did not complete."""
    if dialogue.wait().reason is not None:
        raise RuntimeError(dialogue.reason)
    return dialogue


def check(text: str, *more: bool) -> None:
    """Refuse to measure something that does not do the work."""
    if text != shape.ANSWER or not all(more):
        raise RuntimeError(f"a contestant did not do the work: {text!r} {more}")


CONTESTANTS: Final[dict[str, type[LiteLLM | Ours]]] = {
    "litellm": LiteLLM,
    "langgraph": LangGraph,
    "client": Client,
    "engine": Engine,
    "ours": Ours,
}

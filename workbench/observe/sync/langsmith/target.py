"""LangSmith as a target of the sync: what becomes which parcel, and how a parcel is sent.

Everything has an id that follows from the record, and LangSmith answers 409 to an id that it has: that is as good as taken.
Of a request with several things it does not say which, so they are then sent one by one; the same where it refuses a request
because of one thing in it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import httpx

from workbench.errors import WorkbenchError
from workbench.observe.spans import trace_of
from workbench.observe.sync.http import Wire
from workbench.observe.sync.langsmith.experiments import (
    dataset_body,
    example_bodies,
    metric_bodies,
    observation_place,
    session_bodies,
)
from workbench.observe.sync.langsmith.feedback import TITLE, assessment_bodies, outcome_body, rating_body
from workbench.observe.sync.langsmith.runs import Body, Place, bodies, rendered
from workbench.observe.sync.langsmith.times import as_it_was, fitted, iso
from workbench.observe.sync.observed import judged_by, observation_of, observation_trace
from workbench.observe.sync.target import Answer, Dead, Later, Parcel, Sent, Source

if TYPE_CHECKING:
    from workbench.records import Record

Reply = httpx.Response | Answer
HOSTED: Final = "https://api.smith.langchain.com"
"""The service where no endpoint is given."""
_HOSTED_IN: Final = "smith.langchain.com"
_MOST: Final = 100
"""Things in a parcel, as LangSmith's own SDK has them."""
_BYTES: Final = 4 * 2**20
"""Of a parcel; the service takes 20 MiB."""
_CONFLICT: Final = 409
_MISSING: Final = 404
_PATIENCE: Final = 300.0
"""Seconds after which a run that was sent is there to be spoken of."""
_REMEMBERED: Final = 10_000
"""Traces after which old ones are forgotten."""
_WARM: Final = 60.0
"""Seconds after its making for which a target cannot know what another process has just sent."""
_REMEDY: Final = "Sync its dialogue too (`--since`), then --retry-dead."


class LangSmithTarget:
    """LangSmith, hosted or self-hosted. `Target` has the methods.

    Args:
        endpoint: of the API, such as `https://api.smith.langchain.com` or `https://HOST/api/v1`.
        api_key: sent with every request.
        project: that dialogues go to; LangSmith makes it.
        workspace_id: for keys that are good for several workspaces.
        clock: Unix seconds.
    """

    title: str
    kinds = frozenset({"dialogue", "rating", "assessment", "outcome", "experiment", "run", "observation"})
    counts_twice: frozenset[str] = frozenset()
    """Nothing: ids are known again."""
    lag = 60.0

    def __init__(
        self,
        endpoint: str,
        api_key: str,
        project: str,
        workspace_id: str | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        endpoint = (endpoint or HOSTED).rstrip("/")
        parts = urlsplit(endpoint)
        host = parts.netloc.rpartition("@")[2]
        self.id = f"langsmith:{host}{parts.path}/{workspace_id or ''}/{project}"
        self.title = f"{TITLE} ({host}, project {project})"
        self.hosted = (parts.hostname or "").endswith(_HOSTED_IN)
        self._project, self._clock = project, clock
        headers = {"x-api-key": api_key} | ({"X-Tenant-Id": workspace_id} if workspace_id else {})
        credentials = "LANGSMITH_API_KEY and LANGSMITH_WORKSPACE_ID"
        self._wire = Wire(endpoint, headers, secrets=(api_key,), credentials=credentials, address="LANGSMITH_ENDPOINT")
        self._session: str | None = None
        self._began, self._sent = clock(), dict[str, float]()

    async def check(self) -> str:
        """Return version and project; of the hosted service also what becomes of old times."""
        info = await self._read("/info")
        await self._read("/sessions?limit=1")
        version = info.json().get("version") or "of unknown version" if isinstance(info, httpx.Response) else ""
        times = "; what began over 22 hours before it is sent gets present times there" if self.hosted else ""
        return f"LangSmith {version}, project {self._project}{times}"

    async def parcels(self, source: Source, record: Record) -> list[Parcel]:
        """Turn a source into parcels, on a thread of their own."""
        return await asyncio.to_thread(lambda: list(self._parcels(source, record)))

    async def send(self, parcel: Parcel) -> Answer:
        """Try once."""
        content = json.loads(parcel.body)
        send = {
            "runs": self._send_runs,
            "feedback": self._send_feedback,
            "dataset": self._send_dataset,
            "examples": self._send_examples,
            "sessions": self._send_sessions,
        }[parcel.kind]
        return await send(content)

    async def missing(self, parcel: Parcel) -> tuple[str, ...] | None:  # noqa: ARG002 - part of the contract
        """Return None: nothing counts twice here, so nobody asks."""
        return None

    def part(self, parcel: Parcel, things: tuple[str, ...], key: str) -> Parcel:
        """Return a parcel with some of another's things."""
        content, wanted = json.loads(parcel.body), set(things)
        content["things"] = [body for body in content["things"] if body["id"] in wanted]
        return Parcel(parcel.kind, key, things, _bytes(content))

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._wire.aclose()

    def _parcels(self, source: Source, record: Record) -> Iterator[Parcel]:
        make = {
            "dialogue": self._dialogue,
            "rating": self._rating,
            "assessment": self._assessment,
            "outcome": self._outcome,
            "experiment": self._experiment,
            "run": self._run,
            "observation": self._observation,
        }[source.kind]
        return make(source, record)

    def _dialogue(self, source: Source, record: Record) -> Iterator[Parcel]:
        dialogue, _, span = source.key.rpartition("@")
        after, through = (int(number) for number in span.split("-"))
        trace = trace_of(record, dialogue, after, through)
        whole = trace_of(record, dialogue, 0, through) if after else trace
        runs = bodies(trace, whole, Place({"session_name": self._project}))
        yield from _packed(source, "runs", runs, begun=trace.started_at, ended=trace.ended_at)

    def _rating(self, source: Source, record: Record) -> Iterator[Parcel]:
        rating = record.rating(int(source.key))
        body = rating_body(record, rating) if rating else None
        yield from _word(source, body)

    def _assessment(self, source: Source, record: Record) -> Iterator[Parcel]:
        yield from _packed(source, "feedback", assessment_bodies(record, record.assessments.find(source.key)))

    def _outcome(self, source: Source, record: Record) -> Iterator[Parcel]:
        row = next((each for each in record.assessments.outcomes() if str(each.id) == source.key), None)
        body = outcome_body(record, row, record.assessments.find(row.assessment_id)) if row else None
        yield from _word(source, body)

    def _experiment(self, source: Source, record: Record) -> Iterator[Parcel]:
        row = record.experiments.find(source.key)
        yield from _packed(source, "dataset", [dataset_body(row)])
        yield from _packed(source, "examples", example_bodies(row, record.experiments.cases(row.id)))

    def _run(self, source: Source, record: Record) -> Iterator[Parcel]:
        run = record.experiments.run(source.key)
        row = record.experiments.find(run.experiment_id)
        yield from _packed(source, "sessions", session_bodies(row, run))

    def _observation(self, source: Source, record: Record) -> Iterator[Parcel]:
        found = observation_of(record, source)
        if found is None:  # a later attempt has taken its place
            return
        trace = observation_trace(record, found)
        runs = bodies(trace, trace, observation_place(found))
        yield from _packed(source, "runs", runs, begun=trace.started_at, ended=trace.ended_at)
        yield from _packed(source, "feedback", metric_bodies(found, runs[0]["id"]))
        for dialogue in judged_by(record, found):
            said = trace_of(record, dialogue)
            judges = bodies(said, said, Place({"session_name": self._project}, metadata={"workbench_run": found.run.id}))
            judge = Source("judge", dialogue, source.made_at)
            yield from _packed(judge, "runs", judges, begun=said.started_at, ended=said.ended_at)

    async def _send_runs(self, content: Body) -> Answer:
        fit = as_it_was(content["begun"])
        if self.hosted:
            fit = fitted(content["begun"], content["ended"], self._clock())
        runs = [rendered(body, fit) for body in content["things"]]
        self._remember(runs[0]["trace_id"])
        return await self._all_or_each(runs, lambda some: self._post("/runs/batch", {"post": some, "patch": []}))

    async def _send_examples(self, content: Body) -> Answer:
        return await self._all_or_each(content["things"], lambda some: self._post("/examples/bulk", some))

    async def _send_dataset(self, content: Body) -> Answer:
        answer = await self._post("/datasets", content["things"][0])
        return Sent() if isinstance(answer, httpx.Response) else answer

    async def _send_sessions(self, content: Body) -> Answer:
        now = self._clock()
        for body in content["things"]:
            ended = body["end_time"] or body["start_time"]
            fit = fitted(body["start_time"], ended, now) if self.hosted else as_it_was(body["start_time"])
            times = {"start_time": iso(fit(body["start_time"])), "end_time": body["end_time"] and iso(fit(ended))}
            answer = await self._post("/sessions?upsert=true", body | times)
            if not isinstance(answer, httpx.Response):
                return answer
        return Sent()

    async def _send_feedback(self, content: Body) -> Answer:
        """Give feedback. A run that was just sent is not at once there to be spoken of."""
        refused: list[tuple[str, Dead]] = []
        for body in content["things"]:
            answer = await self._say(body)
            if isinstance(answer, httpx.Response) and answer.status_code == _MISSING:
                if self._may_come(body):
                    return Later("the run that feedback is about is not there yet")
                answer = Dead("the run that feedback is about is not there", _REMEDY)
            if isinstance(answer, Dead) and not answer.denied:
                refused.append((body["id"], answer))
            elif not isinstance(answer, httpx.Response):
                return answer
        return _told(refused, len(content["things"]))

    def _remember(self, trace: str) -> None:
        now = self._clock()
        self._sent[trace] = now
        if len(self._sent) > _REMEMBERED:
            self._sent = {name: at for name, at in self._sent.items() if now - at < _PATIENCE}

    def _may_come(self, body: Body) -> bool:
        """Whether the trace that feedback is about may have been sent just now, or, an observation's, is about to be."""
        now, trace = self._clock(), body["trace_id"]
        if "session_id" in body:
            self._sent.setdefault(trace, now)
        return now - self._began < _WARM or now - self._sent.get(trace, -_PATIENCE) < _PATIENCE

    async def _say(self, body: Body) -> Reply:
        """Give feedback; where its id is there already, what it says is what counts from now on."""
        session = {}
        if "session_id" not in body:
            found = await self._project_id()
            if not isinstance(found, str):
                return found
            session = {"session_id": found}
        answer = await self._wire.ask("POST", "/feedback", json=body | session, accept=(_CONFLICT, _MISSING))
        if not isinstance(answer, httpx.Response) or answer.status_code != _CONFLICT:
            return answer
        change = {"score": body["score"], "comment": body["comment"]}
        changed = await self._wire.ask("PATCH", f"/feedback/{body['id']}", json=change, accept=(_MISSING,))
        if isinstance(changed, httpx.Response) and changed.status_code == _MISSING:
            return Later("the feedback that is to be changed is still being taken in")
        return changed

    async def _project_id(self) -> str | Answer:
        """Return the id of the project, which is made where it is not there."""
        if self._session is None:
            found = await self._wire.ask("GET", f"/sessions?limit=1&name={quote(self._project, safe='')}")
            if not isinstance(found, httpx.Response):
                return found
            if not found.json():
                found = await self._post("/sessions?upsert=true", {"name": self._project})
                if not isinstance(found, httpx.Response):
                    return found
            told = found.json()
            self._session = str((told[0] if isinstance(told, list) else told)["id"])
        return self._session

    async def _all_or_each(self, bodies: list[Body], post: Callable[[list[Body]], Awaitable[Reply]]) -> Answer:
        """Post things at once; where that does not tell what became of each, post each alone."""
        answer = await post(bodies)
        if isinstance(answer, httpx.Response):
            if answer.status_code != _CONFLICT or len(bodies) == 1:
                return Sent()
        elif not isinstance(answer, Dead) or answer.denied or len(bodies) == 1:
            return answer
        refused: list[tuple[str, Dead]] = []
        for body in bodies:
            answer = await post([body])
            if isinstance(answer, Dead) and not answer.denied:
                refused.append((body["id"], answer))
            elif not isinstance(answer, httpx.Response):
                return answer
        return _told(refused, len(bodies))

    async def _post(self, path: str, body: Any) -> Reply:
        return await self._wire.ask("POST", path, json=body, accept=(_CONFLICT,))

    async def _read(self, path: str) -> Reply:
        answer = await self._wire.ask("GET", path)
        if isinstance(answer, httpx.Response):
            return answer
        assert not isinstance(answer, Sent)
        hint = getattr(answer, "remedy", "") or "Check LANGSMITH_ENDPOINT."
        raise WorkbenchError(f"{self.title}: {answer.reason}", hint=hint)


def _word(source: Source, body: Body | None) -> Iterator[Parcel]:
    """Yield somebody's word under the name that a later one of theirs has too, for that takes its place."""
    if body:
        yield _parcel(replace(source, key=body["id"]), "feedback", 0, [body], {})


def _packed(source: Source, kind: str, bodies: Iterable[Body], **more: Any) -> Iterator[Parcel]:
    """Yield parcels of so many things, and so many bytes, as go at once."""
    some: list[Body] = []
    size, number = 0, 0
    for body in bodies:
        length = len(json.dumps(body, ensure_ascii=False))
        if some and (len(some) == _MOST or size + length > _BYTES):
            yield _parcel(source, kind, number, some, more)
            some, size, number = [], 0, number + 1
        some.append(body)
        size += length
    if some:
        yield _parcel(source, kind, number, some, more)


def _parcel(source: Source, kind: str, number: int, bodies: list[Body], more: Body) -> Parcel:
    key = f"{source.kind}/{source.key}/{kind}/{number}"
    return Parcel(kind, key, tuple(body["id"] for body in bodies), _bytes({"things": bodies} | more))


def _bytes(content: Body) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(errors="replace")


def _told(refused: list[tuple[str, Dead]], count: int) -> Answer:
    if refused and len(refused) == count:
        return refused[0][1]
    return Sent(tuple((thing, dead.reason) for thing, dead in refused))

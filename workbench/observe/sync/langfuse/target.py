"""Langfuse as a target of the sync: what becomes which parcel, and how a parcel is sent.

Langfuse adds a span again each time it comes, and costs with it; so spans that nobody is sure of are looked up before they are
sent again. Scores, data sets and items are known by their ids and may come twice.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import httpx

from workbench.errors import WorkbenchError
from workbench.observe.spans import Trace, trace_of
from workbench.observe.sync.http import Wire
from workbench.observe.sync.langfuse.attributes import observation_attributes, trace_attributes
from workbench.observe.sync.langfuse.experiments import (
    EXPERIMENT,
    dataset_body,
    dataset_name,
    experiment_attributes,
    item_bodies,
    observation_scores,
    root_attributes,
    run_scores,
)
from workbench.observe.sync.langfuse.scores import TITLE, Body, assessment_scores, outcome_scores, rating_score
from workbench.observe.sync.observed import Observed, judged_by, observation_of, observation_trace
from workbench.observe.sync.otlp.protobuf import as_json, encoded, packed, some_of, unpacked, with_attribute
from workbench.observe.sync.otlp.target import HEADERS, PATH, partly
from workbench.observe.sync.target import Answer, Dead, Later, Parcel, Sent, Source, TooLarge, Unsure

if TYPE_CHECKING:
    from workbench.records import Record

CLOUD: Final = "https://cloud.langfuse.com"
"""The service where no URL is given."""
LAG: Final = 60.0
"""Seconds after which a span that Langfuse took can be read."""
OLDEST: Final = (4, 59)
"""Version of the server from which on it takes lists of scores; older ones drop them without a word."""
_RUN_SPANS: Final = "run spans"
"""Parcels of spans in an experiment: the id of its data set is asked for before they are sent, for only Langfuse knows it."""
_DATASET: Final = "workbench.dataset"
_MOST: Final = 100
"""Scores or items in a parcel."""
_BYTES: Final = 512 * 1024
"""Of a parcel; Langfuse takes 1 MiB of scores."""
_PAGE: Final = 1000
_INGESTION: Final = {"x-langfuse-ingestion-version": "4"}
_BAD, _MISSING, _SOME = 400, 404, 207


class LangfuseTarget:
    """Langfuse, in the cloud or self-hosted. `Target` has the methods.

    Args:
        base_url: such as `https://cloud.langfuse.com`.
        public_key: names the project, with the next.
        secret_key: sent with every request.
        environment: that traces and scores are filed under; by default the project's.
        lag: seconds after which what was sent can be read.
    """

    kinds = frozenset({"dialogue", "rating", "assessment", "outcome", "experiment", "run", "observation"})
    counts_twice = frozenset({"spans", _RUN_SPANS})

    def __init__(
        self, base_url: str, public_key: str, secret_key: str, environment: str | None = None, *, lag: float = LAG
    ) -> None:
        base_url = (base_url or CLOUD).rstrip("/")
        parts = urlsplit(base_url)
        host = parts.netloc.rpartition("@")[2]
        self.id = f"langfuse:{host}{parts.path}/{public_key}"
        self.title = f"{TITLE} ({host})"
        self.lag = lag
        self._environment = environment
        basic = base64.b64encode(f"{public_key}:{secret_key}".encode()).decode()
        self._wire = Wire(
            f"{base_url}/api/public",
            {"Authorization": f"Basic {basic}"},
            secrets=(secret_key, basic),
            credentials="LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY",
            address="LANGFUSE_BASE_URL",
        )
        self._datasets: dict[str, str] = {}

    async def check(self) -> str:
        """Return version and project. Raises a `WorkbenchError` where the server is too old or does not let us in."""
        version = str((await self._read("/health")).get("version", ""))
        numbers = re.match(r"v?(\d+)\.(\d+)", version)
        if numbers and tuple(map(int, numbers.groups())) < OLDEST:
            raise WorkbenchError(
                f"{self.title}: its version is {version}, which drops scores that come in lists.",
                hint=f"Upgrade it to {'.'.join(map(str, OLDEST))} or later.",
            )
        projects = (await self._read("/projects")).get("data") or [{}]
        return f"{TITLE} {version or 'of unknown version'}, project {projects[0].get('name', '')}"

    async def parcels(self, source: Source, record: Record) -> list[Parcel]:
        """Turn a source into parcels, off the event loop."""
        return await asyncio.to_thread(lambda: list(self._parcels(source, record)))

    async def send(self, parcel: Parcel) -> Answer:
        """Try once."""
        match parcel.kind:
            case "spans":
                return await self._send_spans(parcel, parcel.body)
            case "run spans":
                return await self._send_run(parcel)
            case "scores":
                return await self._send_scores(parcel)
            case "dataset":
                answer = await self._wire.ask("POST", "/v2/datasets", content=parcel.body, headers=_JSON)
                return Sent() if isinstance(answer, httpx.Response) else answer
            case _:
                return await self._send_items(parcel)

    async def missing(self, parcel: Parcel) -> tuple[str, ...] | None:
        """Return the spans of a parcel that Langfuse does not have; None where it does not say."""
        request = await asyncio.to_thread(unpacked, parcel.body)
        trace = request.resource_spans[0].scope_spans[0].spans[0].trace_id.hex()
        there: set[str] = set()
        asked: dict[str, Any] = {"traceId": trace, "fields": "core", "limit": _PAGE}
        while True:
            answer = await self._wire.ask("GET", "/v2/observations", params=asked)
            if not isinstance(answer, httpx.Response):
                return None
            told = _json(answer)
            if not isinstance(told.get("data"), list):  # whoever answered, it was not Langfuse
                return None
            there |= {str(each.get("id")) for each in told["data"]}
            cursor = (told.get("meta") or {}).get("cursor")
            if not cursor:
                return tuple(thing for thing in parcel.things if thing not in there)
            asked["cursor"] = cursor

    def part(self, parcel: Parcel, things: tuple[str, ...], key: str) -> Parcel:
        """Return a parcel with some of another's things."""
        if parcel.kind in self.counts_twice:
            return Parcel(parcel.kind, key, things, some_of(parcel.body, set(things)))
        wanted = set(things)
        return Parcel(parcel.kind, key, things, _bytes([body for body in json.loads(parcel.body) if body["id"] in wanted]))

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
        dialogue, _, reach = source.key.rpartition("@")
        after, through = map(int, reach.split("-"))
        yield from self._spans(trace_of(record, dialogue, after, through), f"spans/{source.key}")

    def _rating(self, source: Source, record: Record) -> Iterator[Parcel]:
        rating = record.rating(int(source.key))
        score = rating_score(record, rating) if rating else None
        if score:
            yield from self._scores([score], f"scores/rating/{score['id']}")

    def _assessment(self, source: Source, record: Record) -> Iterator[Parcel]:
        scores = assessment_scores(record, record.assessments.find(source.key))
        yield from self._scores(scores, f"scores/assessment/{source.key}")

    def _outcome(self, source: Source, record: Record) -> Iterator[Parcel]:
        row = next((each for each in record.assessments.outcomes() if str(each.id) == source.key), None)
        if row is not None:
            assessment = record.assessments.find(row.assessment_id)
            yield from self._scores(outcome_scores(record, row, assessment), f"scores/outcome/{assessment.id}")

    def _experiment(self, source: Source, record: Record) -> Iterator[Parcel]:
        row = record.experiments.find(source.key)
        name = dataset_name(row)
        yield Parcel("dataset", f"dataset/{name}", (name,), _bytes(dataset_body(row)))
        for number, some in enumerate(_batches(item_bodies(row, record.experiments.cases(row.id)))):
            yield Parcel("items", f"items/{row.id}/{number}", tuple(body["id"] for body in some), _bytes(some))

    def _run(self, source: Source, record: Record) -> Iterator[Parcel]:
        run = record.experiments.run(source.key)
        if run.ended_at is not None:
            yield from self._scores(run_scores(run, record.experiments.observations(run.id)), f"scores/run/{run.id}")

    def _observation(self, source: Source, record: Record) -> Iterator[Parcel]:
        found = observation_of(record, source)
        if found is None:  # a later attempt has taken its place
            return
        yield from self._spans(observation_trace(record, found), f"spans/{source.key}", found)
        for judge in judged_by(record, found):
            yield from self._spans(trace_of(record, judge), f"spans/judge/{judge}")
        yield from self._scores(observation_scores(found), f"scores/{source.key}")

    def _spans(self, trace: Trace, key: str, found: Observed | None = None) -> Iterator[Parcel]:
        common = trace_attributes(trace, self._environment) | (experiment_attributes(found) if found else {})
        spans = (
            encoded(
                span,
                trace.dialogue,
                span.name,
                {
                    **common,
                    **observation_attributes(span),
                    **(root_attributes(found, span) if found and span.parent is None else {}),
                },
            )
            for span in trace.spans
        )
        resource = {"service.name": "dialogue-workbench"} | ({_DATASET: dataset_name(found.experiment)} if found else {})
        for number, (things, body) in enumerate(packed(resource, spans)):
            yield Parcel(_RUN_SPANS if found else "spans", f"{key}/{number}", things, body)

    def _scores(self, scores: Iterable[Body], key: str) -> Iterator[Parcel]:
        filed = {"environment": self._environment} if self._environment else {}
        for number, some in enumerate(_batches(score | filed for score in scores)):
            yield Parcel("scores", f"{key}/{number}", tuple(body["id"] for body in some), _bytes(some))

    async def _send_spans(self, parcel: Parcel, body: bytes) -> Answer:
        answer = await self._wire.ask("POST", f"/otel{PATH}", content=body, headers=HEADERS | _INGESTION)
        return partly(answer, len(parcel.things)) if isinstance(answer, httpx.Response) else answer

    async def _send_run(self, parcel: Parcel) -> Answer:
        resource = (await asyncio.to_thread(unpacked, parcel.body)).resource_spans[0].resource
        name = next(each.value.string_value for each in resource.attributes if each.key == _DATASET)
        dataset = await self._dataset_id(name)
        if not isinstance(dataset, str):
            return dataset
        body = await asyncio.to_thread(with_attribute, parcel.body, f"{EXPERIMENT}dataset.id", dataset)
        return await self._send_spans(parcel, body)

    async def _dataset_id(self, name: str) -> str | Answer:
        """Return the id that Langfuse has given a data set; make it where it is not there."""
        if name not in self._datasets:
            answer = await self._wire.ask("GET", f"/v2/datasets/{quote(name, safe='')}", accept=(_MISSING,))
            if isinstance(answer, httpx.Response) and answer.status_code == _MISSING:
                answer = await self._wire.ask("POST", "/v2/datasets", json={"name": name})
            if isinstance(answer, Unsure):  # no span was sent yet
                return Later(answer.reason, answer.seconds)
            if not isinstance(answer, httpx.Response):
                return answer
            self._datasets[name] = str(_json(answer)["id"])
        return self._datasets[name]

    async def _send_scores(self, parcel: Parcel) -> Answer:
        """Send scores; where some are refused, ask for halves until it is clear which: none counts twice."""
        answer = await self._wire.ask("POST", "/scores", content=parcel.body, headers=_JSON, accept=(_BAD,))
        if not isinstance(answer, httpx.Response):
            return answer
        told = _json(answer)
        if answer.status_code == _BAD:
            reason = f"400: {told.get('message') or told.get('error') or 'not accepted'}"
        elif answer.status_code == _SOME and told.get("rejected"):
            reason = "; ".join(str(error.get("message")) for error in told.get("errors") or ()) or "not accepted"
        else:
            return Sent()
        return Dead(reason) if len(parcel.things) == 1 else TooLarge(reason)

    async def _send_items(self, parcel: Parcel) -> Answer:
        refused = []
        for body in json.loads(parcel.body):
            answer = await self._wire.ask("POST", "/dataset-items", json=body)
            if (isinstance(answer, Dead) and not answer.denied) or isinstance(answer, TooLarge):
                refused.append((str(body["id"]), answer.reason))
            elif not isinstance(answer, httpx.Response):
                return answer
        return Sent(tuple(refused))

    async def _read(self, path: str) -> dict[str, Any]:
        answer = await self._wire.ask("GET", path)
        if isinstance(answer, httpx.Response):
            return _json(answer)
        assert not isinstance(answer, Sent)
        raise WorkbenchError(f"{self.title}: {answer.reason}", hint=getattr(answer, "remedy", "") or None)


_JSON: Final = {"Content-Type": "application/json"}


def _batches(bodies: Iterable[Body]) -> Iterator[list[Body]]:
    """Yield so many things, and so many bytes, as go at once."""
    some: list[Body] = []
    size = 0
    for body in bodies:
        length = len(_bytes(body))
        if some and (len(some) == _MOST or size + length > _BYTES):
            yield some
            some, size = [], 0
        some.append(body)
        size += length
    if some:
        yield some


def _bytes(content: Any) -> bytes:
    return as_json(content).encode(errors="replace")


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

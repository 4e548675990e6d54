"""A local server that speaks Langfuse's public API and OTLP, with failures on demand.

What arrives is checked with the models of Langfuse's own SDK and by the rules that the service is known to enforce: one bad id
refuses a whole request of spans, a list of scores has at most 1 MiB, a score is overwritten only where id, name and day agree.
It counts as the service does: `arrived` has every span id, each time that it came. `seen` are observations as it makes them of
spans. `/v1/traces` takes OTLP from anybody, as a collector does. `faults` decides what goes wrong with a request that writes.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web
from google.protobuf.message import DecodeError
from langfuse.api.commons.types.observation_v2 import ObservationV2
from langfuse.api.core.pydantic_utilities import parse_obj_as
from langfuse.api.dataset_items.types.create_dataset_item_request import CreateDatasetItemRequest
from langfuse.api.datasets.types.create_dataset_request import CreateDatasetRequest
from langfuse.api.scores.types.create_score_request import CreateScoreRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from pydantic import ValidationError

SECRET = "sk-lf-9876543210"
KINDS: Final = ("429", "500", "503", "lost", "reset")
"""What can go wrong: `lost` takes the request and hangs up, `reset` hangs up without taking it, `413` wants less at once,
`partial` takes all but the first thing, `401` does not let anybody in."""
_MIB: Final = 2**20
Body = dict[str, Any]
Faults = Callable[["Asked"], "str | None"]


@dataclass(frozen=True)
class Asked:
    """A request that writes: its path, and how many there were."""

    path: str
    number: int
    size: int


def failing(rate: float, seed: int, kinds: tuple[str, ...] = KINDS) -> Faults:
    """Fail that share of requests at random, in one of these ways."""
    rng = random.Random(seed)
    return lambda _asked: rng.choice(kinds) if rng.random() < rate else None


def first(count: int, kind: str) -> Faults:
    """Fail the first requests in one way."""
    return lambda asked: kind if asked.number <= count else None


class RefusedError(Exception):
    """The service does not take it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass
class Langfuse:
    """The server. Use as a context manager; `url` is its address.

    Attributes:
        public: the public key; the SDK keeps one client for each.
        lag: seconds after which what was taken can be read.
        most_bytes: above which a request of spans gets 413.
        most_per_page: of observations.
        clock: Unix seconds.
        retry_after: of a 429.
        reads: decides what goes wrong with a request that reads: `503`, or `html` where a page stands in front of the service.
    """

    faults: Faults = lambda _asked: None
    reads: Faults = lambda _asked: None
    public: str = field(default_factory=lambda: f"pk-lf-{secrets.token_hex(6)}")
    version: str = "4.60.1"
    lag: float = 0.0
    most_bytes: int = 4 * _MIB
    most_per_page: int = 1000
    clock: Callable[[], float] = time.time
    retry_after: str = "0"
    asked: list[Asked] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    arrived: Counter[str] = field(default_factory=Counter)
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    seen: dict[str, Body] = field(default_factory=dict)
    scores: dict[tuple[str, str, str], Body] = field(default_factory=dict)
    datasets: dict[str, Body] = field(default_factory=dict)
    items: dict[str, Body] = field(default_factory=dict)
    prompts: dict[str, list[Body]] = field(default_factory=dict)
    configs: dict[str, Body] = field(default_factory=dict)

    def __enter__(self) -> Langfuse:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=64 * _MIB)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        self._loop.run_until_complete(self._runner.setup())
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        self._ready.set()
        self._loop.run_forever()

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        path = http.rel_url.raw_path
        raw = await http.read()  # aiohttp has undone a gzip
        if path.startswith("/api/public/") and path != "/api/public/health" and not self._let_in(http):
            return web.json_response({"message": "Invalid credentials"}, status=401)
        fault = None
        if http.method == "POST":
            asked = Asked(path, len(self.asked) + 1, http.content_length or len(raw))
            self.asked.append(asked)
            self.heads.append({name.lower(): value for name, value in http.headers.items()})
            fault = self.faults(asked)
        elif path.startswith("/api/public/v2/"):
            fault = self.reads(Asked(path, len(self.asked), 0))
        if fault == "html":
            return web.Response(text="<p>Please sign in.</p>", content_type="text/html")
        if fault == "reset":
            return self._hang_up(http)
        if fault in ("401", "413", "429", "500", "503"):
            headers = {"Retry-After": self.retry_after} if fault == "429" else {}
            return web.json_response({"message": "it went wrong"}, status=int(fault), headers=headers)
        try:
            answer = self._answer(http, path, raw, partial=fault == "partial")
        except RefusedError as error:
            return web.json_response({"message": error.message}, status=error.status)
        except (ValidationError, DecodeError, ValueError, KeyError) as error:
            return web.json_response({"message": f"{type(error).__name__}: {error}"[:300]}, status=400)
        return self._hang_up(http) if fault == "lost" else answer

    def _let_in(self, http: web.Request) -> bool:
        return http.headers.get("Authorization") == "Basic " + base64.b64encode(f"{self.public}:{SECRET}".encode()).decode()

    def _hang_up(self, http: web.Request) -> web.StreamResponse:
        assert http.transport is not None
        http.transport.abort()
        return web.Response()

    def _answer(  # noqa: C901, PLR0912 - a route a case
        self, http: web.Request, path: str, raw: bytes, *, partial: bool
    ) -> web.StreamResponse:
        name = path.removeprefix("/api/public")
        if http.method == "POST":
            match name:
                case "/otel/v1/traces" | "/v1/traces":
                    return self._take_spans(http, raw, partial=partial, open_to_all=name == "/v1/traces")
                case "/scores":
                    return self._take_scores(raw, partial=partial)
                case "/v2/datasets":
                    return web.json_response(self._take_dataset(json.loads(raw)))
                case "/dataset-items":
                    return web.json_response(self._take_item(json.loads(raw)))
        query = dict(http.query)
        match [unquote(part) for part in name.strip("/").split("/")]:
            case ["health"]:
                return web.json_response({"status": "OK", "version": self.version})
            case ["projects"]:
                organization = {"id": "o", "name": "Lab"}
                project = {"id": "p", "name": "lab", "organization": organization, "metadata": {}}
                return web.json_response({"data": [project]})
            case ["v2", "observations"]:
                return web.json_response(self._observations(query))
            case ["v3", "scores"]:
                return web.json_response(self._scores(query))
            case ["v2", "datasets"]:
                return web.json_response(_paged(list(self.datasets.values()), query))
            case ["v2", "datasets", dataset]:
                return web.json_response(_known(self.datasets, dataset))
            case ["dataset-items"]:
                some = [item for item in self.items.values() if item["datasetName"] == query["datasetName"]]
                return web.json_response(_paged(some, query))
            case ["experiments"]:
                return web.json_response({"data": self._experiments(query), "meta": {"limit": 50}})
            case ["experiment-items"]:
                return web.json_response({"data": self._experiment_items(query), "meta": {"limit": 50}})
            case ["v2", "prompts", prompt]:
                return web.json_response(self._prompt(prompt, query))
            case ["score-configs", config]:
                return web.json_response(_known(self.configs, config))
        raise RefusedError(404, f"no {http.method} {path}")

    def _take_spans(self, http: web.Request, raw: bytes, *, partial: bool, open_to_all: bool) -> web.StreamResponse:
        if (http.content_length or len(raw)) > self.most_bytes:
            raise RefusedError(413, "request entity too large")
        if not open_to_all and http.headers.get("x-langfuse-ingestion-version") != "4":
            raise RefusedError(400, "this would show up in ten minutes")
        request = ExportTraceServiceRequest.FromString(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
        spans = [(whole.resource, span) for whole in request.resource_spans for s in whole.scope_spans for span in s.spans]
        for _, span in spans:
            if len(span.trace_id) != 16 or len(span.span_id) != 8 or len(span.parent_span_id) not in (0, 8):
                raise RefusedError(400, f"bad id of {span.name}")
        self.requests.append(request)
        answer = ExportTraceServiceResponse()
        if partial and spans:
            spans = spans[1:]
            answer.partial_success.rejected_spans, answer.partial_success.error_message = 1, "one was too odd"
        for _, span in spans:
            self.arrived[span.span_id.hex()] += 1
            self.seen[span.span_id.hex()] = _observation(span) | {"at": self.clock()}
        return web.Response(body=answer.SerializeToString(), content_type="application/x-protobuf")

    def _take_scores(self, raw: bytes, *, partial: bool) -> web.StreamResponse:
        if len(raw) > _MIB:
            raise RefusedError(413, "request entity too large")
        bodies, errors = json.loads(raw), []
        assert isinstance(bodies, list)
        for number, body in enumerate(bodies):
            try:
                self._take_score(body, odd=partial and number == 0)
            except (ValidationError, ValueError, RefusedError) as error:
                errors.append({"message": str(error)[:200]})
        if not errors:
            return web.json_response({"message": "Accepted"}, status=202)
        return web.json_response({"accepted": len(bodies) - len(errors), "rejected": len(errors), "errors": errors}, status=207)

    def _take_score(self, body: Body, *, odd: bool) -> None:
        score = parse_obj_as(CreateScoreRequest, body)
        if odd or score.name == "odd":
            raise RefusedError(400, "one was too odd")
        wants = str if body["dataType"] in ("CATEGORICAL", "TEXT") else (int, float)
        if isinstance(body["value"], bool) or not isinstance(body["value"], wants):
            raise RefusedError(400, f"{body['value']!r} is not {body['dataType']}")
        if body["dataType"] == "BOOLEAN" and body["value"] not in (0, 1):
            raise RefusedError(400, "a boolean is 0 or 1")
        if score.timestamp is None:
            raise RefusedError(400, "no timestamp: a later word would not overwrite this one")
        if sum(name in body for name in ("traceId", "sessionId", "datasetRunId")) != 1:
            raise RefusedError(400, "a score is of one thing")
        self.scores[body["id"], body["name"], body["timestamp"][:10]] = body

    def _take_dataset(self, body: Body) -> Body:
        parse_obj_as(CreateDatasetRequest, body)
        known = self.datasets.get(body["name"], {"id": f"ds-{len(self.datasets) + 1}", "createdAt": self._now()})
        found = {"metadata": None, "projectId": "p", "updatedAt": self._now(), **known, **body}
        self.datasets[body["name"]] = found
        return found

    def _take_item(self, body: Body) -> Body:
        parse_obj_as(CreateDatasetItemRequest, body)
        dataset = _known(self.datasets, body["datasetName"])
        known = self.items.get(body["id"], {})
        if known and known["datasetId"] != dataset["id"]:
            raise RefusedError(400, "the id is taken")
        times = {"createdAt": known.get("createdAt", self._now()), "updatedAt": self._now()}
        usual = {"status": "ACTIVE", "expectedOutput": None, "metadata": None, "mediaReferences": []}
        self.items[body["id"]] = usual | body | {"datasetId": dataset["id"]} | times
        return self.items[body["id"]]

    def _observations(self, query: dict[str, str]) -> Body:
        some = [each for each in self.seen.values() if each["at"] + self.lag <= self.clock()]
        if "traceId" in query:
            some = [each for each in some if each["traceId"] == query["traceId"]]
        begin, limit = int(query.get("cursor", "0")), min(int(query.get("limit", "50")), self.most_per_page)
        page = [{name: value for name, value in each.items() if name not in _OURS} for each in some[begin : begin + limit]]
        parse_obj_as(list[ObservationV2], page)
        return {"data": page, "meta": {"cursor": str(begin + limit)} if begin + limit < len(some) else {}}

    def _scores(self, query: dict[str, str]) -> Body:
        if set(query.get("fields", "details").split(",")) - {"details", "subject", "annotation"}:
            raise RefusedError(400, "unknown fields")
        data = [self._score(body) for body in self.scores.values()]
        if "traceId" in query:
            data = [
                each for each in data if each["subject"].get("traceId", each["subject"]["id"]) in query["traceId"].split(",")
            ]
        if "source" in query:
            data = [each for each in data if each["source"] in query["source"].split(",")]
        if "fromTimestamp" in query:
            data = [each for each in data if each["timestamp"] >= query["fromTimestamp"]]
        begin, limit = int(query.get("cursor", "0")), int(query.get("limit", "50"))
        cursor = {"cursor": str(begin + limit)} if begin + limit < len(data) else {}
        return {"data": data[begin : begin + limit], "meta": {"limit": limit, **cursor}}

    def _score(self, body: Body) -> Body:
        if "datasetRunId" in body:
            subject = {"kind": "experiment", "id": body["datasetRunId"]}
        elif "observationId" in body:
            subject = {"kind": "observation", "id": body["observationId"], "traceId": body["traceId"]}
        else:
            subject = {"kind": "trace", "id": body["traceId"]}
        kept = {name: body[name] for name in ("id", "name", "dataType", "timestamp") if name in body}
        more = {name: body[name] for name in ("comment", "metadata", "configId", "authorUserId") if name in body}
        value = bool(body["value"]) if body["dataType"] == "BOOLEAN" else body["value"]
        times = {"createdAt": self._now(), "updatedAt": self._now(), "environment": body.get("environment", "default")}
        return {
            **kept,
            **more,
            **times,
            "value": value,
            "projectId": "p",
            "source": body.get("source", "API"),
            "subject": subject,
        }

    def _experiments(self, query: dict[str, str]) -> list[Body]:
        runs: dict[str, list[Body]] = {}
        for each in self.seen.values():
            if each["experiment"].get("id"):
                runs.setdefault(each["experiment"]["id"], []).append(each)
        return [
            {
                "id": name,
                "name": some[0]["experiment"]["name"],
                "startTime": min(each["startTime"] for each in some),
                "endTime": max(each["endTime"] for each in some),
                "itemCount": len({each["experiment"]["item.id"] for each in some}),
                "datasetId": some[0]["experiment"].get("dataset.id"),
                "metadata": json.loads(some[0]["experiment"]["metadata"]),
                "scores": [self._score(s) for s in self.scores.values() if s.get("datasetRunId") == name],
            }
            for name, some in runs.items()
            if query.get("id", name) == name
        ]

    def _experiment_items(self, query: dict[str, str]) -> list[Body]:
        """One for each item of a run: what came last of it, as the service shows it."""
        found: dict[tuple[str, str], Body] = {}
        for each in self.seen.values():
            facts = each["experiment"]
            if facts.get("item.root_observation_id") == each["id"] and query.get("experimentId", facts["id"]) == facts["id"]:
                found[facts["id"], facts["item.id"]] = {
                    "id": each["id"],
                    "traceId": each["traceId"],
                    "startTime": each["startTime"],
                    "endTime": each["endTime"],
                    "level": each["level"],
                    "environment": each["environment"],
                    "experimentId": facts["id"],
                    "experimentName": facts["name"],
                    "experimentItemId": facts["item.id"],
                    "experimentDatasetId": facts.get("dataset.id"),
                    "input": each["input"],
                    "output": each["output"],
                    "expectedOutput": facts.get("item.expected_output"),
                    "scores": [self._score(s) for s in self.scores.values() if s.get("traceId") == each["traceId"]],
                }
        return list(found.values())

    def _prompt(self, name: str, query: dict[str, str]) -> Body:
        versions = self.prompts.get(name) or []
        label = query.get("label", "production")
        for each in reversed(versions):
            if str(each["version"]) == query["version"] if "version" in query else label in each["labels"]:
                return each
        raise RefusedError(404, "Prompt not found")

    def _now(self) -> str:
        return _iso(self.clock())


_OURS: Final = ("at", "experiment")


def _known(things: dict[str, Body], name: str) -> Body:
    if name not in things:
        raise RefusedError(404, f"{name} not found")
    return things[name]


def _paged(things: list[Body], query: dict[str, str]) -> Body:
    page, limit = int(query.get("page", "1")), int(query.get("limit", "50"))
    pages = -(-len(things) // limit)
    meta = {"page": page, "limit": limit, "totalItems": len(things), "totalPages": pages}
    return {"data": things[(page - 1) * limit : page * limit], "meta": meta}


def _value(value: Any) -> Any:
    match value.WhichOneof("value"):
        case "array_value":
            return [_value(each) for each in value.array_value.values]
        case str(name):
            return getattr(value, name)
    return None


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _observation(span: Any) -> Body:
    """Return the observation that Langfuse makes of a span, by its own mapping of attributes."""
    facts = {each.key: _value(each.value) for each in span.attributes}
    own = {name.removeprefix("langfuse.observation."): value for name, value in facts.items()}
    usage, cost = json.loads(own.get("usage_details", "null")), json.loads(own.get("cost_details", "null"))
    experiment = "langfuse.experiment."
    prefixes = ("langfuse.observation.metadata.", "langfuse.trace.metadata.")
    found = {
        "id": span.span_id.hex(),
        "traceId": span.trace_id.hex(),
        "parentObservationId": span.parent_span_id.hex() or None,
        "startTime": _iso(span.start_time_unix_nano / 1e9),
        "endTime": _iso(span.end_time_unix_nano / 1e9),
        "projectId": "p",
        "name": span.name,
        "type": own.get("type", "span").upper(),
        "level": own.get("level", "ERROR" if span.status.code == 2 else "DEFAULT"),
        "statusMessage": own.get("status_message") or span.status.message or None,
        "environment": facts.get("langfuse.environment", "default"),
        "sessionId": facts.get("session.id"),
        "input": own.get("input"),
        "output": own.get("output"),
        "metadata": {name.removeprefix(p): facts[name] for p in prefixes for name in facts if name.startswith(p)},
        "model": own.get("model.name"),
        "modelParameters": json.loads(own.get("model.parameters", "null")),
        "usageDetails": usage,
        "costDetails": cost,
        "totalCost": cost and cost["total"],
        "completionStartTime": own.get("completion_start_time"),
        "traceName": facts.get("langfuse.trace.name"),
        "tags": facts.get("langfuse.trace.tags"),
        "experiment": {name.removeprefix(experiment): facts[name] for name in facts if name.startswith(experiment)},
    }
    return {name: value for name, value in found.items() if value is not None}

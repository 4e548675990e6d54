"""A local server that speaks LangSmith's REST, with failures on demand.

What arrives is checked with the models of LangSmith's own SDK and by the rules that the service is known to enforce: ids and
dotted orders fit together, a child does not start before its parent, an id that is there answers 409, and, where it plays the
hosted service, a start more than 24 hours away refuses the whole request. `arrived` counts every run that was taken, each time
that it was; `runs`, `datasets`, `examples`, `sessions`, `feedback` and `prompts` are what it has. `faults` decides what goes
wrong with a request that writes.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from aiohttp import web
from langsmith import schemas

TENANT: Final = "11111111-1111-4111-8111-111111111111"
KEY: Final = "lsv2_pt_0123456789abcdef"
DAY: Final = 86400.0
KINDS: Final = ("429", "500", "503", "lost", "reset")
"""What can go wrong: `lost` takes the request and hangs up, `reset` hangs up without taking it, `413` wants less at once."""
Body = dict[str, Any]
Faults = Callable[["Asked"], "str | None"]


@dataclass(frozen=True)
class Asked:
    """A request: its path, its body, and how many there were."""

    method: str
    path: str
    body: Any
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

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclass
class LangSmith:
    """The server. Use as a context manager; `url` is the endpoint.

    Attributes:
        hosted: whether it enforces the 24 hours.
        most_bytes: above which a request gets 413.
        clock: Unix seconds.
        retry_after: of a 429.
        wait: seconds before each answer.
        takes_rest: whether it takes the other runs of a request that has one which is there; nobody says.
    """

    faults: Faults = lambda _asked: None
    hosted: bool = False
    most_bytes: int = 20 * 2**20
    clock: Callable[[], float] = time.time
    retry_after: str = "0"
    wait: float = 0.0
    takes_rest: bool = False
    requests: list[Asked] = field(default_factory=list)
    arrived: Counter[str] = field(default_factory=Counter)
    runs: dict[str, Body] = field(default_factory=dict)
    datasets: dict[str, Body] = field(default_factory=dict)
    examples: dict[str, Body] = field(default_factory=dict)
    sessions: dict[str, Body] = field(default_factory=dict)
    feedback: dict[str, Body] = field(default_factory=dict)
    prompts: dict[str, Body] = field(default_factory=dict)
    configs: dict[str, Body] = field(default_factory=dict)

    def __enter__(self) -> LangSmith:
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
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        self._loop.run_until_complete(self._runner.setup())
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/api/v1"
        self._ready.set()
        self._loop.run_forever()

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        path = "/" + http.match_info["path"].removeprefix("api/v1/").rstrip("/")
        raw = await http.read()
        await asyncio.sleep(self.wait)
        body = json.loads(raw) if raw else None
        writes = http.method in ("POST", "PATCH") and path != "/runs/query"
        asked = Asked(http.method, path, body, 1 + sum(each.method != "GET" for each in self.requests), len(raw))
        self.requests.append(asked)
        if path != "/info" and http.headers.get("x-api-key") != KEY:
            return web.json_response({"detail": "Invalid token"}, status=401)
        fault = self.faults(asked) if writes else None
        if fault == "reset":
            return self._hang_up(http)
        if fault in ("429", "500", "503", "413", "422"):
            headers = {"Retry-After": self.retry_after} if fault == "429" else {}
            return web.json_response({"detail": "it went wrong"}, status=int(fault), headers=headers)
        if writes and len(raw) > self.most_bytes:
            return web.json_response({"error": "request entity too large"}, status=413)
        try:
            answer = self._answer(http, asked)
        except RefusedError as error:
            return web.json_response({"detail": error.detail}, status=error.status)
        except (ValueError, TypeError, KeyError) as error:
            return web.json_response({"detail": f"{type(error).__name__}: {error}"}, status=422)
        return self._hang_up(http) if fault == "lost" else answer

    def _hang_up(self, http: web.Request) -> web.StreamResponse:
        assert http.transport is not None
        http.transport.abort()
        return web.Response()

    def _answer(self, http: web.Request, asked: Asked) -> web.StreamResponse:  # noqa: C901, PLR0912 - a route a case
        head, *rest = asked.path.strip("/").split("/")
        query, body = http.query, asked.body
        match asked.method, head, rest:
            case "GET", "info", []:
                flags = {"ch_query_enabled": True}
                return _json({"version": "0.13.4", "batch_ingest_config": None, "instance_flags": flags})
            case "GET", "settings", []:
                return _json({"id": TENANT, "display_name": "Lab", "created_at": _now(), "tenant_handle": None})
            case "POST", "runs", ["batch"]:
                self._take_runs(body["post"])
                return _json({}, 202)
            case "POST", "runs", ["query"]:
                return _json({"runs": self._query(body), "cursors": {}})
            case "GET", "runs", [name]:
                return _json(self._shown(_of(self.runs, name)))
            case "POST", "sessions", []:
                return _json(self._take_session(body, upsert=query.get("upsert") == "true"))
            case "GET", "sessions", []:
                return _json(_page([s for s in self.sessions.values() if query.get("name") in (None, s["name"])], query))
            case "GET", "sessions", [name]:
                return _json(_of(self.sessions, name))
            case "POST", "datasets", []:
                return _json(self._take_dataset(body))
            case "GET", "datasets", []:
                return _json(_page([d for d in self.datasets.values() if query.get("name") in (None, d["name"])], query))
            case "GET", "datasets", [name]:
                return _json(_of(self.datasets, name))
            case "POST", "examples", ["bulk"]:
                return _json(self._take_examples(body))
            case "GET", "examples", []:
                wanted = query.get("dataset")
                return _json(_page([e for e in self.examples.values() if wanted in (None, e["dataset_id"])], query))
            case "POST", "feedback", []:
                return _json(self._take_feedback(body))
            case "PATCH", "feedback", [name]:
                known = _of(self.feedback, name)
                self.feedback[name] = known | body | {"modified_at": _now()}
                return _json(self.feedback[name])
            case "GET", "feedback", []:
                return _json(_page(self._feedback(query), query))
            case "GET", "feedback-configs", []:
                return _json(_page(list(self.configs.values()), query))
            case "GET", "commits", [_owner, name, commit]:
                return _json(self._commit(name, commit))
        raise RefusedError(404, f"no {asked.method} {asked.path}")

    def _take_runs(self, given: list[Body]) -> None:
        """Take runs; where some are there, 409, and the others are taken or not."""
        for run in given:
            self._check_run(run)
        fresh = [run for run in given if run["id"] not in self.runs]
        conflict = len(fresh) < len(given)
        for run in fresh if self.takes_rest or not conflict else ():
            self.arrived[run["id"]] += 1
            self.runs[run["id"]] = run | {"session_id": self._session_of(run)}
        if conflict:
            raise RefusedError(409, "Conflict: payload already received: payloads already received")

    def _check_run(self, run: Body) -> None:
        schemas.RunBase(**{name: value for name, value in run.items() if value is not None})
        where = f"for run_id:{run['id']} trace_id:{run['trace_id']} dotted_order:{run['dotted_order']}"
        segments = [_segment(part) for part in run["dotted_order"].split(".")]
        start = datetime.fromisoformat(run["start_time"])
        if run.get("parent_run_id") is None and len(segments) != 1:
            raise RefusedError(400, f"dotted_order must contain a single part for root runs {where}")
        if run.get("parent_run_id") is not None and len(segments) < 2:
            raise RefusedError(400, f"dotted_order must contain at least two parts for child runs {where}")
        if segments[0][1] != run["trace_id"] or segments[-1][1] != run["id"]:
            raise RefusedError(400, f"dotted_order does not fit trace_id and id {where}")
        if len(segments) > 1 and segments[-2][1] != run["parent_run_id"]:
            raise RefusedError(400, f"dotted_order does not fit parent_run_id {where}")
        if segments[-1][0] != start or [at for at, _ in segments] != sorted(at for at, _ in segments):
            raise RefusedError(400, f"start_time is earlier than the parent's, or not that of dotted_order {where}")
        if run.get("end_time") is not None and datetime.fromisoformat(run["end_time"]) < start:
            raise RefusedError(400, f"end_time is earlier than start_time {where}")
        if UUID(run["id"]).version != 7:
            raise RefusedError(400, f"run ids are UUIDs of version 7 {where}")
        if self.hosted and abs(start.timestamp() - self.clock()) > DAY:
            raise RefusedError(400, f"start_time must be within 24 hours of now {where}")

    def _session_of(self, run: Body) -> str:
        if "session_id" in run:
            if run["session_id"] not in self.sessions:
                raise RefusedError(404, f"no session {run['session_id']}")
            return str(run["session_id"])
        return str(self._take_session({"name": run["session_name"]}, upsert=True)["id"])

    def _take_session(self, body: Body, *, upsert: bool) -> Body:
        known = next((s for s in self.sessions.values() if s["name"] == body["name"]), None)
        if known is not None and not upsert:
            raise RefusedError(409, "Session already exists.")
        if body.get("reference_dataset_id") and body["reference_dataset_id"] not in self.datasets:
            raise RefusedError(404, "no such reference dataset")
        name = str(known["id"] if known else body.get("id") or uuid4())
        base = {"id": name, "tenant_id": TENANT, "reference_dataset_id": None, "start_time": _now()}
        session = base | (known or {}) | {n: v for n, v in body.items() if v is not None} | {"id": name}
        schemas.TracerSession(**session)
        self.sessions[name] = session
        return session

    def _take_dataset(self, body: Body) -> Body:
        if body["id"] in self.datasets or any(d["name"] == body["name"] for d in self.datasets.values()):
            raise RefusedError(409, "Dataset with this name already exists.")
        dataset = body | {"created_at": _now()}
        schemas.Dataset(**dataset)
        self.datasets[body["id"]] = dataset
        return dataset

    def _take_examples(self, given: list[Body]) -> list[Body]:
        """Take examples, all or none."""
        for body in given:
            if body["dataset_id"] not in self.datasets:
                raise RefusedError(404, "Dataset not found")
            if body["id"] in self.examples:
                raise RefusedError(409, f"Example with id {body['id']} already exists.")
            schemas.Example(**body)
        for body in given:
            self.examples[body["id"]] = body | {"created_at": _now()}
        return given

    def _take_feedback(self, body: Body) -> Body:
        if body["id"] in self.feedback:
            raise RefusedError(409, "Feedback already exists.")
        if body["run_id"] not in self.runs:
            raise RefusedError(404, f"no run {body['run_id']}")
        if body.get("session_id") != self.runs[body["run_id"]]["session_id"]:
            raise RefusedError(422, "session_id must be that of the run")
        schemas.FeedbackCreate(**body)
        feedback = {"created_at": _now(), "modified_at": _now()} | body
        schemas.Feedback(**feedback)
        self.feedback[body["id"]] = feedback
        return feedback

    def _feedback(self, query: Any) -> list[Body]:
        runs, sources = query.getall("run", []), query.getall("source", [])
        since = query.get("min_created_at")
        return [
            each
            for each in self.feedback.values()
            if (not runs or each["run_id"] in runs)
            and (not sources or each["feedback_source"]["type"] in sources)
            and (since is None or datetime.fromisoformat(each["created_at"]) >= datetime.fromisoformat(since))
        ]

    def _query(self, body: Body) -> list[Body]:
        found = list(self.runs.values())
        if "session" in body:
            found = [run for run in found if run["session_id"] in body["session"]]
        if "id" in body:
            found = [run for run in found if run["id"] in body["id"]]
        if "trace" in body:
            found = [run for run in found if run["trace_id"] == body["trace"]]
        if "reference_example" in body:
            found = [run for run in found if run.get("reference_example_id") in body["reference_example"]]
        if "is_root" in body:
            found = [run for run in found if (run["parent_run_id"] is None) == body["is_root"]]
        return [self._shown(run) for run in found]

    def _shown(self, run: Body) -> Body:
        """Return a run as the service shows it: with sums of tokens and costs, over all below it."""
        below = [each for each in self.runs.values() if run["id"] in each["dotted_order"]]
        usage = [((each.get("outputs") or {}).get("usage_metadata") or {}) for each in below]
        costs = [each["total_cost"] for each in usage if "total_cost" in each]
        tokens = {
            name: sum(each.get(of, 0) for each in usage)
            for name, of in {"prompt": "input_tokens", "completion": "output_tokens", "total": "total_tokens"}.items()
        }
        first_token = next((event["time"] for event in run.get("events") or [] if event["name"] == "new_token"), None)
        return run | {
            "status": "error" if run.get("error") else "success",
            "app_path": f"/o/{TENANT}/projects/p/{run['session_id']}/r/{run['id']}",
            "first_token_time": first_token,
            "total_cost": sum(costs) if costs else None,
            **{f"{name}_tokens": count for name, count in tokens.items()},
        }

    def _commit(self, name: str, commit: str) -> Body:
        prompt = _of(self.prompts, name)
        if commit not in ("latest", prompt["commit_hash"]):
            raise RefusedError(404, f"no commit {commit}")
        return {"examples": []} | prompt


def _segment(part: str) -> tuple[datetime, str]:
    at, _, name = part.partition("Z")
    return datetime.strptime(at, "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC), name


def _of(things: dict[str, Body], name: str) -> Body:
    if name not in things:
        raise RefusedError(404, f"{name} not found")
    return things[name]


def _page(things: list[Body], query: Any) -> list[Body]:
    begin = int(query.get("offset", 0))
    return things[begin : begin + int(query.get("limit", 100))]


def _json(body: Any, status: int = 200) -> web.Response:
    return web.json_response(body, status=status)


def _now() -> str:
    return datetime.now(UTC).isoformat()

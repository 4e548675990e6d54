"""A service that takes OTLP over HTTP as a target of the sync.

OTLP has no way to ask what a service has. What is unsure is sent again, so everything arrives at least once; the span ids are
the same each time, and services that know them again show each span once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

import httpx

from workbench.errors import WorkbenchError
from workbench.observe.span import Key, Span, Trace
from workbench.observe.spans import root_of, spoken_in, trace_of
from workbench.observe.sync.http import Wire
from workbench.observe.sync.observed import Observed, judged_by, observation_of, observation_trace
from workbench.observe.sync.otlp.genai import evaluation_attributes, genai_attributes, genai_name
from workbench.observe.sync.otlp.phoenix import exceptions, openinference_attributes, openinference_word
from workbench.observe.sync.otlp.protobuf import encoded, packed, some_of
from workbench.observe.sync.target import Answer, Dead, Parcel, Sent, Source

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as Encoded

    from workbench.records import Record

Flavour = Literal["phoenix"]
PATH: Final = "/v1/traces"
HEADERS: Final = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}


class OtlpTarget:
    """Whatever takes spans by OTLP over HTTP (protobuf, gzip). `Target` has the methods.

    Args:
        endpoint: base URL, to which `/v1/traces` is appended, or the URL of the traces itself (it ends in `/traces`).
        headers: that go with every request, such as an API key.
        flavour: `phoenix` adds what Phoenix reads; a project of Phoenix's in `resource` says so too.
        resource: attributes of the resource, such as `openinference.project.name` or `wandb.project`.
    """

    kinds = frozenset({"dialogue", "rating", "observation"})
    counts_twice: frozenset[str] = frozenset()
    lag = 0.0

    def __init__(
        self,
        endpoint: str,
        headers: Mapping[str, str] | None = None,
        flavour: Flavour | None = None,
        resource: Mapping[str, str] | None = None,
    ) -> None:
        endpoint = endpoint.rstrip("/")
        parts = urlsplit(endpoint)
        host = parts.netloc.rpartition("@")[2]
        own = {"service.name": "dialogue-workbench", **(resource or {})}
        project = own.get("openinference.project.name") or own.get("wandb.project") or ""
        self.id = f"otlp:{host}{parts.path}{'#' + project if project else ''}"
        self.title = f"OTLP ({host}, at least once)"
        self._resource = own
        self._phoenix = flavour == "phoenix" or "openinference.project.name" in own
        self._path = "" if endpoint.endswith("/traces") else PATH
        self._wire = Wire(endpoint, headers, credentials="OTEL_EXPORTER_OTLP_HEADERS", address="OTEL_EXPORTER_OTLP_ENDPOINT")

    async def check(self) -> str:
        """Send no spans, and return what that came to."""
        answer = await self._wire.ask("POST", self._path, content=b"", headers={"Content-Type": HEADERS["Content-Type"]})
        if isinstance(answer, httpx.Response):
            return "OTLP over HTTP; at least once, because OTLP cannot be asked what it has"
        assert not isinstance(answer, Sent)
        if isinstance(answer, Dead) and not answer.denied and not answer.remedy:
            return "OTLP over HTTP; at least once. It answers an empty request with " + answer.reason
        raise WorkbenchError(f"{self.title}: {answer.reason}", hint=getattr(answer, "remedy", "") or None)

    async def parcels(self, source: Source, record: Record) -> list[Parcel]:
        """Turn a dialogue or an observation into requests of spans, off the event loop."""
        return await asyncio.to_thread(lambda: list(self._parcels(source, record)))

    async def send(self, parcel: Parcel) -> Answer:
        """Try once."""
        answer = await self._wire.ask("POST", self._path, content=parcel.body, headers=HEADERS)
        return partly(answer, len(parcel.things)) if isinstance(answer, httpx.Response) else answer

    async def missing(self, parcel: Parcel) -> tuple[str, ...] | None:  # noqa: ARG002 - part of the contract
        """Return None: nobody can tell."""
        return None

    def part(self, parcel: Parcel, things: tuple[str, ...], key: str) -> Parcel:
        """Return a parcel with some of another's spans."""
        return Parcel(parcel.kind, key, things, some_of(parcel.body, set(things)))

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._wire.aclose()

    def _parcels(self, source: Source, record: Record) -> Iterator[Parcel]:
        if source.kind == "dialogue":
            dialogue, _, reach = source.key.rpartition("@")
            after, through = map(int, reach.split("-"))
            yield from self._spans(trace_of(record, dialogue, after, through), f"spans/{source.key}")
        elif source.kind == "rating":
            yield from self._rating(source, record)
        elif (found := observation_of(record, source)) is not None:
            trace = _named(observation_trace(record, found), found)
            yield from self._spans(trace, f"spans/{source.key}")
            for judge in judged_by(record, found):
                yield from self._spans(trace_of(record, judge), f"spans/judge/{judge}")
            words: list[Encoded] = []
            for name, value in found.scores.items():
                word = _word(trace.spans[0].key, found.name, name, found.row.started_at)
                words.append(self._evaluation(word, found.name, float(value)))
            yield from self._packed(words, f"scores/{source.key}")

    def _rating(self, source: Source, record: Record) -> Iterator[Parcel]:
        rating = record.rating(int(source.key))
        taking = spoken_in(record, rating.dialogue, rating.turn) if rating else None
        if rating is None or taking is None:  # a later word has replaced it
            return
        name = f"{rating.source}_quality"
        word = _word(taking.key, rating.dialogue, name, taking.ended_at, rating.by, str(rating.at), str(rating.quality))
        trace = root_of(record, rating.dialogue)
        said = self._evaluation(word, trace, rating.quality, rating.comment, rating.by)
        yield from self._packed([said], f"scores/{'/'.join(word.key)}")

    def _evaluation(self, word: Span, trace: str, value: float, comment: str = "", by: str = "") -> Encoded:
        about = evaluation_attributes(word.name, value, comment, by)
        if self._phoenix:
            about |= openinference_word(value, comment, by)
        return encoded(word, trace, f"evaluate {word.name}", about, fine=self._phoenix)

    def _spans(self, trace: Trace, key: str) -> Iterator[Parcel]:
        yield from self._packed((self._span(span, trace) for span in trace.spans), key)

    def _span(self, span: Span, trace: Trace) -> Encoded:
        about = genai_attributes(span, trace)
        if not self._phoenix:
            return encoded(span, trace.dialogue, genai_name(span), about)
        about |= openinference_attributes(span, trace)
        return encoded(span, trace.dialogue, span.name, about, exceptions(span), fine=True)

    def _packed(self, spans: Iterable[Encoded], key: str) -> Iterator[Parcel]:
        for number, (things, body) in enumerate(packed(self._resource, spans)):
            yield Parcel("spans", f"{key}/{number}", things, body)


def _named(trace: Trace, found: Observed) -> Trace:
    """Return the trace of an observation with what it is one of: a service that knows no experiments can filter by it."""
    first, row = trace.spans[0], found.row
    place = {
        "experiment": found.experiment.name,
        "run": found.run.id,
        "arm": row.arm,
        "case": row.case_id,
        "repeat": row.repeat,
    }
    return replace(trace, spans=(replace(first, metadata={**first.metadata, **place}), *trace.spans[1:]))


def _word(above: Key, dialogue: str, name: str, at: float, *apart: str) -> Span:
    """Return the span of somebody's word on another one; a later word is another span, for none can be changed."""
    key = (*above, "evaluation", name, *apart)
    return Span(key=key, parent=above, kind="evaluation", name=name, started_at=at, ended_at=at, dialogue=dialogue)


def partly(response: httpx.Response, sent: int) -> Answer:
    """Return what a service says of spans that it took: it may refuse some, and does not tell which."""
    refused, message = _refused(response)
    if refused <= 0:
        return Sent()
    which = "every span" if refused >= sent else f"{refused} of {sent} spans"
    return Dead(f"{which} refused: {message or 'no reason given'}", "" if refused >= sent else "The others were taken.")


def _refused(response: httpx.Response) -> tuple[int, str]:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    kind = response.headers.get("content-type", "")
    try:
        if kind.startswith("application/json"):
            told = response.json().get("partialSuccess") or {}
            return int(told.get("rejectedSpans") or 0), str(told.get("errorMessage") or "")
        if kind.startswith("application/x-protobuf"):
            partial = ExportTraceServiceResponse.FromString(response.content).partial_success
            return partial.rejected_spans, partial.error_message
    except (ValueError, TypeError, AttributeError, DecodeError):
        pass
    return 0, ""

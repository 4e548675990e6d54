"""Spans as OTLP's protobuf, compressed: packed in parcels of a size that services take, and taken apart again.

The same spans give the same bytes in every process. Ids are cut from the digests of keys: 16 bytes of the dialogue's for its
trace, 8 of each span's.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from workbench.observe.span import Span, digest

if TYPE_CHECKING:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as Encoded
    from opentelemetry.proto.trace.v1.trace_pb2 import Status

Value: TypeAlias = str | bool | int | float | Sequence[str]
Attributes: TypeAlias = Mapping[str, Value | None]
"""None is left out."""
SCOPE: Final = "dialogue-workbench"
_MOST: Final = 200
"""Spans in a parcel."""
_BYTES: Final = 2 * 2**20
"""Of a parcel before it is compressed; a single span may be larger."""
_LAST: Final = 2**63 - 1
_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str, allow_nan=False).encode
_INTS: Final = range(-(2**63), 2**63)


def trace_id(dialogue: str) -> bytes:
    """Return the id of a dialogue's trace: that of `Langfuse.create_trace_id(seed=dialogue)`."""
    return digest((dialogue,), 16)


def span_id(span: Span) -> bytes:
    """Return the id of a span."""
    return span.digest(8)


def encoded(
    span: Span, trace: str, name: str, attributes: Attributes, events: Iterable[Event] = (), *, fine: bool = False
) -> Encoded:
    """Return a span for OTLP.

    Args:
        span: what happened.
        trace: id of the dialogue whose trace it is in.
        name: that it is shown under.
        attributes: what a service is told of it.
        events: what else happened during it.
        fine: whether one that went well says so; OpenTelemetry leaves that to those who look.
    """
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as Encoded

    found = Encoded(
        trace_id=trace_id(trace),
        span_id=span_id(span),
        parent_span_id=digest(span.parent, 8) if span.parent else b"",
        name=clean(name),
        kind=Encoded.SPAN_KIND_CLIENT if span.kind == "call" else Encoded.SPAN_KIND_INTERNAL,
        start_time_unix_nano=nanoseconds(span.started_at),
        end_time_unix_nano=nanoseconds(span.ended_at),
        attributes=key_values(attributes),
        status=_status(span, fine=fine),
    )
    if origin := span.metadata.get("copied_from"):
        found.links.add(trace_id=trace_id(str(origin)), span_id=digest((str(origin),), 8))
    for at, title, facts in events:
        found.events.add(time_unix_nano=nanoseconds(at), name=title, attributes=key_values(facts))
    return found


def _status(span: Span, *, fine: bool) -> Status:
    from opentelemetry.proto.trace.v1.trace_pb2 import Status

    if span.status in ("failed", "interrupted"):
        return Status(code=Status.STATUS_CODE_ERROR, message=clean(span.error or span.outcome))
    return Status(code=Status.STATUS_CODE_OK if fine and span.status == "ok" else Status.STATUS_CODE_UNSET)


Event: TypeAlias = tuple[float, str, Attributes]
"""Unix seconds, name, and facts of what happened during a span."""


def packed(resource: Attributes, spans: Iterable[Encoded]) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Yield requests with so many spans as go at once: the ids inside, and the compressed bytes."""
    some: list[Encoded] = []
    size = 0
    for span in spans:
        length = span.ByteSize()
        if some and (len(some) == _MOST or size + length > _BYTES):
            yield _request(resource, some)
            some, size = [], 0
        some.append(span)
        size += length
    if some:
        yield _request(resource, some)


def some_of(body: bytes, things: Collection[str]) -> bytes:
    """Return a request with some of the spans of another, by their ids."""
    request = unpacked(body)
    for scoped in (scope for resource in request.resource_spans for scope in resource.scope_spans):
        kept = [span for span in scoped.spans if span.span_id.hex() in things]
        del scoped.spans[:]
        scoped.spans.extend(kept)
    return _compressed(request)


def with_attribute(body: bytes, name: str, value: str) -> bytes:
    """Return a request whose spans all have one more attribute."""
    request = unpacked(body)
    for resource in request.resource_spans:
        for scoped in resource.scope_spans:
            for span in scoped.spans:
                span.attributes.extend(key_values({name: value}))
    return _compressed(request)


def unpacked(body: bytes) -> ExportTraceServiceRequest:
    """Return what a compressed request says."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request: ExportTraceServiceRequest = ExportTraceServiceRequest.FromString(gzip.decompress(body))
    return request


def nanoseconds(seconds: float) -> int:
    """Return Unix nanoseconds, to the microsecond: more a float does not hold."""
    if not math.isfinite(seconds):
        return 0
    return min(max(round(seconds * 1e6) * 1000, 0), _LAST)


def clean(text: str) -> str:
    """Return a text that UTF-8 can hold: half a surrogate pair becomes a question mark."""
    return text.encode(errors="replace").decode()


def as_json(value: Any) -> str:
    """Return a value as JSON; what JSON cannot hold as text.

    >>> as_json({"loss": float("nan")})
    '{"loss":"nan"}'
    """
    try:
        return _JSON(value)
    except ValueError:
        return _JSON(_finite(value))


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping():
            return {str(name): _finite(each) for name, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
        case _:
            return value


def key_values(attributes: Attributes) -> list[KeyValue]:
    """Return attributes for OTLP."""
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue

    return [KeyValue(key=clean(name), value=_any(value)) for name, value in attributes.items() if value is not None]


def _any(value: Value) -> AnyValue:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue

    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value) if value in _INTS else AnyValue(string_value=str(value))
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=clean(value))
        case _:
            return AnyValue(array_value=ArrayValue(values=[_any(each) for each in value]))


def _request(resource: Attributes, spans: Sequence[Encoded]) -> tuple[tuple[str, ...], bytes]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

    scoped = ScopeSpans(scope=InstrumentationScope(name=SCOPE), spans=spans)
    whole = ResourceSpans(resource=Resource(attributes=key_values(resource)), scope_spans=[scoped])
    request = ExportTraceServiceRequest(resource_spans=[whole])
    return tuple(span.span_id.hex() for span in spans), _compressed(request)


def _compressed(request: ExportTraceServiceRequest) -> bytes:
    return gzip.compress(request.SerializeToString(deterministic=True), compresslevel=6, mtime=0)

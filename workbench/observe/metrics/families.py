"""The metrics: names, labels and what they say. Counters grow for as long as the record is the same one."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from workbench.events.listening import hearings
from workbench.observe.metrics.names import MODELS, PROVIDERS, Names, outcome
from workbench.observe.metrics.readings import Reading, Readings
from workbench.records.metering import FIRST_TOKEN, SECONDS, Count, Durations, Histogram

if TYPE_CHECKING:
    from prometheus_client import Metric

    from workbench.models import Client
    from workbench.records import Record

_STATES: Final = ("closed", "half_open", "open")
_TOKENS: Final = ("prompt", "cached", "completion", "reasoning")

Labels = tuple[str, ...]
Value = tuple[Labels, float]
"""The values of a metric's labels, in order, and a number to add to what else has them."""


class Meter(Collector):
    """Collects the metrics of a record, and of this process.

    Args:
        record: that is counted.
        client: of this process, whose breakers and queues are shown; None where it calls no models.
    """

    def __init__(self, record: Record, client: Client | None = None) -> None:
        self._record, self._client = record, client
        self.readings = Readings(record)

    def describe(self) -> list[Metric]:
        """Say nothing beforehand: registering would read the record to find out."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics; as of the last reading where the record takes long."""
        reading = self.readings.newest()
        up = reading is not None and self.readings.trouble is None
        yield _gauge("workbench_record_up", "Whether the record could be read at the last try.", (), [((), up)])
        if reading is not None:
            models = Names(((name, c.first) for c in reading.meters.counts for name in (c.asked, c.model)), MODELS)
            yield from _of_calls(reading.meters.counts, models)
            yield from _of_durations(reading.meters.durations, models)
            yield from _of_record(reading)
        yield from _of_process(self._record)
        if self._client is not None:
            yield from _of_client(self._client)


def _of_calls(counts: Sequence[Count], models: Names) -> Iterator[Metric]:
    providers = Names(((count.provider, count.first) for count in counts), PROVIDERS)
    named = [((models[count.model], providers[count.provider]), count) for count in counts]
    served = ("model", "provider")
    yield _counter(
        "workbench_calls",
        "Calls by what came of them.",
        (*served, "outcome"),
        (((*who, outcome(count.outcome)), count.calls) for who, count in named),
    )
    yield _counter(
        "workbench_call_errors",
        "Failed calls by class.",
        ("provider", "error_class"),
        (((who[1], outcome(c.outcome)), c.calls) for who, c in named if c.outcome not in ("ok", "cancelled")),
    )
    yield _counter(
        "workbench_fallback_calls",
        "Calls to another model than the one asked for.",
        ("asked", "model"),
        (((models[c.asked], who[0]), c.calls) for who, c in named if c.asked != c.model),
    )
    yield _counter(
        "workbench_tokens",
        "Tokens; cached ones are part of prompt, reasoning is part of completion.",
        (*served, "kind"),
        (((*who, kind), getattr(count, f"{kind}_tokens")) for who, count in named for kind in _TOKENS),
    )
    costs = [(who, count.cost) for who, count in named if count.priced_calls]
    yield _counter("workbench_cost_usd", "USD, of the calls whose cost is known.", served, costs)
    unpriced = [(who, count.unpriced_calls) for who, count in named]
    yield _counter("workbench_unpriced_calls", "Calls that may have cost what nobody knows.", served, unpriced)
    saved = [(who, count.saved) for who, count in named]
    yield _gauge("workbench_cache_saved_usd", "USD that providers' caches have saved.", served, saved)


def _of_durations(durations: Durations, models: Names) -> Iterator[Metric]:
    yield _histogram(
        "workbench_call_seconds",
        "How long calls took, without the wait for a slot; those that were cancelled are left out.",
        ("model", "outcome"),
        SECONDS,
        (((models[model], came), histogram) for (model, came), histogram in durations.seconds.items()),
    )
    yield _histogram(
        "workbench_first_token_seconds",
        "How long streamed answers took to begin.",
        ("model",),
        FIRST_TOKEN,
        (((models[model],), histogram) for model, histogram in durations.first_token.items()),
    )


def _of_record(reading: Reading) -> Iterator[Metric]:
    running = [((), reading.meters.running)]
    yield _gauge("workbench_dialogues_active", "Dialogues that a living process runs.", (), running)
    left = [
        ((standing.target.title, state), getattr(standing, state))
        for standing in reading.standings
        for state in ("pending", "in_flight", "unsure", "dead")
    ]
    yield _gauge("workbench_sync_backlog", "What is not copied to a service yet, by state.", ("target", "state"), left)
    now = time.time()
    oldest = [((s.target.title,), now - s.oldest if s.oldest else 0.0) for s in reading.standings]
    yield _gauge("workbench_sync_backlog_age_seconds", "How long the oldest of it has waited.", ("target",), oldest)
    yield _gauge("workbench_reading_age_seconds", "How old these readings are.", (), [((), now - reading.meters.at)])
    yield _gauge("workbench_reading_seconds", "How long reading the record took.", (), [((), reading.took)])


def _of_process(record: Record) -> Iterator[Metric]:
    unwritten = [((), len(record.unwritten))]
    yield _gauge("workbench_record_unwritten_events", "Events of this process that are not on disk yet.", (), unwritten)
    heard = hearings()
    waiting = [((each.name,), each.waiting) for each in heard]
    yield _gauge("workbench_listener_waiting", "What listeners of this process have still to hear.", ("listener",), waiting)
    dropped = [((each.name,), each.dropped) for each in heard]
    yield _counter("workbench_listener_dropped", "What they were too slow to hear.", ("listener",), dropped)


def _of_client(client: Client) -> Iterator[Metric]:
    queued, in_flight, breakers = list(client.queued.items()), list(client.in_flight.items()), client.breakers
    models = Names(((name, number) for number, (name, _) in enumerate([*queued, *in_flight])), MODELS)
    providers = Names(((name, number) for number, name in enumerate(breakers)), PROVIDERS)
    waiting = [((models[name],), count) for name, count in queued]
    yield _gauge("workbench_calls_queued", "Calls of this process that wait for a slot or a breaker.", ("model",), waiting)
    out = [((models[name],), count) for name, count in in_flight]
    yield _gauge("workbench_calls_in_flight", "Calls of this process that are out.", ("model",), out)
    states = [((providers[name], state), breaker.state == state) for name, breaker in breakers.items() for state in _STATES]
    yield _gauge("workbench_breaker_state", "1 for the state of a breaker of this process.", ("provider", "state"), states)


def _counter(name: str, help_: str, labels: Labels, values: Iterable[Value]) -> Metric:
    family = CounterMetricFamily(name, help_, labels=labels)
    for key, value in _summed(values).items():
        family.add_metric(key, value)
    return family


def _gauge(name: str, help_: str, labels: Labels, values: Iterable[Value]) -> Metric:
    family = GaugeMetricFamily(name, help_, labels=labels)
    for key, value in _summed(values).items():
        family.add_metric(key, value)
    return family


def _summed(values: Iterable[Value]) -> Mapping[Labels, float]:
    sums: defaultdict[Labels, float] = defaultdict(float)
    for key, value in values:
        sums[key] += value
    return sums


def _histogram(
    name: str, help_: str, labels: Labels, ends: Sequence[float], histograms: Iterable[tuple[Labels, Histogram]]
) -> Metric:
    merged: dict[Labels, Histogram] = {}
    for key, histogram in histograms:
        merged.setdefault(key, Histogram([0] * (len(ends) + 1))).add(histogram)
    family = HistogramMetricFamily(name, help_, labels=labels)
    for key, histogram in merged.items():
        so_far, buckets = 0, []
        for end, count in zip([*map(str, ends), "+Inf"], histogram.counts, strict=True):
            so_far += count
            buckets.append((end, so_far))
        family.add_metric(key, buckets, sum_value=histogram.total)
    return family

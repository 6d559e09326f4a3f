"""GET /metrics: the numbers of this server, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from breeze.service.metrics import BUCKETS, Sample, Snapshot
from breeze.service.vitals import vitals
from breeze.surfaces.http.reply import Answer, Reply
from breeze.surfaces.http.routes import Role, Route

if TYPE_CHECKING:
    from breeze.surfaces.http.call import Call

TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Metric(NamedTuple):
    """One metric: its key in a snapshot, its name for Prometheus, what it means, its labels."""

    key: str
    name: str
    kind: str
    meaning: str
    labels: tuple[str, ...]


_RUNNER = ("capability", "runner")
METRICS = (
    Metric("requests", "breeze_requests", "counter", "HTTP requests answered", ("route", "status")),
    Metric("errors", "breeze_errors", "counter", "Answers that ended in an error", ("code",)),
    Metric(
        "request_seconds", "breeze_request_seconds", "histogram",
        "From the request's head to the last byte of its answer", ("route",),
    ),
    Metric(
        "first_event_seconds", "breeze_time_to_first_event_seconds", "histogram",
        "From asking a runner to its first event", _RUNNER,
    ),
    Metric(
        "attempts", "breeze_attempts", "counter", "Tries of a runner", (*_RUNNER, "status")
    ),
    Metric("events", "breeze_events", "counter", "Events that runners gave", _RUNNER),
    Metric("tokens", "breeze_tokens", "counter", "Tokens used", (*_RUNNER, "direction")),
    Metric("characters", "breeze_characters", "counter", "Characters used", _RUNNER),
    Metric("audio_seconds", "breeze_audio_seconds", "counter", "Audio heard or made", _RUNNER),
    Metric("images", "breeze_images", "counter", "Pictures made", _RUNNER),
    Metric("received_bytes", "breeze_upload_bytes", "counter", "Bytes of uploads", ("route",)),
    Metric("queue_waiting", "breeze_queue_waiting", "gauge", "Requests that wait", ("runner",)),
    Metric("leases", "breeze_runner_requests", "gauge", "Requests at work or waiting", ("runner",)),
    Metric("loaded_models", "breeze_loaded_models", "gauge", "Models in memory", ("runner",)),
    Metric("model_bytes", "breeze_model_memory_bytes", "gauge", "Memory of models", ("runner",)),
    Metric(
        "memory_budget", "breeze_memory_budget_bytes", "gauge",
        "Memory that models may take; 0 is no limit, and each worker process has its own", ()
    ),
    Metric("live_requests", "breeze_live_requests", "gauge", "Requests of the engine now", ()),
    Metric("tasks", "breeze_tasks", "gauge", "Tasks of the event loop", ()),
    Metric("threads", "breeze_threads", "gauge", "Threads of Python", ()),
    Metric("resident_bytes", "process_resident_memory_bytes", "gauge", "Resident memory", ()),
    Metric("open_files", "process_open_fds", "gauge", "Open files and sockets", ()),
    Metric("cpu_seconds", "process_cpu_seconds", "counter", "Processor time used", ()),
)  # fmt: skip


async def metrics(call: Call) -> Answer:
    """Everything counted since the start."""
    return Reply(rendered(present(call)), TYPE)


def present(call: Call) -> Snapshot:
    """What was counted, and what this process holds now."""
    return call.app.metrics.snapshot(len(call.app.engine.live)) | vitals()


def rendered(snapshot: Snapshot) -> bytes:
    """`snapshot` in Prometheus' text format."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(snapshot))
    return generate_latest(registry)


class _Collector:
    """What prometheus_client asks for the numbers."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Any]:
        """Every metric with its samples."""
        from prometheus_client import metrics_core

        families = {
            "counter": metrics_core.CounterMetricFamily,
            "gauge": metrics_core.GaugeMetricFamily,
            "histogram": metrics_core.HistogramMetricFamily,
        }
        for metric in METRICS:
            family = families[metric.kind](metric.name, f"{metric.meaning}.", labels=metric.labels)
            for sample in self._snapshot.get(metric.key, ()):
                family.add_metric(sample.labels, **_values(sample, metric))
            yield family


def _values(sample: Sample, metric: Metric) -> dict[str, Any]:
    if metric.kind != "histogram":
        return {"value": sample.value}
    reached, buckets = 0, []
    for end, count in zip((*map(str, BUCKETS), "+Inf"), sample.counts, strict=True):
        reached += count
        buckets.append((end, reached))
    return {"buckets": buckets, "sum_value": sample.value}


ROUTES = (Route("GET", "/metrics", Role.OPERATE, metrics, "Numbers for Prometheus"),)

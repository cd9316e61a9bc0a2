"""Metrics for Prometheus, read from the database at each scrape.

Nothing is counted in a process's memory, so all web processes give the same answer and a restart
resets no counter.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from generation.estimating.evaluation.accuracy import LATELY, since
from generation.models import Attempt, Device, Job
from generation.states import Outcome, Priority, Status


class Collector:
    """A collector of all metrics, with one method for each group."""

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics with their present values."""
        yield from self._jobs()
        yield from self._devices()
        yield from self._attempts()
        yield from self._estimates()

    def _jobs(self) -> Iterator[Metric]:
        counted = Job.objects.order_by().values_list("status").annotate(Count("pk"))
        known: dict[str, int] = dict(counted)
        jobs = GaugeMetricFamily("genga_jobs", "Jobs by status.", labels=["status"])
        for status in Status:
            jobs.add_metric([status.value], known.get(status.value, 0))
        yield jobs
        queue = Job.objects.waiting().order_by().values_list("priority")
        waiting: dict[int, int] = dict(queue.annotate(Count("pk")))
        by_priority = GaugeMetricFamily(
            "genga_jobs_waiting", "Jobs that wait for a device.", labels=["priority"]
        )
        for priority in Priority:
            by_priority.add_metric([priority.word], waiting.get(priority, 0))
        yield by_priority
        yield GaugeMetricFamily(
            "genga_jobs_held",
            "Jobs that wait until somebody releases them.",
            value=Job.objects.held().count(),
        )

    def _devices(self) -> Iterator[Metric]:
        online = _of_device("genga_device_online", "1 while its worker sends heartbeats.")
        paused = _of_device("genga_device_paused", "1 while it takes no new work.")
        busy = _of_device("genga_device_busy", "1 while it renders.")
        load = _of_device(
            "genga_device_host_load", "Other work on its host in runnable threads per core."
        )
        memory = _of_device("genga_device_memory_bytes", "Total memory.")
        free = _of_device(
            "genga_device_free_bytes", "Memory that no other program uses; absent while offline."
        )
        age = _of_device(
            "genga_worker_heartbeat_age_seconds", "Time since the last heartbeat of its worker."
        )
        now = timezone.now()
        rendering = set(Job.objects.processing().values_list("device", flat=True))
        for device in Device.objects.all():
            name = [device.name]
            online.add_metric(name, device.is_online)
            paused.add_metric(name, device.is_paused)
            busy.add_metric(name, device.pk in rendering)
            load.add_metric(name, device.host_load)
            memory.add_metric(name, device.memory_bytes)
            if device.free_now is not None:
                free.add_metric(name, device.free_now)
            # A worker that was stopped properly has no heartbeat, so its age is not reported.
            if device.heartbeat_at is not None:
                age.add_metric(name, max(now - device.heartbeat_at, timedelta()).total_seconds())
        yield from (online, paused, busy, load, memory, free, age)

    def _attempts(self) -> Iterator[Metric]:
        ended = Attempt.objects.filter(outcome__in=[Outcome.COMPLETED, Outcome.FAILED])
        by_device = ended.order_by().values_list("device_name", "outcome")
        attempts = CounterMetricFamily(
            "genga_attempts", "Attempts that completed or failed.", labels=["device", "outcome"]
        )
        seconds = CounterMetricFamily(
            "genga_run_seconds", "Run time of those attempts.", labels=["device", "outcome"]
        )
        for device, outcome, count, run in by_device.annotate(Count("pk"), Sum("run_seconds")):
            attempts.add_metric([device, outcome], count)
            seconds.add_metric([device, outcome], run or 0.0)
        yield from (attempts, seconds)

    def _estimates(self) -> Iterator[Metric]:
        lately = since(timezone.now() - LATELY)
        figures = (
            ("genga_estimates_judged", "Estimated runs of the last 7 days.", lately.count),
            ("genga_estimates_within_20_ratio", "Share of them within 20 %.", lately.within),
            ("genga_estimates_median_error_ratio", "Median relative error.", lately.median_error),
            ("genga_estimates_coverage_ratio", "Share within their range.", lately.coverage),
        )
        for name, documentation, value in figures:
            # Without estimates there is no accuracy, and 0 would raise an alert.
            if value is not None:
                yield GaugeMetricFamily(name, documentation, value=value)


def exposition(accept: str) -> tuple[bytes, str]:
    """All metrics in the format that the Accept header asks for, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def _of_device(name: str, documentation: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, labels=["device"])

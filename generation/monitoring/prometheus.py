"""Figures for Prometheus, read from the database when they are asked for.

Counted in no process's memory: every web process answers alike, and a restart forgets nothing.
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
    """What Genga tells of itself; one method for each thing that there is to measure."""

    def collect(self) -> Iterator[Metric]:
        """Every figure as it is now."""
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
        lines = GaugeMetricFamily(
            "genga_jobs_waiting", "Jobs that wait for a device.", labels=["priority"]
        )
        for priority in Priority:
            lines.add_metric([priority.word], waiting.get(priority, 0))
        yield lines
        yield GaugeMetricFamily(
            "genga_jobs_held",
            "Jobs that wait until somebody releases them.",
            value=Job.objects.held().count(),
        )

    def _devices(self) -> Iterator[Metric]:
        online = _of_device("genga_device_online", "1 while its worker is heard of.")
        paused = _of_device("genga_device_paused", "1 while it takes no new work.")
        busy = _of_device("genga_device_busy", "1 while it renders.")
        load = _of_device(
            "genga_device_host_load", "Other work on its host: runnable threads for each core."
        )
        memory = _of_device("genga_device_memory_bytes", "Its memory.")
        free = _of_device(
            "genga_device_free_bytes", "Memory that no other program uses; absent while away."
        )
        age = _of_device(
            "genga_worker_heartbeat_age_seconds", "Since its worker was last heard of."
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
            # A worker that has said goodbye has no heartbeat, and nobody waits for one.
            if device.heartbeat_at is not None:
                age.add_metric(name, max(now - device.heartbeat_at, timedelta()).total_seconds())
        yield from (online, paused, busy, load, memory, free, age)

    def _attempts(self) -> Iterator[Metric]:
        ended = Attempt.objects.filter(outcome__in=[Outcome.COMPLETED, Outcome.FAILED])
        by_device = ended.order_by().values_list("device_name", "outcome")
        attempts = CounterMetricFamily(
            "genga_attempts", "Attempts that ended by themselves.", labels=["device", "outcome"]
        )
        seconds = CounterMetricFamily(
            "genga_run_seconds", "Seconds of those attempts.", labels=["device", "outcome"]
        )
        for device, outcome, count, run in by_device.annotate(Count("pk"), Sum("run_seconds")):
            attempts.add_metric([device, outcome], count)
            seconds.add_metric([device, outcome], run or 0.0)
        yield from (attempts, seconds)

    def _estimates(self) -> Iterator[Metric]:
        lately = since(timezone.now() - LATELY)
        figures = (
            ("genga_estimates_judged", "Estimates of the last 7 days.", lately.count),
            ("genga_estimates_within_20_ratio", "The share within 20 %.", lately.within),
            ("genga_estimates_median_error_ratio", "The median error.", lately.median_error),
            ("genga_estimates_coverage_ratio", "Times that the range held.", lately.coverage),
        )
        for name, told, value in figures:
            # No estimates have no accuracy; 0 would be an alarm.
            if value is not None:
                yield GaugeMetricFamily(name, told, value=value)


def exposition(accept: str) -> tuple[bytes, str]:
    """All figures in the text format that a scraper's Accept header asks for, and its type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def _of_device(name: str, told: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, told, labels=["device"])

"""Any sequence of events of a small site, with lost workers: no job runs twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from generation.models import Attempt, Device, DeviceTime, Job
from generation.queue import lifecycle, recovery, requests
from generation.scheduling.claim import MAX_BATCH, claim, claim_mates
from generation.scheduling.forecast import Forecaster
from generation.scheduling.preempted import is_preempted
from generation.states import Outcome, Pause, Priority, Status

DEVICES = ("cpu:0", "cpu:1", "cuda:0")
names = some.sampled_from(DEVICES)
which = some.integers(0, 20)


class Site(RuleBasedStateMachine):
    """Three devices, two users, and a model of what each device runs."""

    submit: Callable[..., Job]
    people: list[User]

    @initialize()
    def opened(self) -> None:
        Job.objects.all().delete()
        self.forecaster = Forecaster()
        Device.objects.all().delete()
        works = {"cpu:0": ["preview"], "cpu:1": ["preview", "image"], "cuda:0": ["image"]}
        for name in DEVICES:
            Device.objects.create(
                name=name, kind=name[:4], works=works[name], heartbeat_at=timezone.now()
            )
        self.running: dict[str, list[Attempt]] = {name: [] for name in DEVICES}

    @rule(
        priority=some.sampled_from(Priority),
        quality=some.sampled_from(["draft", "final"]),
        person=some.integers(0, 1),
        steps=some.sampled_from([4, 5]),
    )
    def ask(self, priority: Priority, quality: str, person: int, steps: int) -> None:
        type(self).submit(priority, type(self).people[person], quality=quality, steps=steps)

    @rule(name=names)
    def take(self, name: str) -> None:
        """A free device claims work, as its worker does."""
        device = Device.objects.get(name=name)
        if self.running[name]:
            return
        attempt = claim(device, self.forecaster.estimator)
        if attempt is None:
            return
        assert not device.is_paused
        batch = [attempt, *claim_mates(attempt, device)]
        assert len({(one.job.batch_key, one.job.priority) for one in batch}) == 1
        assert len(batch) == 1 or attempt.job.priority != Priority.URGENT
        for one in batch:
            assert one.job.work in device.works
            one.batch_size = len(batch)
        self.running[name] = batch

    @rule(name=names)
    def step(self, name: str) -> None:
        """Between two steps, every member of a batch checks for interruptions."""
        device = Device.objects.get(name=name)
        for attempt in list(self.running[name]):
            row = Job.objects.get(pk=attempt.job_id)
            if row.cancel_requested_at:
                assert lifecycle.end_cancelled(attempt, {})
            elif device.pause == Pause.AT_ONCE:
                assert lifecycle.hand_back(attempt, {}, 1)
            elif is_preempted(attempt, device):
                assert Job.objects.waiting().filter(priority=Priority.URGENT).exists()
                assert lifecycle.preempt(attempt, {}, 1)
            else:
                continue
            self.running[name].remove(attempt)

    @rule(name=names, ending=some.sampled_from(["complete", "cancelled"]))
    def end(self, name: str, ending: str) -> None:
        for attempt in self.running[name]:
            assert (
                lifecycle.complete(attempt, [], {}, self.forecaster.estimator.learn)
                if ending == "complete"
                else lifecycle.end_cancelled(attempt, {})
            )
        self.running[name] = []

    @rule(name=names)
    def vanish(self, name: str) -> None:
        """The worker dies, its leases expire, and a sweep follows."""
        lost = self.running[name]
        Job.objects.filter(pk__in=[one.job_id for one in lost]).update(
            lease_expires_at=timezone.now() - timedelta(seconds=1)
        )
        assert recovery.sweep_leases() == len(lost)
        learn = self.forecaster.estimator.learn
        assert not any(lifecycle.complete(late, [], {}, learn) for late in lost)
        self.running[name] = []

    @rule(name=names, pause=some.sampled_from(Pause))
    def pause(self, name: str, pause: Pause) -> None:
        Device.objects.filter(name=name).update(pause=pause)

    @rule(
        which=which,
        act=some.sampled_from(
            [
                requests.cancel,
                requests.hold,
                requests.release,
                requests.retry,
                requests.move_to_front,
                lambda job: requests.change_priority(job, Priority.URGENT),
                lambda job: requests.change_priority(job, Priority.LOW),
            ]
        ),
    )
    def somebody_asks(self, which: int, act: Callable[[Job], bool]) -> None:
        everything = list(Job.objects.order_by("submitted_at"))
        if which < len(everything):
            act(everything[which])

    @invariant()
    def what_runs_is_what_the_devices_run(self) -> None:
        rows = Job.objects.processing().values_list("pk", "device__name")
        known = {(one.job_id, name) for name, batch in self.running.items() for one in batch}
        assert set(rows) == known

    @invariant()
    def a_device_runs_one_job_or_one_batch(self) -> None:
        batches: dict[str, set[tuple[str, int]]] = {}
        for job in Job.objects.processing().select_related("device"):
            assert job.device is not None
            batches.setdefault(job.device.name, set()).add((job.batch_key, job.priority))
            assert not job.held_at, "what is held never runs"
        assert all(len(batch) == 1 for batch in batches.values())
        counts = Counter(Job.objects.processing().values_list("device__name", flat=True))
        assert max(counts.values(), default=0) <= MAX_BATCH

    @invariant()
    def events_have_no_gaps_and_attempts_one_end(self) -> None:
        for job in Job.objects.prefetch_related("events", "attempts"):
            numbers = [event.sequence for event in job.events.all()]
            assert numbers == list(range(1, job.event_sequence + 1))
            outcomes = [attempt.outcome for attempt in job.attempts.all()]
            assert outcomes.count(Outcome.RUNNING) == (job.status == Status.PROCESSING)

    @invariant()
    def the_forecast_has_a_place_for_everything_that_waits(self) -> None:
        places = self.forecaster.forecast().places
        assert {place.key for place in places} == set(
            Job.objects.waiting().values_list("pk", flat=True)
        )
        assert all(place.why for place in places)

    def teardown(self) -> None:
        """When every device takes work again, all waiting jobs are served."""
        Device.objects.update(pause=Pause.NONE)
        for _ in range(Job.objects.active().count() + 1):
            for name in DEVICES:
                self.end(name, "complete")
                self.take(name)
        assert not Job.objects.waiting().exists()


@pytest.mark.django_db
def test_no_sequence_of_events_loses_a_job_or_runs_it_twice(
    submit: Callable[..., Job], artist: User, stranger: User
) -> None:
    Site.submit = staticmethod(submit)
    Site.people = [artist, stranger]
    run_state_machine_as_test(
        Site,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert DeviceTime.objects.count() == 2

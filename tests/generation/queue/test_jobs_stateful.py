"""Any sequence of events of a job: its row, its events and its attempts stay consistent."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from generation.errors import RenderError
from generation.estimating.estimator import Estimator
from generation.models import Attempt, Device, Job
from generation.queue import lifecycle, requests
from generation.states import Outcome, Priority, Status

ENDINGS: dict[str, tuple[Callable[[Attempt], bool], Status]] = {
    "complete": (
        lambda attempt: lifecycle.complete(attempt, [], {}, Estimator().learn),
        Status.COMPLETED,
    ),
    "fail": (lambda attempt: lifecycle.fail(attempt, RenderError("It broke."), {}), Status.FAILED),
    "cancelled": (lambda attempt: lifecycle.end_cancelled(attempt, {}), Status.CANCELLED),
}


class JobLife(RuleBasedStateMachine):
    """One job, and a model of it that is updated by every return value."""

    submit: Callable[..., Job]
    device: Device

    @initialize()
    def submitted(self) -> None:
        # Jobs of earlier runs would have the same owner.
        Job.objects.all().delete()
        self.other = type(self).submit()
        self.job = type(self).submit()
        self.status = Status.QUEUED
        self.priority = Priority.NORMAL
        self.held = False
        self.saved = self.preemptions = 0
        self.cancelling = False
        self.losses = 0
        self.moves = 1
        self.attempts: list[Attempt] = []

    @rule()
    def start(self) -> None:
        attempt = lifecycle.start(Job.objects.get(pk=self.job.pk), type(self).device)
        assert (attempt is not None) is (self.status == Status.QUEUED and not self.held)
        if attempt is not None:
            self.attempts.append(attempt)
            self._became(Status.PROCESSING)

    @rule(ending=some.sampled_from(sorted(ENDINGS)), which=some.integers(0, 3))
    def end(self, ending: str, which: int) -> None:
        attempt = self._attempt(which)
        if attempt is None:
            return
        act, after = ENDINGS[ending]
        assert act(attempt) is self._owns(attempt)
        if self._owns(attempt):
            self._became(after)

    @rule(steps=some.integers(1, 4))
    def save(self, steps: int) -> None:
        if self.attempts:
            lifecycle.note_saved(self.attempts[-1], steps)
            if self.status == Status.PROCESSING:
                self.saved = steps

    @rule(
        why=some.sampled_from(["lost", "stopped", "preempted"]),
        which=some.integers(0, 3),
        steps=some.integers(0, 4),
    )
    def hand_back(self, why: str, which: int, steps: int) -> None:
        attempt = self._attempt(which)
        if attempt is None:
            return
        if why == "lost":
            moved = lifecycle.give_up_lost(attempt)
        elif why == "stopped":
            moved = lifecycle.hand_back(attempt, {}, steps)
        else:
            moved = lifecycle.preempt(attempt, {}, steps)
        assert moved is self._owns(attempt)
        if not moved:
            return
        self.losses += why == "lost"
        if self.cancelling:
            self._became(Status.CANCELLED)
        elif why == "lost" and self.losses >= lifecycle.MAX_ATTEMPTS:
            self._became(Status.FAILED)
        else:
            self.saved = self.saved if why == "lost" else steps
            self.preemptions += why == "preempted"
            self._became(Status.QUEUED)

    @rule()
    def hold(self) -> None:
        can = self.status == Status.QUEUED and not self.held
        assert requests.hold(self.job) is can
        if can:
            self.held = True
            self.moves += 1

    @rule()
    def release(self) -> None:
        can = self.status == Status.QUEUED and self.held
        assert requests.release(self.job) is can
        if can:
            self.held = False
            self.moves += 1

    @rule()
    def move_to_front(self) -> None:
        row, other = self._rows()
        can = self._is_beside_other() and row.rank >= other.rank
        assert requests.move_to_front(row) is can
        if can:
            assert self._rows()[0].rank < other.rank
            self.moves += 1

    @rule()
    def cancel(self) -> None:
        can = self.status == Status.QUEUED or (
            self.status == Status.PROCESSING and not self.cancelling
        )
        assert requests.cancel(self.job) is can
        if can and self.status == Status.QUEUED:
            self._became(Status.CANCELLED)
        elif can:
            self.cancelling = True
            self.moves += 1

    @rule()
    def retry(self) -> None:
        can = self.status in (Status.FAILED, Status.CANCELLED)
        assert requests.retry(self.job) is can
        if can:
            self.losses = self.saved = self.preemptions = 0
            self.held = False
            self._became(Status.QUEUED)

    @rule(priority=some.sampled_from(Priority))
    def change_priority(self, priority: Priority) -> None:
        can = self.status == Status.QUEUED and priority != self.priority
        assert requests.change_priority(self.job, priority) is can
        if can:
            self.priority = priority
            self.moves += 1

    @invariant()
    def the_row_says_what_happened(self) -> None:
        row = Job.objects.get(pk=self.job.pk)
        assert (row.status, row.priority) == (self.status, self.priority)
        assert row.is_cancelling is self.cancelling
        assert row.is_held is (self.held and self.status == Status.QUEUED)
        assert (row.saved_steps, row.preemptions) == (self.saved, self.preemptions)
        assert (row.finished_at is not None) is self.status.ended
        assert (row.lease_expires_at is not None) is (self.status == Status.PROCESSING)

    @invariant()
    def it_waits_unless_it_is_held(self) -> None:
        waits = Job.objects.waiting().filter(pk=self.job.pk).exists()
        assert waits is (self.status == Status.QUEUED and not self.held)

    @invariant()
    def every_move_left_one_event(self) -> None:
        numbers = list(self.job.events.values_list("sequence", flat=True))
        assert numbers == list(range(1, self.moves + 1))

    @invariant()
    def one_attempt_runs_while_the_job_does(self) -> None:
        running = self.job.attempts.filter(outcome=Outcome.RUNNING).count()
        assert running == (self.status == Status.PROCESSING)

    def _became(self, status: Status) -> None:
        self.status = status
        self.cancelling = False
        self.moves += 1

    def _rows(self) -> tuple[Job, Job]:
        """The job and another one that always waits, read from the database."""
        return Job.objects.get(pk=self.job.pk), Job.objects.get(pk=self.other.pk)

    def _is_beside_other(self) -> bool:
        """Whether both wait with their first priority."""
        return self.status == Status.QUEUED and self.priority == Priority.NORMAL

    def _attempt(self, which: int) -> Attempt | None:
        """One of the latest attempts, read from the database as a sweeper does."""
        if which >= len(self.attempts):
            return None
        return Attempt.objects.select_related("job").get(pk=self.attempts[-1 - which].pk)

    def _owns(self, attempt: Attempt) -> bool:
        """Whether this is the last attempt of a running job; no other attempt may change the job."""
        return self.status == Status.PROCESSING and attempt.pk == self.attempts[-1].pk


@pytest.mark.django_db
def test_any_sequence_of_events_keeps_a_job_consistent(
    submit: Callable[..., Job], device: Device
) -> None:
    JobLife.submit = staticmethod(submit)
    JobLife.device = device
    run_state_machine_as_test(
        JobLife,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

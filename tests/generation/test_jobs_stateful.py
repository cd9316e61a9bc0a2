"""Any story of a job, told by hypothesis: the row, its events and its attempts always agree."""

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

from generation import jobs
from generation.errors import RenderError
from generation.models import Attempt, Device, Job
from generation.states import Outcome, Priority, Status

ENDINGS: dict[str, tuple[Callable[[Attempt], bool], Status]] = {
    "complete": (lambda attempt: jobs.complete(attempt, [], {}), Status.COMPLETED),
    "fail": (lambda attempt: jobs.fail(attempt, RenderError("It broke."), {}), Status.FAILED),
    "cancelled": (lambda attempt: jobs.end_cancelled(attempt, {}), Status.CANCELLED),
}


class Story(RuleBasedStateMachine):
    """One job, and beside it what a person who saw every answer believes about it."""

    submit: Callable[..., Job]
    device: Device

    @initialize()
    def submitted(self) -> None:
        self.job = type(self).submit()
        self.status = Status.QUEUED
        self.priority = Priority.NORMAL
        self.cancelling = False
        self.losses = 0
        self.moves = 1
        self.attempts: list[Attempt] = []

    @rule()
    def start(self) -> None:
        attempt = jobs.start(Job.objects.get(pk=self.job.pk), type(self).device)
        assert (attempt is not None) is (self.status == Status.QUEUED)
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

    @rule(lost=some.booleans(), which=some.integers(0, 3))
    def hand_back(self, lost: bool, which: int) -> None:
        attempt = self._attempt(which)
        if attempt is None:
            return
        moved = jobs.give_up_lost(attempt) if lost else jobs.release(attempt)
        assert moved is self._owns(attempt)
        if not moved:
            return
        self.losses += lost
        if self.cancelling:
            self._became(Status.CANCELLED)
        elif lost and self.losses >= jobs.MAX_ATTEMPTS:
            self._became(Status.FAILED)
        else:
            self._became(Status.QUEUED)

    @rule()
    def cancel(self) -> None:
        can = self.status == Status.QUEUED or (
            self.status == Status.PROCESSING and not self.cancelling
        )
        assert jobs.cancel(self.job) is can
        if can and self.status == Status.QUEUED:
            self._became(Status.CANCELLED)
        elif can:
            self.cancelling = True
            self.moves += 1

    @rule()
    def retry(self) -> None:
        can = self.status in (Status.FAILED, Status.CANCELLED)
        assert jobs.retry(self.job) is can
        if can:
            self.losses = 0
            self._became(Status.QUEUED)

    @rule(priority=some.sampled_from(Priority))
    def change_priority(self, priority: Priority) -> None:
        can = self.status == Status.QUEUED and priority != self.priority
        assert jobs.change_priority(self.job, priority) is can
        if can:
            self.priority = priority
            self.moves += 1

    @invariant()
    def the_row_says_what_happened(self) -> None:
        row = Job.objects.get(pk=self.job.pk)
        assert (row.status, row.priority) == (self.status, self.priority)
        assert row.is_cancelling is self.cancelling
        assert (row.finished_at is not None) is self.status.ended
        assert (row.lease_expires_at is not None) is (self.status == Status.PROCESSING)

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

    def _attempt(self, which: int) -> Attempt | None:
        """One of the latest attempts, read afresh as a sweeper would."""
        if which >= len(self.attempts):
            return None
        return Attempt.objects.select_related("job").get(pk=self.attempts[-1 - which].pk)

    def _owns(self, attempt: Attempt) -> bool:
        """True for the last attempt while its job runs: nobody else may move the job."""
        return self.status == Status.PROCESSING and attempt.pk == self.attempts[-1].pk


@pytest.mark.django_db
def test_no_story_confuses_a_job(submit: Callable[..., Job], device: Device) -> None:
    Story.submit = staticmethod(submit)
    Story.device = device
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

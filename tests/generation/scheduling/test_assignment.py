"""Assignment: large jobs on fast devices, avoided loads, unknown times stay unknown."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as some

from generation.scheduling.assignment import BYPASS_SECONDS, LOOK_AHEAD, Assigned, Lane, assign
from generation.scheduling.policy import Level, WaitingJob, WaitingLine
from generation.states import Priority
from tests.generation.scheduling.lines import in_order, lane, waits

AGES = 1e9
"""Seconds of an ageing period in tests that do not test ageing."""


def assign_all(
    waiting: list[WaitingJob], lanes: list[Lane], now: float = 0.0, ageing: float = AGES
) -> list[Assigned]:
    """All jobs in the order in which they are assigned."""
    return list(assign(WaitingLine(waiting, {}, now, ageing), lanes, now))


def table(assigned: list[Assigned]) -> list[tuple[str, str | None, float | None, float | None]]:
    """(job, lane, start, finish) of each."""
    return [
        (one.job.key, one.lane.name if one.lane else None, one.start, one.finish)
        for one in assigned
    ]


def test_with_one_device_jobs_follow_one_another() -> None:
    waiting = [waits(queued=n, key=name) for n, name in enumerate("abc")]

    assert table(assign_all(waiting, [lane("cpu", 10.0, free_at=5.0)])) == [
        ("a", "cpu", 5.0, 15.0),
        ("b", "cpu", 15.0, 25.0),
        ("c", "cpu", 25.0, 35.0),
    ]


def test_a_large_job_waits_for_the_fast_device() -> None:
    """The slow device would need longer than the fast one for both jobs."""
    clips = [waits(queued=n, key=name, shape="clip") for n, name in enumerate("ab")]

    assert table(assign_all(clips, [lane("small", 100.0), lane("large", 20.0)])) == [
        ("a", "large", 0.0, 20.0),
        ("b", "large", 20.0, 40.0),
    ]


def test_a_small_job_takes_a_free_device() -> None:
    small = lane("small", {"clip": 100.0, "picture": 12.0})
    large = lane("large", {"clip": 20.0, "picture": 4.0})
    waiting = [waits(key="clip", shape="clip"), waits(queued=1, key="picture", shape="picture")]

    assert table(assign_all(waiting, [small, large])) == [
        ("clip", "large", 0.0, 20.0),
        ("picture", "small", 0.0, 12.0),
    ]


def test_a_job_waits_for_a_faster_device_that_is_free_soon() -> None:
    slow = lane("slow", 60.0)

    soon = assign_all([waits(key="a")], [slow, lane("fast", 10.0, free_at=3.0)])
    later = assign_all([waits(key="a")], [slow, lane("fast", 10.0, free_at=55.0)])

    assert table(soon) == [("a", "fast", 3.0, 13.0)]
    assert table(later) == [("a", "slow", 0.0, 60.0)]


def test_an_urgent_job_goes_where_it_starts_first() -> None:
    lanes = [lane("slow", 60.0), lane("fast", 10.0, free_at=3.0)]

    assert table(assign_all([waits(Priority.URGENT, key="u")], lanes)) == [("u", "slow", 0.0, 60.0)]


def test_an_urgent_job_takes_the_faster_of_two_free_devices() -> None:
    lanes = [lane("slow", 60.0), lane("fast", 10.0)]

    assert table(assign_all([waits(Priority.URGENT, key="u")], lanes)) == [("u", "fast", 0.0, 10.0)]


def test_a_job_goes_where_its_model_is_loaded_unless_loading_is_faster_than_waiting() -> None:
    job = waits(key="a", family="f", model="anime")
    cold = lane("cold", 10.0, loading=8.0)

    loaded_soon = assign_all([job], [cold, lane("loaded", 10.0, free_at=5.0, models="anime")])
    cold = lane("cold", 10.0, loading=8.0)
    loaded_late = assign_all([job], [cold, lane("loaded", 10.0, free_at=9.0, models="anime")])

    assert table(loaded_soon) == [("a", "loaded", 5.0, 15.0)]
    assert table(loaded_late) == [("a", "cold", 0.0, 18.0)]
    assert (loaded_soon[0].load, loaded_late[0].load) == (0.0, 8.0)


def test_a_load_counts_once_and_the_model_stays_loaded() -> None:
    waiting = [waits(queued=n, key=name, model="anime") for n, name in enumerate("ab")]

    assigned = assign_all(waiting, [lane("cpu", 10.0, loading=8.0)])

    assert table(assigned) == [("a", "cpu", 0.0, 18.0), ("b", "cpu", 18.0, 28.0)]
    assert [one.load for one in assigned] == [8.0, 0.0]


def order(waiting: list[WaitingJob], loading: float = 5.0) -> str:
    """The order in which a device with the model `anime` loaded runs the jobs."""
    device = lane("cpu", 1.0, models="anime", loading=loading)
    return " ".join(str(one.job.key) for one in assign_all(waiting, [device], now=10_000.0))


def other(queued: float, key: str, priority: Priority = Priority.NORMAL) -> WaitingJob:
    return waits(priority, queued, key=key, model="oils")


def loaded(queued: float, key: str, priority: Priority = Priority.NORMAL) -> WaitingJob:
    return waits(priority, queued, key=key, model="anime")


def test_a_load_is_postponed_for_jobs_whose_model_is_loaded() -> None:
    assert order([other(0, "o"), loaded(1, "a"), loaded(2, "b")]) == "a b o"


def test_a_load_that_takes_no_time_is_not_postponed() -> None:
    assert order([other(0, "o"), loaded(1, "a")], loading=0.0) == "o a"


def test_only_jobs_submitted_soon_after_may_overtake() -> None:
    soon, late = loaded(BYPASS_SECONDS, "soon"), loaded(BYPASS_SECONDS + 1, "late")

    assert order([other(0, "o"), late]) == "o late"
    assert order([other(0, "o"), soon, late]) == "soon o late"


def test_a_job_of_a_lower_level_never_overtakes_to_avoid_a_load() -> None:
    assert order([other(0, "o", Priority.HIGH), loaded(1, "a")]) == "o a"


def test_an_overdue_job_overtakes_no_job_to_avoid_a_load_if_it_came_late() -> None:
    waiting = [other(0, "o"), loaded(0, "a"), loaded(BYPASS_SECONDS + 1, "late")]
    device = lane("cpu", 1.0, models="anime", loading=5.0)

    assigned = assign_all(waiting, [device], now=10_000.0, ageing=100.0)

    assert {one.level for one in assigned} == {Level.OVERDUE}
    assert [one.job.key for one in assigned] == ["a", "o", "late"]


def test_only_a_few_jobs_are_searched_for_a_loaded_model() -> None:
    others = [other(n, f"o{n}") for n in range(LOOK_AHEAD)]

    assert order([*others[1:], loaded(99, "a")]).startswith("a o1")
    assert order([*others, loaded(99, "a")]).startswith("o0 o1")


def test_a_stream_of_jobs_with_the_loaded_model_postpones_a_load_for_a_bounded_time() -> None:
    stream = [loaded(30.0 * n, f"a{n}") for n in range(100)]

    served = order([other(0, "o"), *stream]).split()

    assert served.index("o") == BYPASS_SECONDS / 30 + 1


def test_a_device_that_takes_no_waiting_job_gets_none() -> None:
    lanes = [lane("video", 1.0, takes="video"), lane("image", 50.0, takes="image preview")]

    assigned = assign_all([waits(key="a"), waits(queued=1, key="c", work="video")], lanes)

    assert table(assigned) == [("a", "image", 0.0, 50.0), ("c", "video", 0.0, 1.0)]
    assert [one.able for one in assigned] == [1, 1]


def test_a_job_that_no_device_takes_blocks_no_other_job() -> None:
    waiting = [waits(key="clip", work="video"), waits(queued=1, key="a")]

    assigned = assign_all(waiting, [lane("image", 5.0, takes="image")])

    assert table(assigned) == [("clip", None, None, None), ("a", "image", 0.0, 5.0)]
    assert [one.able for one in assigned] == [0, 1]
    assert table(assign_all([waits(key="a")], [])) == [("a", None, None, None)]


def test_after_a_run_of_unknown_length_no_times_are_known() -> None:
    waiting = [waits(key="new", shape="new"), waits(queued=1, key="known", shape="known")]

    assigned = assign_all(waiting, [lane("cpu", {"known": 10.0})])

    assert table(assigned) == [("new", "cpu", 0.0, None), ("known", None, None, None)]
    assert assigned[1].able == 1, "the device takes it, when it is free"


def test_a_device_that_is_free_at_an_unknown_time_gets_no_job() -> None:
    lanes = [lane("fast", 1.0, free_at=None), lane("slow", 90.0, free_at=20.0)]

    assert table(assign_all([waits(key="a")], lanes)) == [("a", "slow", 20.0, 110.0)]
    assert table(assign_all([waits(key="a")], [lane("fast", 1.0, free_at=None)])) == [
        ("a", None, None, None)
    ]


def test_with_an_unknown_run_time_the_device_that_is_free_first_gets_the_job() -> None:
    """A new device next to a busy one with a history must not stay idle."""
    known, new = lane("known", 10.0, free_at=1000.0), lane("new", None)

    assert table(assign_all([waits(key="a")], [known, new])) == [("a", "new", 0.0, None)]


def test_a_device_with_a_known_run_time_gets_the_job_if_it_is_free_first() -> None:
    known, new = lane("known", 10.0), lane("new", None, free_at=5.0)

    assert table(assign_all([waits(queued=n, key=f"a{n}") for n in range(3)], [known, new])) == [
        ("a0", "known", 0.0, 10.0),
        ("a1", "new", 5.0, None),
        ("a2", "known", 10.0, 20.0),
    ]


def test_a_job_that_resumes_takes_only_its_remaining_time() -> None:
    waiting = [waits(key="resumed", left=0.25), waits(queued=1, key="whole")]

    assert table(assign_all(waiting, [lane("cpu", 40.0)])) == [
        ("resumed", "cpu", 0.0, 10.0),
        ("whole", "cpu", 10.0, 50.0),
    ]


jobs = some.lists(
    some.builds(
        waits,
        some.sampled_from(Priority),
        queued=some.integers(0, 900).map(float),
        owner=some.integers(1, 3),
        work=some.sampled_from(["image", "video"]),
        model=some.sampled_from(["anime", "oils"]),
        shape=some.sampled_from(["small", "large"]),
    ),
    max_size=25,
)
times = some.sampled_from([1.0, 5.0, 60.0])
devices = some.lists(
    some.builds(
        lane,
        some.uuids().map(str),
        some.fixed_dictionaries({"small": times, "large": times}),
        free_at=some.sampled_from([0.0, 930.0, 2000.0]),
        models=some.sampled_from(["", "anime", "oils", "anime oils"]),
        loading=some.sampled_from([0.0, 7.0]),
        takes=some.sampled_from(["image", "video", "image video"]),
    ),
    max_size=4,
)


@settings(max_examples=200, deadline=None, database=None)
@given(jobs, devices)
def test_every_job_is_assigned_once_and_no_device_runs_two_at_once(
    waiting: list[WaitingJob], lanes: list[Lane]
) -> None:
    now = 900.0

    assigned = assign_all(waiting, lanes, now)

    assert sorted(one.job.key for one in assigned) == sorted(job.key for job in waiting)
    for one in assigned:
        able = [each for each in lanes if each.takes(one.job)]
        assert one.able == len(able)
        assert (one.lane is None) is (not able)
        assert one.lane is None or one.lane in able
    for each in lanes:
        mine = [one for one in assigned if one.lane is each]
        assert all(one.start is not None and one.start >= now for one in mine)
        for before, after in pairwise(mine):
            assert before.finish == after.start


@settings(max_examples=200, deadline=None, database=None)
@given(jobs, devices)
def test_a_job_is_overtaken_only_within_the_bound(
    waiting: list[WaitingJob], lanes: list[Lane]
) -> None:
    now = 900.0
    policy = [job.key for job, _ in in_order(WaitingLine(waiting, {}, now, AGES), now)]

    assigned = assign_all(waiting, lanes, now)

    levels = [one.level for one in assigned]
    assert levels == sorted(levels)
    left = list(assigned)
    while left:
        given_now = left[0]
        first = min(left, key=lambda one: policy.index(one.job.key))
        if given_now is not first:
            assert given_now.level == first.level
            assert given_now.load == 0.0, "it is passed for a load that this saves"
            assert given_now.job.queued <= first.job.queued + BYPASS_SECONDS
        del left[0]

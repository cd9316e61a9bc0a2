"""The consistency of a clip: its label, the chart's points, and the table."""

from __future__ import annotations

from typing import Any

import pytest

from generation.models import Output
from generation.quality.consistency import measure
from studio.presentation.consistency_chart import chart
from tests.studio.clips import ball


def measured(**changes: Any) -> Output:
    """Four frames; the third one jumps."""
    consistency = {
        "score": 74.6,
        "warp_error": [0.01, 0.2, 0.01],
        "flicker": [0.0, 0.1, 0.0],
        "identity_drift": [0.0, 0.02, 0.3, 0.31],
        "jumps": [2],
    }
    return Output(consistency={**consistency, **changes})


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (100.0, "Steady, 100 of 100"),
        (85.0, "Steady, 85 of 100"),
        (84.9, "Slightly restless, 84 of 100"),
        (60.0, "Slightly restless, 60 of 100"),
        (59.9, "Restless, 59 of 100"),
        (0.0, "Restless, 0 of 100"),
    ],
)
def test_the_score_has_a_label(score: float, said: str) -> None:
    found = chart(measured(score=score, jumps=[]))

    assert found is not None
    assert found.summary == f"{said}; no frame jumps."


def test_every_label_has_its_own_icon_and_tone() -> None:
    words = [chart(measured(score=score)).words for score in (99, 70, 9)]  # type: ignore[union-attr]

    assert len({word.icon for word in words}) == len({word.tone for word in words}) == 3


def test_a_value_is_drawn_at_the_second_of_its_two_frames() -> None:
    found = chart(measured())

    assert found is not None
    assert found.frames == 4
    assert found.warp_error == "33.33,95.00 66.67,0.00 100.00,95.00"
    assert found.flicker == "33.33,100.00 66.67,50.00 100.00,100.00"
    assert [tuple(jump) for jump in found.jumps] == [(2, 3, "66.67%")]
    assert found.summary.endswith("jumps at frame 3.")


def test_the_noise_of_a_steady_clip_stays_a_low_line() -> None:
    found = chart(measured(warp_error=[0.003, 0.003], flicker=[0.0, 0.0], jumps=[]))

    assert found is not None
    assert found.warp_error == "50.00,95.00 100.00,95.00"


def test_the_table_has_a_row_for_each_frame() -> None:
    found = chart(measured())

    assert found is not None
    assert [tuple(row) for row in found.rows] == [
        (1, None, None, 0.0, False),
        (2, 0.01, 0.0, 0.02, False),
        (3, 0.2, 0.1, 0.3, True),
        (4, 0.01, 0.0, 0.31, False),
    ]


def test_the_engines_measures_are_drawn() -> None:
    found = chart(Output(consistency=measure(ball(16, cut=9)).as_json()))

    assert found is not None
    assert [jump.number for jump in found.jumps] == [10]
    assert len(found.rows) == found.frames == 16


@pytest.mark.parametrize("output", [None, Output(), Output(consistency=measure(ball(1)).as_json())])
def test_without_measures_of_two_frames_there_is_no_chart(output: Output | None) -> None:
    assert chart(output) is None

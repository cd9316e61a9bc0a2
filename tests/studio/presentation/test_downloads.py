"""Names of downloads: people's own words, in what every file system takes."""

from __future__ import annotations

import pytest

from studio.models import Project, Shot, Take
from studio.presentation.downloads import NAME_BYTES, file_name, output_name
from tests.studio.conftest import MakeTake


@pytest.mark.django_db
def test_a_download_is_named_by_project_shot_take_and_quality(finished: MakeTake) -> None:
    output = finished().output
    assert output is not None
    assert output_name(output) == "Harbour_Arrival_take1_draft.png"

    Project.objects.update(name="港の灯り")
    Shot.objects.update(name="屋上の夕焼け 第3カット")
    output.kind = "frames"
    output.file.name = "outputs/2026/11/of-the-storage.zip"
    assert output_name(output) == "港の灯り_屋上の夕焼け 第3カット_take1_draft_frames.zip"
    assert output_name(output, "strip").endswith("_take1_draft_frames_strip.webp")


@pytest.mark.django_db
def test_a_download_without_a_take_is_named_by_its_job(finished: MakeTake) -> None:
    output = finished().output
    assert output is not None
    Take.objects.all().delete()

    assert output_name(output) == f"{output.job_id}.png"


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ('a<b>c:d"e/f\\g|h?i*j', "a-b-c-d-e-f-g-h-i-j"),
        ("..", ""),
        (" .hidden. ", "hidden"),
        ("tab\tnew\nline", "tabnewline"),
        ("shot\u202egnp.exe", "shotgnp.exe"),
        ("か\u3099", "が"),
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_what_no_file_system_takes_is_replaced(name: str, saved: str) -> None:
    assert file_name([name], ["take1"], ".png") == f"{saved}_take1.png".lstrip("_")


@pytest.mark.parametrize("names", [["港" * 100, "灯" * 100], ["A" * 20, "🌊" * 100]])
def test_a_long_name_is_cut_and_keeps_take_and_kind(names: list[str]) -> None:
    saved = file_name(names, ["take12", "standard", "strip"], ".webp")

    assert NAME_BYTES - 8 <= len(saved.encode()) <= NAME_BYTES
    assert saved.startswith(names[0][:20])
    assert f"_{names[1][:20]}" in saved
    assert saved.endswith("_take12_standard_strip.webp")

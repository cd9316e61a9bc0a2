"""Calibration: offered for a device that never rendered, asked for by leads and by the command."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from generation.errors import SpecError
from generation.estimating import calibration
from generation.estimating.estimator import Estimator
from generation.limits import check
from generation.models import Device, Job, LearnedSpeed, ModelCard
from generation.queue import lifecycle
from generation.queue.timings import Timing
from generation.scheduling.claim import claim
from generation.scheduling.forecast import Forecaster
from generation.states import Stage
from studio.production import devices
from tests.studio.admin.asking import told
from tests.studio.conftest import LogIn, Took

pytestmark = pytest.mark.django_db

OFFER = "Not calibrated yet: estimates are rough."


def finish(device: Device) -> None:
    """Claim the next job of a device and end it, as if it had been drawn."""
    attempt = claim(device, Estimator())
    assert attempt is not None
    timings = {Stage.LOAD: Timing(0.1), Stage.DENOISE: Timing(0.2), Stage.DECODE: Timing(0.1)}
    assert lifecycle.complete(attempt, [], timings, Estimator().learn)


def test_a_models_calibration_is_of_several_sizes_that_it_can_draw(
    toon: ModelCard, toon_motion: ModelCard
) -> None:
    specs = calibration.specs_for([toon, toon_motion])

    assert len(specs) == 8
    assert specs[0] == specs[1], "the first time also loads and warms up"
    for spec in specs:
        card = toon_motion if spec.type == "video" else toon
        assert check(spec, card.limits) is spec
    assert len({(spec.width, spec.height) for spec in specs if spec.type == "image"}) == 3
    assert {spec.upscale for spec in specs if spec.type == "image"} == {1, 2}
    assert {spec.interpolate for spec in specs if spec.type == "video"} == {1, 2}


def test_its_renders_are_takes_in_ones_sketchbook_that_only_the_device_takes(
    device: Device, toon: ModelCard, boss: User, forecaster: Forecaster
) -> None:
    takes = devices.calibrate(forecaster, device, boss)

    assert len(takes) == 4
    assert {take.job.pinned_to for take in takes} == {device}
    assert {take.shot.name for take in takes} == {"Calibration"}
    assert {take.shot.project.name for take in takes} == {"Sketchbook of boss"}


def test_afterwards_its_times_are_known(
    device: Device, toon: ModelCard, boss: User, forecaster: Forecaster
) -> None:
    takes = devices.calibrate(forecaster, device, boss)
    assert not devices.calibrations()[device.pk].known

    for done in range(len(takes)):
        found = devices.calibrations()[device.pk]
        assert (found.runs, found.done, found.wanted) == (True, done, 4)
        finish(device)

    found = devices.calibrations()[device.pk]
    assert (found.known, found.runs) == (True, False)


def test_a_device_that_is_away_or_at_it_already_is_refused_by_name(
    device: Device, toon: ModelCard, boss: User, forecaster: Forecaster
) -> None:
    devices.calibrate(forecaster, device, boss)
    with pytest.raises(SpecError) as refused:
        devices.calibrate(forecaster, device, boss)
    assert (refused.value.field, refused.value.code) == ("device", "already_calibrating")
    Job.objects.all().delete()
    device.heartbeat_at = None
    with pytest.raises(SpecError) as refused:
        devices.calibrate(forecaster, device, boss)
    assert (refused.value.field, refused.value.code) == ("device", "device_not_online")
    assert not Job.objects.exists()


def test_models_that_the_device_does_not_take_are_left_out(
    device: Device, toon: ModelCard, toon_motion: ModelCard, boss: User, forecaster: Forecaster
) -> None:
    device.works = ["image", "preview"]
    assert {take.job.model for take in devices.calibrate(forecaster, device, boss)} == {toon}
    Job.objects.all().delete()
    device.works = ["upscale"]
    with pytest.raises(SpecError) as refused:
        devices.calibrate(forecaster, device, boss)
    assert refused.value.code == "renders_no_model"


def test_the_dashboard_offers_it_until_something_is_known(
    device: Device, toon: ModelCard, boss: User, log_in: LogIn
) -> None:
    client = log_in(boss)
    html = client.get("/").content.decode()
    assert OFFER in html
    assert "data-uncalibrated" in html

    answer = client.post(f"/devices/{device.pk}/calibrate/", follow=True)

    assert 'data-code="calibrating"' in answer.content.decode()
    assert "Calibrating: 0 of 4 renders done." in answer.content.decode()
    for _ in range(4):
        finish(device)
    html = client.get("/").content.decode()
    assert OFFER not in html
    assert "Calibrating" not in html


def test_only_leads_may_ask_for_it(device: Device, artist: User, log_in: LogIn) -> None:
    address = f"/devices/{device.pk}/calibrate/"
    assert log_in(artist).post(address).status_code == 403
    assert log_in(artist).get(address)["Location"] == "/"


def test_what_is_refused_is_said_on_the_page(device: Device, boss: User, log_in: LogIn) -> None:
    Device.objects.update(heartbeat_at=None)

    answer = log_in(boss).post(f"/devices/{device.pk}/calibrate/", follow=True)

    assert 'data-code="device_not_online"' in answer.content.decode()


def test_the_admin_site_asks_for_it_too(
    device: Device, toon: ModelCard, boss: User, log_in: LogIn
) -> None:
    body = {"action": "calibrate", "_selected_action": [device.pk]}
    address = "/admin/generation/device/"

    assert told(log_in(boss).post(address, body, follow=True)) == ["calibrating"]
    assert told(log_in(boss).post(address, body, follow=True)) == ["already_calibrating"]


def test_the_command_submits_for_every_device_that_is_online(
    device: Device, toon: ModelCard, boss: User
) -> None:
    out = StringIO()

    call_command("calibrate", "--no-wait", stdout=out)

    assert out.getvalue() == "4 small renders wait on 1 devices.\n"
    assert Job.objects.filter(pinned_to=device, owner=boss).count() == 4


def test_the_command_names_what_there_is_not(device: Device, toon: ModelCard, boss: User) -> None:
    for option, value in (("--device", "cuda:9"), ("--model", "xl"), ("--user", "nobody")):
        with pytest.raises(CommandError, match=f"{option}: there is no"):
            call_command("calibrate", option, value, "--no-wait")
    Device.objects.update(heartbeat_at=None)
    with pytest.raises(CommandError, match="No worker is online"):
        call_command("calibrate", "--no-wait")


def test_the_backtest_prints_a_table_and_a_line_of_json(took: Took, tmp_path: Path) -> None:
    took({"draft": 1.6, "final": 6.0}, times=3)
    out, file = StringIO(), tmp_path / "figures.json"

    call_command("backtest", "--skip", "1", "--json", str(file), stdout=out)

    lines = out.getvalue().strip().splitlines()
    assert lines[1].startswith("Genga")
    figures = json.loads(lines[-1])["backtest"]
    assert json.loads(file.read_text())["backtest"] == figures
    assert figures["Genga"]["count"] == 5
    assert set(figures) == {
        "Genga",
        "SwarmUI",
        "AI-Horde",
        "ComfyUI mean",
        "ComfyUI p75",
        "median of the like",
    }


def test_a_backtest_of_nothing_says_what_to_do(db: None) -> None:
    with pytest.raises(CommandError, match="Render something first"):
        call_command("backtest")


def test_what_was_learned_goes_with_its_device(took: Took, device: Device) -> None:
    took({"draft": 1.6}, times=1)
    Job.objects.all().delete()

    assert LearnedSpeed.objects.exists()
    device.delete()
    assert not LearnedSpeed.objects.exists()

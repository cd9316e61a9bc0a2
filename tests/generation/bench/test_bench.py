"""Every benchmark runs with small settings and ends with a line of JSON."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from generation.management.commands.bench import names

SMALL: dict[str, list[str]] = {
    "acceleration": ["--prompts", "1", "--steps", "4", "--size", "128"],
    "overhead": ["--pairs", "1", "--steps", "2", "--size", "128"],
    "pages": ["--times", "1", "--port", "{port}"],
    "pickup": ["--times", "1", "--idle", "0.1", "--port", "{port}"],
    "viewers": ["--viewers", "5", "--pairs", "1", "--steps", "4", "--port", "{port}"],
    "adherence": ["--prompts", "2", "--size", "128", "--steps", "2", "--batch", "2"],
    "motion": ["--clips", "1", "--frames", "3", "--size", "128", "--steps", "2"],
    "seams": [
        "--clips",
        "1",
        "--frames",
        "20",
        "--loop-frames",
        "18",
        "--size",
        "128",
        "--steps",
        "1",
    ],
    "batch": ["--jobs", "4", "--steps", "1", "--rounds", "1"],
    "cancel": ["--times", "1", "--frames", "2", "--steps", "1"],
    "claim": ["--jobs", "200", "--seconds", "0.5", "--claimers", "2", "--kills", "1"],
    "deadline": ["--jobs", "1", "--port", "{port}"],
    "eta": ["--jobs", "3"],
    "estimate": ["--attempts", "100", "--times", "5"],
    "forecast": ["--jobs", "200", "--times", "1"],
    "preempt": ["--times", "1", "--size", "128", "--steps", "40"],
    "schedule": ["--jobs", "100", "--days", "0"],
    "video": ["--frames", "2,3", "--size", "128", "--steps", "1", "--pairs", "1"],
}
FIGURE = {
    "acceleration": "speedup",
    "overhead": "ratio",
    "pages": "slowest_ms",
    "pickup": "p99_ms",
    "viewers": "saw_the_end",
    "adherence": "attributes_right",
    "motion": "attributes_right",
    "seams": "ratio",
    "batch": "speedup",
    "cancel": "p99_steps",
    "claim": "claims_per_s",
    "deadline": "met",
    "eta": "mape",
    "estimate": "estimate_ms",
    "forecast": "ms",
    "preempt": "p99_steps",
    "schedule": "makespan_loss",
    "video": "ratio_to_stock",
}


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def run_bench(name: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "bench", name, *arguments],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_every_benchmark_is_tested_here() -> None:
    assert set(names()) == set(SMALL)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_it_ends_with_its_result_as_json(name: str, tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "figures.json"
    arguments = [argument.format(port=port) for argument in SMALL[name]]
    result = run_bench(name, [*arguments, "--json", str(file)])
    assert result.returncode == 0, result.stderr
    line = result.stdout.strip().splitlines()[-1]
    figures = json.loads(line)
    assert figures["bench"] == name
    assert figures[FIGURE[name]] >= 0
    assert json.loads(file.read_text()) == figures
    assert len(result.stdout.strip().splitlines()) > 1, "a table comes before the line"


def test_an_unknown_benchmark_is_refused_with_the_known_names() -> None:
    result = run_bench("speed", [])
    assert result.returncode != 0
    assert "overhead" in result.stderr

"""Commands write nothing to stderr, and import no heavy modules that they do not use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from generation.management.commands.bench import names as benchmark_names

HEAVY = ("torch", "diffusers", "transformers", "cv2", "av", "skia")
OWN_COMMANDS = sorted(
    name for name, app in get_commands().items() if app in ("generation", "studio")
)
RUN = f"""
import sys
import manage
for command in sys.argv[1:]:
    sys.argv = ["manage.py", *command.split()]
    try:
        manage.main()
    except SystemExit as end:
        assert not end.code, command
print("heavy:", *(name for name in {HEAVY} if name in sys.modules))
"""
SITE = f"""
import sys
from studio.asgi import application
from django.urls import get_resolver
assert get_resolver().url_patterns
print("heavy:", *(name for name in {HEAVY} if name in sys.modules))
"""


def run(home: Path, script: str, *commands: str) -> tuple[str, list[str]]:
    """Run a process; return its stderr and the heavy modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", script, *commands],
        cwd=settings.BASE_DIR,
        env={**os.environ, "GENGA_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr, done.stdout.splitlines()[-1].split()[1:]


@pytest.mark.parametrize(
    "command",
    ["check", "migrate --plan", "showmigrations", *(f"{name} --help" for name in OWN_COMMANDS)],
)
def test_a_command_is_quiet_and_light(command: str, tmp_path: Path) -> None:
    assert run(tmp_path, RUN, command) == ("", [])


def test_a_command_takes_other_settings(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--settings=studio.no_such_settings"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "GENGA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode != 0
    assert "no_such_settings" in done.stderr


def test_the_help_of_every_benchmark_is_quiet(tmp_path: Path) -> None:
    said, _ = run(tmp_path, RUN, *(f"bench {name} --help" for name in benchmark_names()))

    assert said == ""


def test_the_web_process_imports_no_pipeline(tmp_path: Path) -> None:
    assert run(tmp_path, SITE) == ("", [])

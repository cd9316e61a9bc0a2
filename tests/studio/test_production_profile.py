"""The production profile as its operator meets it: `manage.py` in a process of its own."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from studio import environment


def manage(home: Path, *command: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the production profile, with no setting but those given."""
    inherited = {name: text for name, text in os.environ.items() if name not in environment.NAMES}
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env={**inherited, "GENGA_HOME": str(home), "GENGA_PROFILE": "production", **given},
        capture_output=True,
        text=True,
        timeout=120,
    )


def complete() -> dict[str, str]:
    return {
        "GENGA_SECRET_KEY": secrets.token_urlsafe(60),
        "GENGA_ALLOWED_HOSTS": "genga.example",
    }


def test_the_deployment_check_finds_nothing(tmp_path: Path) -> None:
    answer = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **complete())

    assert answer.returncode == 0, answer.stderr
    assert "System check identified no issues (0 silenced)." in answer.stdout
    assert answer.stderr == ""


@pytest.mark.parametrize("missing", ["GENGA_SECRET_KEY", "GENGA_ALLOWED_HOSTS"])
def test_what_is_missing_is_told_in_one_line(missing: str, tmp_path: Path) -> None:
    given = {name: text for name, text in complete().items() if name != missing}

    answer = manage(tmp_path, "check", **given)

    assert answer.returncode == 1
    assert answer.stderr.startswith(f"genga: {missing} is empty; production needs")
    assert len(answer.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == [], "nothing was written before"


def test_the_demo_people_are_not_loaded_unasked(tmp_path: Path) -> None:
    answer = manage(tmp_path, "load_demo", **complete())

    assert answer.returncode == 1
    assert "needs no demo people" in answer.stderr

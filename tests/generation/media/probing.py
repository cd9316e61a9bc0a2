"""Debian's ffprobe as an independent check of a written clip."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

FFPROBE = Path("/usr/bin/ffprobe")
needs_ffprobe = pytest.mark.skipif(not FFPROBE.exists(), reason="needs Debian's package ffmpeg")


def probed(path: Path) -> dict[str, Any]:
    """The first stream in ffprobe's output, with its frames counted by decoding them."""
    command = [FFPROBE, "-v", "error", "-count_frames", "-show_streams", "-of", "json", path]
    completed = subprocess.run(command, capture_output=True, check=True, text=True)
    assert completed.stderr == ""
    stream: dict[str, Any] = json.loads(completed.stdout)["streams"][0]
    return stream

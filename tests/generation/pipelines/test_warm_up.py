"""The libraries are imported while a worker starts, and its first job may already load."""

import subprocess
import sys

from django.conf import settings

from tests.conftest import TOON
from tests.generation.processes import PATIENCE_SECONDS

PROGRAM = """
import logging, sys, threading
from pathlib import Path

import torch

from generation.pipelines.registry import load, warm_up
from generation.pipelines.model_files import ModelFiles

warming = threading.Thread(target=warm_up)
warming.start()
files = ModelFiles("toon", "stable-diffusion", Path(sys.argv[1]), "0" * 64)
print(type(load(files, torch.device("cpu"), torch.float32)).__name__)
warming.join()
print(logging.getLogger("diffusers").level >= logging.ERROR)
"""


def test_the_first_job_can_load_during_the_warm_up() -> None:
    """Needs a new process, in which these libraries are not imported yet."""
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(TOON)],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )

    assert answer.stdout.split() == ["StableDiffusion", "True"], answer.stderr

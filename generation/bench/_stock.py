"""diffusers' own pipeline in a process of its own, as somebody runs it who does not use Genga.

The process gets none of our environment variables, and of the caller's only those that Python needs
to start: no thread settings, no Django, no worker. It loads the pipeline once and then makes one
call for each line that it reads. `python -m generation.bench._stock FOLDER [MOTION FOLDER]` is that
process; `stock_pipeline` starts it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final, TextIO

from generation.field import MediaType
from generation.specs import RenderSpec

ROOT: Final = Path(__file__).resolve().parents[2]
KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT")


class StockPipeline:
    """The process, loaded. `threads` is what it says of its thread settings."""

    def __init__(self, process: subprocess.Popen[str], log: IO[str]) -> None:
        self._process = process
        self._log = log
        self.threads: str = self._answer()["threads"]

    def seconds(self, spec: RenderSpec) -> float:
        """How long one call of the pipeline takes, from the prompt to finished pictures."""
        call: dict[str, Any] = {
            "prompt": spec.prompt,
            "width": spec.width,
            "height": spec.height,
            "num_inference_steps": spec.steps,
            "guidance_scale": spec.guidance,
            "seed": spec.seed,
        }
        if spec.type == MediaType.VIDEO:
            call["num_frames"] = spec.frames
        assert self._process.stdin is not None
        print(json.dumps(call), file=self._process.stdin, flush=True)
        return float(self._answer()["seconds"])

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise RuntimeError(f"the stock pipeline's process ended:\n{self._log.read()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def stock_pipeline(model: Path, motion: Path | None = None) -> Iterator[StockPipeline]:
    """StableDiffusionPipeline of a folder; with a motion adapter AnimateDiffPipeline.

    What the libraries print to the error stream is shown only when the process fails.
    """
    folders = [str(folder) for folder in (model, motion) if folder is not None]
    with TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "generation.bench._stock", *folders],
            cwd=ROOT,
            env={name: os.environ[name] for name in KEPT if name in os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            yield StockPipeline(process, log)
        finally:
            # The end of its input ends it.
            process.communicate()


def serve(folders: list[str], calls: TextIO, answers: TextIO) -> None:
    """Answer one line of JSON for each that is read, the first before any."""
    import torch

    from generation.worker.threads import described

    pipeline = _load(*map(Path, folders))
    print(json.dumps({"threads": described()}), file=answers, flush=True)
    for line in calls:
        call = json.loads(line)
        generator = torch.Generator().manual_seed(call.pop("seed"))
        started = time.perf_counter()
        pipeline(**call, generator=generator)
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds}), file=answers, flush=True)


def _load(model: Path, motion: Path | None = None) -> Any:
    import torch
    from diffusers import AnimateDiffPipeline, MotionAdapter, StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(
        model, dtype=torch.float32, safety_checker=None, requires_safety_checker=False
    )
    if motion is not None:
        names = ("vae", "text_encoder", "tokenizer", "unet", "scheduler")
        parts = {name: getattr(pipeline, name) for name in names}
        adapter = MotionAdapter.from_pretrained(motion, torch_dtype=torch.float32)
        pipeline = AnimateDiffPipeline(**parts, motion_adapter=adapter)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


if __name__ == "__main__":
    _answers = sys.stdout
    with redirect_stdout(sys.stderr):
        serve(sys.argv[1:], sys.stdin, _answers)

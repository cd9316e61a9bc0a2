"""Converts upscaling networks from ncnn's files to safetensors, once for each content.

A converted file contains the weights as float32 and, in its metadata, the plan of the network,
which cannot be derived from the weights alone. Its name contains the hash of its source files, so
changed files are converted again. Any process may write it: the last writer replaces the file with
an equal one.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save

from generation.errors import OutputUnwritable, public_text
from generation.pipelines.upscale import ncnn
from generation.pipelines.upscale.methods import files_of
from generation.pipelines.upscale.network_files import assemble, explained, plan_metadata

VERSION = 1
"""Version of the converted files; files of another version are not used."""


def as_safetensors(path: Path, folder: Path) -> Path:
    """The safetensors file of a network: `path` itself, or the converted `.param`.

    Converted files are in `folder`, which is created when it is first needed. Raises ModelMissing
    or ModelUnreadable for the network, OutputUnwritable for the folder.
    """
    if path.suffix != ".param":
        return path
    with explained(path):
        content = hashlib.sha256()
        for file in files_of(path):
            content.update(file.read_bytes())
    converted = folder / f"{path.stem}-{content.hexdigest()[:16]}-v{VERSION}.safetensors"
    if not converted.is_file():
        data = _converted(path)
        try:
            _write(converted, data)
        except OSError as problem:
            raise OutputUnwritable(
                f"{converted.name} cannot be written: {public_text(problem)}"
            ) from problem
    return converted


def _converted(param: Path) -> bytes:
    """The safetensors file as bytes. Raises ModelMissing or ModelUnreadable."""
    with explained(param):
        plan = ncnn.read_plan(param)
        with torch.device("meta"):
            shapes = {name: weight.shape for name, weight in plan.network().state_dict().items()}
        network = assemble(plan, ncnn.read_weights(param, shapes))
        return save(network.state_dict(), plan_metadata(plan))


def _write(target: Path, data: bytes) -> None:
    """The whole file or none; another process may write the same one at this moment."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=target.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(unfinished, 0o644)
        os.replace(unfinished, target)
    except BaseException:
        os.unlink(unfinished)
        raise

"""Upscaling networks from ncnn's files to safetensors, once for each content.

A converted file holds the weights as float32 and, in its metadata, the plan of the network, which
the weights alone do not tell. Its name has the hash of what it was made of, so files that were
changed are converted anew, and any process may write it: whoever comes last puts an equal file in
the place of the first.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save

from generation.errors import OutputUnwritable
from generation.pipelines.upscale import ncnn
from generation.pipelines.upscale.methods import files_of
from generation.pipelines.upscale.network_files import assemble, explained, plan_metadata

VERSION = 1
"""Of what is written here; files of another version are not used."""


def as_safetensors(path: Path, folder: Path) -> Path:
    """The safetensors of a network: `path` itself, or what ncnn's `.param` there became.

    Converted files lie in `folder`, which is made when it is first needed. Raises ModelMissing or
    ModelUnreadable for the network, OutputUnwritable for the folder.
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
            raise OutputUnwritable(f"{converted.name} cannot be written: {problem}") from problem
    return converted


def _converted(param: Path) -> bytes:
    """The safetensors file of ncnn's two. Raises ModelMissing or ModelUnreadable."""
    with explained(param):
        plan = ncnn.read_plan(param)
        with torch.device("meta"):
            shapes = {name: one.shape for name, one in plan.network().state_dict().items()}
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

"""Snapshots: the state of a denoising between two steps, saved so that another process can resume.

Each job has one safetensors file. It holds the tensors and, in its metadata, everything else as
JSON; no code is stored. A file is written atomically, and a digest over its whole content shows
whether it was damaged on the disk.
"""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings

from generation.media import atomic, plain_files

if TYPE_CHECKING:
    import torch

    from generation.pipelines.loop.step import LoopState

logger = logging.getLogger(__name__)

FOLDER = "snapshots"
"""In the data folder."""

FORMAT = "1"
"""The format's version. Increase it when the content changes; other versions are not read."""

SUFFIX = ".safetensors"

DAMAGE = (ValueError, LookupError, TypeError, AttributeError, RuntimeError)
"""The errors that reading damaged content raises, besides safetensors' own."""


class _Unusable(Exception):
    """The file cannot be used as the wanted snapshot; the message says why."""


def folder() -> Path:
    """The folder of the snapshots."""
    home: Path = settings.GENGA_HOME
    return home / FOLDER


def job_ids() -> set[UUID]:
    """The jobs with files here: a snapshot, or a temporary file that a killed writer left."""
    found = set()
    for path in folder().glob("*.*"):
        # Ignore files whose names do not begin with a job's id.
        with suppress(ValueError):
            found.add(UUID(path.name.partition(".")[0]))
    return found


def discard(job_id: UUID) -> None:
    """Delete the files of a job, if any. Raises OSError when a file cannot be deleted."""
    for path in folder().glob(f"{job_id}.*"):
        plain_files.remove(path)


def write(job_id: UUID, identity: str, state: LoopState) -> None:
    """Save `state` under this `identity`, in place of the job's earlier snapshot.

    The file is on the disk when this returns. On OSError, the earlier snapshot still exists.
    """
    if _file(job_id).is_dir():
        plain_files.remove(_file(job_id))
    atomic.replace(_file(job_id), [_packed(identity, state)], prefix=f"{job_id}.writing-")


def read(job_id: UUID, identity: str) -> LoopState | None:
    """Return the state that was saved under this identity, or None.

    A snapshot that is damaged, or has another identity or format, is deleted with a warning.
    """
    try:
        return _unpacked(plain_files.read(_file(job_id)), identity)
    except FileNotFoundError:
        return None
    except (_Unusable, OSError) as problem:
        logger.warning("the snapshot of job %s is left out: %s", job_id, problem)
        with suppress(OSError):
            discard(job_id)
        return None


def _file(job_id: UUID) -> Path:
    return folder() / f"{job_id}{SUFFIX}"


def _packed(identity: str, state: LoopState) -> bytes:
    from safetensors.torch import save

    tensors: dict[str, torch.Tensor] = {}
    fields = {name: getattr(state, name) for name in type(state).__slots__}
    written = json.dumps(_outlined(fields, tensors))
    metadata = {"format": FORMAT, "identity": identity, "state": written}
    return save(tensors, {**metadata, "sha256": _digest(metadata, tensors)})


def _unpacked(content: bytes, identity: str) -> LoopState:
    """The state in the content of a file. Raises _Unusable."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    from generation.pipelines.loop.step import LoopState

    try:
        tensors = load(content)
        # The file begins with the length of its header, as eight bytes, and the header in JSON.
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata: dict[str, str] = header["__metadata__"]
        digest = metadata.pop("sha256")
        sound = digest == _digest(metadata, tensors)
    except (SafetensorError, *DAMAGE) as problem:
        raise _Unusable(f"it is damaged ({problem})") from problem
    if not sound:
        raise _Unusable("it is damaged (its digest is another)")
    if metadata["format"] != FORMAT:
        raise _Unusable(f"it has the format {metadata['format']}, this version reads {FORMAT}")
    if metadata["identity"] != identity:
        raise _Unusable("it was made of or with something else")
    return LoopState(**_restored(json.loads(metadata["state"]), tensors))


def _digest(metadata: dict[str, str], tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 in hex over the metadata and over each tensor's name, type, shape and bytes."""
    import torch

    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _outlined(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Convert to JSON data. Tensors and arrays move into `tensors`, and names replace them."""
    import numpy as np
    import torch

    if isinstance(value, torch.Tensor):
        # Kernels may round differently for a tensor with another memory layout, and safetensors
        # saves only the contiguous layout. So the strides are saved too.
        return {"tensor": _add(value, tensors), "stride": list(value.stride())}
    if isinstance(value, np.generic):
        return {"number": _add(torch.from_numpy(np.asarray(value)), tensors)}
    if isinstance(value, np.ndarray):
        return {"array": _add(torch.from_numpy(value), tensors)}
    if isinstance(value, dict):
        return {"dict": [[key, _outlined(item, tensors)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_outlined(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_outlined(item, tensors) for item in value]
    return value


def _add(tensor: torch.Tensor, tensors: dict[str, torch.Tensor]) -> str:
    name = str(len(tensors))
    tensors[name] = tensor.contiguous()
    return name


def _restored(outline: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The inverse of `_outlined`."""
    import numpy as np
    import torch

    match outline:
        case {"tensor": name, "stride": stride}:
            kept = tensors[name]
            return torch.empty_strided(kept.shape, stride, dtype=kept.dtype).copy_(kept)
        case {"number": name}:
            return tensors[name].numpy()[()]
        case {"array": name}:
            return np.array(tensors[name].numpy())
        case {"dict": items}:
            return {key: _restored(item, tensors) for key, item in items}
        case {"tuple": items}:
            return tuple(_restored(item, tensors) for item in items)
        case list():
            return [_restored(item, tensors) for item in outline]
    return outline

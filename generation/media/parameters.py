"""A render's settings as text in the form of the Stable Diffusion web UI, which many programs read.

The prompt, a line "Negative prompt: …" and a last line of "Key: value" pairs. A value with a comma,
a colon or a line break is written as a JSON string. Source: `create_infotext` and
`parse_generation_parameters` of AUTOMATIC1111's web UI.
"""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

KEYWORD = "parameters"
"""The text chunk of a PNG that holds it."""
HASH_DIGITS = 10
"""Of a file's SHA-256, by which model sites find it."""

SAMPLERS = {
    "DDIMScheduler": "DDIM",
    "DPMSolverMultistepScheduler": "DPM++ 2M",
    "EulerAncestralDiscreteScheduler": "Euler a",
    "EulerDiscreteScheduler": "Euler",
    "HeunDiscreteScheduler": "Heun",
    "KDPM2AncestralDiscreteScheduler": "DPM2 a",
    "KDPM2DiscreteScheduler": "DPM2",
    "LCMScheduler": "LCM",
    "LMSDiscreteScheduler": "LMS",
    "PNDMScheduler": "PLMS",
    "UniPCMultistepScheduler": "UniPC",
}
"""The web UI's name of each scheduler of diffusers that it has; others keep their own."""


def parameters_of(provenance: dict[str, Any]) -> str:
    """The text for a file with this provenance; empty for one without a complete spec.

    The model's hash is that of a folder, and no other program knows it, so it is left out.
    """
    spec = provenance.get("spec")
    if not isinstance(spec, dict) or not {"prompt", "seed", "width", "height"} <= spec.keys():
        return ""
    lines = [_text(spec["prompt"])]
    if spec.get("negative_prompt"):
        lines.append(f"Negative prompt: {_text(spec['negative_prompt'])}")
    pairs = {**_drawing(spec, provenance), **_enlarging(spec)}
    pairs["Version"] = f"Genga {provenance.get('genga', '')}".strip()
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items()))
    return "\n".join(lines)


def _drawing(spec: dict[str, Any], provenance: dict[str, Any]) -> dict[str, Any]:
    """How it was drawn; of an enhanced file, which was drawn before, only what is still known."""
    scheduler = provenance.get("scheduler") or spec.get("scheduler")
    pairs: dict[str, Any] = {}
    if spec.get("steps"):
        pairs["Steps"] = spec["steps"]
        if scheduler:
            pairs["Sampler"] = SAMPLERS.get(scheduler, scheduler)
        pairs["CFG scale"] = f"{spec['guidance']:g}"
    pairs["Seed"] = spec["seed"]
    pairs["Size"] = f"{spec['width']}x{spec['height']}"
    pairs["Model"] = spec.get("model", "")
    if "strength" in spec:
        pairs["Denoising strength"] = f"{spec['strength']:g}"
    if spec.get("loras"):
        hashes = {PurePath(one["file"]).stem: one["sha256"] for one in spec["loras"]}
        pairs["Lora hashes"] = ", ".join(
            f"{name}: {digest[:HASH_DIGITS]}" for name, digest in hashes.items()
        )
    return pairs


def _enlarging(spec: dict[str, Any]) -> dict[str, Any]:
    if "upscale" not in spec:
        return {}
    return {
        "Postprocess upscale by": spec["upscale"],
        "Postprocess upscaler": spec.get("upscaler", ""),
    }


def _text(prompt: str) -> str:
    """A prompt without the carriage returns of forms, which readers would show."""
    return prompt.replace("\r\n", "\n").strip()


def _quoted(value: Any) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if set(",\n:") & set(text) else text

"""The model families that can be rendered. A new family is a new module and a line here."""

FAMILIES: dict[str, str] = {
    "stable-diffusion": "generation.pipelines.families.stable_diffusion:StableDiffusion",
    "animatediff": "generation.pipelines.families.animate_diff:AnimateDiff",
}
"""Family name to `module:class`; a module is imported when its first model is loaded."""

BATCHING = frozenset({"stable-diffusion"})
"""Families whose pipelines denoise several specs together, by `denoise_batch`."""

FAMILY_OF_CLASS: dict[str, str] = {
    "StableDiffusionPipeline": "stable-diffusion",
    "MotionAdapter": "animatediff",
}
"""`_class_name` in a folder's model_index.json (or config.json) to the family that renders it."""

BASE_OF_FAMILY: dict[str, str] = {"animatediff": "stable-diffusion"}
"""Families whose weights add to another model, and the family of that model."""

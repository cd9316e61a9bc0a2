"""The model families that can be rendered. A new family is a new module and a line here."""

FAMILIES: dict[str, str] = {
    "stable-diffusion": "generation.pipelines.stable_diffusion:StableDiffusion",
}
"""Family name to `module:class`; a module is imported when its first model is loaded."""

FAMILY_OF_CLASS: dict[str, str] = {"StableDiffusionPipeline": "stable-diffusion"}
"""`_class_name` in a folder's model_index.json to the family that renders it."""

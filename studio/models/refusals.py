"""The sentences by which an uploaded file or a text of the tables is refused, each with a code."""

from typing import Any

from django.core.exceptions import ValidationError

from generation.sentences import Sentence

PICTURE_TOO_LARGE = Sentence(
    "picture_too_large", "The picture has {megabytes} MB; at most {most} MB are taken."
)
TOO_MANY_PIXELS = Sentence(
    "too_many_pixels",
    "The picture has {found} megapixels; at most {most} are taken. Make it smaller and try again.",
)
NO_PICTURE = Sentence(
    "no_picture", "The file is broken or no picture. PNG, JPEG and WebP are taken."
)
OTHER_FORMAT = Sentence(
    "other_format", "This is {name}. Allowed: PNG, JPEG, WebP. Export it as one of them."
)
LORA_TOO_LARGE = Sentence("lora_too_large", "The file is larger than {most} GB.")
LORA_FITS_NO_MODEL = Sentence("lora_fits_no_model", "The LoRA fits no registered model: {found}.")
LORA_MADE_FOR_OTHERS = Sentence(
    "lora_made_for_others",
    "The LoRA was made for {made_for} and fits no registered model: {found}.",
)
NO_MODEL_FOR_LORA = Sentence(
    "no_model_for_lora", "No model is registered that takes LoRAs. Register one first."
)
NO_SAFETENSORS = Sentence(
    "no_safetensors", "The file is no safetensors file; no other kind is taken."
)
NAME_TAKEN = Sentence("name_taken", "{name} ({slug}) has this name already. Choose another name.")
NAME_RESERVED = Sentence(
    "name_reserved", "The name “{name}” is one that the studio itself uses. Choose another."
)
NAME_INVISIBLE = Sentence(
    "name_invisible", "The name has no visible character. Type one that people can read."
)
SLUG_TAKEN = Sentence(
    "slug_taken",
    "{name} has the address “{slug}” already. Choose another, or leave it empty to get one.",
)
SLUG_RESERVED = Sentence(
    "slug_reserved", "The address “{slug}” is one that the studio itself uses. Choose another."
)
PROMPT_PLACE = Sentence("prompt_place", "The template must hold {placeholder} exactly once.")


def invalid(sentence: Sentence, **values: Any) -> ValidationError:
    """The exception that shows the sentence at its field."""
    return ValidationError(sentence.say(**values), code=sentence.code)

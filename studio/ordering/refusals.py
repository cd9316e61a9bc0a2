"""The sentences by which the studio refuses a request before it becomes a spec."""

from generation.refusals import ONLY_FOR_CLIPS as ONLY_FOR_CLIPS
from generation.sentences import Sentence

IMAGE_FRAMES = Sentence("image_frames", "An image has one frame.")
TWO_LENGTHS = Sentence(
    "two_lengths",
    "{duration} seconds at {fps} frames per second are {frames} frames, not {asked}.",
)
SOURCE_NO_IMAGE = Sentence("source_no_image", "A clip can only begin with a picture.")
PROMPT_WITH_WORDS_TOO_LONG = Sentence(
    "prompt_with_words_too_long",
    "With the texts of the character and the style, the prompt has {count} characters.",
)
NOT_FOUND = Sentence("not_found", "There is no {field} named {slug!r}.")
SEVERAL_OF_NAME = Sentence(
    "several_of_name", "Several are named {name!r}: {slugs}. Send the slug of the one you mean."
)
LORA_OF_OTHER_MODEL = Sentence(
    "lora_of_other_model", "The LoRA of {character} does not fit the model {model}."
)
OUTPUT_NOT_FOUND = Sentence("output_not_found", "There is no output {id}.")
SHOT_WITHOUT_PROJECT = Sentence("shot_without_project", "The request names a shot, but no project.")
OTHER_VERSION = Sentence("other_version", "Another version stored the settings of this job.")
NO_FINISHED_FILE = Sentence("no_finished_file", "The take has no finished file.")
NOT_DRAWN = Sentence(
    "not_drawn", "Nothing was drawn in this take, so another seed would not change it."
)
NO_MODEL_FOR_TYPE = Sentence("no_model_for_type", "No active model makes {media}.")
NO_MODEL = Sentence("no_model", "No model is registered.")
NO_CHANGE_NAMED = Sentence("no_change_named", "The request names nothing to change.")
UNKNOWN_PARAMETER = Sentence("unknown_parameter", "There is no parameter {field!r}.")
BODY_TOO_LARGE = Sentence("body_too_large", "The request body is too large.")
BODY_NOT_JSON = Sentence("body_not_json", "The request body cannot be read as JSON.")

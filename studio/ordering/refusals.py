"""The sentences by which a request is refused before it becomes a spec."""

from generation.refusals import ONLY_FOR_CLIPS as ONLY_FOR_CLIPS
from generation.sentences import Sentence

IMAGE_FRAMES = Sentence("image_frames", "An image has one frame.")
TWO_LENGTHS = Sentence(
    "two_lengths",
    "{duration} seconds at {fps} frames a second are {frames} frames, not {asked}.",
)
SOURCE_NO_IMAGE = Sentence("source_no_image", "A clip can only begin with a picture.")
PROMPT_WITH_WORDS_TOO_LONG = Sentence(
    "prompt_with_words_too_long",
    "With the words of character and style the text has {count} characters.",
)
NOT_FOUND = Sentence("not_found", "There is no {field} named {slug!r}.")
OUTPUT_NOT_FOUND = Sentence("output_not_found", "There is no output {id}.")
SHOT_WITHOUT_PROJECT = Sentence("shot_without_project", "A shot is named, but no project.")
OTHER_VERSION = Sentence("other_version", "Another version stored its settings.")

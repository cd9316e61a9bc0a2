"""The sentences by which the engine refuses a request, each with a code that stays the same.

A sentence may be improved at any time; programs and tests go by the code.
"""

from generation.sentences import Sentence

NUL_CHARACTER = Sentence("nul_character", "The text holds a NUL character.")
TEXT_EMPTY = Sentence("text_empty", "The text is empty.")
TEXT_TOO_LONG = Sentence("text_too_long", "The text has {count} characters.")
OUT_OF_RANGE = Sentence("out_of_range", "{value} is outside the range.")
NOT_OFFERED = Sentence("not_offered", "{value} is not offered.")
MEDIUM_NOT_MADE = Sentence("medium_not_made", "The model {model} does not make a {medium}.")
SIZE_NOT_RENDERED = Sentence("size_not_rendered", "{model} cannot render {pixels} pixels.")
FILE_TOO_LARGE = Sentence("file_too_large", "The finished file would have {width}×{height} pixels.")
FPS_TOO_HIGH = Sentence("fps_too_high", "The clip would show {fps:g} frames a second.")
ONLY_FOR_CLIPS = Sentence("only_for_clips", "Only a clip has the setting {field}.")
NOTHING_ASKED = Sentence("nothing_asked", "The request changes nothing.")
NOT_ACCELERATED = Sentence("not_accelerated", "The model {model} cannot be accelerated.")
NO_LORAS = Sentence("no_loras", "The model {model} takes no LoRAs.")
NO_FIRST_PICTURE = Sentence("no_first_picture", "The model {model} cannot begin with a picture.")
MODEL_OFF = Sentence("model_off", "{name} is switched off.")

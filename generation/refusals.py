"""The sentences by which the engine refuses a request, each with a code that stays the same.

A sentence may be improved at any time; programs and tests go by the code.
"""

from generation.sentences import Sentence

NUL_CHARACTER = Sentence("nul_character", "The text holds a NUL character.")
TEXT_EMPTY = Sentence("text_empty", "The text has nothing that can be seen.")
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

WORK_NOT_SET_UP = Sentence("work_not_set_up", "No device is set up for {work}.")
FAMILY_NOT_LOADED = Sentence(
    "family_not_loaded",
    "No device that is set up for {work} loads models of the family {family}.",
)
SIDE_TOO_LONG = Sentence("side_too_long", "No device renders {pixels} pixels per side.")
CLIP_SIZE_NOT_HELD = Sentence(
    "clip_size_not_held",
    "No device has enough memory for clips of {width}×{height} pixels.",
)
FRAMES_NOT_HELD = Sentence(
    "frames_not_held",
    "No device has enough memory for {frames} frames of {width}×{height} pixels.",
)

SLUG_UNUSABLE = Sentence(
    "slug_unusable", "The slug {slug!r} cannot stand in the API's requests and in addresses."
)
FOLDER_MISSING = Sentence("folder_missing", "There is no folder {folder}.")
NOT_A_FOLDER = Sentence(
    "not_a_folder", "{folder} is a file. Convert it to a folder in diffusers' layout first."
)
NO_MODEL_INDEX = Sentence("no_model_index", "{folder} has no {file}.")
INDEX_NOT_JSON = Sentence("index_not_json", "{file} is not valid JSON in line {line}: {problem}.")
FILE_UNREADABLE = Sentence("file_unreadable", "{file} cannot be read: {problem}.")
CARD_NO_OBJECT = Sentence("card_no_object", "{file} is not a JSON object of a card's fields.")
CARD_FIELD_UNKNOWN = Sentence("card_field_unknown", "{file}: a card has no field {name!r}.")
CARD_FIELD_INVALID = Sentence("card_field_invalid", "The card's {name} is not possible. {problem}")
CLASS_NOT_SUPPORTED = Sentence(
    "class_not_supported", "Models of the class {class_name} are not supported."
)
PART_NOT_NAMED = Sentence("part_not_named", "Its model_index.json names no {part}.")
PART_FOLDER_MISSING = Sentence(
    "part_folder_missing", "The folder {part} is missing, which model_index.json names."
)
PART_CLASS = Sentence("part_class", "{part} is of the class {class_name}, which is not supported.")
PART_UNREADABLE = Sentence("part_unreadable", "{part} cannot be opened: {problem}.")
NO_VOCABULARY = Sentence(
    "no_vocabulary", "{part} has no vocabulary: tokenizer.json, or vocab.json and merges.txt."
)
NO_WEIGHTS = Sentence("no_weights", "{part} has no weights.")
NO_SAFETENSORS = Sentence("no_safetensors", "{part} has its weights only as {file}.")
WEIGHTS_MISSING = Sentence("weights_missing", "{file} is missing.")
WEIGHTS_DAMAGED = Sentence("weights_damaged", "{file} is cut short or damaged ({problem}).")
WEIGHTS_DIFFER = Sentence(
    "weights_differ", "The weights of {part} do not match its config.json: {differences}."
)
BASE_NOT_NAMED = Sentence("base_not_named", "A motion adapter needs a model that it animates.")
BASE_NOT_FOUND = Sentence("base_not_found", "There is no model {slug!r}.")
UPSCALER_NOT_FOUND = Sentence("upscaler_not_found", "There is no upscaler {name!r}.")
NO_UPSCALER = Sentence(
    "no_upscaler", "{file} is damaged, lacks its other file, or holds no upscaler."
)

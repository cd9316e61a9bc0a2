"""The sentences about what a LoRA holds and how much of it fits a model, each with a code."""

from generation.sentences import Sentence

LORA_FITS = Sentence("lora_fits", "Fits {model}: {fits} of {modules} modules, rank {rank}.")
LORA_FITS_PARTLY = Sentence(
    "lora_fits_partly",
    "Fits {model} only partly: {fits} of {modules} modules, rank {rank}. The others have no "
    "effect.",
)
LORA_FITS_NOT = Sentence(
    "lora_fits_not",
    "Does not fit {model}: {fits} of {modules} modules fit, {misshapen} have another size.",
)

LORA_ALGORITHM = Sentence(
    "lora_algorithm",
    "The file holds {algorithm}, which cannot be applied. Export it as a plain LoRA, or train one.",
)
LORA_NOT_ALONE = Sentence(
    "lora_not_alone",
    "{count} of the file's {tensors} tensors belong to no LoRA module, such as {name}.",
)
LORA_HALVES = Sentence(
    "lora_halves",
    "{count} of the LoRA's {modules} modules lack a half, or their halves do not match, such as "
    "{name}.",
)
NO_LORA = Sentence("no_lora", "The file holds no LoRA weights.")
NO_TENSORS = Sentence("no_tensors", "The file is a safetensors file without any tensor.")
FILE_DAMAGED = Sentence(
    "file_damaged", "{file} is cut short or damaged ({problem}). Copy or download it again."
)

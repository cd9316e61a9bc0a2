"""The sentences that explain why an estimate was far off, each with a code."""

from generation.sentences import Sentence

OTHER_DEVICE = Sentence("other_device", "It ran on another device than was expected.")
MODEL_NOT_LOADED = Sentence(
    "model_not_loaded", "The model had to be loaded first; it was expected to be loaded already."
)
SLOW_LOADING = Sentence("slow_loading", "Loading the model took much longer than usual.")
MODEL_LOADED = Sentence(
    "model_loaded", "The model was loaded already; loading it first was expected."
)
WORK_BEGAN_DURING_RUN = Sentence(
    "work_began_during_run", "Other work on the host began while it ran."
)
WORK_ENDED_DURING_RUN = Sentence(
    "work_ended_during_run", "Other work on the host ended while it ran."
)
WORK_BEGAN_DURING_WAIT = Sentence(
    "work_began_during_wait", "Other work on the host began while it waited."
)
WORK_ENDED_DURING_WAIT = Sentence(
    "work_ended_during_wait", "Other work on the host ended while it waited."
)
BUSY_HOST = Sentence("busy_host", "The host was busy with other work when it started.")
FIRST_OF_ITS_SHAPE = Sentence(
    "first_of_its_shape", "It was the first of its size, length and steps on this device."
)
FEW_OF_ITS_SHAPE = Sentence("few_of_its_shape", "This device had rendered very few like it before.")
LEARNED_MEANWHILE = Sentence(
    "learned_meanwhile",
    "The estimate was right when it started: renders that finished while it waited improved it.",
)
UNEXPLAINED = Sentence("unexplained", "No known cause explains it.")

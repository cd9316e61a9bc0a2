"""The sentences that say why a job waits, and why a device does not take it; each has a code."""

from generation.sentences import Sentence

CALIBRATES_OTHER = Sentence(
    "calibrates_other", "{device} cannot run it, because it calibrates another device."
)
DEVICE_NOT_SET_UP = Sentence("device_not_set_up", "{device} is not set up for {work}.")
DEVICE_LACKS_FAMILY = Sentence(
    "device_lacks_family", "{device} does not load models of the family {family}."
)
DEVICE_TOO_SMALL = Sentence(
    "device_too_small", "{device} renders at most {pixels} pixels per side."
)

NEXT = Sentence("next", "Next to start.")
AHEAD = Sentence("ahead", "{count} ahead of it.")
MOVED_UP = Sentence("moved_up", "It has waited long and moved up.")

CALIBRATES = Sentence("calibrates", "It calibrates {device}.")
ONLY_DEVICE = Sentence("only_device", "Only {device} takes it.")
SOONEST = Sentence("soonest", "{device} finishes it soonest.")
SOONEST_LOADED = Sentence("soonest_loaded", "{device} finishes it soonest and has {model} loaded.")

NO_ESTIMATE = Sentence("no_estimate", "The work ahead of it has no estimate yet.")
NO_DEVICE = Sentence("no_device", "No device takes it.")
NO_DEVICE_YET = Sentence(
    "no_device_yet", "No device for {work} has joined yet. The job starts when one does."
)
DEVICE_NOT_ONLINE = Sentence(
    "device_not_online",
    "{device} takes it, but is {state}. The job starts when the device is back.",
)

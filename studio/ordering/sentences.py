"""The sentences that say what to expect of a request, each with a code that stays the same."""

from generation.sentences import Sentence

ESTIMATE = Sentence("estimate", "{what} takes about {time} ({span}).")
ROUGH_ESTIMATE = Sentence("rough_estimate", "{what} takes about {time} ({span}, a rough guess).")
NO_ESTIMATE = Sentence(
    "no_estimate", "{what} has no estimate yet: no device with a known speed for it is online."
)

STARTS_NOW = Sentence("starts_now", "It would start at once.")
STARTS_LATER = Sentence("starts_later", "It would start in {wait}.")
POSITION_KNOWN = Sentence("position_known", "It would be number {position} in the queue.")
WAITS_FOR_DEVICE = Sentence("waits_for_device", "It waits until {devices} takes work again.")

GIVES_UP = Sentence("gives_up", "It gives up: {given_up}.")
NOTHING_FITS = Sentence(
    "nothing_fits",
    "Nothing fits the time that you have: this comes nearest, finished within {bound}.",
)

DRAFT_SUGGESTED = Sentence("draft_suggested", "A draft shows the composition in {time}.")

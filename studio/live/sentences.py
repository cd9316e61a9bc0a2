"""The sentences of notices and of an empty queue, each with a code."""

from generation.sentences import Sentence

RENDER_DONE = Sentence("render_done", "{what} is rendered.")
RENDER_FAILED = Sentence("render_failed", "{what} could not be rendered. Its page says why.")
TAKE_APPROVED = Sentence("take_approved", "{what} is approved.")
CHANGES_ASKED_FOR = Sentence("changes_asked_for", "{what}: the reviewer asks for a change.")

STARTS_AT_ONCE = Sentence("starts_at_once", "A new render starts at once.")
STARTS_WHEN_FREE = Sentence("starts_when_free", "A new render starts when a device is free.")
STARTS_WITH_A_DEVICE = Sentence(
    "starts_with_a_device", "A new render starts when a device is online and not paused."
)

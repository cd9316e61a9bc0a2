"""The sentences of notices, each with a code."""

from generation.sentences import Sentence

RENDER_DONE = Sentence("render_done", "{what} is rendered.")
RENDER_FAILED = Sentence("render_failed", "{what} could not be rendered. Its page says why.")
TAKE_APPROVED = Sentence("take_approved", "{what} is approved.")
CHANGES_ASKED_FOR = Sentence("changes_asked_for", "{what}: the reviewer asks for a change.")

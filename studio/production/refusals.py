"""The sentences by which a calibration, a review or the demo people are refused."""

from generation.sentences import Sentence

DEVICE_NOT_ONLINE = Sentence("device_not_online", "{device} is {state}.")
ALREADY_CALIBRATING = Sentence("already_calibrating", "{device} is being calibrated already.")
RENDERS_NO_MODEL = Sentence("renders_no_model", "{device} cannot render any of the models.")
DELETE_NEEDS_END = Sentence("delete_needs_end", "The job is {state}. Cancel it, then delete it.")
DELETE_IN_REVIEW = Sentence(
    "delete_in_review", "The take is in review. Wait for the verdict, or withdraw it from review."
)
NOT_IN_TRASH = Sentence("not_in_trash", "Not in the trash, or its files are deleted already.")
SOURCE_IN_USE = Sentence(
    "source_in_use", "A job in the queue starts from this file. Delete it when that job has ended."
)
NOT_READY_FOR_REVIEW = Sentence(
    "not_ready_for_review", "Only a finished take that is not in review can be sent to review."
)
IN_REVIEW_ALREADY = Sentence("in_review_already", "This take is in review already.")
REVIEW_DECIDED = Sentence("review_decided", "{who} has decided this review already: {verdict}.")
REVIEW_WITHDRAWN = Sentence("review_withdrawn", "{who} has withdrawn this take from review.")

OWN_TAKE = Sentence(
    "own_take",
    "In this project nobody approves a take of their own. Another reviewer has to decide.",
)
PUBLISHED_PASSWORDS = Sentence(
    "published_passwords",
    "{names} still have the demo's published passwords, and others can reach GENGA_BIND={bind}. "
    "Run `manage.py load_demo --new-passwords`, which draws new ones and prints them once.",
)

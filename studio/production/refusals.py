"""The sentences by which a calibration of a device or a review is refused."""

from generation.sentences import Sentence

DEVICE_NOT_ONLINE = Sentence("device_not_online", "{device} is {state}.")
ALREADY_CALIBRATING = Sentence("already_calibrating", "{device} is being calibrated already.")
RENDERS_NO_MODEL = Sentence("renders_no_model", "{device} cannot render any of the models.")
NOT_READY_FOR_REVIEW = Sentence(
    "not_ready_for_review", "Only a finished take that is not in review can be sent to review."
)
IN_REVIEW_ALREADY = Sentence("in_review_already", "This take is in review already.")
REVIEW_DECIDED = Sentence("review_decided", "Somebody else has decided this review already.")

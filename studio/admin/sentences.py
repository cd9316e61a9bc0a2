"""The sentences of the messages that the admin site shows after an action, each with a code."""

from generation.sentences import Sentence

ACTIVATED = Sentence("activated", "{count} activated.")
DEACTIVATED = Sentence("deactivated", "{count} deactivated.")
DUPLICATED = Sentence("duplicated", "Made, and switched off for now: {names}.")
CHOOSE_ONE_ACTIVE = Sentence("choose_one_active", "Choose one model that is active.")
IS_DEFAULT = Sentence("is_default", "{model} is used when a request names no model.")
FIRST_FRAME_KEPT = Sentence(
    "first_frame_kept",
    "The file {name} has {frames} frames. Only the first was kept: a reference is one picture.",
)
WEIGHTS_ACCEPTED = Sentence(
    "weights_accepted", "{model}: the files are registered as they are now. Retry failed jobs."
)
STORED_FILE_GONE = Sentence(
    "stored_file_gone", "The stored file is gone. Upload it again, or remove it."
)
JOBS_NOT_DECIDED = Sentence(
    "jobs_not_decided",
    "Choose what becomes of the person's waiting and running jobs ({count}): hold, cancel or run.",
)
JOBS_RUN_ON = Sentence("jobs_run_on", "Jobs of the person that go on: {count}.")
MOVED_TO_TRASH = Sentence("moved_to_trash", "{count} moved to the trash.")
RESTORED_FROM_TRASH = Sentence("restored_from_trash", "{count} restored.")
FREED = Sentence("freed", "The files of {count} are deleted.")
SAVED_MEANWHILE = Sentence(
    "saved_meanwhile",
    "Somebody else has saved “{value}” here meanwhile. Enter theirs, or save again to keep yours.",
)

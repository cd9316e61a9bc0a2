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
DELETED_MEANWHILE = Sentence(
    "deleted_meanwhile",
    "Somebody else has deleted this row meanwhile. Copy from here what you want to keep.",
)
REMOVED_MEANWHILE = Sentence(
    "removed_meanwhile",
    "Somebody else has removed this row meanwhile. Save again to add it as a new one, or remove it "
    "here too.",
)

HELD = Sentence("held", "{name} cannot be deleted. It is used by {things}.")
REST_IS_FREE = Sentence(
    "rest_is_free",
    "Nothing is deleted yet. {count} of the {chosen} selected can be deleted: select only those.",
)
KEPT = Sentence("kept", "Kept, but without the link to {name}: {things}.")
USED_MEANWHILE = Sentence(
    "used_meanwhile",
    "Nothing is deleted, because somebody has begun to use it meanwhile. Look at it again.",
)
DEACTIVATE_PERSON = Sentence(
    "deactivate_person",
    "Deactivate the account instead: nobody can log in with it, and what the person made stays.",
)
DEACTIVATE_MODEL = Sentence(
    "deactivate_model", "Deactivate the model instead: new renders cannot use it, and takes stay."
)
DEACTIVATE_ROW = Sentence(
    "deactivate_row", "To hide it from artists and keep these links, deactivate it instead."
)
IS_DEACTIVATED = Sentence(
    "is_deactivated", "{name} is deactivated already. No more is needed: nobody can use it."
)
SHOT_STAYS = Sentence(
    "shot_stays",
    "The history keeps every take, and so its shot. Move the takes to the trash to free their "
    "files. The shot can be renamed.",
)
PROJECT_STAYS = Sentence(
    "project_stays",
    "The history keeps every take, and so its project. Remove the members to close the project.",
)
DEVICE_IS_ONLINE = Sentence(
    "device_is_online", "{name} cannot be deleted, because its worker runs and would add it again."
)
STOP_ITS_WORKER = Sentence(
    "stop_its_worker",
    "Stop the worker and wait until the device is away, or pause the device to give it no work.",
)
DEVICE_HAS_JOBS = Sentence(
    "device_has_jobs", "{name} cannot be deleted, because {things} can run on no other device."
)
CANCEL_ITS_JOBS = Sentence("cancel_its_jobs", "Cancel what waits for the device first.")

"""The sentences that say what an action on many jobs or on a device did, each with a code."""

from generation.sentences import Sentence

# What a bulk action did to the jobs that it changed: `jobs` is "1 job", "2 jobs".
JOBS_CANCELLED = Sentence("jobs_cancelled", "{jobs} cancelled.")
JOBS_HELD = Sentence("jobs_held", "{jobs} put on hold.")
JOBS_RELEASED = Sentence("jobs_released", "{jobs} released.")
JOBS_AT_FRONT = Sentence("jobs_at_front", "{jobs} moved to the front.")
JOBS_RETRIED = Sentence("jobs_retried", "{jobs} put back into the queue.")
JOBS_MOVED = Sentence("jobs_moved", "{jobs} moved to {priority} priority.")
NO_JOB_CHANGED = Sentence("no_job_changed", "Nothing was changed.")

# Why it did not change the others: `jobs` is "1 job was", "2 jobs were".
NOT_CANCELLED = Sentence("not_cancelled", "{jobs} not cancelled: already ended or being cancelled.")
NOT_HELD = Sentence("not_held", "{jobs} not put on hold: no longer waiting, or on hold already.")
NOT_RELEASED = Sentence("not_released", "{jobs} not released: not on hold.")
NOT_AT_FRONT = Sentence(
    "not_at_front", "{jobs} not moved: no longer waiting, or at the front already."
)
NOT_RETRIED = Sentence("not_retried", "{jobs} not retried: neither failed nor cancelled.")
NOT_MOVED = Sentence(
    "not_moved", "{jobs} not moved: no longer waiting, or of {priority} priority already."
)
JOBS_REFUSED = Sentence("jobs_refused", "{jobs} not changed. {problem}")
NOT_YOURS = Sentence(
    "not_yours", "{jobs} not changed: only the owner and the project's admins may do that."
)

CALIBRATING = Sentence("calibrating", "{device} renders {count} small takes to measure its speed.")
DEVICE_WORKS = Sentence("device_works", "{device} takes work again.")
DEVICE_STOPS_LATER = Sentence(
    "device_stops_later", "{device} finishes what it runs and takes no more work."
)
DEVICE_STOPS_NOW = Sentence(
    "device_stops_now",
    "{device} hands back what it runs at its next step. The job keeps its place in the queue and "
    "its saved steps.",
)

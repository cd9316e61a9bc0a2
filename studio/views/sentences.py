"""The sentences of the messages that pages show after an action, each with a code."""

from generation.sentences import Sentence

HOST_NOT_ALLOWED = Sentence(
    "host_not_allowed",
    "This site does not answer to that host. Use the site's own address, or add the host to "
    "GENGA_ALLOWED_HOSTS.",
)
TOKEN_MADE_BEFORE = Sentence(
    "token_made_before",
    "This form was sent before, so no token was made. A token's secret is shown only once: if you "
    "do not have it, revoke the token and make another.",
)
TOKEN_REVOKED = Sentence("token_revoked", "The token “{name}” is revoked.")

TOO_MANY_SUBMITS = Sentence(
    "too_many_submits", "Too many renders in a short time. Wait {wait} and try again."
)

NOTHING_TO_CANCEL = Sentence("nothing_to_cancel", "Nothing to cancel: the job is {state}.")
RETRY_NEEDS_END = Sentence("retry_needs_end", "Only a failed or cancelled job can be retried.")
RETRY_REFUSED = Sentence("retry_refused", "The job can no longer be rendered. {problem}")
HOLD_NEEDS_WAITING = Sentence("hold_needs_waiting", "Only a job that waits can be put on hold.")
NOTHING_TO_RELEASE = Sentence("nothing_to_release", "The job is not on hold.")
NOT_MOVED_TO_FRONT = Sentence(
    "not_moved_to_front",
    "The job no longer waits, or it is already the first of its owner's jobs of this priority. "
    "A higher priority moves it before the others.",
)
CLONED = Sentence(
    "cloned", "Take {number} is submitted, with the settings of take {source} and a new seed."
)
PRIORITY_NOT_CHOSEN = Sentence("priority_not_chosen", "Choose urgent, high, normal or low.")
PRIORITY_NOT_CHANGED = Sentence(
    "priority_not_changed", "Only a waiting job can be moved, and only to another priority."
)

ACTION_NOT_CHOSEN = Sentence(
    "action_not_chosen", "Nothing was changed: choose what to do with the jobs."
)
JOBS_NOT_CHOSEN = Sentence("jobs_not_chosen", "Nothing was changed: choose jobs first.")
TOO_MANY_JOBS = Sentence(
    "too_many_jobs", "Nothing was changed: choose at most {most} jobs at once."
)
PAUSE_NOT_CHOSEN = Sentence("pause_not_chosen", "Choose whether the device stops, and when.")
DEVICE_UNCHANGED = Sentence("device_unchanged", "{device} is in that state already.")

APPROVED = Sentence("approved", "Approved.")
APPROVED_WITH_FINAL = Sentence(
    "approved_with_final", "Approved. Its final, take {number}, is in the queue."
)
APPROVAL_REFUSED = Sentence(
    "approval_refused", "Not approved, because its final cannot be rendered. {problem}"
)
CHANGES_REQUESTED = Sentence("changes_requested", "The artist is told what should change.")
WITHDRAWN = Sentence("withdrawn", "Withdrawn from review.")
NO_VERDICT_DUE = Sentence("no_verdict_due", "This take does not wait for a verdict ({verdict}).")
NO_OWN_PICTURE = Sentence("no_own_picture", "This file has no picture of its own.")
NO_STRIP = Sentence("no_strip", "This file has no strip.")
FILE_GONE = Sentence("file_gone", "The file is gone from the storage.")

DELETED = Sentence("deleted", "Take {number} is in the trash for {days} days.")
RESTORED = Sentence("restored", "Take {number} is back in its shot.")
DELETED_FOR_GOOD = Sentence("deleted_for_good", "The files of take {number} are deleted.")

ENHANCEMENT_NOT_CHOSEN = Sentence(
    "enhancement_not_chosen", "Choose 2 or 4 times the frames or the size."
)

FORM_OUT_OF_DATE = Sentence(
    "form_out_of_date",
    "Nothing was sent, because somebody has logged in or out in another tab since the page was "
    "opened. What you typed is kept: look through it and send it again.",
)
NO_COOKIE = Sentence(
    "no_cookie",
    "Nothing was sent, because the browser sent no cookie. Allow cookies for this site, open the "
    "page again and send it once more.",
)

NO_ANSWER = Sentence(
    "no_answer", "The server did not answer. What you typed is kept: try again in a moment."
)
SERVER_BUSY = Sentence(
    "server_busy", "The server is busy. What you typed is kept: try again in a moment."
)
SERVER_ERROR = Sentence(
    "server_error",
    "Something went wrong on the server. What you typed is kept: try again, and tell the person "
    "who runs the server when it happens again.",
)
NOT_AVAILABLE = Sentence(
    "not_available",
    "This is not available to you any more, or it was removed. Reload the page to see what is.",
)
REQUEST_REFUSED = Sentence(
    "request_refused", "The server refused this request. Reload the page and try again."
)
LOGGED_OUT = Sentence(
    "logged_out", "You are logged out. Log in again to go on; what you typed is kept."
)
NOT_LIVE = Sentence(
    "not_live", "This page is told no more changes. Reload it to see the present state."
)
DRAFT_RESTORED = Sentence("draft_restored", "What you typed here before is back.")
DRAFT_RESTORED_PARTLY = Sentence(
    "draft_restored_partly",
    "What you typed here before is back, except in rows that are not there any more. Look through "
    "the form before you save it.",
)
DRAFT_WITHOUT_FILES = Sentence(
    "draft_without_files", "A browser cannot keep files: choose them again."
)
COPIED = Sentence("copied", "Copied.")
NOT_COPIED = Sentence(
    "not_copied",
    "The browser does not let this page copy. The text is selected: press Ctrl+C, on a Mac ⌘C.",
)
NOTIFICATIONS_NEED_HTTPS = Sentence(
    "notifications_need_https",
    "Browsers show notifications only for pages over https. The sound works here too.",
)
NOTIFICATIONS_MISSING = Sentence(
    "notifications_missing", "This browser shows no notifications of pages. Use the sound."
)
NOTIFICATIONS_BLOCKED = Sentence(
    "notifications_blocked",
    "The browser blocks notifications of this site. Allow them in the browser's settings, or use "
    "the sound.",
)
SAID_BY_SCRIPTS = (
    NO_ANSWER,
    SERVER_BUSY,
    SERVER_ERROR,
    NOT_AVAILABLE,
    REQUEST_REFUSED,
    LOGGED_OUT,
    NOT_LIVE,
    DRAFT_RESTORED,
    DRAFT_RESTORED_PARTLY,
    DRAFT_WITHOUT_FILES,
    COPIED,
    NOT_COPIED,
    NOTIFICATIONS_NEED_HTTPS,
    NOTIFICATIONS_MISSING,
    NOTIFICATIONS_BLOCKED,
)
"""What the scripts of pages say; each page carries these (`studio/said_by_scripts.html`)."""

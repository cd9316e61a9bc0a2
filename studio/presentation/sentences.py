"""The sentences that say why nothing can be answered now, each with a code."""

from generation.sentences import Sentence

DATABASE_UNAVAILABLE = Sentence(
    "database_unavailable",
    "The database does not answer, so nothing was changed. Try again in {seconds} seconds; "
    "if it goes on, tell the person who runs the server.",
)
DISK_FULL = Sentence(
    "disk_full",
    "The server's disk is full, so nothing was saved. Tell the person who runs the server, "
    "and try again when there is room.",
)
STORAGE_UNAVAILABLE = Sentence(
    "storage_unavailable",
    "The storage of files does not answer. Try again in {seconds} seconds; "
    "if it goes on, tell the person who runs the server.",
)

"""The sentences that `manage.py up` prints about its processes, each with a code."""

from generation.sentences import Sentence

SIGNALLED = Sentence(
    "signalled", "The {name} was ended by {signal}; it is started again in {seconds} s."
)
SIGNALLED_FOR_MEMORY = Sentence(
    "signalled_for_memory",
    "The {name} was ended by {signal}, because memory ran out; it is started again in {seconds} s.",
)
ENDED = Sentence(
    "ended",
    "The {name} ended with exit status {status}, and its log above says why; it is started again "
    "in {seconds} s.",
)
NOT_STARTED = Sentence(
    "not_started", "The {name} ended by itself before it was ready; its log above says why."
)
NOT_STARTED_YET = Sentence(
    "not_started_yet", "The {name} cannot be started; it is tried again in {seconds} s. {problem}"
)
TOO_SLOW = Sentence("too_slow", "The {name} did not answer within {seconds} s; see its log above.")
NOT_READY = Sentence("not_ready", "The {name} is not ready yet; all others work without it.")
SET_ASIDE = Sentence("set_aside", "The {name} is not started again for {seconds} s. {problem}")
TRIED_AGAIN = Sentence("tried_again", "The {name} is tried again.")
DATABASE_AWAITED = Sentence(
    "database_awaited", "The database file {path} is gone. Put it back; nothing starts before."
)
DATABASE_UNREADY = Sentence(
    "database_unready", "The database cannot be used yet; it is tried again. {problem}"
)

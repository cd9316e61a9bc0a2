"""The sentences by which the API refuses a request that is wrong in no single field."""

from typing import Any

from generation.sentences import Said, Sentence

NOT_FOUND = Sentence("not_found", "There is nothing of this id or name.")
METHOD_NOT_ALLOWED = Sentence(
    "method_not_allowed", "This address does not take {method}; it takes {allowed}."
)
NOT_QUEUED = Sentence("not_queued", "The job is {status}; only a queued job can be moved.")
WRONG_STATE = Sentence("wrong_state", "The job is {status}; it cannot be {done}.")
NOT_DECLARED_JSON = Sentence(
    "not_declared_json", "Send the body as JSON with Content-Type: application/json."
)
TOO_MANY_REQUESTS = Sentence(
    "too_many_requests", "Too many submits in a minute. Wait and try again."
)
TOO_MANY_PARAMETERS = Sentence(
    "too_many_parameters", "The address has too many parameters. Send each of them once."
)
BAD_CURSOR = Sentence(
    "bad_cursor", "This is no place in this list. Begin again without it, then follow `next`."
)
PAGE_AND_CURSOR = Sentence(
    "page_and_cursor", "A page has a number or a cursor. Send `page` or `after`, not both."
)
KEY_NOT_ALLOWED = Sentence(
    "key_not_allowed",
    "The key has characters that are not allowed, none, or too many. Send another.",
)
KEY_REUSED = Sentence(
    "key_reused",
    "Another request with this Idempotency-Key was answered already. Send a new key.",
)


def said(refusal: Said) -> dict[str, str]:
    """The body of an answer for a sentence with its values."""
    return {"detail": refusal.text, "code": refusal.code}


def body(sentence: Sentence, **values: Any) -> dict[str, str]:
    """The body of the answer."""
    return {"detail": sentence.say(**values), "code": sentence.code}

"""The sentences by which a person without the rights is refused, each with a code."""

from typing import Any

from django.core.exceptions import PermissionDenied

from generation.sentences import Sentence

NO_VALID_TOKEN = Sentence(
    "no_valid_token",
    "No valid token. Make a token on the Tokens page and send it as `Authorization: Bearer TOKEN`.",
)
TOKEN_EXPIRED = Sentence(
    "token_expired", "The token has expired. Make another token on the Tokens page."
)
SCOPE_MISSING = Sentence(
    "scope_missing",
    "The token lacks the scope `{scope}`. Make a token with this scope on the Tokens page.",
)
NOT_YOUR_JOB = Sentence(
    "not_your_job",
    "Only the person who asked for the render, or an admin of its project, may do this.",
)
NOT_YOUR_JOB_OF_MANY = Sentence(
    "not_your_job_of_many", "Job {job} is not yours to change; nothing was changed."
)
JOB_OF_OTHERS = Sentence("job_of_others", "This job belongs to a project you are not a member of.")
FIELD_OF_OTHERS = Sentence(
    "field_of_others", "{field}: it belongs to a project you are not a member of."
)
NOT_A_MEMBER = Sentence("not_a_member", "You are not a member of this project.")
NO_LONGER_A_MEMBER = Sentence(
    "no_longer_a_member", "You are not a member of this project any more."
)
TOO_MANY_LOGINS = Sentence(
    "too_many_logins", "Too many attempts to log in. Try again in {minutes} min."
)
NOT_A_REVIEWER = Sentence("not_a_reviewer", "Only reviewers of this project may give a verdict.")
NOT_YOUR_REVIEW = Sentence(
    "not_your_review",
    "Only the person who sent the take to review, or an admin of the project, may withdraw it.",
)
NOT_A_LEAD = Sentence("not_a_lead", "Only a lead of the house may stop or calibrate a device.")
NO_METRICS_TOKEN = Sentence(
    "no_metrics_token",
    "Send `Authorization: Bearer TOKEN` with a staff member's token or GENGA_METRICS_TOKEN.",
)
NOT_STAFF = Sentence("not_staff", "Only staff may read the metrics.")
FORBIDDEN = Sentence("forbidden", "This is not yours.")


class Forbidden(PermissionDenied):
    """Why a person may not do something, as a sentence with its code; becomes a 403."""

    def __init__(self, sentence: Sentence, **values: Any) -> None:
        super().__init__(sentence.say(**values))
        self.code = sentence.code


class TokenRefused(Exception):
    """Why nobody is identified by a request, as a sentence with its code; becomes a 401."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence.say())
        self.code = sentence.code

"""The production's tables: projects, shots, takes, characters, styles, reviews and tokens."""

from studio.models.cast import Character, Reference, Style
from studio.models.idempotency import IdempotencyKey
from studio.models.login_attempt import LoginAttempt
from studio.models.project import Membership, Project, Role, Sequence, Shot
from studio.models.review import Review
from studio.models.take import Take, Verdict
from studio.models.token import ApiToken, Scope

__all__ = [
    "ApiToken",
    "Character",
    "IdempotencyKey",
    "LoginAttempt",
    "Membership",
    "Project",
    "Reference",
    "Review",
    "Role",
    "Scope",
    "Sequence",
    "Shot",
    "Style",
    "Take",
    "Verdict",
]

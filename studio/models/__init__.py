"""The production's tables: what is made, who makes it, and what people think of it."""

from studio.models.cast import Character, Reference, Style
from studio.models.project import Membership, Project, Role, Sequence, Shot
from studio.models.review import Review
from studio.models.take import Take, Verdict
from studio.models.token import ApiToken

__all__ = [
    "ApiToken",
    "Character",
    "Membership",
    "Project",
    "Reference",
    "Review",
    "Role",
    "Sequence",
    "Shot",
    "Style",
    "Take",
    "Verdict",
]

"""The context of the base template."""

from typing import Any

from django.http import HttpRequest

from generation.version import VERSION
from studio.models import Project, Review, Verdict
from studio.views import sentences


def studio(request: HttpRequest) -> dict[str, Any]:
    """The version, what scripts say, and the number of open reviews of a person's projects."""
    user = getattr(request, "user", None)
    waiting = 0
    if user is not None and user.is_authenticated:
        visible = Project.objects.visible_to(user)
        waiting = Review.objects.filter(
            verdict=Verdict.PENDING, take__shot__project__in=visible
        ).count()
    return {
        "version": VERSION,
        "reviews_waiting": waiting,
        "said_by_scripts": sentences.SAID_BY_SCRIPTS,
    }

"""Metrics for monitoring."""

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from generation.monitoring.prometheus import exposition
from studio.accounts.refusals import NO_METRICS_TOKEN, NOT_STAFF
from studio.accounts.web_origin import bearer
from studio.models import ApiToken


@require_GET
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Metrics in Prometheus' text format, for staff and the metrics token; else 401 or 403."""
    token = bearer(request.headers.get("Authorization", ""))
    if token is None or not _is_metrics_token(token):
        user = request.user if token is None else ApiToken.owner_of(token)
        if user is None or not user.is_authenticated:
            told = f"{NO_METRICS_TOKEN.say()}\n"
            refused = HttpResponse(told, status=401, content_type="text/plain")
            refused["WWW-Authenticate"] = "Bearer"
            return refused
        if not user.is_staff:
            return HttpResponse(f"{NOT_STAFF.say()}\n", status=403, content_type="text/plain")
    body, content_type = exposition(request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=content_type)


def _is_metrics_token(token: str) -> bool:
    wanted: str = settings.GENGA_METRICS_TOKEN
    return bool(wanted) and secrets.compare_digest(token.encode(), wanted.encode())

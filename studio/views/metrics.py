"""Metrics for monitoring."""

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from generation.monitoring.prometheus import exposition
from studio.accounts.authentication import token_owner
from studio.accounts.refusals import NO_METRICS_TOKEN, NOT_STAFF, Forbidden, TokenRefused
from studio.accounts.web_origin import bearer
from studio.models import Scope


@require_GET
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Metrics in Prometheus' text format, for staff and the metrics token; else 401 or 403."""
    try:
        _check(request)
    except TokenRefused as problem:
        refused = HttpResponse(f"{problem}\n", status=401, content_type="text/plain")
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    except Forbidden as problem:
        return HttpResponse(f"{problem}\n", status=403, content_type="text/plain")
    body, content_type = exposition(request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=content_type)


def _check(request: HttpRequest) -> None:
    """Raise TokenRefused or Forbidden for whoever may not read the metrics."""
    token = bearer(request.headers.get("Authorization", ""))
    if token is not None and _is_metrics_token(token):
        return
    user = request.user if token is None else token_owner(token, Scope.READ)
    if not user.is_authenticated:
        raise TokenRefused(NO_METRICS_TOKEN)
    if not user.is_staff:
        raise Forbidden(NOT_STAFF)


def _is_metrics_token(token: str) -> bool:
    wanted: str = settings.GENGA_METRICS_TOKEN
    return bool(wanted) and secrets.compare_digest(token.encode(), wanted.encode())

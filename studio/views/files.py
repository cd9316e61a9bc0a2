"""Pictures, for those who may see them: people by session, scripts by token."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe
from ninja.errors import AuthenticationError

from studio import access
from studio.api.authentication import TokenOrLoopback
from studio.models import Project, Reference

ONE_DAY = 86400


@require_safe
def output(request: HttpRequest, output_id: UUID) -> HttpResponseBase:
    """The picture as it was rendered."""
    refusal = _identify(request)
    if refusal is not None:
        return refusal
    found = access.output_for(request.user, output_id)
    return _send(found.file, found.media_type)


@require_safe
def output_thumbnail(request: HttpRequest, output_id: UUID) -> HttpResponseBase:
    """A small WebP of the picture."""
    refusal = _identify(request)
    if refusal is not None:
        return refusal
    found = access.output_for(request.user, output_id)
    if not found.thumbnail:
        return _send(found.file, found.media_type)
    return _send(found.thumbnail, "image/webp")


@login_required
@require_safe
def reference(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A character's reference picture."""
    visible = Project.objects.visible_to(request.user)
    found = Reference.objects.filter(pk=pk, character__project__in=visible).first()
    if found is None:
        raise Http404
    return _send(found.picture, "image/webp")


def _identify(request: HttpRequest) -> HttpResponse | None:
    """Put the caller on the request: a session, else a token; 401 with neither."""
    if request.user.is_authenticated:
        return None
    try:
        TokenOrLoopback()(request)
    except AuthenticationError as problem:
        return HttpResponse(str(problem), status=401, content_type="text/plain")
    return None


def _send(file: FieldFile, media_type: str) -> HttpResponseBase:
    """The content never changes under its address, so browsers may keep it for themselves."""
    try:
        stream = file.open("rb")
    except FileNotFoundError:
        raise Http404("The file is gone from the storage.") from None
    response = FileResponse(stream, content_type=media_type)
    response["Cache-Control"] = f"private, max-age={ONE_DAY}, immutable"
    return response

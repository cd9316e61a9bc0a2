"""Output files and reference pictures, for sessions (people) and tokens (scripts)."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from studio.accounts import access
from studio.accounts.authentication import TokenOrLoopback
from studio.accounts.refusals import TokenRefused
from studio.models import Project, Reference
from studio.presentation import downloads
from studio.views import sentences
from studio.views.ranges import file_response

ONE_DAY = 86400
WEBP = "image/webp"


@require_safe
def output(request: HttpRequest, output_id: UUID) -> HttpResponseBase:
    """The file as it was rendered."""
    refusal = _identify(request)
    if refusal is not None:
        return refusal
    found = access.output_for(request.user, output_id)
    return _send(
        request, found.file, found.media_type, found.sha256, name=downloads.output_name(found)
    )


@require_safe
def output_thumbnail(request: HttpRequest, output_id: UUID) -> HttpResponseBase:
    """A small WebP of the picture, or of the clip's poster frame."""
    refusal = _identify(request)
    if refusal is not None:
        return refusal
    found = access.output_for(request.user, output_id)
    if found.thumbnail:
        name = downloads.output_name(found, "thumbnail")
        return _send(request, found.thumbnail, WEBP, f"{found.sha256}-thumbnail", name=name)
    if not found.media_type.startswith("image/"):
        raise Http404(sentences.NO_OWN_PICTURE.say())
    return _send(
        request, found.file, found.media_type, found.sha256, name=downloads.output_name(found)
    )


@require_safe
def output_strip(request: HttpRequest, output_id: UUID) -> HttpResponseBase:
    """A WebP of the clip's frames side by side, `strip_frames` of them."""
    refusal = _identify(request)
    if refusal is not None:
        return refusal
    found = access.output_for(request.user, output_id)
    if not found.strip:
        raise Http404(sentences.NO_STRIP.say())
    name = downloads.output_name(found, "strip")
    return _send(request, found.strip, WEBP, f"{found.sha256}-strip", name=name)


@login_required
@require_safe
def reference(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A character's reference picture."""
    visible = Project.objects.visible_to(request.user)
    references = Reference.objects.select_related("character__project")
    found = get_object_or_404(references, pk=pk, character__project__in=visible)
    name = downloads.reference_name(found)
    return _send(request, found.picture, WEBP, str(found.picture.name), name=name)


def _identify(request: HttpRequest) -> HttpResponse | None:
    """Set `request.user` by session or token. Returns the 401 response if there is neither."""
    if request.user.is_authenticated:
        return None
    try:
        TokenOrLoopback()(request)
    except TokenRefused as problem:
        return HttpResponse(str(problem), status=401, content_type="text/plain")
    return None


def _send(
    request: HttpRequest, file: FieldFile, media_type: str, content: str, *, name: str
) -> HttpResponseBase:
    """Send a file that browsers may cache, because the content of its URL never changes.

    `content` identifies it for the ETag; `name` is what it is called when it is saved. It is an
    attachment with `download` in the query.
    """
    headers = {
        "Cache-Control": f"private, max-age={ONE_DAY}, immutable",
        "Content-Disposition": content_disposition_header("download" in request.GET, name) or "",
    }
    try:
        return file_response(
            request, file, media_type=media_type, etag=f'"{content}"', headers=headers
        )
    except FileNotFoundError:
        raise Http404(sentences.FILE_GONE.say()) from None

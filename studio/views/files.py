"""Output files and reference pictures, for sessions (people) and tokens (scripts)."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe
from ninja.errors import AuthenticationError

from studio.accounts import access
from studio.accounts.authentication import TokenOrLoopback
from studio.models import Project, Reference
from studio.presentation import outputs
from studio.views import sentences
from studio.views.ranges import file_response

ONE_DAY = 86400
WEBP = "image/webp"


@require_safe
def output(request: HttpRequest, output_id: UUID) -> HttpResponseBase:
    """The file as it was rendered; as an attachment with `download` in the query."""
    refusal = _identify(request)
    if refusal is not None:
        return refusal
    found = access.output_for(request.user, output_id)
    name = content_disposition_header("download" in request.GET, outputs.download_name(found))
    return _send(request, found.file, found.media_type, found.sha256, name)


@require_safe
def output_thumbnail(request: HttpRequest, output_id: UUID) -> HttpResponseBase:
    """A small WebP of the picture, or of the clip's poster frame."""
    refusal = _identify(request)
    if refusal is not None:
        return refusal
    found = access.output_for(request.user, output_id)
    if found.thumbnail:
        return _send(request, found.thumbnail, WEBP, f"{found.sha256}-thumbnail")
    if not found.media_type.startswith("image/"):
        raise Http404(sentences.NO_OWN_PICTURE.say())
    return _send(request, found.file, found.media_type, found.sha256)


@require_safe
def output_strip(request: HttpRequest, output_id: UUID) -> HttpResponseBase:
    """A WebP of the clip's frames side by side, `strip_frames` of them."""
    refusal = _identify(request)
    if refusal is not None:
        return refusal
    found = access.output_for(request.user, output_id)
    if not found.strip:
        raise Http404(sentences.NO_STRIP.say())
    return _send(request, found.strip, WEBP, f"{found.sha256}-strip")


@login_required
@require_safe
def reference(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A character's reference picture."""
    visible = Project.objects.visible_to(request.user)
    found = Reference.objects.filter(pk=pk, character__project__in=visible).first()
    if found is None:
        raise Http404
    return _send(request, found.picture, WEBP, str(found.picture.name))


def _identify(request: HttpRequest) -> HttpResponse | None:
    """Set `request.user` by session or token. Returns the 401 response if there is neither."""
    if request.user.is_authenticated:
        return None
    try:
        TokenOrLoopback()(request)
    except AuthenticationError as problem:
        return HttpResponse(str(problem), status=401, content_type="text/plain")
    return None


def _send(
    request: HttpRequest, file: FieldFile, media_type: str, content: str, name: str | None = None
) -> HttpResponseBase:
    """Send a file that browsers may cache, because the content of its URL never changes.

    `content` identifies it for the ETag; `name` is a Content-Disposition header.
    """
    headers = {"Cache-Control": f"private, max-age={ONE_DAY}, immutable"}
    if name:
        headers["Content-Disposition"] = name
    try:
        return file_response(
            request, file, media_type=media_type, etag=f'"{content}"', headers=headers
        )
    except FileNotFoundError:
        raise Http404(sentences.FILE_GONE.say()) from None

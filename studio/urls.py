"""URLs of the pages, the API and the admin site."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import path, register_converter
from django.views.generic import RedirectView

from studio.api.views import api
from studio.forms.login import AdminLoginForm, LoginForm
from studio.views import (
    account,
    accuracy,
    dashboard,
    files,
    gallery,
    jobs,
    metrics,
    projects,
    queue,
    renders,
    takes,
    trash,
)
from studio.views.converters import SlugConverter

register_converter(SlugConverter, "unicode_slug")

admin.site.login_form = AdminLoginForm
login_view = LoginView.as_view(redirect_authenticated_user=True, authentication_form=LoginForm)

handler500 = "studio.presentation.unavailable.server_error"


def healthz(request: HttpRequest) -> HttpResponse:
    """Health check: answer "ok" while the process lives."""
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("login/", login_view, name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("projects/", projects.project_list, name="projects"),
    path("projects/<unicode_slug:slug>/", projects.project, name="project"),
    path("projects/<unicode_slug:project_slug>/<unicode_slug:slug>/", projects.shot, name="shot"),
    path("render/", renders.new_render, name="render"),
    path("render/estimate/", renders.estimate, name="render-estimate"),
    path("jobs/<uuid:job_id>/", jobs.job, name="job"),
    path("jobs/<uuid:job_id>/cancel/", jobs.cancel, name="job-cancel"),
    path("jobs/<uuid:job_id>/retry/", jobs.retry, name="job-retry"),
    path("jobs/<uuid:job_id>/priority/", jobs.priority, name="job-priority"),
    path("jobs/<uuid:job_id>/hold/", jobs.hold, name="job-hold"),
    path("jobs/<uuid:job_id>/release/", jobs.release, name="job-release"),
    path("jobs/<uuid:job_id>/front/", jobs.front, name="job-front"),
    path("jobs/<uuid:job_id>/clone/", jobs.clone, name="job-clone"),
    path("queue/act/", queue.act, name="queue-act"),
    path("queue/mine/", queue.mine, name="queue-mine"),
    path("queue/changeable/", queue.changeable, name="queue-changeable"),
    path("devices/<int:pk>/pause/", queue.pause_device, name="device-pause"),
    path("devices/<int:pk>/calibrate/", queue.calibrate_device, name="device-calibrate"),
    path("takes/<int:pk>/", takes.take, name="take"),
    path("takes/<int:pk>/review/", takes.send_to_review, name="take-review"),
    path("takes/<int:pk>/withdraw/", takes.withdraw, name="take-withdraw"),
    path("takes/<int:pk>/approve/", takes.approve, name="take-approve"),
    path("takes/<int:pk>/changes/", takes.request_changes, name="take-changes"),
    path("takes/<int:pk>/enhance/", takes.enhance, name="take-enhance"),
    path("takes/<int:pk>/delete/", trash.delete, name="take-delete"),
    path("trash/", trash.contents, name="trash"),
    path("trash/<uuid:job_id>/restore/", trash.restore, name="trash-restore"),
    path("trash/<uuid:job_id>/free/", trash.free, name="trash-free"),
    path("reviews/", takes.reviews, name="reviews"),
    path("gallery/", gallery.gallery, name="gallery"),
    path("accuracy/", accuracy.accuracy, name="accuracy"),
    path("tokens/", account.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", account.revoke, name="token-revoke"),
    path("outputs/<uuid:output_id>/", files.output, name="output"),
    path("outputs/<uuid:output_id>/thumbnail/", files.output_thumbnail, name="output-thumbnail"),
    path("outputs/<uuid:output_id>/strip/", files.output_strip, name="output-strip"),
    path("references/<int:pk>/", files.reference, name="reference"),
    path("metrics", metrics.metrics, name="metrics"),
    path("healthz", healthz, name="healthz"),
    # Browsers request this on pages without an icon link, such as the admin site's.
    path("favicon.ico", RedirectView.as_view(url=static("icon.svg"))),
    path("api/", api.urls),
    path("admin/", admin.site.urls),
]

"""What becomes of a request whose session, or whose form's token, is no longer valid.

A page that is open when its session ends is led to the login as a whole, and back to where it was.
What was typed in it is kept by the page (`static/js/drafts.js`).
"""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit, urlunsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from studio.presentation import flash
from studio.views import drafts, sentences


def session_end(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware that leads every request of an open page that meets the login back to that page.

    htmx and scripts get a 401 with `HX-Redirect` instead of a login page as a part of the page. A
    form that was sent leads back to its page, because its own address may only accept POST.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not _meets_login(response):
            return response
        drafts.not_taken(request)
        if _is_part(request):
            login = redirect_to_login(page_of(request) or resolve_url("dashboard"))
            told = HttpResponseClientRedirect(login.url)
            told.status_code = 401
            return told
        page = page_of(request)
        if request.method != "POST" or not page or _is_login(page):
            return response
        return redirect_to_login(page, urlsplit(response.headers["Location"]).path)

    return middleware


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form whose token is not valid, mostly because of a login in another tab.

    The page of the form is opened again, with a token that is valid and what was typed. A browser
    that has lost its session with its token is led to the login.
    """
    drafts.not_taken(request)
    page = page_of(request)
    if page and not request.user.is_authenticated and not _is_login(page):
        return redirect_to_login(page)
    sentence = sentences.FORM_OUT_OF_DATE
    if reason == REASON_NO_CSRF_COOKIE:
        sentence = sentences.NO_COOKIE
    elif _is_part(request):
        flash.warning_once(request, sentence.said())
        refused = HttpResponseClientRefresh()
        refused.status_code = 403
        return refused
    elif page:
        flash.warning_once(request, sentence.said())
        return redirect(page)
    context = {"said": sentence.said(), "page": page}
    return render(request, "studio/csrf_failure.html", context, status=403)


def page_of(request: HttpRequest) -> str:
    """Path and query of the page of this site that has sent a request; empty when not known."""
    sent_by = HtmxDetails(request).current_url or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(sent_by, {request.get_host()}):
        return ""
    page = urlunsplit(urlsplit(sent_by)._replace(scheme="", netloc="", fragment=""))
    # A path that begins with two slashes would name another host.
    return page if url_has_allowed_host_and_scheme(page, None) else ""


def _meets_login(response: HttpResponse) -> bool:
    """True for the redirect by which `login_required` or the admin site asks for a login."""
    address = response.headers.get("Location", "")
    return _is_login(address) and "next" in parse_qs(urlsplit(address).query)


def _is_login(address: str) -> bool:
    return urlsplit(address).path in (reverse("login"), reverse("admin:login"))


def _is_part(request: HttpRequest) -> bool:
    """True when a script of the page, not the browser's address bar, waits for the response."""
    return bool(HtmxDetails(request)) or not request.accepts("text/html")

"""The tokens of the person who is logged in."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render

from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.forms.pages import TokenForm
from studio.models import ApiToken
from studio.presentation import flash
from studio.production.repeats import answer_to
from studio.views import drafts, sentences
from studio.views.made_once import key_of, made_once
from studio.views.posted_from import posted_from


@login_required
def tokens(request: PersonRequest) -> HttpResponse:
    """List the tokens and create one. Its secret is shown once, in the response of that request."""
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        secret = _issued(request, form)
        form = TokenForm()
        drafts.taken(request)
    mine = ApiToken.objects.filter(user=request.user)
    context = {"form": form, "tokens": mine, "secret": secret}
    response = render(request, "studio/tokens.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _issued(request: PersonRequest, form: TokenForm) -> str:
    """Make the token and return its secret.

    A browser shows only the answer to the second of two clicks, and a secret is not stored. So the
    second click replaces the secret of the first, unless a script has used it already.
    """
    key = key_of(request)
    if key is None:
        return form.issue(request.user)[1]
    with answer_to(request.user, key, "") as answer:
        if not answer.known:
            token, secret = form.issue(request.user)
            answer.keep(200, {"token": token.pk})
            return secret
    again = ApiToken.objects.filter(pk=answer.body["token"], last_used_at=None).first()
    if again is None:
        flash.info(request, sentences.TOKEN_MADE_BEFORE.said())
        return ""
    return again.renew()


@login_required
@posted_from("tokens")
@made_once
def revoke(request: PersonRequest, pk: int) -> HttpResponse:
    """Delete a token; scripts that use it are refused from then on."""
    token = access.token_for(request.user, pk)
    token.delete()
    flash.success(request, sentences.TOKEN_REVOKED.said(name=token.name))
    return redirect("tokens")

"""The tokens of the person who is logged in."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.forms.pages import TokenForm
from studio.models import ApiToken
from studio.presentation import flash
from studio.views import sentences


@login_required
def tokens(request: PersonRequest) -> HttpResponse:
    """List the tokens and create one. Its secret is shown once, in the response of that request."""
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        _, secret = ApiToken.issue(request.user, form.cleaned_data["name"])
        form = TokenForm()
    mine = ApiToken.objects.filter(user=request.user)
    context = {"form": form, "tokens": mine, "secret": secret}
    response = render(request, "studio/tokens.html", context)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def revoke(request: PersonRequest, pk: int) -> HttpResponse:
    """Delete a token; scripts that use it are refused from then on."""
    token = access.token_for(request.user, pk)
    token.delete()
    flash.success(request, sentences.TOKEN_REVOKED.said(name=token.name))
    return redirect("tokens")

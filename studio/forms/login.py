"""The login forms of the site and of the admin site, which refuse too many attempts."""

from math import ceil
from typing import TYPE_CHECKING, Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from studio.accounts import login_throttle
from studio.accounts.refusals import TOO_MANY_LOGINS
from studio.accounts.web_origin import client_address

if TYPE_CHECKING:
    Base = AuthenticationForm
else:
    Base = object

RETRY_AFTER = "retry_after"
"""The attribute of a refused request: seconds to wait. The middleware makes the status of it."""


class Throttled(Base):
    """Refuses an attempt before the password is checked, a right one too."""

    def clean(self) -> dict[str, Any]:
        """Raises ValidationError while the name, the address or both have to wait."""
        name = self.cleaned_data.get("username")
        if not name or not self.cleaned_data.get("password") or self.request is None:
            return super().clean()
        address = client_address(self.request)
        wait = login_throttle.begin(name, address)
        if wait:
            setattr(self.request, RETRY_AFTER, wait)
            said = TOO_MANY_LOGINS.say(minutes=ceil(wait / 60))
            raise ValidationError(said, code=TOO_MANY_LOGINS.code)
        cleaned = super().clean()
        login_throttle.succeeded(name, address)
        return cleaned


class LoginForm(Throttled, AuthenticationForm):
    """The login form of the pages."""


class AdminLoginForm(Throttled, AdminAuthenticationForm):
    """The login form of the admin site."""

"""The one-time value of a form: two clicks on its button send it twice."""

import secrets

from django.utils.html import format_html
from django.utils.safestring import SafeString

FIELD = "once"


def field() -> SafeString:
    """A hidden field with a new value. Browsers must not fill in the value of an earlier paint."""
    return format_html(
        '<input type="hidden" name="{}" value="{}" autocomplete="off">',
        FIELD,
        secrets.token_urlsafe(16),
    )

"""ApiToken: authentication of API clients."""

import hashlib
import secrets

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

PREFIX = "genga_"


class ApiToken(models.Model):
    """The hash of a token. The token itself is shown only once, when it is created."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=60, help_text="Purpose of the token.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=12, editable=False, help_text="The token's last characters.")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} (…{self.hint})"

    @classmethod
    def issue(cls, user: User, name: str) -> tuple["ApiToken", str]:
        """Create a token. Returns its row and its secret text, which is not stored."""
        secret = PREFIX + secrets.token_urlsafe(32)
        row = cls.objects.create(user=user, name=name, digest=_digest(secret), hint=secret[-4:])
        return row, secret

    @classmethod
    def valid(cls, secret: str) -> "ApiToken | None":
        """The row of a token; None for an invalid token or an inactive user."""
        row = cls.objects.select_related("user").filter(digest=_digest(secret)).first()
        return row if row is not None and row.user.is_active else None

    @classmethod
    def owner_of(cls, secret: str) -> User | None:
        """The user of a token, which is marked as used; None as `valid`."""
        row = cls.valid(secret)
        if row is None:
            return None
        cls.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
        return row.user


def _digest(secret: str) -> str:
    """A fast hash is sufficient, because the token has 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()

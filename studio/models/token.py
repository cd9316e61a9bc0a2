"""ApiToken: how a script proves who it acts for."""

import hashlib
import secrets

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

PREFIX = "genga_"


class ApiToken(models.Model):
    """A token's hash; the token itself is shown once, when it is made."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=60, help_text="What the token is for.")
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
        """A new token's row and its secret text, which is kept nowhere else."""
        secret = PREFIX + secrets.token_urlsafe(32)
        row = cls.objects.create(user=user, name=name, digest=_digest(secret), hint=secret[-4:])
        return row, secret

    @classmethod
    def owner_of(cls, secret: str) -> User | None:
        """The active user a token acts for; None for any other text."""
        row = cls.objects.select_related("user").filter(digest=_digest(secret)).first()
        if row is None or not row.user.is_active:
            return None
        cls.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
        return row.user


def _digest(secret: str) -> str:
    """A fast hash is enough: the text has 256 bits of randomness, nobody guesses it."""
    return hashlib.sha256(secret.encode()).hexdigest()

"""ApiToken: authentication of API clients."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

PREFIX = "genga_"


class Scope(models.TextChoices):
    """What the scripts with a token may do, as far as the token's owner may do it."""

    READ = "read", "Read jobs, files and the queue"
    RENDER = "render", "Submit, change and cancel renders"
    REVIEW = "review", "Give verdicts"


def every_scope() -> list[str]:
    """The scopes of a token that was made without a choice."""
    return list(Scope.values)


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
    expires_at = models.DateTimeField(null=True, editable=False)
    scopes = models.JSONField(default=every_scope, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} (…{self.hint})"

    @classmethod
    def issue(
        cls,
        user: User,
        name: str,
        *,
        expires_at: datetime | None = None,
        scopes: Collection[str] | None = None,
    ) -> tuple["ApiToken", str]:
        """Create a token. Returns its row and its secret text, which is not stored."""
        row = cls(user=user, name=name, expires_at=expires_at)
        if scopes is not None:
            row.scopes = [scope for scope in Scope.values if scope in scopes]
        return row, row.renew()

    def renew(self) -> str:
        """Give the token another secret, and save it. Returns the secret."""
        secret = PREFIX + secrets.token_urlsafe(32)
        self.digest, self.hint = _digest(secret), secret[-4:]
        self.save()
        return secret

    @classmethod
    def of(cls, secret: str) -> "ApiToken | None":
        """The token with its user, expired or not; None for an invalid one or an inactive user."""
        row = cls.objects.select_related("user").filter(digest=_digest(secret)).first()
        return row if row is not None and row.user.is_active else None

    @classmethod
    def valid(cls, secret: str, scope: Scope = Scope.READ) -> "ApiToken | None":
        """The token if it may do what is in `scope` now; else None."""
        row = cls.of(secret)
        if row is None or row.has_expired or scope not in row.scopes:
            return None
        return row

    @classmethod
    def owner_of(cls, secret: str, scope: Scope = Scope.READ) -> User | None:
        """The user of a token, which is marked as used; None as `valid`."""
        row = cls.valid(secret, scope)
        if row is None:
            return None
        row.note_use()
        return row.user

    @property
    def has_expired(self) -> bool:
        """Whether it is refused because of its age."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def scope_labels(self) -> list[str]:
        """What it may do, in words."""
        return [Scope(scope).label for scope in self.scopes]

    def note_use(self) -> None:
        """Note that it was used just now."""
        ApiToken.objects.filter(pk=self.pk).update(last_used_at=timezone.now())


def _digest(secret: str) -> str:
    """A fast hash is sufficient, because the token has 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()

"""Attempts to log in, which are counted to make guessing passwords slow."""

from django.db import models


class LoginAttempt(models.Model):
    """An attempt that has not succeeded. Rows are deleted minutes later."""

    name = models.CharField(max_length=150, help_text="The user name as it is compared.")
    address = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["name", "at"], name="login_name"),
            models.Index(fields=["address", "at"], name="login_address"),
        ]

    def __str__(self) -> str:
        return f"{self.name} from {self.address}"

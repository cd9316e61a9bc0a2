"""Requests that are sent twice: the second gets the answer of the first, and makes nothing.

A script names a request by its header `Idempotency-Key`, a page's form by its one-time value.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from studio.models import IdempotencyKey

KEPT = timedelta(days=1)
"""How long an answer is kept."""


class KeyReused(Exception):
    """The key belongs to another request of the same person."""


class Answer:
    """The answer of the first request with a key; not `known` while this request is the first."""

    def __init__(self, row: IdempotencyKey) -> None:
        self._row = row
        self.known = bool(row.status)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._row.status

    @property
    def body(self) -> Any:
        """The body, as JSON data."""
        return self._row.body

    def keep(self, status: int, body: Any) -> None:
        """Keep the answer of this request for the next one with its key."""
        self._row.status, self._row.body = status, body
        self._row.save(update_fields=["status", "body"])


@contextmanager
def answer_to(user: User, key: str, fingerprint: str) -> Iterator[Answer]:
    """The answer to a request, in the transaction of what the request makes.

    Waits for another request with the key that has not ended yet. If no answer is kept inside the
    block, everything that was written in it is undone. Raises KeyReused.
    """
    with transaction.atomic():
        IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
        row, _ = IdempotencyKey.objects.get_or_create(
            user=user, key=key, defaults={"fingerprint": fingerprint}
        )
        if row.fingerprint != fingerprint:
            raise KeyReused
        yield Answer(row)
        if not row.status:
            transaction.set_rollback(True)


def fingerprint_of(*parts: str | bytes | None) -> str:
    """SHA-256, in hex, of what makes two requests the same."""
    whole = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else (part or "").encode()
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()

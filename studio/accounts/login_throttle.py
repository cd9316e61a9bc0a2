"""Limits failed logins of a name and of an address, so that passwords cannot be guessed quickly.

The strict limit is that of a name at one address. Who guesses the password of somebody else thus
does not keep them out of their account.

Attempts are rows of the database and not entries of the cache, so that all web processes count the
same attempts, also after a restart. An attempt is written before its password is checked. Guesses
that are sent at the same moment therefore count too.
"""

import logging
import unicodedata
from datetime import timedelta
from math import ceil

from django.db.models import Q
from django.utils import timezone

from studio.models import LoginAttempt

logger = logging.getLogger(__name__)

WINDOW = timedelta(minutes=10)
MOST_OF_BOTH = 5
MOST_OF_AN_ADDRESS = 20
MOST_OF_A_NAME = 50
"""Failed logins within WINDOW: of a name at one address, of an address, of a name anywhere.

A whole team may share one address. Guesses at one name may come from many addresses.
"""


def begin(name: str, address: str) -> int:
    """Count an attempt. Returns the seconds to wait before the next one; 0 when it may go on.

    A refused attempt is not counted, so that the wait ends although somebody goes on trying.
    """
    now = timezone.now()
    LoginAttempt.objects.filter(at__lte=now - WINDOW).delete()
    attempt = LoginAttempt.objects.create(name=_key(name), address=_place(address), at=now)
    limits = (
        (Q(name=attempt.name, address=attempt.address), MOST_OF_BOTH),
        (Q(name=attempt.name), MOST_OF_A_NAME),
        (Q(address=attempt.address), MOST_OF_AN_ADDRESS),
    )
    wait = max(_wait(attempt, which, most) for which, most in limits)
    if wait:
        attempt.delete()
        logger.warning(
            "login as %r from %s refused: too many attempts; it may try again in %d s",
            name[:150],
            attempt.address,
            wait,
        )
    return wait


def succeeded(name: str, address: str) -> None:
    """Forget the failed attempts of a name at the address from which its person has logged in."""
    LoginAttempt.objects.filter(name=_key(name), address=_place(address)).delete()


def _wait(attempt: LoginAttempt, which: Q, most: int) -> int:
    """Whole seconds until fewer than `most` other attempts are left in the window; 0 for now."""
    others = LoginAttempt.objects.filter(which).exclude(pk=attempt.pk).order_by("-at")
    times = list(others.values_list("at", flat=True)[:most])
    if len(times) < most:
        return 0
    return max(1, ceil((times[-1] + WINDOW - attempt.at).total_seconds()))


def _key(name: str) -> str:
    """One key for all spellings that people take for the same name."""
    return unicodedata.normalize("NFKC", name).casefold()[:150]


def _place(address: str) -> str:
    """The part of an address that a row has room for."""
    return address[:64]

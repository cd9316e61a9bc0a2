"""Tells the web processes that rights have changed, so that open sockets look at theirs again.

Only saves and deletes by the ORM's objects are told. Others, such as an UPDATE by SQL, are found
when each socket looks at its right again (`studio/live/permits.py`).
"""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from generation.live import events
from studio.models import ApiToken, Membership

RIGHTS_GROUP = "rights"
"""The group that every web process is in."""


def tell_changes() -> None:
    """Begin to tell changes of people, memberships and tokens, and the end of sessions."""
    for model in (get_user_model(), Membership, ApiToken):
        post_save.connect(_saved, sender=model, dispatch_uid=f"rights of {model.__name__}")
        post_delete.connect(_tell, sender=model, dispatch_uid=f"rights of {model.__name__}")
    user_logged_out.connect(_tell, dispatch_uid="rights of a session")


def _saved(sender: Any, update_fields: Any = None, **_named: Any) -> None:
    # Each login writes the time of the login, which is no right.
    if update_fields != {"last_login"}:
        _tell(sender)


def _tell(sender: Any, **_named: Any) -> None:
    transaction.on_commit(lambda: events.publish("rights.changed", [RIGHTS_GROUP]))

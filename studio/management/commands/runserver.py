"""manage.py runserver: Django's development server over ASGI, so that live pages work.

The app `daphne` would bring this command too, but it imports Twisted into every other command.
"""

from daphne.management.commands.runserver import Command

__all__ = ["Command"]

"""manage.py runserver: Django's development server over ASGI, so that live pages work.

The app `daphne` provides this command too, but it imports Twisted in all other commands.
"""

from daphne.management.commands.runserver import Command

__all__ = ["Command"]

"""The production as a Django app."""

from django.apps import AppConfig


class StudioConfig(AppConfig):
    """Projects, shots, characters, styles, takes and reviews."""

    name = "studio"
    verbose_name = "Studio"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let open sockets hear of changed rights."""
        from studio.accounts import rights

        rights.tell_changes()

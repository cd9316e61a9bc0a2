"""The production as a Django app."""

from django.apps import AppConfig


class StudioConfig(AppConfig):
    """Projects, shots, characters, styles, takes and reviews."""

    name = "studio"
    verbose_name = "Studio"
    default_auto_field = "django.db.models.BigAutoField"

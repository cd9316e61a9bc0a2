"""The engine as a Django app."""

from django.apps import AppConfig


class GenerationConfig(AppConfig):
    """Connects the doorbell once the models are there."""

    name = "generation"
    verbose_name = "Engine"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Importing the tasks connects them to the signal that submit sends."""
        from generation.worker import bells  # noqa: F401  (imported for its receivers)

"""Django application configuration of jobs."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Registers the app."""

    name = "poweroptix.jobs"
    label = "jobs"
    verbose_name = "Background work"
    default_auto_field = "django.db.models.BigAutoField"

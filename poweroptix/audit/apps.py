"""Django application configuration of audit."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Registers the app."""

    name = "poweroptix.audit"
    label = "audit"
    verbose_name = "Audit trail"
    default_auto_field = "django.db.models.BigAutoField"

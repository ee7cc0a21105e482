"""Tenants, people and tokens."""

from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractUser
from django.db import models

STAFF_ROLES = (
    "viewer",
    "operator",
    "analyst",
    "approver",
    "billing",
    "administrator",
    "auditor",
)
TENANT_ROLES = ("owner", "finance", "energy", "readonly")
TOKEN_LIFE_DAYS_MAX = 365


class Role(models.TextChoices):
    """What a person is here to do."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Meter operator"
    ANALYST = "analyst", "Settlement analyst"
    APPROVER = "approver", "Approver"
    BILLING = "billing", "Billing"
    ADMINISTRATOR = "administrator", "Administrator"
    AUDITOR = "auditor", "Auditor"
    OWNER = "owner", "Tenant: owner"
    FINANCE = "finance", "Tenant: finance"
    ENERGY = "energy", "Tenant: energy"
    READONLY = "readonly", "Tenant: read-only"


class Tenant(models.Model):
    """An organisation whose rows no other organisation may see."""

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["code"]

    def __str__(self):
        return self.name


class User(AbstractUser):
    """A person who logs in; without a tenant it is staff."""

    tenant = models.ForeignKey(
        Tenant, null=True, blank=True, on_delete=models.PROTECT, related_name="users"
    )
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        ordering = ["username"]
        constraints = [
            models.CheckConstraint(
                name="user_role_fits_tenant",
                condition=models.Q(tenant__isnull=True, role__in=STAFF_ROLES)
                | models.Q(
                    tenant__isnull=False,
                    role__in=TENANT_ROLES,
                    is_superuser=False,
                    is_staff=False,
                ),
                violation_error_message=(
                    "A person of a tenant takes a tenant role and is not staff; "
                    "a person without a tenant takes a staff role."
                ),
            ),
        ]

    def __str__(self):
        return self.username

    @property
    def is_tenant_user(self) -> bool:
        """Whether the person belongs to a tenant and so lives in the portal."""
        return self.tenant_id is not None


class ApiToken(models.Model):
    """A key for programs. Only its sha256 is stored; the key itself is shown once."""

    class Mode(models.TextChoices):
        """A test token reaches only tenants that exist for trying out."""

        LIVE = "live", "Live"
        TEST = "test", "Test"

    tenant = models.ForeignKey(
        Tenant, null=True, blank=True, on_delete=models.PROTECT, related_name="tokens"
    )
    name = models.CharField(max_length=100)
    mode = models.CharField(max_length=4, choices=Mode.choices, default=Mode.LIVE)
    prefix = models.CharField(max_length=20, help_text="First characters, to recognise it by.")
    token_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API token"
        constraints = [
            models.CheckConstraint(
                name="token_lives_a_year_at_most",
                condition=models.Q(expires_at__gt=models.F("created_at"))
                & models.Q(
                    expires_at__lte=models.F("created_at") + timedelta(days=TOKEN_LIFE_DAYS_MAX)
                ),
                violation_error_message="A token expires within 365 days of its creation.",
            ),
        ]

    def __str__(self):
        return f"{self.name} ({self.prefix}…)"

    def state(self, now: datetime) -> str:
        """Return valid, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at <= now else "valid"

    def has_scope(self, scope: str) -> bool:
        """Whether the token was given `scope`."""
        return scope in self.scopes

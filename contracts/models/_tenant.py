"""Rows of a tenant: the tenant is copied down, so that row security needs no join."""

from django.core.exceptions import ValidationError
from django.db import models


class TenantRow(models.Model):
    """A row whose tenant is that of the row it belongs to."""

    tenant_parent = "contract"

    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, editable=False, related_name="+"
    )

    class Meta:
        """Not a table."""

        abstract = True

    def save(self, *args, **kwargs):
        """Fill the tenant, whoever creates the row."""
        self.copy_tenant()
        super().save(*args, **kwargs)

    def copy_tenant(self) -> None:
        """Take the tenant of the parent. ValidationError when the parent has none."""
        if getattr(self, f"{self.tenant_parent}_id") is None:
            return
        tenant_id = getattr(self, self.tenant_parent).tenant_id
        if tenant_id is None:
            text = (
                f"{getattr(self, self.tenant_parent)} has no tenant; its people would see nothing."
            )
            raise ValidationError({self.tenant_parent: text})
        self.tenant_id = tenant_id

    def clean_fields(self, exclude=None):
        """Fill the tenant before the fields are checked."""
        self.copy_tenant()
        super().clean_fields(exclude=exclude)

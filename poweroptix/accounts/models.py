"""Tenants, people and tokens."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class Tenant(models.Model):
    """An organisation whose rows nobody else may see."""

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    def __str__(self):
        return self.name


class User(AbstractUser):
    """A person who logs in; without a tenant it is staff."""

    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.PROTECT)
    role = models.CharField(max_length=20, default="viewer")

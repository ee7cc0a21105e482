"""Saving a row with its model checks turned into one refusal."""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.finding import Finding


def checked_save(row: models.Model) -> models.Model:
    """Check and save. Refused with a finding per field; Conflict when the database objects."""
    try:
        row.full_clean()
    except ValidationError as error:
        findings = tuple(
            Finding("contracts.field", message, where=name)
            for name, messages in error.message_dict.items()
            for message in messages
        )
        text = "; ".join(
            finding.message if finding.where == "__all__" else f"{finding.where}: {finding.message}"
            for finding in findings
        )
        raise Refused("contracts.invalid", text, findings=findings) from error
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict("contracts.conflict", first_line(error)) from error
    return row


def first_line(error: Exception) -> str:
    """What the database said, without its context lines."""
    return str(error).splitlines()[0]

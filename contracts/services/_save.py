"""Saving a row with its model checks turned into one refusal."""

from django.core.exceptions import ValidationError
from django.db import DatabaseError, models, transaction

from poweroptix.db.errors import translate
from poweroptix.db.numbers import check_plain
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding


def checked_save(row: models.Model) -> models.Model:
    """Check and save. Refused with a finding per field, or with what the database objects."""
    try:
        _check_numbers(row)
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
    except DatabaseError as error:
        said = translate(error, messages_of(type(row)))
        if said is None:
            raise
        raise said from error
    return row


def _check_numbers(row: models.Model) -> None:
    """Refuse text in a column of decimals that is no plain decimal."""
    faults: dict[str, list[ValidationError]] = {}
    for field in row._meta.concrete_fields:
        if isinstance(field, models.DecimalField):
            try:
                check_plain(getattr(row, field.attname))
            except ValidationError as fault:
                faults[field.name] = [fault]
    if faults:
        raise ValidationError(faults)


def messages_of(model: type[models.Model]) -> dict[str, str]:
    """Sentences of the model's own constraints, by name."""
    return {
        constraint.name: str(constraint.violation_error_message)
        for constraint in model._meta.constraints
    }

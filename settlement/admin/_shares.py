"""Rows with dated shares: what is saved adds up to one on every day."""

from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet

from poweroptix.kernel.errors import DomainError
from settlement.weighing.shares import shares_over_time
from settlement.weighing.stays import Stay


def refuse_not_one(
    formset: BaseInlineFormSet, member: Callable[[dict], str], share: str, said: str = ""
) -> None:
    """Refuse the rows of a formset when a column of shares is not one on some day.

    `member` names a row's holder from its cleaned fields. Rows without a share hold none.
    """
    stays: dict[str, tuple[Stay, ...]] = {}
    for form in formset.forms:
        row = getattr(form, "cleaned_data", {})
        if not row.get("valid") or row.get("DELETE") or not row.get(share):
            continue
        stay = Stay(row["valid"].lower, row["valid"].upper, row[share])
        stays[member(row)] = (*stays.get(member(row), ()), stay)
    try:
        findings = shares_over_time(stays)
    except DomainError as error:
        raise ValidationError(error.message) from error
    if findings:
        raise ValidationError([f"{said}{one.message} {one.fix}" for one in findings])

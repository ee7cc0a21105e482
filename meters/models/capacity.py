"""The capacity of a generating unit in steps, so that its nameplate on a day is a question."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from .assets import GeneratingUnit


class CapacityStep(models.Model):
    """The nameplate of a unit from the day on which a phase is commissioned.

    The unit's own nameplate and commissioning date are the first step; a row here is a later one
    and holds until the next row begins or the unit retires. A derating is a step down.
    """

    generating_unit = models.ForeignKey(
        GeneratingUnit, on_delete=models.PROTECT, related_name="capacity_steps"
    )
    effective_from = models.DateField(help_text="Commissioning date of the phase.")
    nameplate_kw = models.DecimalField(
        max_digits=14, decimal_places=3, help_text="Of the whole unit from that day on, in kW."
    )
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        """Names and constraints."""

        ordering = ["generating_unit", "effective_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["generating_unit", "effective_from"],
                name="capacity_step_start_once",
                violation_error_message="The unit already has a capacity step on that day.",
            ),
            models.CheckConstraint(
                name="capacity_step_nameplate_range",
                condition=Q(nameplate_kw__gt=0, nameplate_kw__lte=10_000_000),
                violation_error_message="The nameplate is above 0 and at most 10,000,000 kW.",
            ),
        ]

    def __str__(self):
        return f"{self.generating_unit}: {self.nameplate_kw} kW from {self.effective_from}"

    def clean(self):
        """Refuse a step that is not after the unit's commissioning and before its retirement."""
        unit = self.generating_unit
        first, last = unit.commissioning_date, unit.retired_date
        if first is not None and self.effective_from <= first:
            raise ValidationError(
                {
                    "effective_from": f"{unit.code} is commissioned on {first}: its own nameplate "
                    "holds from there, a step begins later."
                }
            )
        if last is not None and self.effective_from >= last:
            raise ValidationError({"effective_from": f"{unit.code} is retired on {last}."})


def capacity_steps(
    unit: GeneratingUnit, later: Iterable[CapacityStep]
) -> tuple[tuple[date, Decimal], ...]:
    """Return the nameplates of a unit in kW with the local day each begins, in order.

    `later` are the steps of this unit. A unit without commissioning date has always been there; a
    retired unit ends with a step to zero.
    """
    steps = [(unit.commissioning_date or date.min, unit.nameplate_kw)]
    steps += sorted((step.effective_from, step.nameplate_kw) for step in later)
    if unit.retired_date is not None:
        steps = [step for step in steps if step[0] < unit.retired_date]
        steps.append((unit.retired_date, Decimal(0)))
    return tuple(steps)

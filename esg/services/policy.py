"""Choose how the carbon of a campus is accounted, from a date on."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction

from esg.models import CarbonPolicy
from meters.models import Campus
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Refused


def set_policy(
    campus: Campus, *, effective_from: date, actor: Actor, **choices: object
) -> CarbonPolicy:
    """Set grid_region, gwp_set, loss_carbon and battery efficiencies from a date on.

    The same choices again change nothing. Refused for a value that is not allowed.
    """
    require(actor, "esg.edit")
    with transaction.atomic():
        policy = CarbonPolicy.objects.filter(campus=campus, effective_from=effective_from).first()
        policy = policy or CarbonPolicy(campus=campus, effective_from=effective_from)
        before = {name: str(getattr(policy, name)) for name in choices}
        for name, value in choices.items():
            setattr(policy, name, value)
        after = {name: str(getattr(policy, name)) for name in choices}
        if policy.pk and before == after:
            return policy
        try:
            policy.full_clean()
        except ValidationError as error:
            raise Refused("esg.policy", "; ".join(error.messages)) from error
        policy.save()
        record("esg.set_policy", policy, actor=actor, before=before, after=after)
    return policy

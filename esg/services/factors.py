"""Load published factors; the same edition again changes nothing, a changed one is refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from esg.models import EmissionFactor, GwpValue
from esg.services.factor_files import read_all
from esg.sources._base import Factor
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Refused

SHARED = (
    *("code", "edition", "gas", "value", "unit", "gwp_set", "valid_from", "valid_to"),
    *("source", "source_table", "verification", "note"),
)
OWN = {EmissionFactor: ("category", "subject", "basis"), GwpValue: ()}


@dataclass(frozen=True)
class LoadReceipt:
    """How many factors were added and how many were there already."""

    added: int
    present: int


def load_factors(
    *, now: datetime, actor: Actor, factors: Iterable[Factor] | None = None
) -> LoadReceipt:
    """Store the shipped factors (or the given ones). All or nothing; harmless when run again.

    Refused when a stored code and edition would get another value: a published number is never
    edited, a correction is a new edition.
    """
    given = list(read_all() if factors is None else factors)
    added = 0
    with transaction.atomic():
        for model in OWN:
            added += _load(model, [f for f in given if _model(f) is model], now)
        if added:
            record("esg.load_factors", ("esg.factors", "all"), actor=actor, after={"added": added})
    return LoadReceipt(added, len(given) - added)


def _model(factor: Factor):
    return GwpValue if factor.category == "gwp" else EmissionFactor


def _load(model, factors: list[Factor], now: datetime) -> int:
    held = {(row.code, row.edition): row for row in model.objects.all()}
    fresh = []
    for factor in factors:
        row = held.get((factor.code, factor.edition))
        names = (*SHARED, *OWN[model])
        if row is None:
            said = {name: getattr(factor, name) for name in names}
            fresh.append(model(loaded_at=now, **said))
            continue
        changed = [name for name in names if getattr(row, name) != getattr(factor, name)]
        if changed:
            raise Refused(
                "esg.factor_changed",
                f"{factor.code} of {factor.edition} is stored with another "
                f"{' and '.join(changed)}; a published number is never edited. "
                "Give the correction an edition of its own.",
                factor=factor.code,
            )
    model.objects.bulk_create(fresh)
    return len(fresh)

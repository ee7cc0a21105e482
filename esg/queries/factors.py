"""Which published factor counts on a day: the newest data held that is not from the future."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

from django.db.models import Q

from esg.calc.inputs import FactorUse
from esg.models import EmissionFactor, GwpValue
from poweroptix.kernel.canonical import number
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period


def factors_on(codes: Iterable[str], day: date) -> dict[str, EmissionFactor]:
    """Return the factor of each code that counts on a day; codes without one are absent.

    Of several editions the one with the newest data year counts, then the last one loaded.
    """
    rows = EmissionFactor.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=day), code__in=set(codes), valid_from__lte=day
    ).order_by("valid_from", "loaded_at", "pk")
    return {row.code: row for row in rows}


def fuel_codes(fuel: str) -> list[str]:
    """Return the codes of a fuel's factors; what NG_4SLB has not is taken from NG.

    >>> fuel_codes("NG_4SLB")[:2]
    ['SC.NG_4SLB.CO2', 'SC.NG.CO2']
    """
    base = fuel.partition("_")[0]
    names = [fuel] if base == fuel else [fuel, base]
    return [f"SC.{name}.{gas}" for gas in ("CO2", "CH4", "N2O") for name in names]


def factor_uses(
    codes: list[str],
    period: Period,
    *,
    unit: str,
    convert: Callable[[Decimal], Decimal],
    what: str,
    correct: str,
) -> tuple[FactorUse, ...]:
    """Return the factors of CO2, CH4 and N2O as they are used, the first code of each gas found.

    Refused when a gas has none: a missing factor is never zero. The sentence names the gases,
    `what` they are missing for and the period; `correct` is where a wrong code is put right.
    """
    day = period.first_date
    found = factors_on(codes, day)
    chosen: dict[str, EmissionFactor] = {}
    for code in codes:
        if code in found:
            chosen.setdefault(code.rpartition(".")[2], found[code])
    missing = sorted({"CO2", "CH4", "N2O"} - set(chosen))
    if missing:
        raise Refused(
            "esg.no_factor",
            f"No carbon factor of {', '.join(missing)} for {what} in {period.label}: "
            f"correct {correct} or run manage.py load_factors.",
            codes=codes,
        )
    return tuple(_use(row, day, unit, convert) for row in chosen.values())


def _use(
    row: EmissionFactor, day: date, unit: str, convert: Callable[[Decimal], Decimal]
) -> FactorUse:
    printed = Decimal(number(row.value.normalize()))
    note = ""
    if row.category == "grid_location" and row.valid_from.year != day.year:
        note = f"data of {row.valid_from.year} applied to {day.year}, latest edition held"
    table = f", {row.source_table}" if row.source_table else ""
    return FactorUse(
        code=row.code,
        edition=row.edition,
        gas=row.gas,
        value=convert(printed),
        unit=unit,
        printed=printed,
        printed_unit=row.unit,
        source=f"{row.source}{table}, {row.edition}",
        note=note,
    )


def gwp_of(name: str) -> tuple[dict[str, Decimal], str]:
    """Return the weights of a GWP set by gas, and where they are published.

    Refused when the set is not loaded.
    """
    rows = list(GwpValue.objects.filter(gwp_set=name).order_by("gas", "loaded_at"))
    if not rows:
        raise Refused(
            "esg.gwp_unknown",
            f"The GWP set {name} is not loaded; run manage.py load_factors.",
            gwp_set=name,
        )
    values = {row.gas: Decimal(number(row.value.normalize())) for row in rows}
    return values, f"{rows[0].source}, {rows[0].source_table}"

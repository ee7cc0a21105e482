"""What a carbon account reads: the plan of it as a document, and the inputs it leads to."""

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from esg.calc.combustion import MMBTU_UNIT
from esg.calc.gases import GwpSet
from esg.calc.grid_import import kg_per_kwh
from esg.calc.inputs import (
    FORMAT,
    AccountInputs,
    Emitter,
    FactorUse,
    StoreSpec,
)
from esg.models import CarbonPolicy, EmissionRun
from esg.queries.contracts import contract_digests, contract_shares
from esg.queries.factors import factor_uses, fuel_codes, gwp_of
from meters.models import Campus, Channel, DeliveryPoint, GeneratingUnit
from meters.queries import Pin, final_many
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.period import LocalClock, Period
from poweroptix.kernel.series import Series
from settlement.models import AllocationRun
from settlement.queries.campus import CampusReading, read_again

CURRENT = "CALCULATED"
BOILER_NOTE = "made for boilers and understates lean-burn engines"


def policy_on(campus: Campus, day: date) -> CarbonPolicy:
    """Return the carbon policy of a campus on a day. Refused before its first one."""
    row = (
        CarbonPolicy.objects.filter(campus=campus, effective_from__lte=day)
        .order_by("-effective_from")
        .first()
    )
    if row is None:
        raise Refused(
            "esg.no_policy",
            f"{campus.code} has no carbon policy on {day}: name its grid region and GWP set "
            "(Admin, Carbon policies, or account_carbon --grid-region).",
            campus=campus.code,
        )
    return row


def plan_of(allocation: AllocationRun) -> tuple[dict[str, Any], list[Finding]]:
    """Return the frozen document of an account of this allocation, and what is worth knowing.

    Refused when the policy, a factor or a fuel meter is missing.
    """
    campus, reading = allocation.campus, read_again(allocation.inputs)
    period = reading.inputs.period
    policy = policy_on(campus, period.first_date)
    weights, weights_source = gwp_of(policy.gwp_set)
    kinds = _kinds(reading)
    fuels, findings = _fuels(campus, period)
    used = {"fuels": fuels, "imports": _imports(reading, kinds, policy, period)}
    channels = [pk for fuel in fuels for pk in fuel["channels"]]
    series, pins = final_many(channels, period.start_utc, period.end_utc) if channels else ({}, ())
    document = {
        "format": FORMAT,
        "campus": campus.code,
        "period": {
            "label": period.label,
            "start_utc": period.start_utc,
            "end_utc": period.end_utc,
            "zone": period.zone,
        },
        "allocation": {
            "run": allocation.pk,
            "version": allocation.version,
            "inputs_sha256": allocation.inputs_sha256,
        },
        "policy": {"grid_region": policy.grid_region, "loss_carbon": policy.loss_carbon},
        "gwp": {"name": policy.gwp_set, "source": weights_source, "values": weights},
        "stores": _stores(campus, period, kinds, reading, policy),
        "contracts": contract_digests(allocation, policy.loss_carbon),
        "pins": [pin.to_json() for pin in pins],
        **used,
    }
    for fuel in fuels:
        fuel["digests"] = {str(pk): series[pk].digest() for pk in fuel["channels"]}
    return json.loads(canonical_json(document)), findings


def inputs_of(document: Mapping[str, Any]) -> AccountInputs:
    """Return the inputs that a frozen document describes, read by its pins and digests.

    Conflict when something it refers to is gone or differs.
    """
    if document["format"] != FORMAT:
        raise Conflict(
            "esg.format",
            f"This account was made in the form {document['format']}, which counted shared house "
            f"load twice; account the month again to have it in {FORMAT}.",
        )
    allocation = AllocationRun.objects.get(pk=document["allocation"]["run"])
    if allocation.inputs_sha256 != document["allocation"]["inputs_sha256"]:
        raise Conflict("esg.allocation_differs", f"Allocation {allocation} is not what was read.")
    reading = read_again(allocation.inputs)
    period, kinds = reading.inputs.period, _kinds(reading)
    emitters = [_fuel_emitter(entry, period, document["pins"]) for entry in document["fuels"]]
    emitters += [
        _emitter(entry, reading.inputs.sources[entry["code"]]) for entry in document["imports"]
    ]
    gwp = document["gwp"]
    return AccountInputs(
        label=f"{document['campus']} {period.label} v{allocation.version}",
        period_label=period.label,
        kinds=kinds,
        sources=reading.inputs.sources,
        sinks=reading.inputs.sinks,
        contracts=contract_shares(allocation, document),
        emitters=tuple(emitters),
        stores=tuple(
            StoreSpec(
                entry["code"],
                Fraction(entry["charge_ratio"]),
                Fraction(entry["discharge_ratio"]),
                entry["opening"],
            )
            for entry in document["stores"]
        ),
        day_of=lambda grid: LocalClock.of(grid, period.zone).date_ordinal.astype(np.int64),
        gwp=GwpSet(gwp["name"], {gas: Decimal(value) for gas, value in gwp["values"].items()}),
        gwp_source=gwp["source"],
        loss_carbon=document["policy"]["loss_carbon"],
        claimed=frozenset(claim.point for claim in reading.inputs.claims),
        shared=frozenset(
            point for pool in reading.inputs.pools if pool.kind == "ENERGY" for point in pool.points
        ),
        low_ratio=reading.inputs.low_ratio,
    )


def _kinds(reading: CampusReading) -> dict[str, str]:
    return {point["code"]: point["kind"] for point in reading.document["points"]}


def _fuels(campus: Campus, period: Period) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Return the fuel meters of a campus with their factors, and findings about its engines."""
    units = list(GeneratingUnit.objects.filter(campus=campus).exclude(fuel="").order_by("code"))
    running = [unit for unit in units if _runs(unit, period)]
    channels = (
        Channel.objects.filter(
            delivery_point__campus=campus,
            delivery_point__kind="FUEL",
            quantity="MMBTU",
            role="MAIN",
        )
        .select_related("delivery_point__generating_unit")
        .order_by("delivery_point__code", "code")
    )
    points: dict[str, dict[str, Any]] = {}
    burners: dict[str, list[str]] = {}
    for unit in running:
        burners.setdefault(unit.fuel, []).append(unit.code)
    for channel in channels:
        point = channel.delivery_point
        fuel = _fuel_of(point.generating_unit, {unit.fuel for unit in units}, point.code)
        if point.code not in points:
            points[point.code] = _fuel_point(point, fuel, burners.get(fuel), period)
            if _has_engines(running, fuel):
                points[point.code]["factors"] = _with_engine_note(points[point.code]["factors"])
        points[point.code]["channels"].append(channel.pk)
    metered = {entry["fuel"] for entry in points.values()}
    for unit in running:
        if unit.fuel not in metered:
            raise Refused(
                "esg.no_fuel_meter",
                f"{unit.code} burns {unit.fuel}, but no fuel meter of {campus.code} measures it; "
                "its carbon is unknown.",
                unit=unit.code,
            )
    return list(points.values()), _engine_findings(running)


def _fuel_point(
    point: DeliveryPoint, fuel: str, burners: list[str] | None, period: Period
) -> dict[str, Any]:
    """Return a fuel meter's point with the factors of its fuel, still without channels."""
    return {
        "code": point.code,
        "name": word(point.code),
        "label": f"{point.name} ({fuel})",
        "fuel": fuel,
        "channels": [],
        "factors": [
            use.to_json()
            for use in factor_uses(
                fuel_codes(fuel),
                period,
                unit=f"kg/{MMBTU_UNIT}",
                convert=lambda value: value,
                what=f"fuel {fuel} of {some(burners or [point.code])}",
                correct="the unit's fuel",
            )
        ],
    }


def _runs(unit: GeneratingUnit, period: Period) -> bool:
    started = unit.commissioning_date is None or unit.commissioning_date <= period.last_date
    return started and (unit.retired_date is None or unit.retired_date > period.first_date)


def _fuel_of(unit: GeneratingUnit | None, fuels: set[str], point: str) -> str:
    if unit is not None and unit.fuel:
        return unit.fuel
    if len(fuels) == 1:
        return next(iter(fuels))
    raise Refused(
        "esg.fuel_unknown",
        f"Fuel meter {point} does not say what flows through it: give it a generating unit "
        f"with a fuel ({', '.join(sorted(fuels)) or 'none is used on the campus'}).",
        point=point,
    )


def _engines(units: list[GeneratingUnit]) -> list[str]:
    return [u.code for u in units if u.technology == "GAS_ENGINE" and u.fuel == "NG"]


def _has_engines(units: list[GeneratingUnit], fuel: str) -> bool:
    return fuel == "NG" and bool(_engines(units))


def _with_engine_note(factors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return factors of which methane says that it is made for boilers, wherever it is printed."""
    return [one | {"note": BOILER_NOTE} if one["gas"] == "CH4_FOSSIL" else one for one in factors]


def _engine_findings(units: list[GeneratingUnit]) -> list[Finding]:
    engines = _engines(units)
    if not engines:
        return []
    text = f"{some(engines)}: the methane factor of fuel NG is {BOILER_NOTE}; set NG_4SLB."
    return [Finding("esg.engine_methane", text, Severity.WARN)]


def _imports(
    reading: CampusReading, kinds: Mapping[str, str], policy: CarbonPolicy, period: Period
) -> list[dict[str, Any]]:
    entries = []
    for code in reading.inputs.sources:
        if kinds.get(code) != "GRID_TIE":
            continue
        if not policy.grid_region:
            raise Refused(
                "esg.no_grid_region",
                f"{policy.campus.code} imports through {code}, but its carbon policy names no "
                "grid region.",
            )
        region = policy.grid_region
        uses = factor_uses(
            [f"GRID.{region}.{gas}" for gas in ("CO2", "CH4", "N2O")],
            period,
            unit="kg/kWh",
            convert=kg_per_kwh,
            what=f"grid region {region} at {code}",
            correct="the region in the carbon policy",
        )
        entries.append(
            {
                "code": code,
                "name": word(code),
                "label": f"Grid import at {code}, subregion {region}",
                "factors": [use.to_json() for use in uses],
            }
        )
    return entries


def _stores(
    campus: Campus,
    period: Period,
    kinds: Mapping[str, str],
    reading: CampusReading,
    policy: CarbonPolicy,
) -> list[dict[str, Any]]:
    codes = [code for code in reading.inputs.sources if kinds.get(code) == "STORAGE"]
    before = None
    if codes:
        before = EmissionRun.objects.filter(
            campus=campus, period=period.previous().label, state=CURRENT
        ).first()
    return [
        {
            "code": code,
            "charge_ratio": policy.storage_charge_ratio,
            "discharge_ratio": policy.storage_discharge_ratio,
            "opening": before.carry_out.get(code) if before else None,
            "opening_run": before.pk if before else None,
        }
        for code in codes
    ]


def _fuel_emitter(entry: Mapping[str, Any], period: Period, pins: list) -> Emitter:
    chosen = [Pin.from_json(pin) for pin in pins if pin[0] in entry["channels"]]
    series, _ = final_many(entry["channels"], period.start_utc, period.end_utc, pins=chosen)
    for pk, one in series.items():
        if one.digest() != entry["digests"][str(pk)]:
            raise Conflict("esg.fuel_differs", f"The fuel of {entry['code']} is not what was read.")
    return _emitter(entry, _succession(list(series.values())))


def _succession(parts: list[Series]) -> Series:
    """Return one series of a meter and those that it succeeded, each filling the other's gaps."""
    minutes = max(part.grid.minutes for part in parts)
    total = parts[0].to_minutes(minutes)
    for part in parts[1:]:
        other, gap = part.to_minutes(minutes), total.missing
        values = np.where(gap, other.values, total.values)
        total = Series(total.grid, values, np.where(gap, other.status, total.status), total.unit)
    return total


def _emitter(entry: Mapping[str, Any], quantity: Series) -> Emitter:
    return Emitter(
        code=entry["code"],
        name=entry["name"],
        label=entry["label"],
        quantity=quantity,
        factors=tuple(FactorUse.from_json(use) for use in entry["factors"]),
    )


def some(codes: list[str], shown: int = 3) -> str:
    """Return a few codes and how many more there are, so that a sentence stays short.

    >>> some(["G1", "G2"]), some(["G1", "G2", "G3", "G4", "G5"])
    ('G1, G2', 'G1, G2, G3 and 2 more')
    """
    more = len(codes) - shown
    return ", ".join(codes[:shown]) + (f" and {more} more" if more > 0 else "")


def word(code: str) -> str:
    """Return a code as a word that a formula may use.

    >>> word("FUEL-A"), word("138kV/TIE")
    ('fuel_a', 'p_138kv_tie')
    """
    text = re.sub(r"[^a-z0-9]+", "_", code.lower()).strip("_") or "point"
    return text if text[0].isalpha() else f"p_{text}"

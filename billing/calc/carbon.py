"""The carbon block of an invoice, from the worksheet of an emission line."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.worksheet import Worksheet

GAS_BY_LABEL = {
    "CO2": "CO2",
    "CH4 (fossil)": "CH4_FOSSIL",
    "CH4 (non-fossil)": "CH4_NONFOSSIL",
    "N2O": "N2O",
}


def carbon_block(
    sheet: Worksheet,
    *,
    co2e_g: int,
    energy_kwh: Decimal,
    kg_per_mwh: Decimal | None,
    biogenic_mg: int,
    gwp_set: str,
    run_label: str,
    pool_g: int,
    pool_kwh: Decimal,
    sources: Sequence[Mapping[str, Any]],
    sha256: str,
) -> dict[str, Any]:
    """Return what the invoice says about carbon: total, intensity, gases, method, factors."""
    gases = [
        {
            "gas": GAS_BY_LABEL.get(row.label, row.label),
            "kg": row.quantity.value,
            "weight": row.rate.value,
            "kgco2e": row.exact_usd,
        }
        for row in sheet.rows
    ]
    if biogenic_mg:
        kg = Decimal(biogenic_mg).scaleb(-6)
        gases.append({"gas": "CO2_BIOGENIC", "kg": kg, "weight": "0", "kgco2e": "0"})
    return {
        "kgco2e": Decimal(co2e_g).scaleb(-3),
        "kwh": energy_kwh,
        "kg_per_mwh": kg_per_mwh,
        "gwp_set": gwp_set,
        "gases": gases,
        "sentence": _sentence(pool_g, pool_kwh),
        "sources": f"{_factors(sources)} Carbon account {run_label}.",
        "run": run_label,
        "sha256": sha256,
        "worksheet": sheet.to_json(),
    }


def _sentence(pool_g: int, pool_kwh: Decimal) -> str:
    text = (
        "Your share of the campus pool, interval by interval: the carbon of all fuel and grid "
        "import over all energy that entered the campus, times your energy."
    )
    if not pool_kwh:
        return text
    average = to_places(Fraction(pool_g) / Fraction(pool_kwh), 1, Mode.HALF_EVEN)
    return f"{text} Campus average of the month: {average} kg CO2e/MWh."


def _factors(sources: Sequence[Mapping[str, Any]]) -> str:
    """Return each publication once, with what it was used for."""
    uses: dict[str, list[str]] = {}
    for source in sources:
        for factor in source["factors"]:
            note = f" ({factor['note']})" if factor.get("note") else ""
            labels = uses.setdefault(f"{factor['source']}{note}", [])
            if source["label"] not in labels:
                labels.append(source["label"])
    parts = [f"{', '.join(labels)}: {source}" for source, labels in uses.items()]
    return f"Factors: {'; '.join(parts)}." if parts else "No source emitted."

"""Global warming potentials over 100 years of the IPCC assessment reports."""

from datetime import date

from ._base import Factor, factor_sources, number, rows, verification

COLUMNS = (
    "gwp_set",
    "gas",
    "value",
    "source",
    "source_table",
    "valid_from",
    "verification",
)


@factor_sources.register("ipcc_gwp100@1")
def read(data: bytes) -> list[Factor]:
    """Read one row per set and gas: kg CO2e per kg, horizon 100 years, without feedback terms."""
    return [
        Factor(
            code=f"GWP.{row['gwp_set']}.{row['gas']}",
            edition=row["source"],
            category="gwp",
            subject=f"{row['gwp_set']} 100 years",
            gas=row["gas"],
            value=number(row["value"], line, "value"),
            unit="kgCO2e/kg",
            basis="GWP100",
            gwp_set=row["gwp_set"],
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=None,
            source=row["source"],
            source_table=row["source_table"],
            verification=verification(row["verification"], line),
        )
        for line, row in rows(data, COLUMNS)
    ]

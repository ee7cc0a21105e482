"""Methane of gas engines, where the Table C-2 default is far too low."""

from datetime import date

from ._base import Factor, factor_sources, number, rows, verification

COLUMNS = (
    "fuel",
    "name",
    "ch4_kg_per_mmbtu",
    "published",
    "source",
    "source_table",
    "edition",
    "valid_from",
    "verification",
)


@factor_sources.register("engine_methane@1")
def read(data: bytes) -> list[Factor]:
    """Read one row per engine class: kg CH4 per MMBtu (HHV) that slips through unburnt."""
    return [
        Factor(
            code=f"SC.{row['fuel']}.CH4",
            edition=row["edition"],
            category="stationary_combustion",
            subject=row["name"],
            gas="CH4_FOSSIL",
            value=number(row["ch4_kg_per_mmbtu"], line, "ch4_kg_per_mmbtu"),
            unit="kg/MMBtu",
            basis="HHV",
            gwp_set="",
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=None,
            source=row["source"],
            source_table=row["source_table"],
            verification=verification(row["verification"], line),
            note=f"printed as {row['published']}",
        )
        for line, row in rows(data, COLUMNS)
    ]

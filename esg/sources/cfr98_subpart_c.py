"""Default heat contents and combustion factors of 40 CFR Part 98, Tables C-1 and C-2 (HHV)."""

from datetime import date

from ._base import Factor, factor_sources, number, rows, verification

EDITION = "81 FR 89188 (9 Dec 2016)"
SOURCE = "40 CFR 98 Subpart C"
VALID_FROM = date(2017, 1, 1)
COLUMNS = (
    "fuel",
    "name",
    "hhv",
    "hhv_unit",
    "co2_kg_per_mmbtu",
    "ch4_kg_per_mmbtu",
    "n2o_kg_per_mmbtu",
    "biogenic",
    "verification",
)


@factor_sources.register("cfr98_subpart_c@1")
def read(data: bytes) -> list[Factor]:
    """Read one row per fuel: heat content (Table C-1), CO2 (C-1), CH4 and N2O (C-2).

    CO2 of a biogenic fuel becomes gas CO2_BIOGENIC, which is reported outside the scopes.
    """
    factors: list[Factor] = []
    for line, row in rows(data, COLUMNS):
        bio = row["biogenic"] == "yes"
        gases = {
            ("CO2_BIOGENIC" if bio else "CO2", "CO2"): ("co2_kg_per_mmbtu", "Table C-1"),
            ("CH4_NONFOSSIL" if bio else "CH4_FOSSIL", "CH4"): ("ch4_kg_per_mmbtu", "Table C-2"),
            ("N2O", "N2O"): ("n2o_kg_per_mmbtu", "Table C-2"),
        }
        for (gas, name), (column, table) in gases.items():
            factors.append(
                _factor(row, line, f"SC.{row['fuel']}.{name}", gas, column, "kg/MMBtu", table)
            )
        if row["hhv"]:
            factors.append(
                _factor(row, line, f"HHV.{row['fuel']}", "", "hhv", row["hhv_unit"], "Table C-1")
            )
    return factors


def _factor(row, line, code, gas, column, unit, table) -> Factor:
    return Factor(
        code=code,
        edition=EDITION,
        category="heat_content" if code.startswith("HHV.") else "stationary_combustion",
        subject=row["name"],
        gas=gas,
        value=number(row[column], line, column),
        unit=unit,
        basis="HHV",
        gwp_set="",
        valid_from=VALID_FROM,
        valid_to=None,
        source=SOURCE,
        source_table=table,
        verification=verification(row["verification"], line),
    )

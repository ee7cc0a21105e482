"""Total output emission rates of the eGRID subregions, eGRID2023 rev2 (EPA, 12 June 2025)."""

from datetime import date
from decimal import Decimal

from poweroptix.kernel.errors import Refused

from ._base import Factor, factor_sources, number, rows

EDITION = "eGRID2023 rev2 (12 Jun 2025)"
SOURCE = "EPA eGRID2023"
VALID_FROM = date(2023, 1, 1)
COLUMNS = (
    "subregion",
    "name",
    "co2_lb_per_mwh",
    "ch4_lb_per_mwh",
    "n2o_lb_per_mwh",
    "co2e_ar5_lb_per_mwh",
    "grid_gross_loss_ratio",
)
#: Published rates have three decimals; 28 x CH4 and 265 x N2O carry that rounding into CO2e.
LARGEST_ROUNDING_LB = Decimal("0.15")


@factor_sources.register("egrid2023_rev2@1")
def read(data: bytes) -> list[Factor]:
    """Read one row per subregion: CO2, CH4, N2O, CO2e in lb per MWh of net generation, grid loss.

    Refused when CO2 + 28 CH4 + 265 N2O is further than 0.15 lb/MWh from the published CO2e, the
    check that the publication's own rounding allows (a release of January 2025 fails it).
    """
    factors: list[Factor] = []
    for line, row in rows(data, COLUMNS):
        co2, ch4, n2o, co2e, loss = (number(row[name], line, name) for name in COLUMNS[2:])
        if abs(co2 + 28 * ch4 + 265 * n2o - co2e) > LARGEST_ROUNDING_LB:
            raise Refused(
                "esg.factor_identity",
                f"Line {line}: CO2 + 28 CH4 + 265 N2O of {row['subregion']} does not give its "
                f"CO2e {co2e} lb/MWh.",
            )
        region = row["subregion"]
        for name, gas, value, tag in (
            ("CO2", "CO2", co2, "V"),
            ("CH4", "CH4_FOSSIL", ch4, "S"),
            ("N2O", "N2O", n2o, "S"),
            ("CO2E", "CO2e", co2e, "V"),
        ):
            factors.append(_factor(row, f"GRID.{region}.{name}", gas, value, tag))
        factors.append(_factor(row, f"GRIDLOSS.{region}", "", loss, "V"))
    return factors


def _factor(row, code, gas, value, tag) -> Factor:
    is_loss = code.startswith("GRIDLOSS.")
    return Factor(
        code=code,
        edition=EDITION,
        category="grid_loss" if is_loss else "grid_location",
        subject=f"{row['subregion']} {row['name']}",
        gas=gas,
        value=value,
        unit="ratio" if is_loss else "lb/MWh",
        basis="grid gross loss" if is_loss else "net generation",
        gwp_set="AR5" if gas == "CO2e" else "",
        valid_from=VALID_FROM,
        valid_to=None,
        source=SOURCE,
        source_table="GGL23" if is_loss else "SRL23",
        verification=tag,
        note="gases weighted by the publisher; never re-base" if gas == "CO2e" else "",
    )

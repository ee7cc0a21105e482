"""Each publication is read as printed, and what is not trustworthy is refused."""

from decimal import Decimal

import pytest

from esg.services.factor_files import DATA, read_all
from esg.sources._base import factor_sources
from poweroptix.kernel.errors import Refused
from tests.esg.factors import FACTORS


def test_every_source_has_its_file_and_every_file_its_source():
    files = {path.stem for path in DATA.glob("*.csv")}
    assert files == {key.partition("@")[0] for key, _ in factor_sources.items()}


def test_published_numbers():
    assert FACTORS["SC.NG.CO2"].value == Decimal("53.06")
    assert FACTORS["SC.NG.CO2"].source_table == "Table C-1"
    assert FACTORS["SC.NG.N2O"].source_table == "Table C-2"
    assert FACTORS["GRID.ERCT.CO2E"].value == Decimal("736.629")
    assert FACTORS["GRID.ERCT.CO2E"].gwp_set == "AR5"
    assert FACTORS["GWP.AR6.CH4_FOSSIL"].value == Decimal("29.8")
    assert FACTORS["SC.BIOGAS.CO2"].gas == "CO2_BIOGENIC"


def test_engine_methane_is_567_times_the_boiler_default():
    [factor] = factor_sources.get("engine_methane@1")((DATA / "engine_methane.csv").read_bytes())
    assert factor.code == "SC.NG_4SLB.CH4"
    assert round(factor.value / FACTORS["SC.NG.CH4"].value) == 567
    assert "1.25 lb" in factor.note


def test_ipcc_gwp100_sets_are_complete():
    factors = factor_sources.get("ipcc_gwp100@1")((DATA / "ipcc_gwp100.csv").read_bytes())
    sets = {(f.gwp_set, f.gas) for f in factors}
    assert sets == {
        (name, gas)
        for name in ("AR4", "AR5", "AR6")
        for gas in ("CO2", "CH4_FOSSIL", "CH4_NONFOSSIL", "N2O")
    }


def test_code_and_edition_name_a_factor_once_and_nothing_is_from_memory():
    factors = read_all()
    assert len({(f.code, f.edition) for f in factors}) == len(factors)
    assert {f.verification for f in factors} <= {"V", "S", "D"}
    assert len([f for f in factors if f.code.endswith(".CO2E")]) == 27


def test_a_rate_that_breaks_the_publishers_identity_is_refused():
    text = (DATA / "egrid2023_rev2.csv").read_text().replace("736.629", "740.679")
    with pytest.raises(Refused) as error:
        factor_sources.get("egrid2023_rev2@1")(text.encode())
    assert error.value.code == "esg.factor_identity"
    assert "ERCT" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("53.06", "NaN", "esg.factor_value"),
        ("53.06", "-1", "esg.factor_value"),
        ("53.06", "53,06", "esg.factor_file"),
        (",no,V", ",no,M", "esg.factor_unverified"),
        ("fuel,name", "name,fuel", "esg.factor_file"),
    ],
)
def test_a_spoiled_table_is_refused(old, new, code):
    text = (DATA / "cfr98_subpart_c.csv").read_text().replace(old, new, 1)
    with pytest.raises(Refused) as error:
        factor_sources.get("cfr98_subpart_c@1")(text.encode())
    assert error.value.code == code

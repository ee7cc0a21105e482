"""Cases of indexed energy, each as a whole document that is settled: amounts, quantities, notes."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from contracts.calc.index_csv import PriceFile, read_prices
from poweroptix.kernel.period import Period
from poweroptix.kernel.worksheet import Worksheet
from settlement.calc.delta import Billed, billed_rows, compare
from settlement.calc.inputs import from_document
from settlement.calc.settle import settle
from tests.contracts.cases import case_path, example

ZONE = "America/Chicago"
START = datetime(2026, 3, 1, 6, tzinfo=UTC)
GAS = {
    "gas_index": "GAS",
    "heat_rate": "6.950",
    "variable_cost": "2.15",
    "gas_price_places": 4,
    "power_price_places": 4,
    "gas_day_start_hour": 0,
    "gas_day_zone": ZONE,
    "unpublished_days": "MISSING",
}


def hourly(values):
    return {"minutes": 60, "values": [None if one == "None" else one for one in values]}


def energy(mwh):
    return {"minutes": 60, "values": [f"{Decimal(one) * 1000:f}" for one in mwh]}


def document(key, parameters, prices, series=None, *, hours=None, start=START, zone=ZONE, **more):
    count = hours or len(next(iter(prices.values()))["values"])
    return {
        "contract": "PPA-CASE",
        "zone": zone,
        "period": {
            "start_utc": start.isoformat(),
            "end_utc": (start + timedelta(hours=count)).isoformat(),
            "label": f"{start:%Y-%m}",
        },
        "versions": [
            {
                "number": 1,
                "terms": [
                    {
                        "position": 1,
                        "line_code": 10,
                        "charge_type": key,
                        "label": "Energy",
                        "parameters": parameters,
                    }
                ],
            }
        ],
        "series": series or {},
        "prices": prices,
        **more,
    }


def settled(*given, **more):
    return settle(from_document(document(*given, **more)))


def test_a12_index_plus_adder():
    case = example("A12")
    given = ({"HUB": hourly(case["inputs"]["lmp"])}, {"delivered": energy(case["inputs"]["mwh"])})
    terms = {"index": "HUB", "adder": case["inputs"]["adder"].split()[0]}
    outcome = settled("index_adder@1", terms, *given)
    [line] = outcome.lines
    assert str(outcome.total_usd) == case["expected"]["line_rounded_once"]
    assert line.rate == Decimal(case["expected"]["average_price"])
    by_interval = settled("index_adder@1", terms, *given, rounding_point="INTERVAL")
    assert str(by_interval.total_usd) == case["expected"]["sum_of_rounded_intervals"]
    parts = settled("index_adder@1", {**terms, "split_adder": True}, *given)
    assert [str(line.amount_usd) for line in parts.lines] == [
        case["expected"]["index_part"],
        case["expected"]["adder_part"],
    ]


@pytest.mark.parametrize("hour", range(4))
def test_a12_each_interval(hour):
    case = example("A12")
    prices = {"HUB": hourly([case["inputs"]["lmp"][hour]])}
    series = {"delivered": energy([case["inputs"]["mwh"][hour]])}
    [line] = settled("index_adder@1", {"index": "HUB", "adder": "3.50"}, prices, series).lines
    assert line.exact_usd == Decimal(case["expected"]["interval_amounts_exact"][hour])


def test_a14_gas_days():
    """Friday to Tuesday by the day of flow; Sunday and Monday carry the weekend block."""
    case, mwh = example("A14"), []
    published: dict[str, str] = {}
    for step in case["steps"]:
        day, rest = step.split(": index ")
        index = rest.split(" -> ")[0]
        mwh.append(rest.rsplit(" x ", 1)[1])
        weekday, iso = day.split()
        published[iso] = None if weekday in ("Sun", "Mon") else index
    first = date.fromisoformat(next(iter(published)))
    start = Period.day(ZONE, first).start_utc
    terms = {
        **GAS, "gas_basis": case["inputs"]["basis"], "unpublished_days": "CARRY",
        "retention_ratio": "0.015",
    }  # fmt: skip
    gas = {"minutes": 1440, "unit": "USD/MMBtu", "start_utc": f"{first}T00:00:00Z",
           "values": list(published.values())}  # fmt: skip
    values = [value for one in mwh for value in (f"{Decimal(one) * 1000:f}", *["0"] * 23)]
    outcome = settled(
        "gas_indexed@1", terms, {"GAS": gas}, {"delivered": {"minutes": 60, "values": values}},
        hours=120, start=start,
    )  # fmt: skip
    assert str(outcome.total_usd) == case["expected"].pop("amount")
    rates = [str(row.rate.value) for row in outcome.lines[0].worksheet.rows]
    assert rates == list(case["expected"].values())
    assert outcome.findings == ()


def test_a15_collar():
    case = example("A15")
    given = ({"HUB": hourly(case["inputs"]["prices"])}, {"delivered": energy(["25"] * 4)})
    limits = {name: case["inputs"][name] for name in ("floor", "cap")}
    terms = {"index": "HUB", "collar_on": "PRICE", **limits}
    found = {
        "per_interval": settled("index_adder@1", {**terms, "collar_per": "INTERVAL"}, *given),
        "period_average": settled("index_adder@1", {**terms, "collar_per": "AVERAGE"}, *given),
        "uncollared": settled("index_adder@1", {"index": "HUB"}, *given),
    }
    assert {key: str(one.total_usd) for key, one in found.items()} == case["expected"]


def test_a16_share():
    case = example("A16")
    prices = {"HUB": hourly(case["inputs"]["index"])}
    series = {"delivered": energy(case["inputs"]["mwh"])}
    terms = {"index": "HUB", "multiplier": "0", "adder": "55", "upside_threshold": "70",
             "upside_share_ratio": "0.4"}  # fmt: skip
    levels = {"per_interval": "INTERVAL", "on_average": "AVERAGE"}
    found = {
        key: settled("index_adder@1", {**terms, "share_per": level}, prices, series)
        for key, level in levels.items()
    }
    assert {key: str(one.total_usd) for key, one in found.items()} == case["expected"]


CFD = {"index": "HUB", "strike": "38.00", "customer_pays": "FLOATING", "volume": "AS_GENERATED"}


@pytest.mark.parametrize("rule", ["NO_FLOOR", "FLOOR_ZERO", "NO_SETTLEMENT"])
def test_a17_difference(rule):
    """The case counts what the seller pays the buyer, so the seller is the customer here."""
    case = example("A17")
    given = ({"HUB": hourly(case["inputs"]["hub"])},
             {"delivered": energy(case["inputs"]["generation_mwh"])})  # fmt: skip
    outcome = settled("difference@1", {**CFD, "negative_prices": rule}, *given)
    assert str(outcome.total_usd) == case["expected"][rule]
    if rule == "NO_SETTLEMENT":
        quantity = outcome.lines[0].quantity
        assert quantity == Decimal(case["expected"]["settled_mwh_no_settlement"])
    buyer = {**CFD, "negative_prices": rule, "customer_pays": "FIXED"}
    assert settled("difference@1", buyer, *given).total_usd == -outcome.total_usd


def test_a43_flat_block_needs_no_reading():
    case, hub = example("A43"), {"HUB": hourly(example("A17")["inputs"]["hub"])}
    terms = {**CFD, "negative_prices": "NO_FLOOR", "volume": "FLAT_BLOCK", "volume_kw": "80000"}
    assert str(settled("difference@1", terms, hub).total_usd) == case["expected"]["block"]


def billed(outcome):
    return [
        Billed((one.line_code, one.label, ""), one.label, one.quantity, one.unit, one.amount_usd,
               billed_rows(Worksheet.from_json(one.worksheet.to_json())))
        for one in outcome.lines
    ]  # fmt: skip


def test_a41_provisional_month_and_true_up():
    case = example("A41")
    last = case["inputs"]["provisional_gas"].split()[0]

    def month(price):
        gas = {"minutes": 1440, "unit": "USD/MMBtu", "start_utc": "2026-02-28T00:00:00Z",
               "values": [last, *[price] * 31]}  # fmt: skip
        series = {"delivered": {"minutes": 60, "runs": [[1, "71990000"], [742, "0"]]}}
        terms = {**GAS, "ladder": [{"take": "LAST_PUBLISHED", "days": 31}]}
        return settled("gas_indexed@1", terms, {"GAS": gas}, series, hours=743)

    first, final = month(None), month(case["inputs"]["final_gas"])
    assert str(first.total_usd) == case["expected"]["first_invoice"]
    assert [one.code for one in first.findings] == ["contracts.price_provisional"]
    assert final.findings == ()
    [delta] = compare(billed(first), billed(final))
    assert str(delta.amount_usd) == case["expected"]["true_up_line"]
    assert (delta.volume_usd, delta.price_usd) == (0, delta.amount_usd)


def test_a42_ladder():
    case = example("A42")
    prices = {"RT": hourly(case["inputs"]["real_time"]), "DA": hourly(case["inputs"]["day_ahead"])}
    ladder = [{"take": "NEIGHBOURS", "longest_gap": 1}, {"take": "SERIES", "series": "DA"}]
    series = {"delivered": energy(["25"] * 6)}
    outcome = settled("index_adder@1", {"index": "RT", "ladder": ladder}, prices, series)
    assert str(outcome.total_usd) == case["expected"]["amount"]
    [warning] = outcome.findings
    assert warning.metric == case["expected"]["estimated_intervals"]
    assert [span["intervals"] for span in warning.data["spans"]] == [1, 2]


def test_e01_two_settlements():
    case = example("E01")
    ahead, actual = case["inputs"]["day_ahead"], case["inputs"]["metered_and_rt_price"]
    prices = {"DA": hourly([price for _, price in ahead]),
              "RT": hourly([price for _, price in actual])}  # fmt: skip
    series = {"scheduled": energy([mwh for mwh, _ in ahead]),
              "delivered": energy([mwh for mwh, _ in actual])}  # fmt: skip
    terms = {"schedule": "scheduled", "day_ahead_index": "DA", "index": "RT", "customer": "BUYS"}
    outcome = settled("two_settlement@1", terms, prices, series)
    assert str(outcome.total_usd) == case["expected"]["total"]
    sums = [sum(map(Decimal, case["expected"][key])) for key in ("day_ahead", "real_time")]
    assert [line.amount_usd for line in outcome.lines] == sums


def test_e04_day_of_25_hours():
    case = example("E04")
    path = case_path("settlement/lmp_caiso_day_ahead_hourly_2026-11-01.csv")
    wanted = PriceFile(60, "TH_SP15_GEN-APND", "DAY_AHEAD_HOURLY")
    rows = read_prices(path.read_bytes(), wanted)
    outcome = settled(
        "index_adder@1", {"index": "NP15", "adder": case["inputs"]["adder"]},
        {"NP15": {"minutes": 60, "values": [f"{price:f}" for _, price in rows]}},
        {"delivered": {"minutes": 15, "flat": "2500"}},
        start=rows[0][0], zone="America/Los_Angeles",
    )  # fmt: skip
    assert len(rows) == case["expected"]["rows"]
    assert str(outcome.total_usd) == case["expected"]["amount"]

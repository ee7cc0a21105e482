from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from contracts.charges import TermContext, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.rounding import money
from poweroptix.kernel.series import Series
from tests.contracts.builders import CHICAGO, amount, calendar, charge, inputs, micro_series, term
from tests.contracts.cases import case_json, example, load_kw
from tests.contracts.pysam import ZONE, pysam_months, twelve_by_24

KEY = "demand@1"


def priced(rate="10", **more):
    return {"prices": [{"period": "ALL", "blocks": [{"rate": rate}]}], **more}


def month_with_peak(label, peak_kw, **more):
    grid = Period.month(CHICAGO, label).grid(15)
    values = [10**6] * grid.count
    values[40] = int(Decimal(peak_kw) * 10**6) // 4
    return inputs(label, micro_series(grid, values), term=term("Demand", 20), **more)


@pytest.mark.parametrize(
    ("name", "minutes", "window"),
    [("block15", 15, "BLOCK"), ("rolling15", 15, "ROLLING"), ("block30", 30, "BLOCK")],
)
def test_a19_windows_over_five_minute_data(name, minutes, window):
    case = example("A19")
    start = datetime(2026, 3, 2, 12, tzinfo=UTC)
    grid = Grid(start, 5, 12)
    values = [mw * 10**9 // 12 for mw in case["inputs"]["mw_5min"]]
    period = Period(start, grid.end_utc, CHICAGO, "2026-03")
    given = inputs(period=period, series=micro_series(grid, values), term=term("Demand", 20))
    terms = priced("11.40", window_minutes=minutes, window=window)
    sheet, _ = charge(KEY, given, terms)
    assert sheet.rows[0].quantity.value == Decimal(case["expected"][name]["kw"])
    assert str(sheet.amount_usd) == case["expected"][name]["amount"]


def test_a20_ratchet_over_twenty_months():
    case = example("A20")
    terms = priced(
        "9.80",
        ratchet_ratio="0.8",
        ratchet_months=11,
        contract_kw="50000",
        contract_share_ratio="0.6",
    )
    carry, total = {}, Decimal(0)
    for label, peak_kw in case["inputs"]["monthly_peaks_kw"].items():
        given = month_with_peak(label, peak_kw, anchor_date=date(2026, 1, 1))
        sheet, carry = charge(KEY, given, terms, carry)
        assert sheet.figures[0].value == Decimal(case["expected"][label]["billing_kw"]), label
        assert str(sheet.amount_usd) == case["expected"][label]["amount"], label
        total += sheet.amount_usd
    assert str(total) == case["expected"]["sum"]
    assert next(iter(carry["peaks"])) == "2026-08"
    assert carry["peaks"]["2026-08"] == "49900"


def test_a21_facilities_and_time_of_use_demand():
    expected = example("A21")["expected"]
    rows = [
        {"day_types": ["all"], "start": "00:00", "end": "08:00", "period": "OFF"},
        {"day_types": ["all"], "start": "08:00", "end": "16:00", "period": "MID"},
        {"day_types": ["all"], "start": "16:00", "end": "24:00", "period": "ON"},
    ]
    grid = Period.month(CHICAGO, "2026-07").grid(15)
    values = [10**6] * grid.count
    for hour, kw in ((3, 173), (9, 207), (17, 216)):
        values[hour * 4] = kw * 10**6 // 4
    given = inputs(
        "2026-07",
        micro_series(grid, values),
        calendars={"SCE": calendar(rows)},
        term=term("Demand", 20),
    )
    terms = {
        "calendar": "SCE",
        "prices": [
            {"period": "ALL", "blocks": [{"rate": "13.20"}]},
            {"period": "MID", "blocks": [{"rate": "5.30"}]},
            {"period": "ON", "blocks": [{"rate": "18.11"}]},
            {"period": "OFF", "blocks": [{"rate": "0"}]},
        ],
    }
    sheet, _ = charge(KEY, given, terms)
    facilities, *tou = [row.exact_usd for row in sheet.rows]
    assert facilities == Decimal(expected["facilities"])
    assert sum(tou) == Decimal(expected["tou"])
    assert str(sheet.amount_usd) == expected["total"]
    assert [row.label for row in sheet.rows] == [
        "Demand",
        "Demand, MID",
        "Demand, ON",
        "Demand, OFF",
    ]


def test_pysam_demand_of_every_month():
    for case, month, kwh in pysam_months():
        blocks = {}
        for period, _tier, top, rate in case["inputs"]["ur_dc_tou_mat"]:
            end = {} if top > 1e30 else {"up_to_kw": f"{top:.0f}"}
            blocks.setdefault(f"P{int(period)}", []).append({**end, "rate": str(rate)})
        label = f"2018-{month + 1:02d}"
        series = Series.of(Period.month(ZONE, label).grid(60), kwh, "kWh")
        calendars = {"DC": twelve_by_24(case, "dc", ["P1", "P2"])}
        given = inputs(label, series, zone=ZONE, calendars=calendars)
        terms = {
            "calendar": "DC",
            "window_minutes": 60,
            "kw_rounding": "NONE",
            "prices": [{"period": name, "blocks": rows} for name, rows in blocks.items()],
        }
        sheet, _ = charge(KEY, given, terms)
        outputs = case["outputs_year1"]
        expected = Decimal(f"{outputs['charge_wo_sys_dc_tou_ym'][month]:.4f}")
        assert sheet.amount_usd == money(expected), label
        assert sheet.figures[0].value == Decimal(
            str(outputs["year1_monthly_peak_wo_system"][month])
        )


@pytest.mark.parametrize("counts", ["EXACTLY_K", "K_PLUS_1"])
def test_x7_ratchet_of_eleven_months(counts):
    case = case_json("settlement/crosscheck_X7.json")
    load = case["load"]
    months = load_kw(
        load["seed"],
        load["base_kw"],
        load["noise_pct"],
        load["steps_per_hour"],
        load["weekend_pct"],
        load["month_scale_pct"],
    )
    assert months[0][:8] == load["first8"]
    before = {f"2017-{month:02d}": str(kw) for month, kw in enumerate(case["ratchet"]["prev"], 1)}
    terms = priced(
        "14.5",
        ratchet_ratio="0.8",
        ratchet_months=11,
        lookback_counts=counts,
        minimum_kw="12000",
    )
    carry, total = {"peaks": before}, Decimal(0)
    for month, kw in enumerate(months):
        label = f"2018-{month + 1:02d}"
        series = micro_series(
            Period.month(ZONE, label).grid(15), [value * 10**6 // 4 for value in kw]
        )
        given = inputs(label, series, zone=ZONE, anchor_date=date(2010, 1, 1))
        sheet, carry = charge(KEY, given, terms, carry)
        row = case["monthly"][month]
        billing = row["billing_kw"] if counts == "K_PLUS_1" else None
        billing = billing or case["strict_lookback"]["billing_kw"][month]
        assert sheet.figures[0].value == Decimal(billing), label
        energy = {"price": "0.0545", "price_unit": "USD/kWh"}
        fee = {"fee": "2500"}
        bill = sheet.amount_usd + Decimal(amount("fixed_energy@1", given, energy))
        bill += Decimal(amount("recurring_fee@1", given, fee))
        whole = row["total"] if counts == "K_PLUS_1" else case["strict_lookback"]["total"][month]
        assert str(bill) == whole, label
        total += bill
    annual = {
        "K_PLUS_1": case["annual_sum_of_rounded_months"],
        "EXACTLY_K": str(sum(map(Decimal, case["strict_lookback"]["total"]))),
    }
    assert str(total) == annual[counts]


def test_december_differs_by_the_month_that_counts_or_not():
    peaks = {f"2025-{month:02d}": "1000" for month in range(1, 12)}
    given = month_with_peak("2026-12", "100")
    billed = []
    for counts in ("EXACTLY_K", "K_PLUS_1"):
        terms = priced(ratchet_ratio="0.8", ratchet_months=12, lookback_counts=counts)
        carry = {"peaks": {**peaks, "2025-12": "1000", "2025-11": "2000"}}
        billed.append(charge(KEY, given, terms, carry)[0].figures[0].value)
    assert billed == [Decimal(800), Decimal(1600)]


@pytest.mark.parametrize(
    ("rounding", "kw"), [("NEAREST", "1234"), ("UP", "1235"), ("NONE", "1234.4")]
)
def test_kw_rounding(rounding, kw):
    sheet, carry = charge(KEY, month_with_peak("2026-03", "1234.4"), priced(kw_rounding=rounding))
    assert sheet.rows[0].quantity.value == Decimal(kw)
    assert carry["peaks"] == {"2026-03": "1234.4"}


def test_marginal_blocks():
    blocks = [{"up_to_kw": "100", "rate": "13.50"}, {"up_to_kw": None, "rate": "12.10"}]
    terms = {"prices": [{"period": "ALL", "blocks": blocks}]}
    sheet, _ = charge(KEY, month_with_peak("2026-03", "3900"), terms)
    assert [row.quantity.value for row in sheet.rows] == [Decimal(100), Decimal(3800)]
    assert str(sheet.amount_usd) == "47330.00"


def test_kw_below_the_second_block_makes_one_row():
    blocks = [{"up_to_kw": "5000", "rate": "13.50"}, {"rate": "12.10"}]
    terms = {"prices": [{"period": "ALL", "blocks": blocks}]}
    sheet, _ = charge(KEY, month_with_peak("2026-03", "3900"), terms)
    assert [row.sentence() for row in sheet.rows] == ["3900 kW x 13.50 USD/kW-month"]


def test_the_peak_says_when_it_was_and_the_ratchet_which_month():
    terms = priced(ratchet_ratio="0.8")
    carry = {"peaks": {"2026-01": "50000", "2025-12": "40000"}}
    sheet, _ = charge(KEY, month_with_peak("2026-03", "1000"), terms, carry)
    billing = sheet.figures[0]
    assert billing.sentence() == "max(1000 kW, 0.8 ratio x 50000 kW)"
    peak, earlier, _ratio = billing.inputs
    assert peak.source.label.endswith("begins 2026-03-01 10:00 CST")
    assert earlier.source.label == "highest of 2025-04 to 2026-02, in 2026-01"


def test_part_month_pays_by_days():
    given = month_with_peak("2026-05", "1000", in_force=(date(2026, 5, 1), date(2026, 5, 14)))
    assert amount(KEY, given, priced("31")) == "14000.00"
    assert amount(KEY, given, priced("31", proration="FULL_MONTH")) == "31000.00"


def test_second_version_of_a_month_keeps_the_higher_peak():
    first = month_with_peak("2026-05", "1000", in_force=(date(2026, 5, 1), date(2026, 5, 14)))
    _, carry = charge(KEY, first, priced())
    later = month_with_peak("2026-05", "1000", in_force=(date(2026, 5, 15), date(2026, 5, 31)))
    _, carry = charge(KEY, later, priced(), carry)
    assert carry["peaks"] == {"2026-05": "1000"}


def test_unknown_peak_of_a_contract_month_blocks_and_null_says_no_service():
    terms = priced(ratchet_ratio="0.8", ratchet_months=2)
    given = month_with_peak("2026-03", "1000", anchor_date=date(2026, 1, 1))
    sheet, _ = charge(KEY, given, terms, {"peaks": {"2026-02": "900"}})
    assert [(f.severity, f.message) for f in sheet.findings] == [
        ("BLOCK", "the ratchet reads 2026-01, whose peak is not known")
    ]
    known = {"peaks": {"2026-02": "900", "2026-01": None}}
    sheet, carry = charge(KEY, given, terms, known)
    assert sheet.findings == ()
    assert carry["peaks"] == {"2026-01": None, "2026-02": "900", "2026-03": "1000"}


def test_months_before_the_contract_do_not_count_and_are_named():
    terms = priced(ratchet_ratio="0.8", ratchet_months=2)
    given = month_with_peak("2026-03", "1000", anchor_date=date(2026, 3, 1))
    sheet, _ = charge(KEY, given, terms)
    assert [(f.severity, f.message) for f in sheet.findings] == [
        ("INFO", "2026-01 to 2026-02 lie before the contract and do not count")
    ]
    assert str(sheet.amount_usd) == "10000.00"


def test_missing_reading_leaves_the_amount_empty_and_keeps_the_carry():
    given = month_with_peak("2026-03", "1000")
    values = given.series["delivered"].decimals()
    values[7] = None
    grid = given.series["delivered"].grid
    object.__setattr__(given, "series", {"delivered": Series.of(grid, values, "kWh")})
    before = {"peaks": {"2026-02": "900"}}
    sheet, carry = charge(KEY, given, priced(), before)
    assert sheet.amount_usd is None
    assert sheet.findings[0].severity == "BLOCK"
    assert carry == before


@pytest.mark.parametrize("text", ["many", "-1", "NaN", 12])
def test_peak_in_the_carry_that_is_no_number_is_refused(text):
    with pytest.raises(Refused, match=r"peak of 2026-02: '.*' is not a number of kW"):
        charge(KEY, month_with_peak("2026-03", "1"), priced(), {"peaks": {"2026-02": text}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window_minutes": 15, "window": "ROLLING"}, "a rolling window of 15 minutes needs"),
    ],
)
def test_window_that_readings_cannot_make_is_refused(change, message):
    with pytest.raises(Refused, match=message):
        charge(KEY, month_with_peak("2026-03", "1"), priced(**change))


def test_hourly_readings_make_no_quarter_hour_demand():
    grid = Period.month(CHICAGO, "2026-03").grid(60)
    given = inputs("2026-03", micro_series(grid, [1] * grid.count))
    with pytest.raises(Refused, match="readings of 60 minutes do not make windows of 15 minutes"):
        charge(KEY, given, priced())


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (
            [{"up_to_kw": "100", "rate": "1"}],
            "the last block of ALL ends at 100 kW; it must have no end",
        ),
        (
            [{"up_to_kw": "100", "rate": "1"}, {"up_to_kw": "90", "rate": "1"}, {"rate": "1"}],
            "block 1 ends at 100 kW, block 2 at 90 kW",
        ),
        (
            [{"rate": "1"}, {"rate": "2"}],
            "block 1 has no end, so block 2 is never reached",
        ),
        ([{"up_to_kw": str(n), "rate": "1"} for n in range(60)], "ALL has 60 blocks, at most 50"),
        ([], "ALL has no block"),
    ],
)
def test_blocks_are_checked_by_name(blocks, message):
    with pytest.raises(Refused) as caught:
        charge_type(KEY).parse({"prices": [{"period": "ALL", "blocks": blocks}]})
    assert [finding.message for finding in caught.value.findings] == [message]


def test_time_of_use_demand_needs_its_calendar():
    kind = charge_type(KEY)
    terms = kind.parse({"prices": [{"period": "ON", "blocks": [{"rate": "1"}]}]})
    assert kind.check(terms, TermContext())[0].message == "ON: name the calendar of these periods"

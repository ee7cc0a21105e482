"""Worked cases of money, settled as documents: terms in, printed lines out."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from poweroptix.kernel.canonical import canonical_json, sha256
from settlement.calc.cases import run_case
from settlement.calc.dispute import Contest, resolve, undisputed
from settlement.calc.inputs import from_document
from settlement.calc.settle import settle
from tests.contracts.cases import example

ZONE = "America/Chicago"
RATES = [{"from_date": "2026-01-01", "rate_ratio": "0.0625"}]


def term(code, charge_type, parameters, label="Line", **more):
    return {
        "line_code": code, "charge_type": charge_type, "label": label, "parameters": parameters,
        **more,
    }  # fmt: skip


def fee(code, usd, label="Fee"):
    return term(code, "recurring_fee@1", {"fee": str(usd)}, label)


def tax(code, lines, *, method="ON_TOP", rates=RATES, **more):
    parameters = {"rates": rates, "lines": lines, "method": method, "tax_day": "LAST_DAY", **more}
    return term(code, "tax@1", parameters, "Tax")


def interest(day_count="ACTUAL_365", method="SIMPLE", rates=()):
    return term(
        90,
        "late_interest@1",
        {
            "rates": list(rates), "method": method, "day_count": day_count, "tax": "EXCLUDED",
            "billed": "WHEN_PAID",
        },
        "Late interest",
    )  # fmt: skip


def document(*terms, period="2026-08", kwh="0", facts=None, in_force=None, **more):
    version = {"terms": list(terms), "facts": facts or {}}
    if in_force:
        version["in_force"] = in_force
    series = {"delivered": {"minutes": 60, "runs": runs(period, kwh)}}
    return {
        "contract": "C-1", "zone": ZONE, "period": period, "versions": [version],
        "series": series, **more,
    }  # fmt: skip


def runs(period, *kwh):
    """All energy in the first hours, nothing after them."""
    count = from_document(
        {"contract": "C", "zone": ZONE, "period": period, "versions": []}
    ).period.grid(60).count  # fmt: skip
    return [*([1, one] for one in kwh), [count - len(kwh), "0"]]


def lines_of(inputs):
    return {line.line_code: str(line.amount_usd) for line in settle(from_document(inputs)).lines}


def passes(inputs, **expected):
    verdict = run_case({"id": "x", "kind": "settle", "inputs": inputs, "expected": expected})
    assert verdict.verdict == "pass", (verdict.expected, verdict.got)


def test_a26_minimum_bill():
    case = example("A26")
    amounts, expected = case["inputs"], case["expected"]
    minimum = {"minimum": "45000", "lines": [10, 20, 40], "part_month": "WHOLE"}
    inputs = document(
        fee(10, amounts["energy"]),
        fee(20, amounts["demand"]),
        fee(30, amounts["fuel_pass_through"]),
        fee(40, amounts["fixed"]),
        term(60, "minimum_bill@1", minimum),
        adjustments=[adjustment("2026-07", "Energy", "0.00", amounts["prior_period_credit"])],
    )
    assert lines_of(inputs)[60] == expected["top_up"]
    passes(inputs, total=expected["subtotal"])


@pytest.mark.parametrize("rule", ["ACTUAL_MONTH", "THIRTY_360", "ACTUAL_365"])
def test_a35_first_part_month(rule):
    first = term(40, "recurring_fee@1", {"fee": "25000", "proration": rule})
    inputs = document(first, period="2026-05", in_force=["2026-05-18", "2026-05-31"])
    passes(inputs, total=example("A35")["expected"][rule])


def test_a37_taxes_rest_on_each_other_in_the_order_of_their_codes():
    case = example("A37")
    billed, expected = case["inputs"], case["expected"]
    exempt = {
        "line_code": 10, "certificate": "TX-77", "exempt_ratio": "0.75", "from_date": "2026-01-01",
    }  # fmt: skip
    steps = [
        {"up_to_kwh": "2000", "rate": "0.00465"},
        {"up_to_kwh": "15000", "rate": "0.00419"},
        {"rate": "0.00363"},
    ]
    inputs = document(
        fee(10, billed["energy"], "Energy"),
        fee(21, billed["capacity"], "Capacity"),
        fee(40, billed["fee"]),
        tax(80, [10, 40], certificates=[exempt]),
        term(81, "excise@1", {"steps": steps, "part_month": "WHOLE"}),
        tax(
            82,
            [10, 21, 40, 80, 81],
            method="INCLUDED",
            rates=[{"from_date": "2026-01-01", "rate_ratio": "0.025"}],
        ),
        kwh="18432517",
    )
    wanted = {
        "10": billed["energy"], "21": billed["capacity"], "40": billed["fee"],
        "80": expected["sales_tax"], "81": expected["excise"], "82": expected["grt"],
    }  # fmt: skip
    passes(inputs, lines=wanted, total=expected["total"])
    share = Decimal(expected["grt"]) / Decimal(expected["total"])
    assert f"{share:.6f}" == expected["check_grt_share"]


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("actual_365", interest(rates=[{"from_date": "2026-01-01", "rate_ratio": "0.0950"},
                                       {"from_date": "2026-09-01", "rate_ratio": "0.0925"}])),
        ("actual_360", interest("ACTUAL_360",
                                rates=[{"from_date": "2026-01-01", "rate_ratio": "0.0950"},
                                       {"from_date": "2026-09-01", "rate_ratio": "0.0925"}])),
        ("flat_1_5_pct_per_month_or_part", interest(
            method="FLAT_PER_MONTH", rates=[{"from_date": "2026-01-01", "rate_ratio": "0.015"}])),
    ],
)  # fmt: skip
def test_a38_late_interest(name, terms):
    case = example("A38")
    given = case["inputs"]
    late = {
        "reference": "INV-1", "amount_usd": given["amount"], "due_date": given["due"],
        "payments": [{"date": given["paid"], "amount_usd": given["amount"]}],
    }  # fmt: skip
    inputs = document(terms, period="2026-09", carry_in={"90": {"open_items": [late]}})
    passes(inputs, total=case["expected"][name])


@pytest.mark.parametrize(
    ("point", "mode", "name"),
    [
        ("LINE", "HALF_UP", "line_half_up"),
        ("INTERVAL", "HALF_UP", "sum_of_intervals_half_up"),
        ("INTERVAL", "HALF_EVEN", "sum_of_intervals_half_even"),
        ("INTERVAL", "DOWN", "sum_of_intervals_down"),
    ],
)
def test_a39_where_and_how_cents_are_made(point, mode, name):
    expected, x, kwh = example("A39")["expected"], 4711, []
    for _interval in range(2976):
        x = (1103515245 * x + 12345) % 2**31
        kwh.append(str(9000 + (x // 65536) % 2001))
    inputs = document(
        term(10, "fixed_energy@1", {"price": "61.85"}),
        period="2026-01",
        rounding_point=point,
        rounding=mode,
    )
    inputs["series"] = {"delivered": {"minutes": 15, "values": kwh}}
    passes(inputs, quantities=[expected["energy_mwh"]], total=expected[name])


@pytest.mark.parametrize("mode", ["HALF_UP", "HALF_EVEN"])
def test_a40_half_up_against_half_even(mode):
    expected = {
        name: usd for name, usd in example("A40")["expected"].items() if mode.lower() in name
    }
    inputs = document(
        term(10, "fixed_energy@1", {"price": "5.00"}),
        fee(40, "0.125"),
        fee(41, "-0.125"),
        kwh="2001",
        rounding=mode,
    )
    passes(inputs, lines=[expected[f"{one}_{mode.lower()}"] for one in "abc"])


def test_c04_a_corrected_month_keeps_its_own_tax_rate():
    """Both runs of August price the rate of August; September's 6.50 % is not used."""
    case = example("C04")
    rates = [*RATES, {"from_date": "2026-09-01", "rate_ratio": "0.065"}]
    old, new = (
        lines_of(document(fee(10, case["inputs"][name]), tax(80, [10], rates=rates)))[80]
        for name in ("taxable_old", "taxable_new")
    )
    delta = str(Decimal(new) - Decimal(old))
    wanted = case["expected"]
    assert (old, new, delta) == (wanted["tax_old"], wanted["tax_new"], wanted["tax_of_delta"])
    adjusted = adjustment("2026-08", "Tax", old, new)
    september = document(
        fee(10, "1000.00"), tax(80, [10], rates=rates), period="2026-09", adjustments=[adjusted]
    )
    passes(september, lines={"10": "1000.00", "70": wanted["tax_delta"], "80": "65.00"})


def adjustment(period, label, before, after):
    change = str(Decimal(after) - Decimal(before))
    return {
        "period": period,
        "runs": {"before_run": 1, "after_run": 2, "before_version": 1, "after_version": 2},
        "deltas": [
            {
                "label": label, "unit": "USD", "before_quantity": None, "after_quantity": None,
                "before_usd": before, "after_usd": after, "volume_usd": change,
                "price_usd": "0.00",
            }
        ],
    }  # fmt: skip


def test_c06_a_dispute_denied_in_part_bears_interest_since_the_due_day():
    case = example("C06")
    given, expected = case["inputs"], case["expected"]
    due = date(2026, 9, 20)
    disputed = Decimal(given["disputed"])
    found = resolve(disputed, Decimal("53125.40"))
    paid = due + timedelta(days=47)
    item = found.open_item("INV-9", due, paid)
    late = {
        "reference": item.reference, "amount_usd": str(item.amount_usd), "due_date": str(due),
        "payments": [{"date": str(paid), "amount_usd": str(item.amount_usd)}],
    }  # fmt: skip
    terms = interest(rates=[{"from_date": "2026-01-01", "rate_ratio": "0.0925"}])
    inputs = document(terms, period="2026-11", carry_in={"90": {"open_items": [late]}})
    [bill] = settle(from_document(inputs)).lines
    at_due = undisputed(Decimal(given["invoice"]), [Contest(disputed)], is_purchase=True)
    assert {
        "paid_at_due": str(at_due.stays_due_usd),
        "credit_note": str(-found.credited_usd),
        "still_owed": str(found.still_owed_usd),
        "interest": str(bill.amount_usd),
        "final_payment": str(found.still_owed_usd + bill.amount_usd),
    } == expected


def test_c08_the_canonical_bytes_of_a_line_are_those_of_the_reference():
    """A chain over our canonical bytes gives the published hashes."""
    case = example("C08")
    previous = "0" * 64
    for name in ("1", "2"):
        previous = sha256(previous.encode() + canonical_json(case["inputs"][f"line{name}"]))
        assert previous == case["expected"][f"hash{name}"]


def number(name, value, unit):
    return {"name": name, "kind": "CONSTANT", "value": value, "unit": unit}


def i01_terms():
    hours = {name: number(name, value, "hours") for name, value in (
        ("period", "720"), ("planned", "24"), ("forced", "31.5"), ("derated", "4.5"),
    )}  # fmt: skip
    deficiency = {
        "formula": "max(0, share * agreed - round(taken, 3)) * price",
        "names": [
            number("share", "0.8", "ratio"),
            number("agreed", "36000", "MWh"),
            {"name": "taken", "kind": "SERIES", "of": "delivered", "take": "SUM", "unit": "MWh"},
            number("price", "31.75", "USD/MWh"),
        ],
    }
    damages = {
        "formula": "-min(most, rate * round(100 * max(0, guaranteed - round("
        "(period - planned - forced - derated) / (period - planned), 6)), 4))",
        "names": [
            number("most", "50000", "USD"),
            number("rate", "18500", "USD"),
            number("guaranteed", "0.97", "ratio"),
            *hours.values(),
        ],
    }
    minimum = {"minimum": "1500000", "lines": [10, 11, 20, 21, 40], "part_month": "WHOLE"}
    demand = {"prices": [{"blocks": [{"rate": "11.40"}]}], "window_minutes": 60}
    return [
        interest(rates=[{"from_date": "2026-01-01", "rate_ratio": "0.0925"}]),
        tax(80, [40, 41]),
        term(60, "minimum_bill@1", minimum),
        term(50, "formula@1", damages, "Availability damages"),
        fee(41, "45000.00", "Campus charge"),
        fee(40, "25000.00"),
        term(35, "formula@1", deficiency, "Take-or-pay deficiency"),
        term(21, "capacity@1", {"capacity_kw": "50000", "rate": "6.25"}),
        term(20, "demand@1", demand, "Demand", quantity_name="peak"),
        term(11, "fixed_energy@1", {"price": "44.10"}, quantity_name="off_peak"),
        term(10, "fixed_energy@1", {"price": "98.40"}, quantity_name="on_peak"),
    ]


def test_i01_a_whole_invoice_in_the_order_of_evaluation():
    """Terms are given in reverse; lines come in order and each sees those below it."""
    expected = example("I01")["expected"]
    on_kwh, off_kwh = (
        str(Decimal(mwh) * 1000 * Decimal("1.0115")) for mwh in ("4105.320", "24212.875")
    )
    peak_kwh = "45100"
    # 9.25 % on 664,825.06 for 25 days is what the case calls late interest
    late = {
        "reference": "INV-7", "amount_usd": "664825.06", "due_date": "2026-10-20",
        "payments": [{"date": "2026-11-14", "amount_usd": "664825.06"}],
    }  # fmt: skip
    month = "2026-11"
    inputs = document(
        *i01_terms(),
        period=month,
        adjustments=[adjustment("2026-10", "Energy", "3859.77", "0.00")],
        carry_in={"90": {"open_items": [late]}},
    )
    inputs["series"] = {
        name: {"minutes": 60, "runs": runs(month, *kwh)}
        for name, kwh in {
            "on_peak": [on_kwh], "off_peak": [off_kwh], "delivered": [on_kwh, off_kwh],
            "peak": [peak_kwh],
        }.items()
    }  # fmt: skip
    wanted = {name.split()[0]: usd for name, usd in expected["lines"].items()}
    passes(inputs, lines=wanted, total=expected["total"])
    outcome = settle(from_document(inputs))
    assert [line.line_code for line in outcome.lines] == sorted(int(code) for code in wanted)
    billed = {line.line_code: line.quantity for line in outcome.lines}
    assert billed[10] + billed[11] == Decimal(expected["billed_mwh"])
    [shortfall] = [line for line in outcome.lines if line.line_code == 35]
    assert shortfall.worksheet.rows[0].quantity.sentence() == (
        "max(0, 0.8 ratio x 36000 MWh - round(28643.8542425 MWh, 3)) x 31.75 USD/MWh"
    )
    assert Decimal(28800) - billed[10] - billed[11] == Decimal(expected["deficiency_mwh"])

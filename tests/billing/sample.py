"""A whole invoice document, made through the real charges, for tests of what is printed."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np

from billing.calc.demand import demand_facts
from billing.calc.usage import usage_of
from billing.calc.wording import determinants, parts, sums
from contracts.charges import charge_type
from contracts.charges._base import Calendar, ChargeInputs, TermRef
from poweroptix.kernel.calendar import TouSchedule
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.period import LocalClock, Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

ZONE = "America/Chicago"
MARCH = Period.month(ZONE, "2026-03")


def march_series(estimated: int = 12) -> Series:
    """2,972 quarter-hours of a data hall, the first `estimated` of 17 March estimated."""
    grid = MARCH.grid(15)
    clock = LocalClock.of(grid, ZONE)
    minute = clock.minute_of_day.astype(np.int64)
    weekday = clock.weekday.astype(np.int64)
    wave = (np.arange(grid.count) * 7919) % 613 - 306
    kw = 21_400 + 1_300 * ((minute >= 480) & (minute < 1200)) - 900 * (weekday >= 5) + wave
    values = kw.astype(np.int64) * 250_000 + ((np.arange(grid.count) * 104_729) % 1000) * 1000
    status = np.full(grid.count, Status.VALIDATED, dtype=np.uint8)
    first = grid.index_of(MARCH.day_bounds(date(2026, 3, 17))[0]) + 40
    status[first : first + estimated] = Status.ESTIMATED
    return Series(grid, values, status, "kWh")


def schedule() -> TouSchedule:
    rows = [
        {"months": list(range(1, 13)), "day_types": ["weekday"], "start": a, "end": b, "period": p}
        for a, b, p in (
            ("00:00", "06:00", "OFF"),
            ("06:00", "22:00", "PEAK"),
            ("22:00", "24:00", "OFF"),
        )
    ]
    rows.append(
        {
            "months": list(range(1, 13)),
            "day_types": ["saturday", "sunday", "holiday"],
            "start": "00:00",
            "end": "24:00",
            "period": "OFF",
        }
    )
    return TouSchedule.from_json({"zone": ZONE, "rows": rows})


def prices() -> PriceSeries:
    grid = MARCH.grid(60)
    values = (3_100 + (np.arange(grid.count) * 37) % 2_400 - 400).astype(np.int64) * 10**6
    return PriceSeries(grid, values, "USD/MWh", "final", True)


TERMS = [
    (
        10,
        "tou_energy@1",
        "Energy, time of use",
        "4.1",
        {
            "calendar": "tou",
            "price_unit": "USD/MWh",
            "prices": [{"period": "PEAK", "price": "78.40"}, {"period": "OFF", "price": "51.25"}],
        },
        {},
    ),
    (
        12,
        "index_adder@1",
        "Balancing energy, West hub day-ahead plus adder",
        "4.2",
        {"index": "hub", "adder": "6.75", "price_unit": "USD/MWh"},
        {},
    ),
    (
        20,
        "demand@1",
        "Demand, 80 % ratchet",
        "4.3",
        {
            "prices": [
                {
                    "period": "ALL",
                    "blocks": [{"up_to_kw": "10000", "rate": "4.20"}, {"rate": "3.85"}],
                }
            ],
            "ratchet_ratio": "0.8",
            "ratchet_months": 2,
        },
        {"peaks": {"2026-01": "26120.4", "2026-02": "22410.8"}},
    ),
    (21, "capacity@1", "Capacity reservation", "4.4", {"capacity_kw": "26000", "rate": "6.15"}, {}),
    (
        40,
        "recurring_fee@1",
        "Switchyard service fee",
        "6.2",
        {"fee": "12500.00", "per": "MONTH"},
        {},
    ),
]


def sheets(series: Series):
    """Worksheets of a month under five clauses: (line code, clause, worksheet)."""
    for code, key, label, clause, parameters, carry in TERMS:
        kind = charge_type(key)
        share = series
        if code == 12:
            share = Series(series.grid, series.values // 20, series.status, "kWh")
        inputs = ChargeInputs(
            period=MARCH,
            zone=ZONE,
            currency="USD",
            term=TermRef("PPA-ALFA", 1, clause, code, label),
            series={"delivered": share},
            prices={"hub": prices()},
            calendars={"tou": Calendar(schedule())},
            in_force=(date(2026, 3, 1), date(2026, 3, 31)),
            anchor_date=date(2026, 1, 1),
            facts={},
        )
        yield code, clause, kind.charge(inputs, kind.parse(parameters), carry)[0]


def lines(series: Series) -> list[dict]:
    rows = []
    for code, clause, sheet in sheets(series):
        rows.append(
            {
                "position": len(rows) + 1,
                "line_code": code,
                "label": sheet.title,
                "clause": clause,
                "under": "",
                "quantity": None if sheet.quantity is None else format(sheet.quantity, "f"),
                "unit": sheet.unit,
                "rate_text": sheet.rate_text,
                "amount": format(sheet.amount_usd, "f"),
                "exact": format(sheet.exact_usd, "f"),
                "estimated_ratio": "0.004" if code == 10 else "0",
                "first_date": "2026-03-01",
                "last_date": "2026-03-31",
                "parts": parts(sheet),
                "determinants": determinants(sheet),
                "demand": demand_facts(sheet, ZONE),
                "sums": sums(sheet),
                "worksheet": sheet.to_json(),
            }
        )
    return rows


def document(**changes) -> dict:
    """The document of one invoice, as plain canonical JSON reads it back."""
    import json

    series = march_series()
    charged = lines(series)
    total = sum((Decimal(line["amount"]) for line in charged), Decimal("0.00"))
    made = {
        "schema": "poweroptix.invoice@1",
        "number": "CAP-2026-000017",
        "prepared_at": datetime(2026, 4, 2, 15, tzinfo=UTC),
        "issued_at": datetime(2026, 4, 3, 14, 5, tzinfo=UTC),
        "issue_date": date(2026, 4, 3),
        "due_date": date(2026, 5, 3),
        "payment_days": 30,
        "paper": "letter",
        "currency": "USD",
        "contact": "billing@caprock.example, +1 806 555 0142",
        "seller": {
            "code": "caprock-energy",
            "name": "Caprock Energy",
            "legal_name": "Caprock Energy Services LLC",
            "address": ["1200 Switchyard Road", "Lubbock, TX 79401", "United States"],
            "tax_id": "75-0000000",
            "bank": [
                {"label": "Bank", "value": "First Plains Bank"},
                {"label": "Routing (ABA)", "value": "111000025"},
                {"label": "Account", "value": "00418822"},
            ],
            "logo": "",
        },
        "customer": {
            "code": "alfa",
            "name": "ALFA Compute",
            "legal_name": "ALFA Compute LLC",
            "address": ["1 Hall Way", "Lubbock, TX 79401", "United States"],
            "tax_id": "",
        },
        "campus": {"code": "CAPROCK", "name": "Caprock Campus"},
        "contract": {"code": "PPA-ALFA", "name": "ALFA power purchase agreement", "version": 1},
        "points": [{"code": "TEN-ALFA", "name": "Hall ALFA, 34.5 kV feeder"}],
        "period": {
            "label": "2026-03",
            "title": "March 2026",
            "start_utc": MARCH.start_utc,
            "end_utc": MARCH.end_utc,
            "first_date": date(2026, 3, 1),
            "last_date": date(2026, 3, 31),
            "days": 31,
            "hours": MARCH.hours,
            "zone": ZONE,
        },
        "run": {
            "label": "PPA-ALFA 2026-03",
            "kind": "FINAL",
            "version": 1,
            "inputs_sha256": "4a" * 32,
            "lines_sha256": "5b" * 32,
            "allocation_sha256": "6c" * 32,
            "approved_at": datetime(2026, 4, 2, 16, 30, tzinfo=UTC),
        },
        "lines": charged,
        "total": total,
        "usage": usage_of(series, MARCH),
        "series": [{"name": "delivered", "minutes": 15, "count": 2972, "digest": series.digest()}],
        "carbon": carbon(),
        "notes": [],
    } | changes
    return json.loads(canonical_json(made))


def carbon() -> dict:
    gases = [
        ("CO2", "5211402.118", "1"),
        ("CH4_FOSSIL", "97.802", "28"),
        ("N2O", "9.779", "265"),
    ]
    rows = [
        {"gas": g, "kg": kg, "weight": w, "kgco2e": Decimal(kg) * Decimal(w)} for g, kg, w in gases
    ]
    return {
        "kgco2e": sum(row["kgco2e"] for row in rows),
        "kwh": "16201334.112",
        "kg_per_mwh": "321.9",
        "gwp_set": "AR5",
        "gases": rows,
        "sentence": "Your share of the campus pool, interval by interval: the carbon of all fuel "
        "and grid import over all energy that entered, times your energy. Campus average of the "
        "month: 329.4 kg CO2e/MWh.",
        "sources": "Factors: natural gas, 40 CFR 98 Tables C-1 and C-2; grid import, EPA eGRID2023 "
        "rev2, subregion ERCT. Carbon run 2026-03 v1.",
    }

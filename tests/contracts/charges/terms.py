"""Pricing one term from a document, as examples, desk-checks and runs do."""

from contracts.calc.documents import pricing_inputs
from contracts.calc.price_terms import PricedTerm, PricingInputs, absent, needs_of, price_terms
from poweroptix.kernel.period import Period

ZONE = "Etc/GMT+6"
MONTH = Period.month(ZONE, "2026-04")
NEED = PricingInputs("PPA-1", 1, MONTH, ZONE, "USD")


def priced(key, parameters, document, *, code=50, quantity="delivered"):
    """Return (worksheet, carry) of a term; the document must hold all that the term needs."""
    term = PricedTerm(1, code, key, "Line", "9.1", quantity, parameters)
    inputs = pricing_inputs({"period": "2026-04", **document}, NEED)
    lacking = [one for one in absent(needs_of([term]), inputs) if "fact" not in one.code]
    assert not lacking, lacking
    [(_, sheet)], carry = price_terms([term], inputs)
    return sheet, carry.get(str(code), {})


def flat(kwh, unit="kWh", minutes=60):
    return {"flat": str(kwh), "minutes": minutes, "unit": unit}


def spread(total, unit="kWh", count=720):
    """A series with the given total: everything in the first interval."""
    return {"runs": [[1, str(total)], [count - 1, "0"]], "minutes": 60, "unit": unit}


def event(kind, start, end=None, **values):
    """An event of April 2026 at local times "day hour:minute" of the zone, UTC-6."""
    return {
        "kind": kind,
        "start_utc": _at(start),
        "end_utc": _at(end or start),
        "values": values,
    }


def _at(text):
    day, _, clock = text.partition(" ")
    month, _, day = day.rpartition("-")
    return f"2026-{month or '04'}-{int(day):02d}T{clock or '00:00'}:00-06:00"

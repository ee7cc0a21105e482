"""Every charge of an invoice computed again from what a tenant is handed: words and CSV."""

import csv
import io
import re
from decimal import ROUND_HALF_UP, Decimal

import pytest

from billing.documents.store import stored_csv
from tests.billing.world import QUICK_HASHERS, BilledWorld, quick_pdf

pytestmark = pytest.mark.django_db


def cents(exact: Decimal) -> Decimal:
    return exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def dollars(text: str) -> list[Decimal]:
    return [Decimal(one.replace(",", "")) for one in re.findall(r"\$([\d,]+\.?\d*)", text)]


def test_every_charge_can_be_computed_from_its_clause_in_words_and_the_file(
    settings, tmp_path, monkeypatch
):
    settings.MEDIA_ROOT = str(tmp_path)
    settings.PASSWORD_HASHERS = QUICK_HASHERS
    quick_pdf(monkeypatch)
    document = BilledWorld().issue().document
    content = stored_csv(document["interval_csv_sha256"]).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))
    kwh = [Decimal(row["delivered_kwh"]) for row in rows]
    said = {term["position"]: term["sentence"] for term in document["terms"]}
    energy, demand, fee = document["lines"]

    prices = [Decimal(row["line_10_price_usd_per_mwh"]) for row in rows]
    assert "Energy of every interval at the price of Hub, plus $6.75 per MWh" in said[1]
    exact = sum(a * b for a, b in zip(kwh, prices, strict=True)) / 1000
    assert exact == Decimal(energy["exact"])
    assert cents(exact) == Decimal(energy["amount"])

    assert "for the highest 15-minute average of the month" in said[2]
    assert "rounded to the nearest whole kW" in said[2]
    kw = (max(kwh) * 4).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    assert cents(kw * dollars(said[2])[0]) == Decimal(demand["amount"])

    assert dollars(said[3]) == [Decimal(fee["amount"])]
    total = sum(Decimal(line["amount"]) for line in document["lines"])
    assert total == Decimal(document["total"])

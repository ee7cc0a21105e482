"""Real files through to an issued PDF by commands alone, against cents worked out beside them.

The expected amounts are computed here with plain loops over the source file, so that nothing of
the product vouches for itself.
"""

import gzip
import xml.etree.ElementTree as ET
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings

from billing.models import Invoice
from meters.models import Finding
from settlement.models import SettlementRun
from tests.conformance.chain import Portfolio, fee_example, manage, people, term
from tests.contracts.cases import case_path

pytestmark = pytest.mark.django_db
SOLAR = "vee/nem12/Example_NEM12_month_solar.csv"
WEEK = "peers/nist_greenbutton/Meter_Data_2014-01-06_2014-01-12.xml.gz"
PRICES = {"PEAK": Decimal("0.3125"), "OFF": Decimal("0.1178")}
ESPI = "{http://naesb.org/espi}"


def terms(capacity_kw):
    prices = [{"period": name, "price": str(price)} for name, price in PRICES.items()]
    energy = {"calendar": "tou", "price_unit": "USD/kWh", "prices": prices}
    return [
        term(10, "tou_energy@1", "Energy", line_per="CHARGE", **energy),
        term(21, "capacity@1", "Capacity", capacity_kw=capacity_kw, rate="4.15"),
        term(40, "recurring_fee@1", "Metering fee", fee="12.50", per="MONTH"),
    ]


def tou(zone):
    rows = [
        {"day_types": ["weekday"], "start": "00:00", "end": "07:00", "period": "OFF"},
        {"day_types": ["weekday"], "start": "07:00", "end": "22:00", "period": "PEAK"},
        {"day_types": ["weekday"], "start": "22:00", "end": "24:00", "period": "OFF"},
        {"day_types": ["weekend"], "start": "00:00", "end": "24:00", "period": "OFF"},
    ]
    return {"code": "tou", "name": "Peaks", "zone": zone, "schedule": {"zone": zone, "rows": rows}}


def cents(amount):
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def energy_of(readings, zone):
    """Price (start, kWh) readings by local clock."""
    kwh = defaultdict(Decimal)
    for start, value in readings:
        local = start.astimezone(ZoneInfo(zone))
        peak = local.weekday() < 5 and 7 <= local.hour < 22
        kwh["PEAK" if peak else "OFF"] += value
    return cents(sum(kwh[name] * price for name, price in PRICES.items()))


def nem12_net(path, zone):
    """Read consumption minus feed-in of a NEM12 file of five-minute intervals."""
    sign = 0
    for line in path.read_text().splitlines():
        cells = line.split(",")
        if cells[0] == "200":
            sign = 1 if cells[4] == "E1" else -1
        elif cells[0] == "300":
            day = datetime.strptime(cells[1], "%Y%m%d").replace(tzinfo=ZoneInfo(zone))
            for step, text in enumerate(cells[2:290]):
                yield day + timedelta(minutes=5 * step), sign * Decimal(text)


def espi_net(path):
    """Read delivered minus received of the week; one raw unit is 1e-4 kWh."""
    flow = 0
    root = ET.fromstring(gzip.decompress(path.read_bytes()))  # noqa: S314
    for node in root.iter():
        if node.tag == f"{ESPI}flowDirection":
            flow = {"1": 1, "19": -1}[node.text]
        elif node.tag == f"{ESPI}IntervalReading":
            start = int(node.find(f"{ESPI}timePeriod/{ESPI}start").text)
            value = Decimal(node.find(f"{ESPI}value").text).scaleb(-4)
            yield datetime.fromtimestamp(start, UTC), flow * value


def settled(period):
    return manage("settle", "--contract", "PPA", "--period", period, "--as", "analyst", "--json")


def through_to_the_invoice(period):
    """Settle, approve as somebody else, invoice, verify; return the run and the issued invoice."""
    run = settled(period)
    assert run.code == 0, run.out + run.err
    name = run.json["runs"][0]["run"]
    own = manage("settle", "approve", name, "--as", "analyst")
    assert own.code == 1
    assert "takes the role approver" in own.err + own.out
    approved = manage("settle", "approve", name, "--as", "approver", "--json")
    assert approved.code == 0, approved.out + approved.err
    words = ("--contract", "PPA", "--period", period, "--issue", "--as", "billing", "--json")
    issued = manage("invoice", *words)
    assert issued.code == 0, issued.out + issued.err
    again = manage("invoice", *words).json  # harmless when run again
    assert again == [{**issued.json[0], "checks": []}]
    invoice = Invoice.objects.get(number="SITE-000001")
    verified = manage("verify", name, invoice.number)
    assert verified.code == 0, verified.out + verified.err
    return SettlementRun.objects.get(pk=name), invoice


def amounts(run):
    return {line.line_code: line.amount_usd for line in run.lines.all()}


def assert_is_pdf(invoice):
    pdf = Path(settings.MEDIA_ROOT) / invoice.pdf
    assert pdf.read_bytes().startswith(b"%PDF")
    assert invoice.pdf_bytes == pdf.stat().st_size > 5_000


def test_a_month_of_a_real_nem12_file(tmp_path):
    path, zone = case_path(SOLAR), "Etc/GMT-10"
    people()
    portfolio = Portfolio(
        zone=zone,
        minutes=5,
        first_day="2023-03-01",
        terms=terms("5"),
        example=fee_example("2023-03", "12.50"),
        channels=("NMI1234567/E1", "NMI1234567/B1"),
        directions=("DELIVERED", "RECEIVED"),
        serial="SERNO1234",
        capacity_kw="10",
        calendars=[tou(zone)],
        profiles=[{"code": "market", "format": "nem12@1", "zone": zone}],
    )
    assert manage("apply", portfolio.write(tmp_path)).code == 0
    taken = manage("ingest", path, "--source", "market", "--profile", "market", "--json")
    assert taken.code == 0, taken.out + taken.err
    days = ("--from", "2023-03-01", "--to", "2023-03-31")
    assert manage("vee", "--campus", "SITE", *days).code == 0
    run, invoice = through_to_the_invoice("2023-03")
    readings = list(nem12_net(path, zone))
    assert sum(kwh for _, kwh in readings) == Decimal("270.738") - Decimal("589.172")
    assert amounts(run) == {
        10: energy_of(readings, zone),
        21: Decimal("20.75"),
        40: Decimal("12.50"),
    }
    assert invoice.total_usd == sum(amounts(run).values())
    assert invoice.energy_kwh == Decimal("-318.434")
    assert_is_pdf(invoice)


def house(profile):
    zone = "America/Los_Angeles"
    return Portfolio(
        zone=zone,
        minutes=1,
        first_day="2014-01-06",
        end_day="2014-01-13",
        installed=("2014-01-06T00:00:00-08:00", "2014-01-13T00:00:00-08:00"),
        terms=terms("20"),
        example=fee_example("2014-01", "12.50"),
        channels=("5446AF3F/DEL_KWH", "5446AF3F/REC_KWH"),
        directions=("DELIVERED", "RECEIVED"),
        capacity_kw="20",
        calendars=[tou(zone)],
        profiles=[{"code": "house", "format": "espi@1", **profile}],
    )


def test_a_real_green_button_week_with_its_unit_mended(tmp_path):
    path = case_path(WEEK)
    people()
    mended = {"unit": "kWh", "unit_factor": "0.0001", "options": {"accumulation": "delta"}}
    portfolio = house(mended)
    applied = manage("apply", portfolio.write(tmp_path))
    assert applied.code == 0, applied.err
    taken = manage("ingest", path, "--source", "house", "--profile", "house", "--json")
    assert taken.code == 0, taken.out + taken.err
    days = ("--from", "2014-01-06", "--to", "2014-01-12")
    assert manage("vee", "--campus", "SITE", *days).code == 0
    run, invoice = through_to_the_invoice("2014-01")
    readings = list(espi_net(path))
    assert sum(kwh for _, kwh in readings) == Decimal("348.1808") - Decimal("94.5940")
    seven_days = Decimal(7) / Decimal(31)
    assert amounts(run) == {
        10: energy_of(readings, portfolio.zone),
        21: cents(20 * Decimal("4.15") * seven_days),
        40: cents(Decimal("12.50") * seven_days),
    }
    assert invoice.energy_kwh == Decimal("253.5868")
    assert (invoice.first_date, invoice.last_date) <= (date(2014, 1, 6), date(2014, 1, 31))
    assert_is_pdf(invoice)


def test_the_wrong_unit_of_the_week_is_held_and_cannot_be_approved(tmp_path):
    path = case_path(WEEK)
    people()
    applied = manage("apply", house({}).write(tmp_path))
    assert applied.code == 0, applied.err
    taken = manage("ingest", path, "--source", "house", "--profile", "house", "--json")
    assert taken.code == 0, taken.out + taken.err
    days = ("--from", "2014-01-06", "--to", "2014-01-12")
    judged = manage("vee", "--campus", "SITE", *days, "--json")
    assert judged.code == 1
    assert {one["rule"] for one in judged.json["open"]} == {"F10"}
    held = Finding.objects.filter(rule_code="F10", state="OPEN", severity="HOLD")
    assert {one.channel.code for one in held} == {"5446AF3F/DEL_KWH", "5446AF3F/REC_KWH"}
    assert all("unit or scale of the source may be wrong" in one.message for one in held)
    [found] = settled("2014-01").json["runs"]
    codes = {one["code"]: one["severity"] for one in found["findings"]}
    assert codes == {
        "settlement.readings_unvalidated": "BLOCK",
        "settlement.findings_open": "BLOCK",
    }
    refused = manage("settle", "approve", found["run"], "--as", "approver")
    assert refused.code == 1
    assert "Not ready: delivered: 10080 intervals are not validated." in refused.err
    assert "2 findings of validation are open" in refused.err
    words = ("--contract", "PPA", "--period", "2014-01", "--issue", "--as", "billing")
    assert manage("invoice", *words).code != 0
    assert not Invoice.objects.exists()

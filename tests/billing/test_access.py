"""The one door: own invoices in every form, another tenant's in none."""

import csv
import io
from decimal import Decimal

import pytest

from billing import access
from billing.models import Invoice, InvoiceLine
from esg.models import EmissionLine, EmissionRun
from poweroptix.db.scope import portal_scope
from poweroptix.kernel.canonical import sha256
from poweroptix.kernel.errors import NotFoundError
from tests.billing.world import NOW, QUICK_HASHERS, BilledWorld, quick_pdf

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.PASSWORD_HASHERS = QUICK_HASHERS
    quick_pdf(monkeypatch)


@pytest.fixture
def world():
    made = BilledWorld()
    made.mine, made.theirs = made.issue("PPA-ALFA"), made.issue("PPA-BRAVO")
    return made


def test_own_invoices_in_every_form(world):
    tenant = world.alfa.tenant
    assert [one.number for one in access.invoices_of(tenant)] == [world.mine.number]
    assert access.invoice(tenant, world.mine.number).pk == world.mine.pk
    assert len(access.lines(tenant, world.mine.number)) == 3
    assert access.line(tenant, world.mine.number, 2).label == "Demand"
    assert access.pdf_file(tenant, world.mine.number).sha256 == world.mine.pdf_sha256
    json_file = access.document_file(tenant, world.mine.number)
    assert json_file.sha256 == world.mine.content_sha256
    assert access.carbon_line(tenant, "PPA-ALFA", "2026-03").tenant == tenant


QUESTIONS = (
    lambda tenant, number: access.invoice(tenant, number),
    lambda tenant, number: access.lines(tenant, number),
    lambda tenant, number: access.line(tenant, number, 1),
    lambda tenant, number: access.document(tenant, number),
    lambda tenant, number: access.document_file(tenant, number),
    lambda tenant, number: access.pdf_file(tenant, number),
    lambda tenant, number: access.interval_file(tenant, number),
    lambda tenant, number: access.interval_file(tenant, number, 1),
)


def test_a_foreign_number_answers_like_an_unknown_one(world):
    tenant, theirs = world.alfa.tenant, world.theirs.number
    for ask in QUESTIONS:
        with pytest.raises(NotFoundError) as foreign:
            ask(tenant, theirs)
        with pytest.raises(NotFoundError) as unknown:
            ask(tenant, "CAP-999999")
        assert foreign.value.code == unknown.value.code
        assert str(foreign.value) == str(unknown.value).replace("CAP-999999", theirs)


def test_a_draft_does_not_exist_for_the_tenant():
    world = BilledWorld()
    world.draft()
    assert list(access.invoices_of(world.alfa.tenant)) == []


def test_foreign_carbon_is_unknown(world):
    with pytest.raises(NotFoundError):
        access.carbon_line(world.alfa.tenant, "PPA-BRAVO", "2026-03")


def test_the_database_shows_a_tenant_its_own_issued_rows_only(world):
    from billing.services import draft_invoice, void_invoice

    void_invoice(world.mine, actor=world.billing, now=NOW, reason="test")
    draft_invoice(world.runs["PPA-ALFA"], actor=world.billing, now=NOW)
    with portal_scope(world.alfa.tenant_id, []):
        assert set(Invoice.objects.values_list("number", flat=True)) == {world.mine.number}
        assert set(InvoiceLine.objects.values_list("invoice", flat=True)) == {world.mine.pk}
        assert set(EmissionLine.objects.values_list("code", flat=True)) == {"PPA-ALFA"}
        assert EmissionRun.objects.values_list("co2e_g", flat=True).get() > 0


def rows_of(file):
    text = file.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_interval_file_adds_up_to_the_invoice(world):
    tenant, number = world.alfa.tenant, world.mine.number
    file = access.interval_file(tenant, number)
    rows = rows_of(file)
    document = world.mine.document
    assert len(rows) == 2972
    assert sum(Decimal(row["delivered_kwh"]) for row in rows) == Decimal(
        document["usage"]["total_kwh"]
    )
    priced = sum(Decimal(row["line_10_exact_usd"]) for row in rows)
    assert priced == Decimal(document["lines"][0]["exact"])
    for row in rows[:50]:
        product = Decimal(row["delivered_kwh"]) * Decimal(row["line_10_price_usd_per_mwh"]) / 1000
        assert product == Decimal(row["line_10_exact_usd"])
    assert sha256(file.content) == document["interval_csv_sha256"]
    assert rows[0]["start_utc"] == "2026-03-01T06:00:00Z"
    assert rows[0]["start_local"] == "2026-03-01T00:00:00-06:00"
    assert rows[-1]["start_local"] == "2026-03-31T23:45:00-05:00"
    assert {row["delivered_status"] for row in rows} == {"A"}
    assert {row["reading_version"] for row in rows} == {"1"}


def test_one_line_has_its_own_file(world):
    header = rows_of(access.interval_file(world.alfa.tenant, world.mine.number, 2))[0].keys()
    assert not any("price" in name for name in header)
    header = rows_of(access.interval_file(world.alfa.tenant, world.mine.number, 1))[0].keys()
    assert "line_10_price_usd_per_mwh" in header


def test_the_list_takes_one_query(world, django_assert_num_queries):
    with django_assert_num_queries(1):
        [str(one.contract.campus.name) for one in access.invoices_of(world.alfa.tenant)]
    with django_assert_num_queries(2):
        [
            str(line.settlement_line.label)
            for line in access.lines(world.alfa.tenant, world.mine.number)
        ]

"""What is printed: the same bytes every time, nothing fetched, nobody's markup, any length."""

import io
import logging
import socket
from decimal import Decimal

import pikepdf
import pytest

from billing.documents.chart import Bar, daily_bars
from billing.documents.pdf import invoice_pdf
from billing.documents.view import view_of
from poweroptix.kernel.canonical import canonical_json
from poweroptix.pages import paper
from poweroptix.pages.paper import PdfUnavailableError, pdf_available
from tests.billing.sample import document


@pytest.fixture(scope="module")
def sample():
    return document()


@pytest.fixture
def no_network(monkeypatch):
    """Any connection fails the test; so does any file that is opened by URL."""
    tried = []

    def refuse(*args, **_kwargs):
        tried.append(args)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


def test_the_same_document_gives_the_same_bytes(sample):
    assert invoice_pdf(sample) == invoice_pdf(sample)


def test_fonts_are_embedded_and_the_document_rides_along(sample):
    with pikepdf.open(io.BytesIO(invoice_pdf(sample))) as pdf:
        names = set()
        for page in pdf.pages:
            for font in page.Resources.get("/Font", {}).values():
                names.add(str(font.BaseFont))
        assert any("Inter" in name for name in names)
        assert pdf.attachments["invoice.json"].get_file().read_bytes() == canonical_json(sample)
        assert len(pdf.pages) == 4


@pytest.mark.parametrize(("paper", "size"), [("letter", (612, 792)), ("a4", (595, 842))])
def test_letter_and_a4(sample, paper, size):
    with pikepdf.open(io.BytesIO(invoice_pdf({**sample, "paper": paper}))) as pdf:
        box = [round(float(edge)) for edge in pdf.pages[0].MediaBox]
        assert (box[2], box[3]) == size


EVIL = (
    '<img src="http://169.254.169.254/latest/meta-data/">'
    '<link rel="attachment" href="file:///etc/passwd">'
    "<style>@import url(http://evil.example/x.css)</style>"
    '<svg><image href="http://evil.example/x.svg"/></svg>'
)


def test_markup_in_names_is_text_and_nothing_is_fetched(sample, no_network):
    evil = {
        **sample,
        "customer": {**sample["customer"], "legal_name": EVIL, "address": [EVIL]},
        "notes": [EVIL],
    }
    evil["lines"] = [{**line, "label": EVIL, "under": EVIL} for line in sample["lines"]]
    made = invoice_pdf(evil)
    assert no_network == []
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert list(pdf.attachments) == ["invoice.json"]
    assert b"root:" not in made


@pytest.mark.parametrize(
    "logo",
    [
        "http://169.254.169.254/logo.png",
        "file:///etc/passwd",
        "static:../manage.py",
        "static:../../etc/passwd",
        "data:image/svg+xml;base64,PHN2Zz48aW1hZ2UgaHJlZj0iaHR0cDovL2V2aWwiLz48L3N2Zz4=",
        "data:text/html,<h1>x</h1>",
    ],
)
def test_a_logo_from_anywhere_else_is_not_loaded(sample, no_network, logo, caplog):
    caplog.set_level(logging.ERROR, "weasyprint")
    seller = {**sample["seller"], "logo": logo}
    assert invoice_pdf({**sample, "seller": seller}).startswith(b"%PDF-")
    assert no_network == []
    assert "may not load" in caplog.text


def test_a_credit_asks_for_no_payment(sample):
    view = view_of({**sample, "total": "-1250.40"}, "0" * 64)
    assert view["pay_title"] == "Credit"
    assert view["total_money"] == "−$1,250.40"
    assert view["remittance"] == [
        ("Credit", "Nothing to pay; the amount is credited to your account.")
    ]
    assert invoice_pdf({**sample, "total": "-1250.40"}).startswith(b"%PDF-")


def test_many_lines_stay_within_bounds(sample):
    line = {**sample["lines"][3], "determinants": sample["lines"][3]["determinants"] * 40}
    many = {**sample, "lines": [{**line, "position": n} for n in range(1, 41)]}
    view = view_of(many, "0" * 64)
    assert len(view["lines"]) == 40
    assert len(view["lines"][0]["determinants"]) == 61
    assert "more in the attached document" in view["lines"][0]["determinants"][-1]["how"]
    few = [{**row, "determinants": row["determinants"][:3]} for row in many["lines"]]
    with pikepdf.open(io.BytesIO(invoice_pdf({**many, "lines": few}))) as pdf:
        assert 4 <= len(pdf.pages) <= 15


def test_every_printed_amount_is_one_of_the_document(sample):
    view = view_of(sample, "0" * 64)
    assert [row["amount"].replace(",", "") for row in view["lines"]] == [
        row["amount"] for row in sample["lines"]
    ]
    shown = sum(Decimal(row["amount"].replace(",", "")) for row in view["lines"])
    assert f"${shown:,.2f}" == view["total_money"]


def test_missing_libraries_are_named(monkeypatch, sample):
    def absent():
        raise PdfUnavailableError(
            "pdf.unavailable", f"PDFs need Pango. As root: {paper.HOW_TO_INSTALL}"
        )

    monkeypatch.setattr(paper, "weasyprint", absent)
    assert not pdf_available()
    with pytest.raises(PdfUnavailableError) as error:
        invoice_pdf(sample)
    assert "libpango-1.0-0" in str(error.value)
    assert error.value.http_status == 503


def test_an_import_that_fails_becomes_a_sentence(monkeypatch):
    import builtins

    real = builtins.__import__

    def broken(name, *args, **kwargs):
        if name == "weasyprint":
            raise OSError("cannot load library 'libgobject-2.0-0'")
        return real(name, *args, **kwargs)

    paper.weasyprint.cache_clear()
    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(PdfUnavailableError, match=r"libgobject-2\.0-0"):
        paper.weasyprint()
    monkeypatch.undo()
    paper.weasyprint.cache_clear()
    assert pdf_available()


def test_bars_of_a_month_with_feed_in_hang_below_zero():
    svg = daily_bars(
        [Bar("Mar 1", Decimal(10)), Bar("<b>", Decimal(-4), Decimal(0), True)], "MWh", 'a "title"'
    )
    assert svg.count("<rect") == 3
    assert "&lt;b&gt;" in svg
    assert "&quot;title&quot;" in svg
    assert "−" in svg


def test_a_line_for_some_days_of_the_month_says_which(sample):
    whole, *rest = sample["lines"]
    part = {**whole, "first_date": sample["period"]["first_date"], "last_date": "2026-03-15"}
    view = view_of({**sample, "lines": [part, *rest]}, "0" * 64)
    assert " to 2026-03-15" in view["lines"][0]["under"]
    assert all(" to 20" not in line["under"] for line in view["lines"][1:])

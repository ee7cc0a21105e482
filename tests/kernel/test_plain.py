"""Plain decimals: every reader of numbers that people write takes the same ones."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from contracts.calc.documents import read_number as of_document
from contracts.calc.index_csv import read_number as of_price_file
from contracts.calc.openings import amount_of
from contracts.events import event_kind
from contracts.models import Contract, ContractVersion
from contracts.services._save import checked_save
from contracts.services.examples import read_expected
from poweroptix.db.numbers import PlainDecimalField
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.plain import MOST_DIGITS, plain_decimal
from poweroptix.pages.asked import read_number
from poweroptix.portfolio.rows import whole
from settlement.calc.statement_csv import read_codes
from settlement.calc.statement_csv import read_number as of_statement
from settlement.forms import DecisionForm
from settlement.weighing.stated import given_weights

WRONG = [
    *("1e5", "1E+3", "1e999999999", "-1e-3", "1_000", "1,000", "+5", "--5", "- 5", "7.", ".5", "."),
    *("0x10", "1 000", "NaN", "Infinity", "-inf", "five", "1.2.3", "-"),
    *("\N{ARABIC-INDIC DIGIT THREE}", "1.\N{ARABIC-INDIC DIGIT THREE}", "\N{FULLWIDTH DIGIT ONE}"),
    *("\N{SUPERSCRIPT TWO}", "\N{MINUS SIGN}5", "9" * (MOST_DIGITS + 1)),
]


@pytest.mark.parametrize("text", ["0", "-0", "007", "1250.5", "-1250.50", " 3 ", "9" * MOST_DIGITS])
def test_a_plain_decimal_is_read(text):
    assert plain_decimal(text) == Decimal(text.strip())
    assert read_number(text) == of_document("series", text) == Decimal(text.strip())


@pytest.mark.parametrize("given", [None, 3, 3.5, True, Decimal(3), ["3"], ""])
def test_what_is_no_text_is_no_plain_decimal(given):
    assert plain_decimal(given) is None


def test_what_the_product_wrote_may_be_longer():
    assert plain_decimal("0." + "3" * 60) is None
    assert plain_decimal("0." + "3" * 60, digits=60) == Decimal("0." + "3" * 60)


READERS = {
    "forms and the API": lambda text: read_number(text),
    "events": lambda text: event_kind("capacity_test@1").parse({"capacity_kw": text}),
    "price files": of_price_file,
    "worked examples": lambda text: read_expected({"10": text}),
    "weights": lambda text: given_weights({"ALFA": text}, "capacity"),
    "portfolio, whole numbers": lambda text: whole(text, "here"),
    "portfolio, columns": lambda text: checked_save(Contract(tolerance_usd=text)),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", WRONG)
def test_every_reader_refuses_other_ways_to_write_a_number(reader, text):
    with pytest.raises(Refused) as refused:
        READERS[reader](text)
    assert text[:40] in refused.value.message or repr(text)[:40] in refused.value.message


@pytest.mark.parametrize("text", [one for one in WRONG if one != "1 000"])
def test_forms_documents_and_facts_refuse_them_too(text):
    with pytest.raises(ValidationError, match="is not a plain number such as"):
        PlainDecimalField().clean(text)
    assert "credited_usd" in DecisionForm({"credited_usd": text}).errors
    assert amount_of({"amount": text}) is None
    with pytest.raises(ValidationError, match="is not a decimal number in quotes"):
        ContractVersion(facts={"contract_kw": text}).clean()


@pytest.mark.parametrize("text", ["1e5", "1_000", "\N{ARABIC-INDIC DIGIT THREE}", "7.", ".5"])
def test_a_statement_of_the_counterparty_is_read_by_the_same_digits(text):
    with pytest.raises(Refused, match=r"is not a number such as 1,234\.50"):
        of_statement(2, "amount", text)
    with pytest.raises(Refused, match="is not charge = our line code"):
        read_codes(f"ENERGY = {text}")
    with pytest.raises(Refused, match="is not a decimal number in quotes"):
        of_document("series", text)


@pytest.mark.parametrize("stored", ["0E-8", "5E-7", "-0.00", "12.50"])
def test_a_form_shows_a_stored_number_as_it_takes_it_again(stored):
    field = PlainDecimalField()
    assert field.clean(field.prepare_value(Decimal(stored))) == Decimal(stored)

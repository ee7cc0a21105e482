from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from contracts.charges import charge_type, charge_types
from contracts.forms import (
    parameter_fields,
    parameters_of,
    read_structured,
    structured_text,
    term_form,
)
from contracts.forms.workspace import workspace_form
from contracts.models import ContractVersion, HolidayCalendar, Party, Term, TouCalendar
from poweroptix.accounts.models import User
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import describe

CLAUSE = {
    "position": "20",
    "line_code": "20",
    "label": "Demand",
    "clause_number": "5.1",
    "clause_text": "Buyer pays for demand.",
    "quantity_name": "delivered",
}


@pytest.mark.parametrize("key", charge_types.keys())
def test_every_parameter_has_a_field_with_label_and_help(key):
    rows = describe(charge_types.get(key).Parameters)
    fields = parameter_fields(key)
    assert [f"p_{row['name']}" for row in rows] == list(fields)
    for row in rows:
        label = fields[f"p_{row['name']}"].label
        assert row["unit"] in label


def test_lists_are_lines_or_json():
    flat = [{"period": "ON", "price": "98.40"}, {"period": "OFF", "price": "44.10"}]
    assert structured_text(flat) == "period=ON, price=98.40\nperiod=OFF, price=44.10"
    nested = [{"period": "ALL", "blocks": [{"up_to_kw": "100", "rate": "13.50"}]}]
    for value in (flat, nested):
        assert read_structured(structured_text(value)) == value


@pytest.mark.parametrize(
    ("key", "name", "text", "value"),
    [
        ("minimum_bill@1", "p_lines", "10, 20\n40", [10, 20, 40]),
        ("minimum_bill@1", "p_lines", "[10, 20]", [10, 20]),
        (
            "take_or_pay@1",
            "p_excused",
            "outage_mwh, curtailed_mwh",
            ["outage_mwh", "curtailed_mwh"],
        ),
        ("take_or_pay@1", "p_excused", "none", []),
    ],
)
def test_lists_of_names_and_numbers_are_written_with_commas(key, name, text, value):
    field = parameter_fields(key)[name]
    assert field.clean(text) == value
    assert field.clean(field.prepare_value(value)) == value


def test_a_list_of_numbers_says_what_is_none():
    with pytest.raises(ValidationError, match="'ten' is not a whole number"):
        parameter_fields("minimum_bill@1")["p_lines"].clean("10, ten")


def test_an_object_that_is_left_empty_is_not_given():
    cleaned = {"p_billing_kw": {}, "p_blocks": [{"price": "1"}], "p_index_month": ""}
    assert parameters_of(cleaned, "block_energy@1") == {"blocks": [{"price": "1"}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("period=ON\nprice", "line 2: 'price' is not name=value"),
        ('[{"a": 1', "line 1, column 9: Expecting ',' delimiter"),
        ('[{"price": 98.4}]', 'write 98.4 in quotes: "98.4"'),
        ("[" * 100_000, "the text is nested too deeply"),
    ],
)
def test_texts_that_cannot_be_read_name_the_place(text, message):
    with pytest.raises(Refused) as caught:
        read_structured(text)
    assert caught.value.message == message


def form_of(key, version, **fields):
    return term_form(key)(data={**CLAUSE, "version": version.pk, **fields})


def defaults_of(key):
    return {
        f"p_{row['name']}": row["default"]
        for row in describe(charge_types.get(key).Parameters)
        if row["choices"] and row["default"] is not None
    }


@pytest.mark.django_db
def test_a_term_is_written_through_the_form(draft):
    blocks = '[{"period": "ALL", "blocks": [{"up_to_kw": "100", "rate": "13.50"}, {"rate": "12"}]}]'
    fields = defaults_of("demand@1") | {"p_prices": blocks, "p_ratchet_ratio": "0.8"}
    form = form_of("demand@1", draft, **fields)
    assert form.is_valid(), form.errors
    term = form.save()
    term.refresh_from_db()
    assert term.charge_type == "demand@1"
    assert term.parameters["ratchet_ratio"] == "0.8"
    assert term.parameters["prices"][0]["blocks"][1]["rate"] == "12"
    assert (term.clause_number, term.clause_text) == ("5.1", "Buyer pays for demand.")
    again = term_form("demand@1")(instance=term)
    assert again.initial["p_ratchet_ratio"] == "0.8"
    assert '"up_to_kw": "100"' in str(again["p_prices"]).replace("&quot;", '"')


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "fields", "name", "message"),
    [
        (
            "fixed_energy@1",
            {"p_price": "a lot"},
            "p_price",
            "Price (quoted unit): 'a lot' is not a plain decimal",
        ),
        ("fixed_energy@1", {}, "p_price", "This field is required."),
        ("fixed_energy@1", {"p_price": "1", "p_price_places": "11"}, "p_price_places", "above"),
        (
            "demand@1",
            {"p_prices": '[{"period": "ALL", "blocks": [{"up_to_kw": "5", "rate": "1"}]}]'},
            "p_prices",
            "the last block of ALL ends at 5 kW; it must have no end",
        ),
        ("tou_energy@1", {"p_calendar": "C", "p_prices": "ON 5"}, "p_prices", "is not name=value"),
    ],
)
def test_errors_land_on_their_field(draft, key, fields, name, message):
    form = form_of(key, draft, **(defaults_of(key) | fields))
    assert not form.is_valid()
    assert message in " ".join(form.errors[name])


@pytest.mark.django_db
def test_only_drafts_can_be_chosen(active):
    form = form_of("fixed_energy@1", active, p_price="1")
    assert "version" in form.errors


@pytest.fixture
def admin_person(client, db):
    user = User.objects.create(
        username="adm", role="administrator", is_staff=True, is_superuser=True
    )
    client.force_login(user)
    return client


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "contract",
        "contractversion",
        "term",
        "contractexample",
        "party",
        "holiday",
        "holidaycalendar",
        "toucalendar",
        "indexseries",
        "tenantpoint",
        "openingbalance",
    ],
)
def test_admin_lists_and_forms_open(admin_person, active, name):
    for page in ("changelist", "add"):
        answer = admin_person.get(reverse(f"admin:contracts_{name}_{page}"))
        assert answer.status_code == 200, page
    assert (
        admin_person.get(reverse(f"admin:contracts_{name}_changelist") + "?q=a").status_code == 200
    )


@pytest.mark.django_db
@pytest.mark.parametrize("key", charge_types.keys())
def test_the_term_page_shows_the_fields_of_its_kind(admin_person, draft, key):
    url = reverse("admin:contracts_term_add") + f"?charge_type={key}&version={draft.pk}"
    text = admin_person.get(url).content.decode()
    assert charge_types.get(key).title in text
    for row in describe(charge_types.get(key).Parameters):
        assert f'name="p_{row["name"]}"' in text


@pytest.mark.django_db
def test_a_stored_term_is_said_in_words(admin_person, draft):
    term = draft.terms.get()
    url = reverse("admin:contracts_term_change", args=[term.pk])
    assert "Energy: $50.00 per MWh" in admin_person.get(url).content.decode()


@pytest.mark.django_db
def test_a_term_of_an_active_version_is_only_looked_at(admin_person, active):
    term = active.terms.get()
    url = reverse("admin:contracts_term_change", args=[term.pk])
    assert admin_person.get(url).status_code == 200
    answer = admin_person.post(url, {**CLAUSE, "version": active.pk, "p_price": "1"})
    assert answer.status_code == 403
    assert Term.objects.get(pk=term.pk).parameters["price"] == "50"


@pytest.mark.django_db
def test_a_version_is_drafted_and_activated_from_the_list(admin_person, contract, draft):
    url = reverse("admin:contracts_contractversion_changelist")
    for action in ("run_their_examples", "activate", "draft_next"):
        answer = admin_person.post(
            url, {"action": action, "_selected_action": [draft.pk]}, follow=True
        )
        assert answer.status_code == 200
    draft.refresh_from_db()
    assert draft.state == "ACTIVE"
    assert contract.versions.count() == 2


@pytest.mark.django_db
def test_a_refused_activation_says_why(admin_person, draft):
    draft.examples.all().delete()
    url = reverse("admin:contracts_contractversion_changelist")
    answer = admin_person.post(
        url, {"action": "activate", "_selected_action": [draft.pk]}, follow=True
    )
    assert "no worked example; add one that both parties agreed to" in answer.content.decode()


@pytest.mark.django_db
def test_a_draft_written_on_the_page_copies_the_terms(admin_person, contract, active):
    url = reverse("admin:contracts_contractversion_add")
    answer = admin_person.post(
        url,
        {
            "contract": contract.pk,
            "valid_0": "2027-01-01",
            "valid_1": "",
            "anchor_date": "2026-01-01",
            "facts": "{}",
            "note": "next year",
            **{f"terms-{n}": "0" for n in ("TOTAL_FORMS", "INITIAL_FORMS")},
            **{f"examples-{n}": "0" for n in ("TOTAL_FORMS", "INITIAL_FORMS")},
        },
    )
    assert answer.status_code == 302, answer.context["errors"]
    version = ContractVersion.objects.get(number=2)
    assert (version.valid.lower, version.terms.count()) == (date(2027, 1, 1), 1)


@pytest.mark.django_db
def test_a_calendar_that_leaves_minutes_is_refused_on_its_page(admin_person):
    url = reverse("admin:contracts_toucalendar_add")
    schedule = '{"rows": [{"start": "00:00", "end": "23:00", "period": "ALL"}]}'
    answer = admin_person.post(
        url, {"code": "C", "name": "C", "zone": "America/Chicago", "schedule": schedule}
    )
    assert "has no price" in answer.content.decode()
    assert not TouCalendar.objects.exists()


@pytest.mark.django_db
def test_export_and_import_come_back_equal():
    from contracts.resources import HolidayResource, PartyResource

    Party.objects.create(
        code="P", name="=1+1", legal_name="P", role="SELLER", address={"city": "X"}
    )
    HolidayCalendar.objects.create(code="NERC", name="NERC").holidays.create(
        date=date(2026, 1, 1), name="New Year's Day"
    )
    for resource in (PartyResource(), HolidayResource()):
        dataset = resource.export()
        result = resource.import_data(dataset, dry_run=False, raise_errors=True)
        assert result.totals["skip"] == len(dataset)
        assert result.totals["update"] == result.totals["new"] == 0


@pytest.mark.parametrize("key", charge_types.keys())
def test_a_choice_has_one_empty_entry_where_nothing_is_preset(key):
    for row in describe(charge_type(key).Parameters):
        if row["choices"]:
            field = workspace_form(key).base_fields["p_" + row["name"]]
            empty = [code for code, _words in field.choices].count("")
            assert empty == (row["default"] is None or "" in row["choices"]), row["name"]

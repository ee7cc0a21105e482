"""The workspace of a contract: written by form, proved, taken over, ended."""

import hashlib
import json
import re
from datetime import date, timedelta
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contracts.charges import charge_type
from contracts.forms.tables import TableWidget, list_widget
from contracts.forms.workspace import workspace_form
from contracts.models import (
    ContractDocument,
    ContractVersion,
    DiaryEntry,
    IndexSeries,
    OpeningBalance,
    Term,
)
from contracts.pages.examples import shape
from contracts.services import (
    activate_version,
    add_example,
    add_term,
    attach_document,
    document_bytes,
    new_version,
    set_opening_balance,
)
from contracts.services.documents import type_of
from contracts.services.workspace import Sheet, due_entries, open_draft, sheets
from poweroptix.accounts.models import User
from poweroptix.audit.actor import Actor
from poweroptix.audit.models import AuditEvent
from poweroptix.kernel.errors import Conflict, Forbidden, Refused
from poweroptix.kernel.parameters import json_schema
from tests.contracts.conftest import ACTOR, EXAMPLE, NOW

BASE = "/office/contracts/PPA-ALFA/"


@pytest.fixture
def people(client, db):
    made = {
        role: User.objects.create_user(username=role, password="x", role=role)
        for role in ("analyst", "approver", "administrator")
    }

    def enter(role):
        client.force_login(made[role])
        return client

    enter.actor = lambda role: Actor.of_user(made[role])
    return enter


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_a_draft_is_written_by_form_proved_and_activated(contract, people):
    client = people("analyst")
    assert "No version is written yet" in text_of(client.get(BASE))
    days = {"first_day": "2026-01-01", "note": "first", "facts": "contract_kw=50000"}
    assert client.post(f"{BASE}versions/new/", days).status_code == 302
    version = contract.versions.get()
    assert version.facts == {"contract_kw": "50000"}
    new = f"{BASE}versions/1/terms/new/?kind=demand@1"
    assert 'name="p_prices-0-period"' in client.get(new).content.decode()
    choices = {
        name: field.initial
        for name, field in workspace_form("demand@1").base_fields.items()
        if getattr(field, "choices", None) and field.initial is not None
    }
    row = {
        "line_code": "20",
        "label": "Demand",
        "clause_number": "5.1",
        "quantity_name": "delivered",
        "p_prices-rows": "4",
        "p_prices-0-period": "ALL",
        "p_prices-0-blocks": "up_to_kw=100, rate=13.50; rate=12",
        "p_ratchet_months": "11",
        **choices,
    }
    said = client.post(new, row, headers={"HX-Request": "true"})
    assert "Demand: $13.50 per kW-month for the first 100 kW" in text_of(said)
    assert not Term.objects.exists()
    wrong = client.post(new, row | {"p_prices-0-blocks": "up_to_kw=100, rate=1"})
    assert wrong.status_code == 400
    assert "the last block of ALL ends at 100 kW" in text_of(wrong)
    assert client.post(new, row).status_code == 302
    term = version.terms.get()
    assert term.parameters["prices"][0]["blocks"][1] == {"rate": "12", "up_to_kw": None}
    edit = f"{BASE}versions/1/terms/{term.pk}/"
    assert "up_to_kw=100, rate=13.50; rate=12" in client.get(edit).content.decode()
    assert client.post(edit, row | {"label": "Peak"}).status_code == 302
    assert version.terms.get().label == "Peak"
    again = client.post(new, row)
    assert "Line 20 has a term in this version already" in text_of(again)
    inputs = {"period": "2026-03", "series": {"delivered": {"flat": "25", "minutes": 15}}}
    example = {"name": "March", "inputs": json.dumps(inputs), "line_20": "1350.00"}
    assert client.post(f"{BASE}versions/1/examples/new/", example).status_code == 302
    client.post(BASE, {"version": version.pk, "action": "examples"})
    page = text_of(client.get(f"{BASE}?version=1"))
    assert "Every worked example of version 1 passes" in page
    assert "for: administrator, approver" in page
    ContractVersion.objects.update(writers=["user:analyst", "user:approver"])
    client = people("approver")
    assert "You wrote in PPA-ALFA v1; somebody else activates it." in text_of(client.get(BASE))
    people("administrator").post(BASE, {"version": version.pk, "action": "activate"})
    version.refresh_from_db()
    assert (version.state, version.activated_by) == ("ACTIVE", "user:administrator")
    assert "make a new version instead" in text_of(people("analyst").post(edit, row))


def test_versions_are_compared_and_what_is_wrong_is_said(active, people):
    client = people("analyst")
    days = {"first_day": "2026-07-01", "note": "New price.", "copy_terms": "on"}
    client.post(f"{BASE}versions/new/", days)
    term = Term.objects.get(version__number=2)
    form = {"line_code": "10", "label": "Energy", "quantity_name": "delivered", "p_price": "52"}
    schema = workspace_form("fixed_energy@1").base_fields
    form |= {n: f.initial for n, f in schema.items() if n != "p_price" and f.initial is not None}
    own, part = f"{BASE}versions/2/terms/{term.pk}/", {"p_energy_share_ratio": "0.6"}
    assert "Line 10 prices 60 % of" in text_of(client.post(own, form | part, follow=True))
    client.post(own, form)
    page = text_of(client.get(f"{BASE}difference/?from=1&to=2"))
    assert "price 50 52" in page
    assert "in force from 2026-01-01 from 2026-07-01" in page
    assert client.get(f"{BASE}difference/?from=1&to=9").status_code == 404
    assert client.get(f"{BASE}?version=7").status_code == 404
    bad = client.post(f"{BASE}versions/new/", {"first_day": "2026-02-30", "note": "x"})
    assert bad.status_code == 400
    bad = client.post(f"{BASE}versions/2/examples/new/", {"name": "x", "inputs": '{"a": 1.5}'})
    assert "write 1.5 in quotes" in text_of(bad)
    nul = {"name": "x", "inputs": '{"period": "\\u0000"}', "line_10": "1.00"}
    assert client.post(f"{BASE}versions/2/examples/new/", nul).status_code == 400


def test_an_example_of_a_draft_is_changed_and_removed_and_of_an_active_version_stays(draft, people):
    client, example = people("analyst"), draft.examples.get()
    page = f"{BASE}versions/1/examples/{example.pk}/"
    assert page in client.get(BASE).content.decode()
    assert 'value="148600.00"' in client.get(page).content.decode()
    form = {"name": "March", "inputs": json.dumps(example.inputs), "line_10": "148600.00"}
    assert client.post(page, form | {"name": "Spring"}).status_code == 302
    example.refresh_from_db()
    assert (example.name, example.last_verdict) == ("Spring", "PASS")
    done = client.post(page, {"action": "remove"}, follow=True)
    assert "Spring&#x27; is removed" in text_of(done)
    assert not draft.examples.exists()
    deeds = AuditEvent.objects.filter(action__startswith="contract.example_")
    names = ["contract.example_added", "contract.example_changed", "contract.example_removed"]
    assert [one.action for one in deeds.order_by("pk")] == names
    new = client.post(f"{BASE}versions/1/examples/new/", form)
    assert new.status_code == 302
    activate_version(draft, actor=people.actor("approver"), now=NOW)
    page = f"{BASE}versions/1/examples/{draft.examples.get().pk}/"
    assert "make a new version instead" in text_of(client.post(page, form | {"name": "x"}))
    refused = client.post(page, {"action": "remove"}, follow=True)
    assert "make a new version instead" in text_of(refused)
    assert draft.examples.get().name == "March"


def test_an_example_that_cannot_be_priced_is_refused_at_its_inputs(draft, people):
    client, page = people("analyst"), f"{BASE}versions/1/examples/new/"
    empty = json.loads(client.get(page).context["form"].initial["inputs"])
    assert empty["series"] == {"delivered": {"minutes": 15, "unit": "kWh", "flat": ""}}
    form = {"name": "May", "line_10": "148600.00"}
    for inputs, said in (
        (empty, "delivered: &#x27;&#x27; is not a decimal number in quotes"),
        ({"period": "2026-03"}, "delivered"),
        ({"period": {"label": "x"}}, "is missing"),
        ({"period": "2026-03", "series": []}, "is not an object"),
        (EXAMPLE | {"rounding": "UPWARDS"}, "the inputs cannot be read"),
        (EXAMPLE | {"series": {"delivered": {"flat": None}}}, "line 10: agreed 148,600.00, no"),
    ):
        answer = client.post(page, form | {"inputs": json.dumps(inputs)})
        assert answer.status_code == 400, inputs
        assert said in text_of(answer), inputs
        assert "inputs" in answer.context["form"].errors
        assert answer.context["form"]["inputs"].value() == json.dumps(inputs)
    silent = client.post(page, {"name": "May", "inputs": json.dumps(EXAMPLE)})
    assert "Give the agreed amount of at least one line" in text_of(silent)
    assert draft.examples.count() == 1
    other = form | {"inputs": json.dumps(EXAMPLE), "line_10": "1.00"}
    said = text_of(client.post(page, other, follow=True))
    assert "is saved but does not come out: line 10: agreed 1.00, computed 148,600.00" in said
    assert draft.examples.get(name="May").last_verdict == "FAIL"


def test_the_empty_inputs_name_the_unit_of_each_price(draft):
    for code, unit, minutes in (("DA", "USD/MWh", 60), ("GAS", "USD/MMBtu", 1440)):
        IndexSeries.objects.create(code=code, name=code, unit=unit, minutes=minutes)
    with mock.patch("contracts.pages.examples.reads_of", return_value=[("prices", ("DA", "GAS"))]):
        found = json.loads(shape(draft))["prices"]
    assert found["DA"] == {"minutes": 60, "unit": "USD/MWh", "flat": ""}
    assert (found["GAS"]["unit"], len(found["GAS"]["values"])) == ("USD/MMBtu", 31)


def test_a_tax_on_its_own_line_or_a_later_one_is_refused_where_the_lines_stand(draft, people):
    client, page = people("analyst"), f"{BASE}versions/1/terms/new/?kind=tax@1"
    row = {
        "line_code": "60",
        "label": "Tax",
        "p_rates-rows": "1",
        "p_rates-0-from_date": "2026-01-01",
        "p_rates-0-rate_ratio": "0.0625",
        "p_lines": "10, 11, 60, 99",
        "p_method": "ON_TOP",
        "p_tax_day": "LAST_DAY",
    }
    wrong = client.post(page, row)
    assert wrong.status_code == 400
    assert wrong.context["form"].errors == {
        "p_lines": [
            "Line 60: it rests on line 60, which is its own; take 60 out.",
            "Line 99: it rests on line 99, which is priced after it; give it a code above 99.",
        ]
    }
    said = text_of(client.post(page, row | {"p_lines": "10, 11"}, follow=True))
    assert "Line 60 is written" in said
    assert "Line 60 rests on line 11, which PPA-ALFA v1 does not have yet" in said
    assert "rests on line 10," not in said


def test_a_draft_is_deleted_whole_and_an_active_version_is_not(active, people):
    client, contract = people("analyst"), active.contract
    days = {"first_day": "2026-07-01", "note": "New price.", "copy_terms": "on"}
    client.post(f"{BASE}versions/new/", days)
    version = contract.versions.get(number=2)
    add_example(version, name="July", inputs=EXAMPLE, expected={"10": "1.00"}, actor=ACTOR)
    shown = text_of(client.get(f"{BASE}?version=2"))
    assert "Version 2 goes with 1 term and 1 worked example" in shown
    assert "Delete this draft" not in text_of(client.get(f"{BASE}?version=1"))
    deed = {"version": version.pk, "action": "remove"}
    done = text_of(client.post(BASE, deed, follow=True))
    assert "PPA-ALFA v2 is deleted" in done
    assert [one.number for one in contract.versions.all()] == [1]
    trail = AuditEvent.objects.get(action="contract.version_removed")
    assert trail.before["terms"] == ["10 Energy"]
    assert trail.before["examples"] == ["July"]
    kept = client.post(BASE, {"version": active.pk, "action": "remove"}, follow=True)
    assert "make a new version instead" in text_of(kept)
    assert contract.versions.get() == active


def test_an_amendment_says_until_when_the_one_before_holds(active, people):
    client = people("approver")
    days = {"first_day": date(2026, 7, 1), "note": "n", "actor": ACTOR, "now": NOW}
    version = new_version(active.contract, **days)
    add_example(version, name="July", inputs=EXAMPLE, expected={"10": "148600.00"}, actor=ACTOR)
    done = client.post(BASE, {"version": version.pk, "action": "activate"}, follow=True)
    said = "PPA-ALFA v2 is active. Version 1 now holds until 2026-06-30, its last day."
    assert said in text_of(done)
    assert "written in the set-up" not in text_of(client.get("/office/contracts/"))


def test_the_term_sheet_is_in_order_of_line_code(draft):
    more = {"charge_type_key": "fixed_energy@1", "label": "Early", "actor": ACTOR}
    add_term(draft, line_code=12, parameters={"price": "1"}, **more)
    add_term(draft, line_code=11, parameters={"price": "1"}, **more)
    assert [row.term.line_code for row in sheets(draft.contract)[0].terms] == [10, 11, 12]


def test_next_asks_nothing_for_a_draft_that_was_passed_over():
    def sheet(number, state):
        return Sheet(ContractVersion(number=number, state=state), (), ())

    old, held, new = sheet(1, "DRAFT"), sheet(2, "ACTIVE"), sheet(3, "DRAFT")
    assert open_draft([held, old]) is None
    assert open_draft([new, held, old]) is new
    assert open_draft([old]) is old


def test_opening_balances_take_two_people(active, people):
    client = people("analyst")
    form = {
        "action": "opening",
        "period": "2026-01",
        "line_code": "20",
        "peak_1": "26,000",
        "peak_2": "-",
        "figures": '33 make_up_kwh=120000\n33 lots=[{"year": "2025", "kwh": "9"}]',
        "items": "2025-118, 2025-12-30, 1250.00",
        "reason": "Agreed on 3 January.",
    }
    page = f"{BASE}take-over/"
    for bad in (
        {"peak_1": "a lot"},
        {"figures": "20 peaks=5"},
        {"figures": "20 a=[1.5]"},
        {"figures": "x"},
        {"items": "a"},
    ):
        assert client.post(page, form | bad).status_code == 400
    assert client.post(page, form).status_code == 302
    balance = OpeningBalance.objects.get()
    assert balance.carry == {
        "20": {"peaks": {"2025-11": None, "2025-12": "26000"}},
        "33": {"make_up_kwh": "120000", "lots": [{"year": "2025", "kwh": "9"}]},
    }
    assert balance.open_items[0]["amount"] == "1250.00"
    deed = {"action": "approve", "pk": balance.pk}
    assert "may not activate in contracts" in text_of(client.post(page, deed, follow=True))
    people("approver").post(page, deed)
    balance.refresh_from_db()
    assert balance.approved_by == "user:approver"
    by = {"reason": "r", "now": NOW}
    items = [{"reference": "a", "due_date": "2026-01-01", "amount": "12,5"}]
    with pytest.raises(Refused, match="open item 1: '12,5' is not an amount"):
        set_opening_balance(
            active.contract, period="2026-02", carry={}, open_items=items, actor=ACTOR, **by
        )


def test_dates_security_and_the_last_day(active, people):
    contract, page = active.contract, f"{BASE}take-over/"
    client = people("analyst")
    letter = {
        "action": "security",
        "kind": "LETTER",
        "issuer": "First Bank",
        "amount_usd": "500000.00",
        "first_date": "2026-01-01",
    }
    assert "has a last day" in text_of(client.post(page, letter))
    far = client.post(page, letter | {"expiry_date": "9999-12-31"})
    assert "Give a day from 1990-01-01 to 2100-12-31" in text_of(far)
    assert client.post(page, letter | {"expiry_date": "2026-12-31"}).status_code == 302
    entry = DiaryEntry.objects.get()
    assert (entry.kind, entry.due_date, entry.lead_days) == ("SECURITY", date(2026, 12, 31), 60)
    assert list(due_entries(entry.due_date - timedelta(days=61))) == []
    assert list(due_entries(entry.due_date - timedelta(days=60))) == [entry]
    held = contract.securities.get()
    client = people("approver")
    client.post(page, {"action": "end", "last_day": "2026-06-17", "reason": "Sold."})
    contract.refresh_from_db()
    active.refresh_from_db()
    assert (contract.last_day, active.valid.upper) == (date(2026, 6, 17), date(2026, 6, 18))
    said = text_of(client.get(page))
    assert "2026-06: 17 of 30 days" in said
    assert "letter of credit of First Bank $500,000.00" in said
    client.post(page, {"action": "release", "pk": held.pk, "note": "Paid."})
    held.refresh_from_db()
    entry.refresh_from_db()
    assert (held.released_by, entry.outcome) == ("user:approver", "released")


def test_documents_are_known_by_their_content(active, people, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    client, page = people("analyst"), f"{BASE}take-over/"
    file = SimpleUploadedFile("ppa.pdf", b"%PDF-1.7 words")
    form = {"action": "document", "kind": "AGREEMENT"}
    assert client.post(page, form | {"file": file}).status_code == 302
    document = ContractDocument.objects.get()
    assert document.sha256 == hashlib.sha256(b"%PDF-1.7 words").hexdigest()
    answer = client.get(f"{BASE}documents/{document.pk}/")
    assert answer.content == b"%PDF-1.7 words"
    assert answer["Content-Disposition"] == 'attachment; filename="ppa.pdf"'
    file.seek(0)
    assert "attached to the contract already" in text_of(client.post(page, form | {"file": file}))
    (tmp_path / document.path).write_bytes(b"%PDF-1.7 other")
    with pytest.raises(Conflict, match="its SHA-256 differs"):
        document_bytes(document)
    by = {"actor": Actor("user", None, "nobody"), "now": NOW}
    with pytest.raises(Forbidden):
        attach_document(active.contract, kind="OTHER", name="a.txt", content=b"a", **by)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.pdf", b"MZ..."), ("a.png", b"%PDF-1.7"), ("a.exe", b"MZ"), ("a.csv", b"\x00\x01")],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(name, content):
    with pytest.raises(Refused, match=r"is not what its name says|holds what is called"):
        type_of(name, content)


def test_lists_become_tables_and_commas():
    schema = json_schema(charge_type("demand@1").Parameters)
    widget = list_widget(schema["properties"]["prices"])
    assert isinstance(widget, TableWidget)
    data = {
        "p-rows": "3",
        "p-0-period": "ON",
        "p-0-blocks": "rate=5",
        "p-2-period": "OFF",
        "p-2-blocks": "up_to_kw=9, rate=1; rate=2",
    }
    rows = json.loads(widget.value_from_datadict(data, {}, "p"))
    assert rows[1]["blocks"] == [{"up_to_kw": "9", "rate": "1"}, {"rate": "2"}]
    assert "&quot;" in widget.render("p", [{"period": '"><script>'}])
    codes = list_widget({"type": "array", "items": {"type": "integer"}})
    assert codes.value_from_datadict({"p": "10, 20"}, {}, "p") == "[10, 20]"
    assert codes.format_value([10, 20]) == "10, 20"

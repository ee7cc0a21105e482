"""Who may open a page: visitors log in, tenants see nothing, roles see what is theirs."""

import pytest
from django.urls import get_resolver

from meters.models import Finding, ImportFile
from settlement.models import SettlementRun

pytestmark = pytest.mark.django_db
LISTS = [
    "/office/",
    "/office/imports/",
    "/office/findings/",
    "/office/campus/",
    "/office/channels/",
    "/office/contracts/",
    "/office/settlement/",
    "/office/invoices/",
    "/office/carbon/",
    "/office/jobs/",
    "/office/search/",
]


def details(world):
    run, invoice = world.runs["PPA-ALFA"], world.invoices["PPA-ALFA"]
    file = ImportFile.objects.first()
    return [
        f"/office/imports/{file.pk}/",
        "/office/channels/HALL-A/DEL_KWH/",
        "/office/channels/HALL-A/DEL_KWH/?day=2026-03-12&at=2026-03-12T12:15:00Z",
        "/office/channels/HALL-A/DEL_KWH/series.json?from=2026-03-01T00:00Z&to=2026-03-02T00:00Z",
        "/office/contracts/PPA-ALFA/",
        f"/office/settlement/{run.pk}/",
        f"/office/settlement/lines/{run.lines.first().pk}/?day=2026-03-12&at=2026-03-12T12:15:00Z",
        f"/office/invoices/{invoice.pk}/",
        f"/office/invoices/{invoice.pk}.pdf",
        f"/office/invoices/{invoice.pk}.json",
    ]


def test_visitors_are_sent_to_the_door(world, client):
    for path in LISTS + details(world):
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/accounts/login/?next="), path


def test_a_tenant_sees_no_page_of_the_back_office(world, client):
    client.force_login(world.people["alfa"])
    for path in LISTS + details(world):
        assert client.get(path).status_code == 404, path
        assert client.post(path).status_code == 404, path


def test_every_member_of_staff_may_read(world, client):
    for role in ("viewer", "operator", "analyst", "approver", "billing", "auditor"):
        client.force_login(world.people[role])
        for path in LISTS + details(world):
            assert client.get(path).status_code == 200, (role, path)


WRITES = {
    "/office/imports/upload/": {},
    "/office/settlement/": {"campus": "MESA", "period": "2026-04"},
    "/office/carbon/": {"allocation": "1"},
    "/office/invoices/": {"run": "1"},
}


@pytest.mark.parametrize("path", WRITES)
def test_a_viewer_may_not_write(world, client, path):
    client.force_login(world.people["viewer"])
    answer = client.post(path, WRITES[path])
    assert answer.status_code == 403
    assert b"Not allowed" in answer.content


@pytest.mark.parametrize("role", ["viewer", "analyst", "billing"])
def test_only_an_approver_approves(world, client, role):
    run = world.runs["PPA-ALFA"]
    SettlementRun.objects.filter(pk=run.pk).first()
    client.force_login(world.people[role])
    page = client.post(f"/office/settlement/{run.pk}/", {"action": "approve"}, follow=True)
    assert "takes the role approver" in page.content.decode()


def test_a_viewer_may_not_decide_an_exception(world, client):
    file = ImportFile.objects.first()
    finding = Finding.objects.create(
        channel_id=1 if Finding.objects.filter(channel_id=1).exists() else _channel(),
        rule_code="V13",
        severity="HOLD",
        start_utc="2026-03-05T00:00:00Z",
        end_utc="2026-03-05T00:15:00Z",
        message="stands out",
        import_file_id=file.pk,
        created_at="2026-03-06T00:00:00Z",
    )
    client.force_login(world.people["viewer"])
    said = {"action": "ACCEPT", "reason_code": "OTHER", "comment": "Long enough to count"}
    assert client.post(f"/office/findings/{finding.pk}/", said).status_code == 403
    finding.refresh_from_db()
    assert finding.state == "OPEN"
    client.force_login(world.people["operator"])
    short = client.post(f"/office/findings/{finding.pk}/", {**said, "comment": "short"})
    assert short.status_code == 400
    assert "at least 10 characters" in short.content.decode()
    unknown = client.post(f"/office/findings/{finding.pk}/", {**said, "action": "SET"})
    assert "Accept the finding, edit its readings" in unknown.content.decode()
    page = f"/office/channels/{finding.channel.code}/edit/"
    asked = {
        **said,
        "action": "SET",
        "start": finding.start_utc.isoformat(),
        "end": finding.end_utc.isoformat(),
        "step": "store",
    }
    for number in ("abc", "NaN", "Infinity", "1e999", "", "1" * 400):
        assert client.post(page, {**asked, "operand": number}).status_code == 400
    far = client.post(page, {**asked, "operand": "900000"})
    assert "A second person must approve it" in far.content.decode()


def _channel():
    from meters.models import Channel

    return Channel.objects.get(code="HALL-A/DEL_KWH").pk


def test_forms_without_a_token_are_refused(world):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.people["analyst"])
    for path in WRITES:
        assert strict.post(path, WRITES[path]).status_code == 403, path


BAD = ("x", "-1", "0", "99999999999999999999", "1.5", "", "١")


@pytest.mark.parametrize("key", BAD)
def test_keys_that_are_none_are_not_found(world, client, key):
    client.force_login(world.people["analyst"])
    assert client.post("/office/carbon/", {"allocation": key}).status_code == 404
    assert client.post("/office/invoices/", {"run": key}).status_code == 404
    answer = client.post("/office/contracts/PPA-ALFA/", {"version": key})
    assert answer.status_code == 404


@pytest.mark.parametrize("text", ["x", "2026-13", "9999-99", "2026-03-01", "٢٠٢٦-٠٣", "0001-01"])
def test_months_and_days_that_are_none_are_refused_in_words(world, client, text):
    client.force_login(world.people["analyst"])
    for path in (
        f"/office/campus/?month={text}",
        f"/office/channels/HALL-A/DEL_KWH/?month={text}",
        f"/office/channels/HALL-A/DEL_KWH/?day={text}x",
        f"/office/channels/HALL-A/DEL_KWH/?at={text}",
        f"/office/channels/HALL-A/DEL_KWH/series.json?from={text}&to={text}",
    ):
        assert client.get(path).status_code == 400, path
    queued = client.post("/office/settlement/", {"campus": "MESA", "period": text}, follow=True)
    assert queued.status_code == 200
    assert list(queued.context["messages"])


def test_every_address_of_the_back_office_has_a_guard():
    """A new page is a StaffPage: nothing below /office/ is open by omission."""
    from poweroptix.pages.guards import StaffPage

    office = next(p for p in get_resolver().url_patterns if str(p.pattern) == "office/")
    views = list(_views(office))
    assert len(views) > 20
    assert all(issubclass(view.view_class, StaffPage) for view in views)


def _views(node):
    for one in node.url_patterns:
        if hasattr(one, "url_patterns"):
            yield from _views(one)
        else:
            yield one.callback

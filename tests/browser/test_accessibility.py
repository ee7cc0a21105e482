"""axe on the main pages: no violation of WCAG 2.2 A or AA, light and dark, desktop and phone.

Dark differs from light in its colours alone, so there only the contrast is asked again.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from billing.models import Invoice
from meters.models import (
    Channel,
    DeliveryPoint,
    Finding,
    ImportFile,
    QuarantinedRecord,
    Source,
    TransformerCertificate,
)
from tests.factories.campus import MARCH, NOW, PASSWORD, build_campus

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.no_doctor(reason="a finding is made up beside the services"),
    pytest.mark.django_db(transaction=True),
]
AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
EVERYTHING = {"runOnly": {"type": "tag", "values": LEVELS}, "preload": False}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "preload": False}
DESKTOP, PHONE = {"width": 1280, "height": 850}, {"width": 390, "height": 844}
SETTLED = "() => new Promise(done => setTimeout(() => requestAnimationFrame(done), 50))"
SHORT = """(options) => axe.run(document, options).then(found => found.violations.map(
  one => `${one.id}: ${one.help} ${one.nodes.slice(0, 3).map(node => node.html).join(" | ")}`))"""


@pytest.fixture
def campus(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    world = build_campus()
    Finding.objects.create(
        channel=Channel.objects.get(code="HALL-A/DEL_KWH"),
        rule_code="V13",
        severity="HOLD",
        start_utc=MARCH.start_utc,
        end_utc=MARCH.end_utc,
        message="stands out",
        created_at=NOW,
    )
    Source.objects.create(
        code="shared-folder", name="Shared folder", kind="folder@1",
        parameters={"path": "/srv/inbox/a"}, cadence_minutes=60,
    )  # fmt: skip
    QuarantinedRecord.objects.create(
        import_file=ImportFile.objects.first(), channel_text="HALL-D/DEL_KWH", line_first=2,
        line_last=9, code="channel.unknown", message="No channel is called HALL-D/DEL_KWH.",
    )  # fmt: skip
    TransformerCertificate.objects.create(
        delivery_point=DeliveryPoint.objects.get(code="HALL-A"), kind="CT", serials="1, 2, 3",
        primary_rating=600, secondary_rating=5, burden_va=5, issued_on=NOW.date(),
        expires_on=NOW.date() + timedelta(days=30), certificate_number="C-1", laboratory="Lab",
        accuracy_class="0.2S", recorded_by="user:operator", recorded_at=NOW,
    )  # fmt: skip
    return world


def office(world):
    """The pages that staff work on."""
    run = world.runs["PPA-ALFA"]
    return [
        "/office/",
        "/office/findings/",
        f"/office/findings/{Finding.objects.get().pk}/",
        "/office/imports/",
        f"/office/imports/{ImportFile.objects.first().pk}/",
        "/office/imports/upload/",
        "/office/profiles/",
        "/office/profiles/new/",
        "/office/sources/",
        "/office/sources/shared-folder/",
        "/office/quarantine/",
        "/office/channels/",
        "/office/channels/HALL-A/DEL_KWH/edit/?start=2026-03-12T06:00&end=2026-03-12T08:00",
        "/office/channels/HALL-A/DEL_KWH/history/?month=2026-03",
        "/office/rules/HALL-A/DEL_KWH/",
        "/office/edits/",
        "/office/quality/?campus=MESA&month=2026-03",
        "/office/metrology/",
        "/office/plants/?campus=MESA&first=2026-03&last=2026-03",
        "/office/virtual/",
        "/office/exports/?channel=HALL-A/DEL_KWH",
        "/office/channels/HALL-A/DEL_KWH/?month=2026-03&day=2026-03-12",
        "/office/campus/?month=2026-03",
        "/office/campus/MESA/2026-03-18/",
        "/office/prices/hub/?month=2026-03",
        "/office/contracts/PPA-ALFA/",
        "/office/contracts/PPA-ALFA/take-over/",
        "/office/contracts/PPA-ALFA/desk-checks/",
        "/office/contracts/PPA-ALFA/statements/",
        "/office/settlement/",
        f"/office/settlement/{run.pk}/",
        f"/office/settlement/{run.pk}/compare/",
        f"/office/settlement/{run.pk}/what-if/",
        "/office/settlement/close/?month=2026-03",
        f"/office/settlement/lines/{run.lines.first().pk}/",
        f"/office/invoices/{Invoice.objects.first().pk}/",
        "/office/carbon/",
    ]


def portal(world):
    """The pages that a tenant reads."""
    number = world.invoices["PPA-ALFA"].number
    return [
        "/portal/",
        "/portal/usage/?month=2026-03",
        "/portal/invoices/",
        f"/portal/invoices/{number}/",
        f"/portal/invoices/{number}/1/",
        "/portal/carbon/",
        "/portal/contract/",
        "/no/such/page/",
    ]


def violations(page, base, paths):
    """Return what axe finds on the pages, each with its look."""
    source, found = AXE.read_text(), []
    for path in paths:
        page.set_viewport_size(DESKTOP)
        page.emulate_media(color_scheme="light")
        page.goto(f"{base}{path}")
        page.wait_for_selector("[data-chart]:not([role])", state="detached")
        page.evaluate(source)
        for look, size in (("desktop", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size(size)
            page.evaluate(SETTLED)
            for scheme, options in (("light", EVERYTHING), ("dark", CONTRAST)):
                page.emulate_media(color_scheme=scheme)
                told = page.evaluate(SHORT, options)
                found += [f"{path} {look} {scheme}: {one}" for one in told]
    return found


def test_main_pages_have_no_violation(campus, log_in, live_server):
    staff, tenant = log_in("administrator", PASSWORD), log_in("alfa", PASSWORD)
    found = violations(staff, live_server.url, office(campus))
    found += violations(tenant, live_server.url, portal(campus))
    assert not found, "\n".join(found)


def test_axe_finds_what_is_wrong(campus, log_in, live_server):
    page = log_in("alfa", PASSWORD)
    page.goto(f"{live_server.url}/portal/")
    page.evaluate(AXE.read_text())
    page.evaluate("document.querySelector('main').innerHTML = '<img src=x><input>'")
    told = page.evaluate(SHORT, EVERYTHING)
    assert {one.split(":")[0] for one in told} >= {"image-alt", "label"}
